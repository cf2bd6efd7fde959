# SPDX-License-Identifier: BSD-3-Clause
"""Results of queries: lazy, iterable, and as tables. An empty result is a result, and can say why it is empty."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import numpy as np

from pachon.base import ConflictError, InvalidInputError, NotFoundError
from pachon.butler.arguments import explains_at_once, explains_failures
from pachon.butler.question import Explanation, Question, both_conditions, named_values
from pachon.butler.result_columns import (
    Columns,
    Kinds,
    arrow_table,
    astropy_table,
    data_id_columns,
    dataset_columns,
    general_columns,
    joined_records,
    pandas_table,
    record_columns,
)
from pachon.butler.uri_column import uri_column
from pachon.datasets import ColumnTable, DatasetRef, DatasetTable
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable, DimensionGroup, DimensionRecord, RecordTable
from pachon.dimensions.record_table import column_arrays

if TYPE_CHECKING:
    import astropy.table
    import pandas
    import pyarrow

    from pachon.butler.lookup import DataId
    from pachon.butler.session import Session

__all__ = [
    "DataIdQueryResult",
    "DatasetQueryResult",
    "DatasetTables",
    "Explanation",
    "GeneralQueryResult",
    "QueryResult",
    "RecordQueryResult",
]

T = TypeVar("T")
Rows = TypeVar("Rows", bound=Sequence[object])

BATCH = 50_000
"""Rows that are fetched together when somebody goes through a result."""
_SHOWN = 10
"""Rows that a notebook sees."""


class QueryResult(ABC, Generic[T, Rows]):
    """What a query finds; a light thing until somebody looks.

    What is looked at as a whole (`table`, `len`, a table of another library) is fetched once and kept. Going through a result that was
    not fetched reads it bit by bit and keeps it only if it is small, so that one of any size can be gone through.

    Parameters
    ----------
    title
        What was asked for, for people.
    question
        Asks it.
    """

    def __init__(self, title: str, question: Question[Rows]) -> None:
        self._title = title
        self._question = question
        self._rows: Rows | None = None

    @property
    def table(self) -> Rows:
        """All rows, as columns."""
        if self._rows is None:
            self._rows = self._question.fetch(None)
        return self._rows

    def batches(self, size: int = BATCH) -> Iterator[Rows]:
        """Give the rows as tables of about ``size`` rows each, with the memory of one; all are of one state of the repository.

        Meanwhile the repository can be read and written. An order together with a choice among collections needs memory
        for all rows.
        """
        if self._rows is not None:
            return iter([self._rows])
        asked: object = size
        if not isinstance(asked, int | np.integer) or asked < 1:
            raise InvalidInputError(f"A batch has a number of rows, at least one; not {size!r}.")
        return self._question.batches(size)

    @abstractmethod
    def _columns(self, rows: Rows) -> tuple[Columns, Kinds]: ...

    def _joined(self, rows: Rows, *, records: bool, uris: bool) -> tuple[Columns, Kinds]:
        if records or uris:
            what = "records" if records else "URIs"
            raise InvalidInputError(f"There are no {what} to be joined to {self._title}.")
        return self._columns(rows)

    def columns(self, *, records: bool = False, uris: bool = False) -> Columns:
        """Give the rows as plain columns by name.

        Parameters
        ----------
        records
            Of data IDs and datasets: add the fields of all dimension records, as ``element.field``.
        uris
            Of datasets: add ``uri``, the place of the file; None for what is not stored or in several files.
        """
        return self._joined(self.table, records=records, uris=uris)[0]

    def _items(self, rows: Rows) -> Iterator[T]:
        return iter(rows)  # type: ignore[arg-type]  # tables are sequences of what a result is of

    def __iter__(self) -> Iterator[T]:
        if self._rows is not None:
            # Whoever makes a list has asked for its length meanwhile.
            yield from self._items(self._rows)
            return
        parts = self._question.batches(BATCH)
        first = next(parts, None)
        second = None if first is None else next(parts, None)
        if second is None:
            yield from self._items(self.table if first is None else self._keep(first))
            return
        assert first is not None
        for part in (first, second):
            yield from self._items(part)
        for part in parts:
            yield from self._items(part)

    def _keep(self, rows: Rows) -> Rows:
        self._rows = rows
        return rows

    def __len__(self) -> int:
        return len(self.table)

    def __bool__(self) -> bool:
        return self.first() is not None

    def count(self) -> int:
        """Count the rows without fetching them, where the database can."""
        return len(self._rows) if self._rows is not None else self._question.count()

    def any(self) -> bool:
        """Whether there is a row; no more than one is fetched."""
        return bool(self)

    def first(self) -> T | None:
        """Give the first row, or None; no more than one is fetched."""
        rows = self._rows if self._rows is not None else self._question.fetch(1)
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
        rows = self._rows if self._rows is not None else self._question.fetch(2)
        found = list(self._items(rows))
        if not found:
            error = NotFoundError(f"No {self._title}, and exactly one is wanted.")
            for reason in self.explain().reasons:
                error.add_note(reason)
            raise error
        if len(found) > 1:
            raise ConflictError(f"There are several {self._title}, and exactly one is wanted.")
        return found[0]

    @explains_failures
    def where(
        self, where: str = "", *, bind: Mapping[str, Any] | None = None, data_id: DataId | None = None, **dims: Any
    ) -> Self:
        """Give those rows that satisfy a further expression, too, and have the values of a data ID.

        Raises
        ------
        InvalidInputError
            If a name of ``bind`` or a dimension has another value already.
        """
        values, terms, binds = named_values(self._question.session.universe, data_id, dims)
        text, bound = both_conditions(where, bind or {}, terms, binds)
        return self._changed(where=text, bind=bound, data_id=values)

    @explains_at_once
    def order_by(self, *names: str) -> Self:
        """Give the result in an order; ``-`` before a name reverses it."""
        return self._changed(order_by=names)

    @explains_at_once
    def limit(self, limit: int) -> Self:
        """Give the first rows of the result; a negative number warns if there are more."""
        return self._changed(limit=limit)

    def _changed(self, **changes: Any) -> Self:
        result = copy(self)
        result._question, result._rows = self._question.refined(**changes), None
        return result

    def to_arrow(self, *, records: bool = False, uris: bool = False) -> pyarrow.Table:
        """Give an Arrow table; ``records`` and ``uris`` as for `columns`."""
        return arrow_table(*self._joined(self.table, records=records, uris=uris))

    def to_arrow_batches(
        self, size: int = BATCH, *, records: bool = False, uris: bool = False
    ) -> Iterator[pyarrow.Table]:
        """Give Arrow tables of about ``size`` rows each, all of one schema, with the memory of one."""
        return (arrow_table(*self._joined(rows, records=records, uris=uris)) for rows in self.batches(size))

    def to_pandas(self, *, records: bool = False, uris: bool = False) -> pandas.DataFrame:
        """Give a pandas table; ``records`` and ``uris`` as for `columns`."""
        return pandas_table(*self._joined(self.table, records=records, uris=uris))

    def to_astropy(self, *, records: bool = False, uris: bool = False) -> astropy.table.Table:
        """Give an astropy table; ``records`` and ``uris`` as for `columns`."""
        return astropy_table(self._joined(self.table, records=records, uris=uris)[0])

    def explain(self) -> Explanation:
        """Say why the result is empty if it is, how the query is planned, and the SQL."""
        return self._question.explain()

    def __repr__(self) -> str:
        state = "not run yet" if self._rows is None else f"{len(self._rows)} found"
        return f"<{type(self).__name__}: {self._title}; {state}>"

    def _repr_html_(self) -> str:
        import html  # for notebooks only

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

    def _columns(self, rows: DatasetTables) -> tuple[Columns, Kinds]:
        return dataset_columns(rows.tables), _key_kinds(*(table.dataset_type.dimensions for table in rows.tables))

    def _joined(self, rows: DatasetTables, *, records: bool, uris: bool) -> tuple[Columns, Kinds]:
        columns, kinds = self._columns(rows)
        if records:
            if len(rows.tables) > 1:
                raise InvalidInputError("Records can be joined to datasets of one type; ask for each type alone.")
            for table in rows.tables:
                more, of_more = _records_of(self._question.session, table.data_ids)
                columns, kinds = {**columns, **more}, {**kinds, **of_more}
        if uris:
            ids = np.concatenate([np.empty((0, 16), dtype=np.uint8), *(table.ids for table in rows.tables)])
            columns, kinds = {**columns, "uri": uri_column(self._question.session, ids)}, {**kinds, "uri": "string"}
        return columns, kinds


class DataIdQueryResult(QueryResult[DataCoordinate, DataIdTable]):
    """Data IDs that a query found."""

    def _columns(self, rows: DataIdTable) -> tuple[Columns, Kinds]:
        return data_id_columns(rows), _key_kinds(rows.group)

    def _joined(self, rows: DataIdTable, *, records: bool, uris: bool) -> tuple[Columns, Kinds]:
        columns, kinds = super()._joined(rows, records=False, uris=uris)
        if not records:
            return columns, kinds
        more, of_more = _records_of(self._question.session, rows)
        return {**columns, **more}, {**kinds, **of_more}


class RecordQueryResult(QueryResult[DimensionRecord, RecordTable]):
    """Dimension records that a query found."""

    def _columns(self, rows: RecordTable) -> tuple[Columns, Kinds]:
        kinds = {
            name: "datetime" if column.type == "timespan" else column.type
            for column in rows.element.columns
            for name in column_arrays(column)
        }
        return record_columns(rows), kinds


class GeneralQueryResult(QueryResult[Mapping[str, Any], ColumnTable]):
    """Dimensions and fields of records and datasets side by side; a row is a mapping of names to values."""

    def _columns(self, rows: ColumnTable) -> tuple[Columns, Kinds]:
        return general_columns(rows), rows.types


def _key_kinds(*groups: DimensionGroup) -> Kinds:
    return {name: group.universe[name].primary_key.type for group in groups for name in group.names}


def _records_of(session: Session, data_ids: DataIdTable) -> tuple[Columns, Kinds]:
    expanded = session.registry.dimension_records.expand(data_ids)
    return joined_records(expanded.records, expanded.rows)


def _head(column: object) -> list[str]:
    assert isinstance(column, Categorical) or hasattr(column, "__getitem__")
    values = column.decode()[:_SHOWN].tolist() if isinstance(column, Categorical) else list(column[:_SHOWN])
    return [f"{len(value)} bytes" if isinstance(value, bytes) else str(value) for value in values]
