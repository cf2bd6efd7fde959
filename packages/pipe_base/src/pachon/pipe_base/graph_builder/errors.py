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
    "UnknownInputsError",
]


class GraphBuildError(InvalidInputError):
    """The pipeline, collections or options cannot give a graph."""

    kind = "graph_build"


class UnknownInputsError(NotFoundError):
    """The data IDs depend on inputs whose dataset types nobody writes and the repository does not know."""

    kind = "missing_dataset_type"

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(tuple(sentences))
        self.sentences = tuple(sentences)

    def __str__(self) -> str:
        return " ".join(self.sentences)


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


class _OutputsInRunError(ConflictError):
    """The output run holds what a graph would write."""

    def __init__(self, run: str, outputs: Sequence[str]) -> None:
        super().__init__(run, outputs)
        self.run, self.outputs = run, tuple(outputs)

    @property
    def _shown(self) -> str:
        more = f" and {len(self.outputs) - 5} more" if len(self.outputs) > 5 else ""
        return "; ".join(self.outputs[:5]) + more


class OutputExistsError(_OutputsInRunError):
    """Outputs of quanta that are done lie in the output run."""

    kind = "output_exists"

    def __str__(self) -> str:
        return (
            f"{len(self.outputs)} outputs exist in {self.run!r} already: {self._shown}. "
            "Skip their quanta (skip_existing_in), replace them (clobber=True), or choose another run."
        )


class ForeignOutputError(_OutputsInRunError):
    """Outputs that a graph would write lie in the output run, and no graph has written them."""

    kind = "foreign_output"

    def __str__(self) -> str:
        return (
            f"{len(self.outputs)} outputs of quanta that are to run were put or imported into {self.run!r}, not written by a graph: "
            f"{self._shown}. They are not replaced: remove them ('butler prune-datasets'), or choose another run."
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
