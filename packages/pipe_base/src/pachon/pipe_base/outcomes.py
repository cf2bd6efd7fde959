# SPDX-License-Identifier: BSD-3-Clause
"""How a quantum can end: exceptions that tasks raise, caveats of a success, statuses.

::

    NoWorkFound (BaseException)       success without work; downstream quanta run without the missing inputs
      UpstreamFailureNoWorkFound
      UnprocessableDataError
    RepeatableQuantumError            failure that a retry would only repeat
      AnnotatedPartialOutputsError    some outputs were written; the chained exception says why not all
      AlgorithmError                  abstract; carries metadata
    InvalidQuantumError               failure that stops the whole run: configuration or logic is wrong
"""

from __future__ import annotations

import enum
from abc import ABCMeta, abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pachon.base import PachonError

if TYPE_CHECKING:
    from pachon.pipe_base.task_metadata import TaskMetadata

__all__ = [
    "AlgorithmError",
    "AnnotatedPartialOutputsError",
    "AttemptStatus",
    "Caveats",
    "InvalidQuantumError",
    "NoWorkFound",
    "RepeatableQuantumError",
    "UnprocessableDataError",
    "UpstreamFailureNoWorkFound",
]


class Caveats(enum.IntFlag):
    """What qualifies the success of a quantum."""

    ANY_OUTPUTS_MISSING = 1
    ALL_OUTPUTS_MISSING = 2
    NO_WORK = 4
    ADJUST_QUANTUM_RAISED = 8
    UPSTREAM_FAILURE_NO_WORK = 16
    UNPROCESSABLE_DATA = 32
    PARTIAL_OUTPUTS_ERROR = 64

    def code(self) -> str:
        """Give the one-line code, e.g. ``*AN``: ``*`` all or ``+`` some outputs missing, then a letter per reason."""
        letters = ""
        if self & Caveats.ALL_OUTPUTS_MISSING:
            letters = "*"
        elif self & Caveats.ANY_OUTPUTS_MISSING:
            letters = "+"
        for flag, letter in _LETTERS:
            letters += letter if self & flag else ""
        return letters

    @classmethod
    def from_outputs(cls, written: int, predicted: int) -> Caveats:
        """Give the caveats that follow from the number of regular outputs written and predicted."""
        if written >= predicted:
            return cls(0)
        return cls.ANY_OUTPUTS_MISSING if written else cls.ANY_OUTPUTS_MISSING | cls.ALL_OUTPUTS_MISSING


_LETTERS = (
    (Caveats.ADJUST_QUANTUM_RAISED, "A"),
    (Caveats.UNPROCESSABLE_DATA, "D"),
    (Caveats.UPSTREAM_FAILURE_NO_WORK, "U"),
    (Caveats.PARTIAL_OUTPUTS_ERROR, "P"),
    (Caveats.NO_WORK, "N"),
)


class AttemptStatus(enum.IntEnum):
    """How an attempt to run a quantum ended."""

    ABORTED = -4
    UNKNOWN = -3
    ABORTED_SUCCESS = -2
    """Metadata was written, but no log."""
    FAILED = -1
    BLOCKED = 0
    SUCCESSFUL = 1


class NoWorkFound(BaseException):  # a name of the field
    """There is nothing to do for this quantum; it counts as a success.

    It is a `BaseException` so that ``except Exception`` in an algorithm does not swallow it.
    """

    caveats: ClassVar[Caveats] = Caveats.NO_WORK
    """Caveats that this exception adds."""


class UpstreamFailureNoWorkFound(NoWorkFound):
    """There is nothing to do because of a failure upstream that was recorded as success."""

    caveats = Caveats.NO_WORK | Caveats.UPSTREAM_FAILURE_NO_WORK


class UnprocessableDataError(NoWorkFound):
    """The input data can never be processed."""

    caveats = Caveats.NO_WORK | Caveats.UNPROCESSABLE_DATA


class RepeatableQuantumError(PachonError, RuntimeError):
    """The quantum failed and would fail again in the same way."""

    kind = "repeatable_quantum"
    exit_code: ClassVar[int] = 20
    """Exit code of a program that stops at this error (``--fail-fast``)."""


class InvalidQuantumError(PachonError):
    """The configuration or the logic is wrong: the whole run is stopped."""

    kind = "invalid_quantum"
    exit_code: ClassVar[int] = 21


class _AbstractErrorMeta(ABCMeta):
    # Exceptions allocate without looking at abstract methods; this does.
    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.__abstractmethods__:
            names = ", ".join(sorted(cls.__abstractmethods__))
            raise TypeError(f"{cls.__name__} is abstract: define {names}.")
        return super().__call__(*args, **kwargs)


class AlgorithmError(RepeatableQuantumError, metaclass=_AbstractErrorMeta):
    """An algorithm failed on data on which it cannot succeed; ``metadata`` holds the numbers."""

    @property
    @abstractmethod
    def metadata(self) -> Mapping[str, Any] | None:
        """Values that explain the failure: numbers, texts, lists of these; or `None`."""


class AnnotatedPartialOutputsError(RepeatableQuantumError):
    """Outputs were written in part; raise it from the exception that is the reason."""

    caveats: ClassVar[Caveats] = Caveats.PARTIAL_OUTPUTS_ERROR

    @classmethod
    def annotate(
        cls, error: BaseException, task_metadata: TaskMetadata, outputs: Iterable[Any] = ()
    ) -> AnnotatedPartialOutputsError:
        """Write what went wrong into the metadata of the task and of outputs, and give the exception to raise.

        Use it as ``raise AnnotatedPartialOutputsError.annotate(error, self.metadata, [image]) from error``.

        Parameters
        ----------
        error
            The reason.
        task_metadata
            ``self.metadata`` of the task.
        outputs
            Objects with a ``metadata`` or ``meta`` mapping; `None` is passed over.
        """
        from pachon.pipe_base.import_path import import_path_of

        failure: dict[str, Any] = {"message": str(error), "type": import_path_of(type(error))}
        if extra := getattr(error, "metadata", None):
            failure["metadata"] = dict(extra)
        task_metadata["failure"] = failure
        for output in outputs:
            annotations = getattr(output, "metadata", None)
            if annotations is None:
                annotations = getattr(output, "meta", None)
            if annotations is not None:
                annotations["failure"] = failure
        return cls("The task wrote only a part of its outputs.")
