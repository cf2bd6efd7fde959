# SPDX-License-Identifier: BSD-3-Clause
"""How one quantum ended."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, field
from typing import Any

from pachon.pipe_base.outcomes import Caveats

__all__ = ["ExceptionInfo", "QuantumOutcome", "QuantumStatus"]


class QuantumStatus(enum.Enum):
    """What became of a quantum."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    """Not run, since something upstream failed."""
    DONE_BEFORE = "done_before"
    """Not run, since its metadata exists."""

    @property
    def is_success(self) -> bool:
        """Whether quanta downstream may run."""
        return self in (QuantumStatus.SUCCESS, QuantumStatus.DONE_BEFORE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionInfo:
    """An exception as data, so that it can cross processes and be stored."""

    type_name: str
    """Full name of its class."""
    message: str
    traceback: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    def to_document(self) -> dict[str, Any]:
        """Give plain data (the traceback is in the log)."""
        return {"type_name": self.type_name, "message": self.message, "metadata": self.metadata}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantumOutcome:
    """The result of one attempt to run a quantum."""

    quantum_id: uuid.UUID
    task_label: str
    data_id: dict[str, Any]
    """Values of the required dimensions."""
    status: QuantumStatus
    caveats: Caveats = Caveats(0)  # noqa: RUF009  # a flag is a constant
    exception: ExceptionInfo | None = None
    outputs: tuple[uuid.UUID, ...] = ()
    """Ids of the datasets that were written, log and metadata included."""
    seconds: float = 0.0
    """Wall-clock time."""
    exit_code: int = 0
    """What a program that ends because of it should exit with; 0 for a success."""
    fatal: bool = False
    """Whether the whole run must stop."""
