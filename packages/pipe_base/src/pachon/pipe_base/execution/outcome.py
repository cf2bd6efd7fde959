# SPDX-License-Identifier: BSD-3-Clause
"""How one quantum ended."""

from __future__ import annotations

import enum
import errno
import traceback
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pachon.base import StorageError
from pachon.pipe_base.execution.stored_text import shortened
from pachon.pipe_base.outcomes import Caveats

__all__ = ["ExceptionInfo", "QuantumOutcome", "QuantumStatus", "is_hopeless"]


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
    frames: tuple[dict[str, Any], ...] = ()
    """Where it was raised, outermost call first: ``filename``, ``lineno``, ``name`` of the function, ``line`` of code."""
    cause: tuple[str, str] | None = None
    """Class and message of the exception that it was raised from, or while handling which."""

    @classmethod
    def of(cls, error: BaseException) -> ExceptionInfo:
        """Describe an exception; one whose class is broken is described as far as possible."""
        return cls(
            type_name=_type_name(error),
            message=_message(error),
            traceback=shortened("".join(traceback.format_exception(error)), _MOST_TEXT),
            metadata=_metadata_of(error),
            frames=_frames(error),
            cause=_cause(error),
        )

    @property
    def is_shortened(self) -> bool:
        """Whether the traceback was too long to be kept as a whole."""
        return len(self.traceback) > _MOST_TEXT

    def to_document(self) -> dict[str, Any]:
        """Give plain data."""
        document: dict[str, Any] = {"type_name": self.type_name, "message": self.message, "metadata": self.metadata}
        if self.frames:
            document["traceback"] = [dict(frame) for frame in self.frames]
        if self.cause is not None:
            document["cause"] = {"type_name": self.cause[0], "message": self.cause[1]}
        return document


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
    is_out_of_memory: bool = False
    """Whether more memory might have saved it."""
    warnings: tuple[str, ...] = ()
    """What the summary of the run should repeat, such as outputs that ``run`` did not return."""

    @property
    def name(self) -> str:
        """Task and data ID for people, as ``isr instrument=Cam, exposure=3``."""
        return f"{self.task_label} {', '.join(f'{name}={value}' for name, value in self.data_id.items())}"


_HOPELESS: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})


def is_hopeless(error: BaseException) -> bool:
    """Tell whether the file system is full or read-only, so that every other quantum would fail in the same way."""
    cause: BaseException | None = error
    # The datastore says in words of its own what the system refused.
    while isinstance(cause, StorageError) and cause.errno is None:
        cause = cause.__cause__
    return isinstance(cause, OSError) and cause.errno in _HOPELESS


_MOST_FRAMES: Final = 50
_MOST_TEXT: Final = 20_000


def _type_name(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _frames(error: BaseException) -> tuple[dict[str, Any], ...]:
    found = traceback.extract_tb(error.__traceback__)[-_MOST_FRAMES:]
    return tuple(
        {"filename": frame.filename, "lineno": frame.lineno, "name": frame.name, "line": frame.line or ""}
        for frame in found
    )


def _cause(error: BaseException) -> tuple[str, str] | None:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return None if cause is None else (_type_name(cause), _message(cause))


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception as broken:  # noqa: BLE001  # an author's class
        return f"(its text cannot be had: {type(broken).__name__})"
    return shortened(text, _MOST_TEXT)


def _metadata_of(error: BaseException) -> Any:
    try:
        metadata = getattr(error, "metadata", None)
        return _plain(metadata) if isinstance(metadata, Mapping) else {}
    except Exception:  # noqa: BLE001  # an author's property, or a value that has no text or holds itself
        return {}


def _plain(value: Any) -> Any:
    """Give what can be stored and sent to another process; anything else becomes a text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if hasattr(value, "tolist"):  # numbers and arrays of numpy
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if value is None or type(value) in (bool, int, float, str) else str(value)
