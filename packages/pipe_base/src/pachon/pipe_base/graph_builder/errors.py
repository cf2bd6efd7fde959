# SPDX-License-Identifier: BSD-3-Clause
"""What can go wrong when a quantum graph is built."""

from __future__ import annotations

from collections.abc import Sequence

from pachon.base import ConflictError, InvalidInputError, NotFoundError

__all__ = [
    "AmbiguousPrerequisiteError",
    "GraphBuildError",
    "InitInputMissingError",
    "InitOutputMissingError",
    "OutputExistsError",
]


class GraphBuildError(InvalidInputError):
    """The pipeline, collections or options cannot give a graph."""

    kind = "graph_build"


class AmbiguousPrerequisiteError(InvalidInputError):
    """Several validity ranges of one calibration overlap a quantum."""

    kind = "calibration_lookup"

    def __init__(self, task: str, connection: str, dataset_type: str, data_id: str, ranges: Sequence[str]) -> None:
        super().__init__(task, connection, dataset_type, data_id, ranges)
        self.task, self.connection, self.dataset_type = task, connection, dataset_type
        self.data_id, self.ranges = data_id, tuple(ranges)

    def __str__(self) -> str:
        return (
            f"Task {self.task!r}: {len(self.ranges)} datasets of {self.dataset_type!r} (connection "
            f"{self.connection!r}) are valid for {self.data_id}: {', '.join(self.ranges)}."
        )


class OutputExistsError(ConflictError):
    """Outputs of quanta that are done lie in the output run."""

    kind = "output_exists"

    def __init__(self, run: str, outputs: Sequence[str]) -> None:
        super().__init__(run, outputs)
        self.run, self.outputs = run, tuple(outputs)

    def __str__(self) -> str:
        shown = "; ".join(self.outputs[:5])
        more = f" and {len(self.outputs) - 5} more" if len(self.outputs) > 5 else ""
        return (
            f"{len(self.outputs)} outputs exist in {self.run!r} already: {shown}{more}. "
            "Skip their quanta (skip_existing_in), replace them (clobber), or choose another run."
        )


class InitInputMissingError(NotFoundError):
    """A dataset that a task needs when it is made does not exist."""

    kind = "init_input_missing"

    def __init__(self, task: str, connection: str, dataset_type: str, collections: Sequence[str]) -> None:
        super().__init__(task, connection, dataset_type, collections)
        self.task, self.connection, self.dataset_type = task, connection, dataset_type
        self.collections = tuple(collections)

    def __str__(self) -> str:
        return (
            f"Task {self.task!r} needs {self.dataset_type!r} (init-input {self.connection!r}), which is not in "
            f"{', '.join(self.collections)}."
        )


class InitOutputMissingError(NotFoundError):
    """All quanta of a task are done, but a dataset that was made with the task does not exist."""

    kind = "init_output_missing"

    def __init__(self, task: str, dataset_type: str, collections: Sequence[str]) -> None:
        super().__init__(task, dataset_type, collections)
        self.task, self.dataset_type, self.collections = task, dataset_type, tuple(collections)

    def __str__(self) -> str:
        return (
            f"All quanta of task {self.task!r} are done, but its init-output {self.dataset_type!r} is not in "
            f"{', '.join(self.collections)}; run it again without skipping."
        )
