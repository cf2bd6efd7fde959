# SPDX-License-Identifier: BSD-3-Clause
"""How one quantum ended."""

from __future__ import annotations

import enum
import traceback
import uuid
from collections.abc import Mapping
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
    """What the exception says of itself: numbers, texts, lists and mappings of them."""

    @classmethod
    def of(cls, error: BaseException) -> ExceptionInfo:
        """Describe an exception; one whose class is broken is described as far as possible."""
        kind = type(error)
        return cls(
            type_name=kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
            message=_message(error),
            traceback="".join(traceback.format_exception(error)),
            metadata=_metadata_of(error),
        )

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


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # noqa: BLE001  # an author's class
        return f"(its text cannot be had: {type(broken).__name__})"


def _metadata_of(error: BaseException) -> dict[str, Any]:
    try:
        metadata = getattr(error, "metadata", None)
    except Exception:  # noqa: BLE001  # an author's property
        return {}
    return {str(name): _plain(value) for name, value in metadata.items()} if isinstance(metadata, Mapping) else {}


def _plain(value: Any) -> Any:
    """Give what can be stored and sent to another process; anything else becomes a text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if value is None or type(value) in (bool, int, float, str) else str(value)
