# SPDX-License-Identifier: BSD-3-Clause
"""Results of queries: lazy, iterable, and as tables. An empty result is a result, and can say why it is empty."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pachon.base import ConflictError, NotFoundError
from pachon.butler.result_columns import (
    Columns,
    arrow_table,
    astropy_table,
    data_id_columns,
    dataset_columns,
    pandas_table,
    record_columns,
)
from pachon.datasets import DatasetRef, DatasetTable
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable, DimensionRecord, RecordTable

if TYPE_CHECKING:
    import astropy.table
    import pandas
    import pyarrow

__all__ = [
    "DataIdQueryResult",
    "DatasetQueryResult",
    "DatasetTables",
    "Explanation",
    "QueryResult",
    "RecordQueryResult",
]

T = TypeVar("T")
Rows = TypeVar("Rows", bound=Sequence[object])

_SHOWN = 10
"""Rows that a notebook sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a query is answered, and why nothing is found if nothing is; print it."""

    reasons: tuple[str, ...]
    """Sentences that say which condition leaves no rows; empty if there are rows."""
    plan: str = ""
    sql: str = ""

    def __str__(self) -> str:
        parts = {"Nothing is found": "\n".join(self.reasons), "Plan": self.plan, "SQL": self.sql}
        return "\n\n".join(f"{title}:\n{_indented(text)}" for title, text in parts.items() if text)

    __repr__ = __str__


class QueryResult(ABC, Generic[T, Rows]):
    """What a query found. The query runs when somebody looks, once.

    Parameters
    ----------
    title
        What was asked for, for people.
    fetch
        Runs the query; its argument is the largest number of rows wanted, None for what the query says.
    explain
        Says how the query is answered, and why nothing is found if nothing is.
    """

    def __init__(self, title: str, fetch: Callable[[int | None], Rows], explain: Callable[[], Explanation]) -> None:
        self._title = title
        self._fetch = fetch
        self._explain = explain
        self._rows: Rows | None = None

    @property
    def table(self) -> Rows:
        """All rows, as columns."""
        if self._rows is None:
            self._rows = self._fetch(None)
        return self._rows

    @abstractmethod
    def columns(self) -> Columns:
        """Give the rows as plain columns by name."""

    @abstractmethod
    def _items(self, rows: Rows) -> Iterator[T]: ...

    def __iter__(self) -> Iterator[T]:
        return self._items(self.table)

    def __len__(self) -> int:
        return len(self.table)

    def __bool__(self) -> bool:
        return self.first() is not None

    def first(self) -> T | None:
        """Give the first row, or None; no more than one is fetched."""
        rows = self._rows if self._rows is not None else self._fetch(1)
        return next(self._items(rows), None)

    def one(self) -> T:
        """Give the only row.

        Raises
        ------
        NotFoundError
            If there is none; the reason is a note of the error.
        ConflictError
            If there are several.
        """
        rows = self._rows if self._rows is not None else self._fetch(2)
        found = list(self._items(rows))
        if not found:
            error = NotFoundError(f"No {self._title}, and exactly one is wanted.")
            for reason in self.explain().reasons:
                error.add_note(reason)
            raise error
        if len(found) > 1:
            raise ConflictError(f"There are several {self._title}, and exactly one is wanted.")
        return found[0]

    def to_arrow(self) -> pyarrow.Table:
        """Give an Arrow table."""
        return arrow_table(self.columns())

    def to_pandas(self) -> pandas.DataFrame:
        """Give a pandas table."""
        return pandas_table(self.columns())

    def to_astropy(self) -> astropy.table.Table:
        """Give an astropy table."""
        return astropy_table(self.columns())

    def explain(self) -> Explanation:
        """Say why the result is empty if it is, how the query is planned, and the SQL."""
        return self._explain()

    def __repr__(self) -> str:
        state = "not run yet" if self._rows is None else f"{len(self._rows)} found"
        return f"<{type(self).__name__}: {self._title}; {state}>"

    def _repr_html_(self) -> str:
        columns = self.columns()
        shown = {name: _head(column) for name, column in columns.items()}
        head = "".join(f"<th>{html.escape(name)}</th>" for name in shown)
        rows = zip(*shown.values(), strict=True)
        body = "".join(f"<tr>{''.join(f'<td>{html.escape(value)}</td>' for value in row)}</tr>" for row in rows)
        more = f"<p>{len(self)} {html.escape(self._title)}</p>"
        return f"{more}<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


class DatasetTables(Sequence[DatasetRef]):
    """Datasets of one or several types: a table for each type.

    Parameters
    ----------
    tables
        The datasets.
    expanded
        The data IDs of each table with their dimension records, if those were asked for.
    """

    def __init__(
        self, tables: Sequence[DatasetTable], expanded: Sequence[Sequence[DataCoordinate]] | None = None
    ) -> None:
        self.tables = tuple(tables)
        self._expanded = expanded

    def __len__(self) -> int:
        return sum(map(len, self.tables))

    def __getitem__(self, index: int) -> DatasetRef:  # type: ignore[override]  # slices belong to the single tables
        position = index + len(self) if index < 0 else index
        for number, table in enumerate(self.tables):
            if 0 <= position < len(table):
                found = table[position]
                assert isinstance(found, DatasetRef)
                return found if self._expanded is None else found.with_data_id(self._expanded[number][position])
            position -= len(table)
        raise IndexError(index)

    def __iter__(self) -> Iterator[DatasetRef]:
        for number, table in enumerate(self.tables):
            if self._expanded is None:
                yield from table
            else:
                for ref, data_id in zip(table, self._expanded[number], strict=True):
                    yield ref.with_data_id(data_id)


class DatasetQueryResult(QueryResult[DatasetRef, DatasetTables]):
    """Datasets that a query found."""

    @property
    def tables(self) -> tuple[DatasetTable, ...]:
        """The datasets as columns, a table a dataset type."""
        return self.table.tables

    def columns(self) -> Columns:
        return dataset_columns(self.tables)

    def _items(self, rows: DatasetTables) -> Iterator[DatasetRef]:
        return iter(rows)


class DataIdQueryResult(QueryResult[DataCoordinate, DataIdTable]):
    """Data IDs that a query found."""

    def columns(self) -> Columns:
        return data_id_columns(self.table)

    def _items(self, rows: DataIdTable) -> Iterator[DataCoordinate]:
        return iter(rows)


class RecordQueryResult(QueryResult[DimensionRecord, RecordTable]):
    """Dimension records that a query found."""

    def columns(self) -> Columns:
        return record_columns(self.table)

    def _items(self, rows: RecordTable) -> Iterator[DimensionRecord]:
        return iter(rows)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _head(column: object) -> list[str]:
    assert isinstance(column, Categorical) or hasattr(column, "__getitem__")
    values = column.decode()[:_SHOWN].tolist() if isinstance(column, Categorical) else list(column[:_SHOWN])
    return [f"{len(value)} bytes" if isinstance(value, bytes) else str(value) for value in values]
