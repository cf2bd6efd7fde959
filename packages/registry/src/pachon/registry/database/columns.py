# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a statement as columns of arrays, without a Python object kept for each row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import Categorical

__all__ = ["Kind", "concatenated", "fetch_columns"]

Kind = Literal["int", "text", "id"]
"""What a column becomes: int64; a `Categorical`; or ids of shape (n, 16), uint8. None of them may be null."""

_BATCH = 20_000


def fetch_columns(
    connection: sa.Connection,
    statement: sa.Select[Any],
    kinds: Sequence[Kind],
    parameters: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Give the first columns of a statement's rows as arrays, one a kind."""
    builders = [_Builder(kind) for kind in kinds]
    for batch in _batches(connection, statement, parameters):
        for builder, values in zip(builders, zip(*batch, strict=True), strict=False):
            builder.add(values)
    return [builder.result() for builder in builders]


def concatenated(parts: Sequence[Sequence[Any]], kinds: Sequence[Kind]) -> list[Any]:
    """Put the columns of several statements one below the other."""
    if len(parts) == 1:
        return list(parts[0])
    if not parts:
        return [_Builder(kind).result() for kind in kinds]
    columns = zip(*parts, strict=True)
    return [
        Categorical.concat(pieces) if kind == "text" else np.concatenate(pieces)
        for kind, pieces in zip(kinds, columns, strict=True)
    ]


def _batches(
    connection: sa.Connection, statement: sa.Select[Any], parameters: Mapping[str, Any] | None
) -> Iterator[Sequence[Any]]:
    with connection.execute(statement, parameters) as result:
        # The types of these columns need no conversion on SQLite, where the driver's own rows are cheaper.
        source = result.cursor if connection.dialect.name == "sqlite" and result.cursor is not None else result
        while batch := source.fetchmany(_BATCH):
            yield batch


class _Codes(dict[Any, int]):
    """Numbers for values in the order in which they are met."""

    def __missing__(self, value: Any) -> int:
        number = self[value] = len(self)
        return number


class _Builder:
    """One column as it grows."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._parts: list[Any] = []
        self._codes = _Codes()

    def add(self, values: Sequence[Any]) -> None:
        match self._kind:
            case "int":
                self._parts.append(np.array(values, dtype=np.int64))
            case "text":
                self._parts.append(np.fromiter(map(self._codes.__getitem__, values), np.int32, len(values)))
            case _:
                self._parts.append(b"".join(values))

    def result(self) -> Any:
        match self._kind:
            case "int":
                return np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.int64)
            case "text":
                return self._categorical()
            case _:
                return np.frombuffer(b"".join(self._parts), dtype=np.uint8).reshape(-1, 16)

    def _categorical(self) -> Categorical:
        met = list(self._codes)
        values = np.empty(len(met), dtype=object)
        values[:] = sorted(met)
        rank = np.empty(len(met), dtype=np.int32)
        rank[[self._codes[value] for value in values.tolist()]] = np.arange(len(met), dtype=np.int32)
        codes = np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.int32)
        return Categorical(rank[codes] if met else codes, values)
