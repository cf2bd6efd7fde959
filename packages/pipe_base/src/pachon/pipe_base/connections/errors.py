# SPDX-License-Identifier: BSD-3-Clause
"""What can be wrong with connections, when they are declared and when a quantum is adjusted."""

from __future__ import annotations

from pachon.base import InvalidInputError, NotFoundError

__all__ = ["ConnectionDefinitionError", "MissingPrerequisiteError", "ScalarError"]


class ConnectionDefinitionError(InvalidInputError):
    """A connections class, or one of its connections, is not declared correctly."""

    def __init__(
        self, class_name: str, connection: str | None, problem: str, suggestion: str = "", line: int | None = None
    ) -> None:
        super().__init__(class_name, connection, problem, suggestion, line)
        self.class_name, self.connection, self.problem, self.suggestion = class_name, connection, problem, suggestion
        self.line = line

    def __str__(self) -> str:
        where = self.class_name if self.connection is None else f"{self.class_name}.{self.connection}"
        line = "" if self.line is None else f", line {self.line}"
        return f"{where}{line}: {self.problem}.{self.suggestion}"


class ScalarError(InvalidInputError):
    """A connection that takes one dataset was given several."""

    def __init__(self, label: str, connection: str, dataset_type: str, data_id: str, *, count: int) -> None:
        super().__init__(label, connection, dataset_type, data_id, count)
        self.label, self.connection, self.dataset_type, self.data_id = label, connection, dataset_type, data_id
        self.count = count

    def __str__(self) -> str:
        return (
            f"Task {self.label!r}, connection {self.connection!r}: {self.count} datasets {self.dataset_type!r} for "
            f"{self.data_id}, but the connection takes one; declare it with multiple=True or constrain the data ID."
        )


class MissingPrerequisiteError(NotFoundError, FileNotFoundError):
    """A prerequisite input of a quantum was not found in sufficient number."""

    def __init__(
        self, label: str, connection: str, dataset_type: str, data_id: str, *, found: int, minimum: int
    ) -> None:
        super().__init__(label, connection, dataset_type, data_id, found, minimum)
        self.label, self.connection, self.dataset_type, self.data_id = label, connection, dataset_type, data_id
        self.found, self.minimum = found, minimum

    def __str__(self) -> str:
        return (
            f"Task {self.label!r}, connection {self.connection!r}: {self.found} prerequisite datasets "
            f"{self.dataset_type!r} for {self.data_id}, at least {self.minimum} needed."
        )
