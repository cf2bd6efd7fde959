# SPDX-License-Identifier: BSD-3-Clause
"""Tables of other layers' records, in the registry's database and transactions.

The registry does not know what they mean. A column of type ``uuid`` travels as an array of shape (n, 16), uint8; all
others as sequences.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine

from pachon.base import ConflictError, InvalidInputError
from pachon.registry.database.column_types import Bytes, Key64, Uuid, text
from pachon.registry.database.columns import Kind, concatenated, fetch_columns
from pachon.registry.database.id_arrays import among_ids, ids_text
from pachon.registry.database.inserts import insert_columns, insert_or_skip, insert_row
from pachon.registry.database.quick import QuickStatement
from pachon.registry.database.retries import retried
from pachon.registry.database.statistics import note_growth
from pachon.registry.database.texts import check_text
from pachon.registry.database.uploads import uploaded
from pachon.registry.datasets.rows import CHUNK, id_list, ids_array, type_chunks
from pachon.registry.errors import ConflictingDefinitionError
from pachon.registry.schema.schema import Schema
from pachon.registry.schema.static_tables import new_metadata
from pachon.registry.state import State

__all__ = ["OpaqueColumn", "OpaqueTable", "catalogued_tables", "open_table"]

Columns = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpaqueColumn:
    """One column of an opaque table."""

    name: str
    type: Literal["uuid", "text", "int", "float", "bytes"]
    length: int | None = None
    """Largest number of characters of a text."""
    key: bool = False
    """Whether it belongs to the primary key."""
    nullable: bool = False
    index: bool = False
    """Whether rows are looked up by it."""


class OpaqueTable:
    """Rows of records as columns: insert, fetch, update, delete and move them."""

    def __init__(self, state: State, name: str, columns: tuple[OpaqueColumn, ...], table: sa.Table) -> None:
        self._state = state
        self.name = name
        self.columns = columns
        self._table = table
        # As a text, which remembers its hash.
        self._key = f"{name} {columns}"
        self._names = {column.name for column in columns}
        self._texts = {column.name for column in columns if column.type == "text"}
        self._uuids = {column.name for column in columns if column.type == "uuid"}

    def insert(self, rows: Columns, *, skip_existing: bool = False) -> int:
        """Add rows; give how many were written.

        Raises
        ------
        ConflictError
            If a row with the same key exists and is not to be skipped; then nothing is written.
        """
        listed = self._checked(rows)
        count = len(next(iter(listed.values()), ()))
        if not count:
            return 0
        with self._state.database.write() as connection:
            try:
                with self._state.database.part(connection, single=count == 1):
                    if skip_existing:
                        statement = insert_or_skip(self._table, self._state.dialect)
                        added = connection.execute(statement, _as_rows(listed)).rowcount
                        note_growth(connection, self._table, added)
                        return added
                    insert_columns(connection, self._table, listed)
                    return count
            except IntegrityError as error:
                raise self._conflict(error) from None

    def insert_one(self, row: Mapping[str, Any]) -> None:
        """Add one row, given by its values (a ``uuid`` as 16 bytes); columns of one row take as long as all the rest.

        Raises
        ------
        ConflictError
            If a row with the same key exists.
        """
        self._check_row(row)
        with self._state.database.write() as connection:
            try:
                with self._state.database.part(connection, single=True):
                    if self._state.dialect == "sqlite":
                        insert_row(connection, self._table, tuple(row), tuple(row.values()))
                    else:
                        insert_columns(connection, self._table, {name: [value] for name, value in row.items()})
            except IntegrityError as error:
                raise self._conflict(error) from None

    def fetch(
        self,
        column: str | None = None,
        values: Any = (),
        *,
        order_by: Sequence[str] = (),
        limit: int | None = None,
    ) -> dict[str, Any]:
        """Give rows as columns: all, or those of which a column has one of some values (each value once).

        ``order_by`` names columns, with a ``-`` before one to descend; nulls come last, or first when descending.
        """
        if (
            column is not None
            and not order_by
            and limit is None
            and self._state.dialect == "sqlite"
            and len(values) == 1
        ):
            return self._as_columns(self._fetch_one_value(column, self._values(column, values)[0]))
        select = sa.select(self._table)
        for item in order_by:
            name = item.removeprefix("-")
            ordered = self._table.c[name]
            select = select.order_by(ordered.desc().nulls_first() if item != name else ordered.asc().nulls_last())
        if limit is not None:
            select = select.limit(limit)
        kinds = self._kinds()
        with self._state.database.read() as connection:
            if column is None:
                parts = [fetch_columns(connection, select, kinds)]
            else:
                as_array = column in self._uuids and self._state.dialect == "postgresql"
                chosen = self._state.prepare(
                    ("fetch opaque", self._key, column, tuple(order_by), limit),
                    lambda: select.where(
                        among_ids(self._table.c[column], "values")
                        if as_array
                        else self._table.c[column].in_(sa.bindparam("values", expanding=True))
                    ),
                )
                wanted = list(dict.fromkeys(self._values(column, values)))
                parts = [
                    fetch_columns(connection, chosen, kinds, {"values": ids_text(part) if as_array else part})
                    for part in type_chunks(wanted)
                ]
        found = zip(self.columns, concatenated(parts, kinds), strict=True)
        return {column.name: values if column.type == "uuid" else values.tolist() for column, values in found}

    def _kinds(self) -> list[Kind]:
        return ["id" if column.type == "uuid" else "object" for column in self.columns]

    def _fetch_one_value(self, column: str, value: Any) -> list[Any]:
        with self._state.database.read() as connection:
            quick = self._state.prepare(
                ("fetch one value", self._key, column),
                lambda: QuickStatement(
                    sa.select(self._table).where(self._table.c[column] == sa.bindparam("value")), connection
                ),
            )
            return quick.fetch(connection, {"value": value})

    def iter_chunks(self, size: int = CHUNK) -> Iterator[dict[str, Any]]:
        """Give all rows as columns, some at a time, by the first column of the key; all see one state of the table.

        Nothing else is held in memory, however many rows there are. Other things can be done in between, also by the same thread.
        """
        order = [self._table.c[column.name] for column in self.columns if column.key]
        with self._state.database.stream() as connection:
            # Options of the connection would also hold for the statement that begins its transaction.
            select = sa.select(self._table).order_by(*order)
            for rows in connection.execute(select, execution_options={"yield_per": size}).partitions():
                yield self._as_columns(list(rows))

    def fetch_unregistered(self, column: str) -> dict[str, Any]:
        """Give the rows of which a ``uuid`` column names no dataset that is registered, as columns."""
        dataset = self._state.schema.static.dataset
        select = (
            sa.select(self._table)
            .outerjoin(dataset, dataset.c.dataset_id == self._table.c[column])
            .where(dataset.c.dataset_id.is_(None))
        )
        with self._state.database.read() as connection:
            return self._as_columns(list(connection.execute(select)))

    def update(self, keys: Columns, changes: Columns) -> int:
        """Change columns of the rows that have these values of other columns; give how many there were."""
        names = tuple(keys), tuple(changes)
        named = {f"old_{n}": values for n, values in self._checked(keys).items()}
        named |= {f"new_{n}": values for n, values in self._checked(changes).items()}
        self._check_lengths(named)
        rows = _as_rows(named)
        if not rows:
            return 0
        with self._state.database.write() as connection:
            statement = self._state.prepare(("update opaque", self._key, *names), lambda: self._update(*names))
            return connection.execute(statement, rows).rowcount

    def update_one(self, keys: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
        """Change columns of the rows that have one value each of other columns, none a ``uuid``; give how many there were."""
        self._check_row(keys)
        self._check_row(changes)
        names = tuple(keys), tuple(changes)
        with self._state.database.write() as connection:
            quick = self._state.prepare(
                ("update one", self._key, names), lambda: QuickStatement(self._update(*names), connection)
            )
            row = {f"old_{name}": value for name, value in keys.items()}
            row.update({f"new_{name}": value for name, value in changes.items()})
            return quick.change(connection, row)

    def _update(self, keys: Sequence[str], changes: Sequence[str]) -> sa.Update:
        return (
            sa.update(self._table)
            .where(*(self._table.c[name] == sa.bindparam(f"old_{name}") for name in keys))
            .values({name: sa.bindparam(f"new_{name}") for name in changes})
        )

    def delete(self, keys: Columns) -> int:
        """Delete the rows that have these values of some columns; give how many there were."""
        rows = _as_rows({f"old_{name}": values for name, values in self._checked(keys).items()})
        statement = sa.delete(self._table).where(*(self._table.c[name] == sa.bindparam(f"old_{name}") for name in keys))
        if not rows:
            return 0
        with self._state.database.write() as connection:
            return connection.execute(statement, rows).rowcount

    def move(self, column: str, values: Any, target: OpaqueTable, extra: Mapping[str, Any] | None = None) -> int:
        """Move rows of which a column has one of some values into another table; give how many there were.

        Columns of the other table which this one lacks take their values from ``extra``; a row whose key the other table has is
        only taken out of this one. Of several clients who move the same rows at the same time one does.
        """
        wanted = list(dict.fromkeys(self._values(column, values)))
        added = dict(extra or {})
        shared = [c.name for c in self.columns if c.name in target._table.c and c.name not in added]
        moved = 0
        with self._state.database.write() as connection:
            for start in range(0, len(wanted), CHUNK):
                chosen = self._table.c[column].in_(wanted[start : start + CHUNK])
                literals = [sa.literal(value, target._table.c[name].type) for name, value in added.items()]
                source = sa.select(*(self._table.c[name] for name in shared), *literals).where(chosen)
                # On a server another client may be moving them: then this waits, and finds them gone.
                source = source.order_by(self._table.c[column]).with_for_update()
                connection.execute(
                    insert_or_skip(target._table, self._state.dialect).from_select([*shared, *added], source)
                )
                moved += connection.execute(sa.delete(self._table).where(chosen)).rowcount
        return moved

    def fetch_keys(self, keys: Columns) -> dict[str, Any]:
        """Give the rows that have these values of some columns together, as columns."""
        listed = {name: self._values(name, values) for name, values in keys.items()}
        length = len(next(iter(listed.values())))
        with self._state.database.snapshot() as connection:
            columns = {name: (self._table.c[name].type, values) for name, values in listed.items()}
            with uploaded(connection, columns, length) as wanted:
                joined = [self._table.c[name] == wanted.c[name] for name in listed]
                rows = connection.execute(sa.select(self._table).where(*joined)).all()
        return self._as_columns(list(rows))

    def _values(self, column: str, values: Any) -> list[Any]:
        if column in self._uuids:
            return id_list(np.asarray(values, dtype=np.uint8).reshape(-1, 16))
        listed: list[Any] = values.tolist() if isinstance(values, np.ndarray) else list(values)
        return listed

    def _checked(self, columns: Columns) -> dict[str, list[Any]]:
        if not self._names.issuperset(columns):
            raise self._lacks(columns)
        listed = {
            name: values.tolist() if isinstance(values, np.ndarray) else list(values)
            for name, values in columns.items()
            if name not in self._uuids
        }
        for name in self._uuids & columns.keys():
            listed[name] = self._values(name, columns[name])
        texts = [text for name in self._texts if name in listed for text in _distinct(listed[name]) if text]
        if "\0" in (joined := "".join(texts)) or not joined.isascii():
            for name in self._texts:
                text = "".join(filter(None, listed.get(name, ())))
                check_text(text, self._owner(name))
        self._check_lengths(listed)
        return listed

    def _check_lengths(self, listed: Mapping[str, list[Any]]) -> None:
        if len(set(map(len, listed.values()))) > 1:
            raise InvalidInputError(f"The columns for table {self.name!r} have different lengths.")

    def _check_row(self, row: Mapping[str, Any]) -> None:
        if not self._names.issuperset(row):
            raise self._lacks(row)
        texts = "".join(filter(None, map(row.get, self._texts)))
        if not texts.isascii() or "\0" in texts:
            for name in self._texts:
                check_text(row.get(name) or "", self._owner(name))

    def _owner(self, column: str) -> str:
        return f"A value of {column!r} for table {self.name!r}"

    def _lacks(self, columns: Mapping[str, Any]) -> InvalidInputError:
        return InvalidInputError(f"Table {self.name!r} has no column {min(columns.keys() - self._names)!r}.")

    def _conflict(self, error: IntegrityError) -> ConflictError:
        return ConflictError(f"A row with the same key exists in {self.name!r} ({error.orig}).")

    def _as_columns(self, rows: list[Any]) -> dict[str, Any]:
        lists = [list(values) for values in zip(*rows, strict=True)] if rows else [[] for _ in self.columns]
        return {
            column.name: ids_array(values) if column.type == "uuid" else values
            for column, values in zip(self.columns, lists, strict=True)
        }


def _distinct(values: list[Any]) -> list[Any]:
    """Give the values of a column, once if all rows have the same."""
    return values[:1] if len(values) > 1 and values.count(values[0]) == len(values) else values


def _as_rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    names = list(columns)
    return [dict(zip(names, values, strict=True)) for values in zip(*columns.values(), strict=True)]


@retried
def open_table(state: State, name: str, columns: Sequence[OpaqueColumn]) -> OpaqueTable:
    """Give the opaque table of a name; it is made on first use.

    Raises
    ------
    ConflictingDefinitionError
        If it exists with other columns.
    """
    definition = json.dumps([asdict(column) for column in columns])
    catalog = state.schema.static.opaque_catalog
    stored = sa.select(catalog.c.columns).where(catalog.c.name == name)
    key, metadata = f"records_{name}", state.schema.known
    # Kept by its columns too: a table that was asked for with wrong ones, or whose making was undone, is another one.
    table = state.prepare(
        ("opaque table", name, tuple(columns)), lambda: _sql_table(new_metadata(metadata.schema), key, columns)
    )
    with state.database.read() as connection:
        known = connection.execute(stored).scalar()
    if known is None:
        with state.database.write() as connection:
            row = {"name": name, "columns": definition}
            if connection.execute(insert_or_skip(catalog, state.dialect, keys=["name"]), row).rowcount == 1:
                table.create(connection, checkfirst=False)
            known = connection.execute(stored).scalar_one()
    if known != definition:
        raise ConflictingDefinitionError(f"The table {name!r} exists with other columns: {known}.")
    return OpaqueTable(state, name, tuple(columns), table)


def catalogued_tables(connection: sa.Connection, schema: Schema) -> list[sa.Table]:
    """Give the definitions of all opaque tables of a database, without knowing what they are for."""
    catalog = schema.static.opaque_catalog
    rows = connection.execute(sa.select(catalog.c.name, catalog.c.columns).order_by(catalog.c.name)).all()
    return [
        _sql_table(
            schema.metadata, f"records_{row.name}", [OpaqueColumn(**column) for column in json.loads(row.columns)]
        )
        for row in rows
    ]


def _sql_table(metadata: sa.MetaData, name: str, columns: Sequence[OpaqueColumn]) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        *(
            sa.Column(
                column.name,
                _type(column),
                primary_key=column.key,
                nullable=column.nullable,
                autoincrement=False,
                index=column.index,
            )
            for column in columns
        ),
    )


def _type(column: OpaqueColumn) -> TypeEngine[Any]:
    match column.type:
        case "uuid":
            return Uuid()
        case "text":
            return text(column.length)
        case "int":
            return Key64
        case "float":
            return sa.Double()
        case _:
            return Bytes()
