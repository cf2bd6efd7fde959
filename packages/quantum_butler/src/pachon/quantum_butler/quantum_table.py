# SPDX-License-Identifier: BSD-3-Clause
"""Quanta as columns."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.base import InvalidInputError
from pachon.datasets import uuids_from_ids
from pachon.dimensions import DataIdTable
from pachon.quantum_butler.tables import TaskQuanta

__all__ = ["QuantumTable"]

_SHOWN_ROWS = 10


class QuantumTable:
    """The quanta of one or several tasks, in topological order of tasks, then by data ID.

    Parameters
    ----------
    parts
        The quanta of each task.
    """

    __slots__ = ("parts",)

    parts: tuple[TaskQuanta, ...]

    def __init__(self, parts: tuple[TaskQuanta, ...]) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return sum(len(part.ids) for part in self.parts)

    def __iter__(self) -> Iterator[tuple[uuid.UUID, str, dict[str, Any]]]:
        for part in self.parts:
            for quantum_id, data_id in zip(uuids_from_ids(part.ids), part.data_ids, strict=True):
                yield quantum_id, part.label, data_id.mapping

    @property
    def ids(self) -> NDArray[np.uint8]:
        """Ids of all quanta, shape (n, 16), uint8."""
        if not self.parts:
            return np.empty((0, 16), dtype=np.uint8)
        return np.concatenate([part.ids for part in self.parts])

    @property
    def labels(self) -> tuple[str, ...]:
        """Task labels, one a part."""
        return tuple(part.label for part in self.parts)

    @property
    def data_ids(self) -> DataIdTable:
        """The data IDs of a table of one task.

        Raises
        ------
        InvalidInputError
            If the table has several tasks, which may differ in dimensions.
        """
        if len(self.parts) != 1:
            raise InvalidInputError(
                f"A table of {len(self.parts)} tasks has no common dimensions; ask for the quanta of one label."
            )
        return self.parts[0].data_ids

    def uuids(self) -> list[uuid.UUID]:
        """Give the ids of all quanta."""
        return uuids_from_ids(self.ids)

    def to_columns(self) -> dict[str, NDArray[Any]]:
        """Give plain columns ``id`` (text), ``task`` and one a dimension; `None` where a task lacks the dimension."""
        names = list(dict.fromkeys(name for part in self.parts for name in part.data_ids.group.ordered))
        columns: dict[str, NDArray[Any]] = {
            "id": _objects([str(item) for item in self.uuids()]),
            "task": _objects([part.label for part in self.parts for _ in range(len(part.ids))]),
        }
        for name in names:
            columns[name] = np.concatenate([_column(part.data_ids, name) for part in self.parts])
        return columns

    def to_pandas(self) -> Any:
        """Give a pandas data frame (pandas must be installed)."""
        import pandas  # heavy, and nothing else here needs it

        return pandas.DataFrame(self.to_columns())

    def __repr__(self) -> str:
        counts = ", ".join(f"{part.label} {len(part.ids)}" for part in self.parts)
        return f"QuantumTable({len(self)} quanta: {counts})"

    def _repr_html_(self) -> str:
        """Show the first rows in a notebook."""
        from html import escape  # not for jobs, which show nothing

        first = QuantumTable(
            tuple(
                TaskQuanta(label=part.label, data_ids=part.data_ids[:_SHOWN_ROWS], ids=part.ids[:_SHOWN_ROWS])
                for part in self.parts
            )
        )
        columns = first.to_columns()
        head = "".join(f"<th>{name}</th>" for name in columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{'' if cell is None else escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in zip(*(column.tolist() for column in columns.values()), strict=True)
        )
        return f"<p>{len(self)} quanta; the first {_SHOWN_ROWS} of each task:</p><table><tr>{head}</tr>{rows}</table>"


def _column(data_ids: DataIdTable, name: str) -> NDArray[Any]:
    if name in data_ids.group:
        return data_ids.column(name).astype(object)
    return np.full(len(data_ids), None, dtype=object)


def _objects(values: list[Any]) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
