# SPDX-License-Identifier: BSD-3-Clause
"""What can be wrong with a pipeline.

::

    FormatError
      PipelineSyntaxError         a document is not well formed; knows file, line, column and key path
    InvalidInputError
      PipelineError               documents that contradict each other, unknown labels, bad selections
        ContractError             a contract is broken
        TaskConfigurationError    an override of a task cannot be applied
    NotFoundError
      TaskImportError             a task class cannot be imported (also an ImportError)
      PipelineFileNotFoundError   a pipeline does not exist (also a FileNotFoundError)
      UnknownLabelError           there is no task, or subset, of that name (also a KeyError)
"""

from __future__ import annotations

from pachon.base import FormatError, InvalidInputError, NotFoundError
from pachon.pipe_base.pipeline.place import Place

__all__ = [
    "ContractError",
    "PipelineError",
    "PipelineFileNotFoundError",
    "PipelineSyntaxError",
    "TaskConfigurationError",
    "TaskImportError",
    "UnknownLabelError",
]


class PipelineSyntaxError(FormatError):
    """A pipeline document is not well formed."""

    def __init__(self, place: Place, problem: str) -> None:
        super().__init__(place, problem)
        self.place, self.problem = place, problem

    def __str__(self) -> str:
        return f"{self.place}: {self.problem}"


class PipelineError(InvalidInputError):
    """Parts of a pipeline contradict each other."""


class ContractError(PipelineError):
    """A contract between configurations is broken."""

    def __init__(self, expression: str, message: str, values: dict[str, str], place: Place) -> None:
        super().__init__(expression, message, values, place)
        self.expression, self.message, self.values, self.place = expression, message, values, place

    def __str__(self) -> str:
        shown = ", ".join(f"{name} is {value}" for name, value in self.values.items())
        text = f"{self.place}: the contract {self.expression!r} is broken"
        return f"{text}{f': {shown}' if shown else ''}.{f' {self.message}' if self.message else ''}"


class TaskConfigurationError(PipelineError):
    """A task cannot be configured as the pipeline says; the cause is chained."""

    def __init__(self, label: str, reason: str, *further: str) -> None:
        super().__init__(label, reason, *further)
        self.label, self.reason, self.further = label, reason, further

    def each(self) -> list[TaskConfigurationError]:
        """Give an error for every reason; the first is this one if there is no other."""
        if not self.further:
            return [self]
        return [TaskConfigurationError(self.label, reason) for reason in (self.reason, *self.further)]

    def __str__(self) -> str:
        return f"Task {self.label!r} cannot be configured: {' '.join((self.reason, *self.further))}"


class TaskImportError(NotFoundError, ImportError):
    """The class of a task cannot be imported."""

    def __init__(self, label: str, place: Place, reason: str) -> None:
        super().__init__(label, place, reason)
        self.label, self.place, self.reason = label, place, reason

    def __str__(self) -> str:
        return f"{self.place}: the class of task {self.label!r} is not usable: {self.reason}"


class PipelineFileNotFoundError(NotFoundError, FileNotFoundError):
    """A pipeline file does not exist."""

    def __init__(self, location: str, hint: str = "") -> None:
        super().__init__(location, hint)
        self.location, self.hint = location, hint

    def __str__(self) -> str:
        return f"Pipeline {self.location!r} does not exist.{self.hint}"


class UnknownLabelError(NotFoundError, KeyError):
    """A pipeline has no task (or subset) of this name."""

    def __init__(self, label: str, what: str, suggestion: str = "") -> None:
        super().__init__(label, what, suggestion)
        self.label, self.what, self.suggestion = label, what, suggestion

    def __str__(self) -> str:
        return f"The pipeline has no {self.what} {self.label!r}.{self.suggestion}"
