# SPDX-License-Identifier: BSD-3-Clause
"""What can be wrong with a pipeline graph.

::

    InvalidInputError
      PipelineGraphError
        PipelineDataCycleError            tasks wait for each other
        DuplicateOutputError              two tasks write one dataset type
        IncompatibleDatasetTypeError      definitions of one dataset type do not fit
        ConnectionTypeConsistencyError    a dataset type is a prerequisite here and something else there
        UnresolvedDatasetTypeError        the definition of a dataset type cannot be found
        StepError                         steps that do not fit the tasks
        SubsetExpressionError             an expression that selects tasks is not valid
"""

from __future__ import annotations

from pachon.base import InvalidInputError

__all__ = [
    "ConnectionTypeConsistencyError",
    "DuplicateOutputError",
    "IncompatibleDatasetTypeError",
    "PipelineDataCycleError",
    "PipelineGraphError",
    "StepError",
    "SubsetExpressionError",
    "UnresolvedDatasetTypeError",
]


class PipelineGraphError(InvalidInputError):
    """The connections of a pipeline do not fit each other, or the repository."""

    labels: tuple[str, ...] = ()
    """Labels of the tasks that it is about, as far as they are known."""
    steps: tuple[str, ...] = ()
    """Labels of the steps that it is about."""


class PipelineDataCycleError(PipelineGraphError):
    """Tasks wait for each other's outputs."""

    def __init__(self, path: tuple[str, ...]) -> None:
        super().__init__(path)
        self.path, self.labels = path, path[:-1:2]
        """Labels and dataset types in turn; the first is repeated at the end."""

    def __str__(self) -> str:
        if len(self.path) == 3:
            return f"Task {self.path[0]!r} reads its own output {self.path[1]!r}."
        return f"The pipeline has a cycle: {' -> '.join(self.path)}."


class DuplicateOutputError(PipelineGraphError):
    """Two tasks write one dataset type."""

    def __init__(self, dataset_type: str, first: str, second: str, labels: tuple[str, ...] = ()) -> None:
        super().__init__(dataset_type, first, second)
        self.labels = labels
        self.dataset_type, self.first, self.second = dataset_type, first, second

    def __str__(self) -> str:
        return (
            f"Dataset type {self.dataset_type!r} is written by {self.first} and by {self.second}; "
            "rename one with an override of 'connections'."
        )


class IncompatibleDatasetTypeError(PipelineGraphError):
    """Two definitions of a dataset type do not fit."""


class ConnectionTypeConsistencyError(PipelineGraphError):
    """A dataset type has kinds of connections that exclude each other."""


class UnresolvedDatasetTypeError(PipelineGraphError):
    """Nobody defines a dataset type, or a part of its definition."""


class StepError(PipelineGraphError):
    """Steps do not fit the tasks."""

    def __init__(self, message: str, labels: tuple[str, ...] = (), steps: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.labels, self.steps = labels, steps


class SubsetExpressionError(PipelineGraphError):
    """An expression that selects tasks is not valid."""
