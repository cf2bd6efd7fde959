# SPDX-License-Identifier: BSD-3-Clause
"""The rows of an answer as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from pachon.dimensions import Categorical
from pachon.registry.database.columns import Kind
from pachon.registry.database.key_table import KeyTable
from pachon.registry.query.plan import Plan

__all__ = ["Rows", "empty_rows", "field_kinds", "rows_of_columns", "rows_of_keys"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """The rows of an answer, in order: keys by dimension, datasets if these are wanted, and columns of a general result."""

    keys: KeyTable
    ids: np.ndarray
    """Shape (n, 16), uint8; or (n, 0)."""
    runs: np.ndarray
    """Numbers of runs, int64."""
    collections: np.ndarray
    """Numbers of the collections where datasets were found, int64."""
    fields: Mapping[int, tuple[Any, ...]] = field(default_factory=dict)
    """The arrays of each column of a general result, by its number: two of a time span, else one."""
    chosen: tuple[np.ndarray, ...] = ()
    """Numbers of the collections of each search in which the first one wins, int64."""
    looked_up: tuple[np.ndarray, ...] = ()
    """Datasets of those among these searches that look up calibrations; shape (n, 16), uint8."""

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: np.ndarray) -> Rows:
        """Give some rows; an index array or a boolean mask."""
        return Rows(
            keys=self.keys.take(rows),
            ids=self.ids[rows],
            runs=self.runs[rows],
            collections=self.collections[rows],
            fields={n: tuple(_take(part, rows) for part in parts) for n, parts in self.fields.items()},
            chosen=tuple(part[rows] for part in self.chosen),
            looked_up=tuple(part[rows] for part in self.looked_up),
        )

    def with_keys(self, keys: KeyTable) -> Rows:
        """Give the same rows with other columns of keys."""
        return Rows(
            keys=keys,
            ids=self.ids,
            runs=self.runs,
            collections=self.collections,
            fields=self.fields,
            chosen=self.chosen,
            looked_up=self.looked_up,
        )

    def keys_of(self, dimensions: Sequence[str]) -> KeyTable:
        """Give the columns of some dimensions."""
        return KeyTable(columns={name: self.keys.columns[name] for name in dimensions}, length=len(self))

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        """Put rows one below the other."""
        first = parts[0]
        names = list(first.keys.columns)
        keys = {name: Categorical.concat([p.keys.columns[name] for p in parts]) for name in names}
        return cls(
            keys=KeyTable(columns=keys, length=sum(map(len, parts))),
            ids=np.concatenate([p.ids for p in parts]),
            runs=np.concatenate([p.runs for p in parts]),
            collections=np.concatenate([p.collections for p in parts]),
            fields={
                number: tuple(_concat([p.fields[number][i] for p in parts]) for i in range(len(columns)))
                for number, columns in first.fields.items()
            },
            chosen=tuple(np.concatenate([p.chosen[i] for p in parts]) for i in range(len(first.chosen))),
            looked_up=tuple(np.concatenate([p.looked_up[i] for p in parts]) for i in range(len(first.looked_up))),
        )


def _take(column: Any, rows: np.ndarray) -> Any:
    return column.take(rows) if isinstance(column, Categorical) else column[rows]


def _concat(parts: Sequence[Any]) -> Any:
    return Categorical.concat(parts) if isinstance(parts[0], Categorical) else np.concatenate(parts)


def field_kinds(plan: Plan) -> list[Kind]:
    """Give the kinds of the columns of a general result, in the order in which they are selected."""
    kinds: list[Kind] = []
    for output in plan.fields or ():
        match output.value.type:
            case "timespan":
                kinds += ["time", "time"]
            case "datetime" | "ingest_date":
                kinds.append("time")
            case "float":
                kinds.append("float")
            case "uuid":
                kinds.append("id")
            case "bool":
                kinds.append("bool")
            case "string":
                kinds.append("words")
            case "int":
                kinds.append("number")
            case _:
                kinds.append("object")
    return kinds


def rows_of_columns(plan: Plan, columns: Sequence[Any]) -> Rows:
    """Put the columns that a statement gave to their places; those that are the same in all rows are filled in."""
    left = list(columns)
    length = len(left[-1]) if left else 0
    found = {name: left.pop(0) for name in plan.selected}
    constants = {name: Categorical.constant(value, length) for name, value in plan.constants.items()}
    keys = KeyTable.from_columns({name: constants.get(name, found.get(name)) for name in plan.keys}, length)
    none = np.broadcast_to(np.int64(0), (length,))
    places = {name: left.pop(0) for name in plan.dataset_columns}
    only = none if plan.only_collection is None else np.broadcast_to(np.int64(plan.only_collection), (length,))
    fields = {
        number: tuple(left.pop(0) for _ in range(2 if output.value.type == "timespan" else 1))
        for number, output in enumerate(plan.fields or ())
    }
    return Rows(
        keys=keys,
        ids=places.get("dataset_id", np.empty((length, 0), dtype=np.uint8)),
        runs=places.get("run_id", only),
        collections=places.get("collection_id", only),
        fields=fields,
        chosen=tuple(left.pop(0) for _ in plan.chosen),
        looked_up=tuple(left.pop(0) for _ in plan.looked_up),
    )


def rows_of_keys(keys: KeyTable) -> Rows:
    """Give rows of keys alone."""
    none = np.broadcast_to(np.int64(0), (len(keys),))
    return Rows(keys=keys, ids=np.empty((len(keys), 0), dtype=np.uint8), runs=none, collections=none)


def empty_rows(plan: Plan) -> Rows:
    """Give an answer without rows."""
    none = np.empty(0, dtype=np.int64)
    empty = Categorical(none.astype(np.int32), np.empty(0, dtype=object))
    keys = KeyTable(columns=dict.fromkeys((*plan.keys, *plan.result.names), empty), length=0)
    blank = {"time": none, "float": none.astype(np.float64), "id": np.empty((0, 16), dtype=np.uint8)}
    arrays = [blank.get(kind, np.empty(0, dtype=object)) for kind in field_kinds(plan)]
    fields = {
        number: tuple(arrays.pop(0) for _ in range(2 if output.value.type == "timespan" else 1))
        for number, output in enumerate(plan.fields or ())
    }
    width = 16 if plan.datasets is not None else 0
    return Rows(
        keys=keys,
        ids=np.empty((0, width), dtype=np.uint8),
        runs=none,
        collections=none,
        fields=fields,
        chosen=tuple(none for _ in plan.chosen),
        looked_up=tuple(np.empty((0, 16), dtype=np.uint8) for _ in plan.looked_up),
    )
