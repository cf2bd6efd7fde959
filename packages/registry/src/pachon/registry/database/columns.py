# SPDX-License-Identifier: BSD-3-Clause
"""Rows of a statement as columns of arrays, without a Python object kept for each row."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa

from pachon.dimensions import NULL_NS, Categorical
from pachon.dimensions.instances import collector_at_rest
from pachon.registry.database.packed_rows import PackedRows, pack_rows

__all__ = ["Kind", "concatenated", "fetch_columns", "iter_columns"]

Kind = Literal["int", "text", "id", "time", "float", "bool", "words", "number", "object"]
"""What a column becomes.

Without nulls: ``int``, int64; ``text``, a `Categorical`; ``id``, ids of shape (n, 16), uint8. With nulls: ``time``, int64 and `NULL_NS`;
``float``, float64 and NaN; ``bool``, ``words``, ``number`` and ``object``, objects and None.
"""

_BATCH = 20_000


def fetch_columns(
    connection: sa.Connection,
    statement: sa.Select[Any],
    kinds: Sequence[Kind],
    parameters: Mapping[str, Any] | None = None,
) -> list[Any]:
    """Give the first columns of a statement's rows as arrays, one a kind."""
    builders = [_Builder(kind) for kind in kinds]
    packed = _packed(connection, statement, kinds)
    for batch in _batches(connection, statement if packed is None else packed.statement, parameters):
        _add(builders, batch, packed)
    return [builder.result() for builder in builders]


def iter_columns(
    connection: sa.Connection,
    statement: sa.Select[Any],
    kinds: Sequence[Kind],
    size: int,
    parameters: Mapping[str, Any] | None = None,
) -> Iterator[list[Any]]:
    """Give the same batch by batch; the database keeps what was not yet fetched."""
    # SQLite's driver streams anyway, and its own rows are taken (`_batches`), of which SQLAlchemy must not have taken some.
    server = connection.dialect.name != "sqlite"
    packed = _packed(connection, statement, kinds)
    asked = statement if packed is None else packed.statement
    streaming = asked.execution_options(stream_results=True, max_row_buffer=size) if server else asked
    for batch in _batches(connection, streaming, parameters, size):
        builders = [_Builder(kind) for kind in kinds]
        _add(builders, batch, packed)
        yield [builder.result() for builder in builders]


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
    connection: sa.Connection, statement: sa.Select[Any], parameters: Mapping[str, Any] | None, size: int = _BATCH
) -> Iterator[Sequence[Any]]:
    with connection.execute(statement, parameters) as result:
        # No column needs more conversion than `_Builder` has, and the driver's own rows are cheaper than SQLAlchemy's. Of those that a
        # server streams SQLAlchemy has taken some already.
        streamed = statement.get_execution_options().get("stream_results", False)
        source = result if streamed or result.cursor is None else result.cursor
        while True:
            with collector_at_rest():
                batch = source.fetchmany(size)
            if not batch:
                return
            yield batch


def _packed(connection: sa.Connection, statement: sa.Select[Any], kinds: Sequence[Kind]) -> PackedRows | None:
    return pack_rows(statement, tuple(kinds)) if connection.dialect.name == "postgresql" else None


def _add(builders: Sequence[_Builder], batch: Sequence[Any], packed: PackedRows | None) -> None:
    """Add rows to columns."""
    with collector_at_rest():
        columns = zip(*batch, strict=True)
        if packed is None:
            for builder, values in zip(builders, columns, strict=False):
                builder.add(values)
            return
        first = next(columns)
        for number, array in zip(packed.packed, packed.unpacked(first), strict=True):
            builders[number].add_array(array)
        for number, values in zip(packed.others, columns, strict=True):
            builders[number].add(values)


def _objects(values: Sequence[Any]) -> np.ndarray:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


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
        self._words: dict[Any, Any] = {}

    def add(self, values: Sequence[Any]) -> None:
        match self._kind:
            case "int":
                self._parts.append(np.array(values, dtype=np.int64))
            case "text":
                self._parts.append(np.fromiter(map(self._codes.__getitem__, values), np.int32, len(values)))
            case "id":
                # PostgreSQL's driver gives ids as objects.
                ids = [item.bytes for item in values] if isinstance(values[0], uuid.UUID) else values
                self._parts.append(b"".join(ids))
            case "time":
                known = values if None not in values else [NULL_NS if value is None else value for value in values]
                self._parts.append(np.array(known, dtype=np.int64))
            case "float":
                self._parts.append(np.array(values, dtype=np.float64))
            case "bool":
                self._parts.append(_objects([None if value is None else bool(value) for value in values]))
            case "words":
                # Equal texts are one object, however many rows have them.
                self._parts.append(_objects([self._words.setdefault(value, value) for value in values]))
            case _:
                self._parts.append(_objects(values))

    def add_array(self, values: np.ndarray) -> None:
        """Add values that are an array already: numbers, times with `NULL_NS` and NaN for nulls, or ids."""
        self._parts.append(values.tobytes() if self._kind == "id" else values)

    def result(self) -> Any:
        match self._kind:
            case "int" | "time":
                return np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.int64)
            case "text":
                return self._categorical()
            case "id":
                return np.frombuffer(b"".join(self._parts), dtype=np.uint8).reshape(-1, 16)
            case "float":
                return np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.float64)
            case _:
                return np.concatenate(self._parts) if self._parts else np.empty(0, dtype=object)

    def _categorical(self) -> Categorical:
        met = list(self._codes)
        values = np.empty(len(met), dtype=object)
        values[:] = sorted(met)
        rank = np.empty(len(met), dtype=np.int32)
        rank[[self._codes[value] for value in values.tolist()]] = np.arange(len(met), dtype=np.int32)
        codes = np.concatenate(self._parts) if self._parts else np.empty(0, dtype=np.int32)
        return Categorical(rank[codes] if met else codes, values)
