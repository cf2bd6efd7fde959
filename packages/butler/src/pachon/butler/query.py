# SPDX-License-Identifier: BSD-3-Clause
"""Queries that are put together step by step: ``with butler.query() as q:``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pachon.base import InvalidInputError
from pachon.butler.arguments import explains_arguments
from pachon.butler.lookup import resolve_collections, resolve_type
from pachon.butler.queries import (
    Conditions,
    query_data_ids,
    query_datasets,
    query_general,
    query_records,
)
from pachon.butler.question import both_conditions, both_data_ids, named_values
from pachon.datasets import DatasetSearch
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable, DataIdValueError, UnknownDimensionError

if TYPE_CHECKING:
    from pachon.butler.lookup import DataId
    from pachon.butler.query_results import (
        DataIdQueryResult,
        DatasetQueryResult,
        GeneralQueryResult,
        RecordQueryResult,
    )
    from pachon.butler.session import Session
    from pachon.datasets import DatasetType
    from pachon.dimensions import DimensionGroup

__all__ = ["Query", "QueryContext"]


@explains_arguments
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Query:
    """What is asked of a repository, as it is put together; every step gives a new query, and none of them asks yet.

    Get one of `Butler.query`. The steps join and constrain; `data_ids`, `datasets`, `dimension_records` and `general` give lazy
    results, which satisfy all of it.
    """

    _session: Session
    _conditions: Conditions = field(default_factory=Conditions)

    def __repr__(self) -> str:
        asked = self._conditions
        parts = [f"datasets {one.dataset_type!r} in {', '.join(one.collections)}" for one in asked.datasets]
        parts += [f"a table of {len(table)} data IDs" for table in asked.tables]
        parts += [f"{name} = {value!r}" for name, value in asked.data_id.items()]
        parts += [asked.where] if asked.where else []
        return f"<Query: {'; '.join(parts) or 'nothing joined or constrained'}>"

    # Steps.

    def where(
        self, where: str = "", *, bind: Mapping[str, Any] | None = None, data_id: DataId | None = None, **dims: Any
    ) -> Query:
        """Let only what satisfies an expression, and has the values of a data ID, be found.

        Raises
        ------
        InvalidInputError
            If a name of ``bind`` or a dimension has another value already.
        """
        values, terms, binds = named_values(self._session.universe, data_id, dims)
        text, bound = both_conditions(self._conditions.where, self._conditions.bind, where, bind or {})
        text, bound = both_conditions(text, bound, terms, binds)
        return self._with(where=text, bind=bound, data_id=both_data_ids(self._conditions.data_id, values))

    def join_dimensions(self, dimensions: str | Iterable[str] | DimensionGroup) -> Query:
        """Join further dimensions, which relate and restrict what is found; the results need not have them."""
        group = self._session.universe.conform(dimensions)
        return self._with(joined=tuple(dict.fromkeys((*self._conditions.joined, *group.names))))

    def join_datasets(
        self, dataset_type: DatasetType | str, *, collections: str | Iterable[str] | None = None
    ) -> Query:
        """Find only data IDs for which such a dataset exists; its fields can be used in expressions and shown."""
        registered, _ = resolve_type(self._session, dataset_type)
        searched = resolve_collections(self._session, collections)
        search = DatasetSearch(dataset_type=registered.name, collections=searched)
        return self._with(datasets=(*self._conditions.datasets, search))

    def join_data_ids(self, data_ids: DataIdTable | Iterable[DataId]) -> Query:
        """Find only what agrees with one of these data IDs, which all have the same dimensions; a million are no problem.

        A dimension that they require and lack must have one value in all of the query, because an earlier `where` or a default of
        the butler says so.

        Raises
        ------
        InvalidInputError
            If there are none, or their dimensions differ.
        """
        given: object = data_ids
        is_one = isinstance(given, str | Mapping | DataCoordinate)
        if is_one or any(hasattr(given, name) for name in _OF_TABLES):
            raise InvalidInputError(
                f"join_data_ids takes a list of data IDs, not one {type(given).__name__}; join_table takes a table of columns."
            )
        table = data_ids if isinstance(data_ids, DataIdTable) else self._table_of(list(data_ids))
        return self._with(tables=(*self._conditions.tables, table))

    def join_table(self, table: Any) -> Query:
        """Find only what agrees with a row of a table: a mapping of columns, or a table of Arrow, pandas or astropy.

        Its columns are named as dimensions. A dimension that these require and that has no column must have one value in
        all of the query, because an earlier `where` or a default of the butler says so.

        Raises
        ------
        UnknownDimensionError
            If a column is not named as a dimension.
        InvalidInputError
            If it is no table, or lacks a column or a value.
        DataIdValueError
            If a value is not of the type that its dimension has.
        """
        columns = _plain_columns(table)
        universe = self._session.universe
        try:
            group = universe.conform(columns)
        except UnknownDimensionError as error:
            error.add_note("Columns of a joined table are named as dimensions; give it without the others.")
            raise
        for name in group.required:
            if name in columns:
                _check_values(universe.dimensions[name].primary_key.type, name, columns[name])
        missing = [name for name in group.required if name not in columns]
        if missing:
            known = self._known_values(missing)
            length = len(next(iter(columns.values())))
            for name in missing:
                if name not in known:
                    raise InvalidInputError(f"The table has no column {name!r}, and no condition says its value.")
                columns[name] = np.array([known[name]] * length, dtype=object)
        return self.join_data_ids(DataIdTable.from_arrays(group, columns))

    def materialize(
        self, dimensions: str | Iterable[str] | DimensionGroup | None = None, *, datasets: Iterable[str] | None = None
    ) -> Query:
        """Ask now for data IDs, and go on from them: what is asked later searches among these alone.

        Parameters
        ----------
        dimensions
            Those of the data IDs; by default all that were joined.
        datasets
            Dataset types of which fields are wanted later; by default all that were joined.
        """
        conditions = self._conditions
        kept = conditions.datasets
        if datasets is not None:
            names = set(datasets)
            unknown = names - {search.dataset_type for search in kept}
            if unknown:
                raise InvalidInputError(f"{', '.join(sorted(unknown))} has not been joined to the query.")
            kept = tuple(search for search in kept if search.dataset_type in names)
        group = self._session.universe.conform(self._all_dimensions() if dimensions is None else dimensions)
        found = self.data_ids(group).table
        defaults = {name: value for name, value in conditions.defaults.items() if name not in group}
        return Query(self._session, Conditions(datasets=kept, tables=(found,), defaults=defaults))

    # Results.

    def data_ids(
        self,
        dimensions: str | Iterable[str] | DimensionGroup,
        *,
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
    ) -> DataIdQueryResult:
        """Give the distinct data IDs of some dimensions."""
        return query_data_ids(self._session, dimensions, self._ordered(order_by, limit))

    def datasets(
        self,
        dataset_type: DatasetType | str,
        *,
        collections: str | Iterable[str] | None = None,
        find_first: bool = True,
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        with_records: bool = False,
    ) -> DatasetQueryResult:
        """Give datasets of a type, by default from the collections in which it was joined, or else those of the butler."""
        registered, _ = resolve_type(self._session, dataset_type)
        joined = {search.dataset_type: search.collections for search in self._conditions.datasets}
        if collections is None:
            collections = joined.get(registered.name)
        return query_datasets(
            self._session,
            dataset_type,
            self._ordered(order_by, limit),
            collections=collections,
            find_first=find_first,
            with_records=with_records,
        )

    def dimension_records(
        self, element: str, *, order_by: str | Iterable[str] = (), limit: int | None = None
    ) -> RecordQueryResult:
        """Give the distinct records of a dimension or other element."""
        return query_records(self._session, element, self._ordered(order_by, limit))

    def general(
        self,
        dimensions: str | Iterable[str] | DimensionGroup,
        fields: str | Iterable[str] = (),
        *,
        find_first: bool = True,
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
    ) -> GeneralQueryResult:
        """Give values of dimensions with fields of records and datasets side by side, each row once.

        Parameters
        ----------
        dimensions
            Those whose values are given, with all that they require and imply.
        fields
            Names as in an expression: ``exposure.obs_id``, ``visit.region``, ``exposure.timespan``, ``raw.run``, ``raw.dataset_id``.
        find_first
            Of a dataset type whose fields are shown give for each data ID that of the first collection that has one.
        order_by, limit
            As for all queries.
        """
        conditions = self._ordered(order_by, limit)
        return query_general(self._session, dimensions, fields, conditions, find_first=find_first)

    def any(self) -> bool:
        """Whether anything satisfies the query; no more than one row is fetched."""
        return self.data_ids(self._all_dimensions()).any()

    def explain(self) -> str:
        """Say why nothing satisfies the query if nothing does, how it is answered, and the SQL."""
        return str(self.data_ids(self._all_dimensions()).explain())

    # Parts.

    def _with(self, **changes: Any) -> Query:
        return Query(self._session, dataclasses.replace(self._conditions, **changes))

    def _ordered(self, order_by: str | Iterable[str], limit: int | None) -> Conditions:
        names = (order_by,) if isinstance(order_by, str) else tuple(order_by)
        return dataclasses.replace(self._conditions, order_by=names, limit=limit)

    def _all_dimensions(self) -> list[str]:
        """Give the dimensions that were joined or constrained by value."""
        conditions = self._conditions
        names = [*conditions.joined, *conditions.data_id]
        names += [name for table in conditions.tables for name in table.group.names]
        types = self._session.registry.dataset_types.find(search.dataset_type for search in conditions.datasets)
        return [*names, *(name for item in types.values() for name in item.dimensions.names)]

    def _table_of(self, data_ids: list[DataId]) -> DataIdTable:
        if not data_ids:
            raise InvalidInputError("There are no data IDs to be joined; at least one is needed.")
        first = data_ids[0]
        universe = self._session.universe
        groups = {d.group if isinstance(d, DataCoordinate) else universe.conform(d) for d in data_ids}
        if len(groups) > 1:
            raise InvalidInputError("All data IDs that are joined must have the same dimensions.")
        group = first.group if isinstance(first, DataCoordinate) else universe.conform(first)
        mappings = [row for row in data_ids if not isinstance(row, DataCoordinate)]
        missing = [name for name in group.required if any(name not in row for row in mappings)]
        if missing:
            known = self._known_values(missing)
            data_ids = [row if isinstance(row, DataCoordinate) else {**known, **row} for row in data_ids]
        return DataIdTable.from_rows(group, data_ids)

    def _known_values(self, names: list[str]) -> Mapping[str, Any]:
        spec = self._session.registry.query.spec(self._session.universe.conform(names), **self._conditions.arguments())
        return self._session.registry.query.known_values(spec)


class QueryContext:
    """What `Butler.query` gives: the context of a query, which says so to whom takes it for the query."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Query:
        self._session.check_open()
        return Query(self._session, Conditions(defaults=self._session.default_data_id))

    def __exit__(self, *exception: object) -> None:
        pass

    def __repr__(self) -> str:
        return "<the context of a query; write: with butler.query() as q: ...>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            # Python and its tools ask for such names, to see whether they are there.
            raise AttributeError(name)
        raise InvalidInputError(f"A query is used within its context: with butler.query() as q: q.{name} ...")


_INT64: Final = np.iinfo(np.int64)
_OF_TABLES: Final = ("column_names", "colnames", "iloc")
"""What tables of Arrow, astropy and pandas have, and no list of data IDs has."""


def _plain_columns(table: Any) -> dict[str, np.ndarray]:
    """Give the columns of a mapping, or of a table of Arrow, pandas or astropy."""
    if isinstance(table, DataIdTable):
        return {name: column.decode() for name, column in table.columns.items()}
    names = table.column_names if hasattr(table, "column_names") else getattr(table, "colnames", None)
    if names is None:
        names = list(table)
    if isinstance(table, list | tuple | set | str):
        raise InvalidInputError(
            f"A table that is joined is a mapping of columns, or one of Arrow, pandas or astropy, no {type(table).__name__}; "
            f"join_data_ids takes data IDs one by one."
        )
    if not names:
        raise InvalidInputError("A table that is joined has at least one column.")
    return {str(name): _plain_column(str(name), table[name]) for name in names}


def _check_values(kind: str, name: str, values: np.ndarray) -> None:
    """Refuse a column of which a value is missing or of another type: its rows would agree with nothing."""
    if kind == "int" and values.dtype.kind == "i":
        return
    # pandas makes floats of integers if one of them is missing.
    allowed = (int, float) if kind == "int" else (str,)
    for row, value in enumerate(values.tolist()):
        if value is None or value != value:  # noqa: PLR0124 - what is not a number differs from itself
            raise InvalidInputError(f"The table has no value of {name!r} in row {row}.")
        if not isinstance(value, allowed) or (isinstance(value, float) and not value.is_integer()):
            raise DataIdValueError(
                f"The value of {name} must be of type {kind}; got {value!r} ({type(value).__name__}) in row {row}."
            )
        if not isinstance(value, str) and not _INT64.min <= value <= _INT64.max:
            raise _too_large(name, value)


def _too_large(name: str, value: object) -> DataIdValueError:
    return DataIdValueError(f"Column {name!r} of a table that is joined has {value}, which does not fit into 64 bits.")


def _plain_column(name: str, column: Any) -> np.ndarray:
    if isinstance(column, Categorical):
        return column.decode()
    try:
        values = np.asarray(column.to_numpy(zero_copy_only=False) if hasattr(column, "chunks") else column)
    except ValueError:
        values = np.empty((0, 0))  # lists of different lengths
    if values.ndim != 1:
        raise InvalidInputError(f"Column {name!r} of a table that is joined is no list of single values.")
    if values.dtype.kind in "iu":
        if values.dtype.kind == "u" and len(values) and values.max() > _INT64.max:
            raise _too_large(name, values.max())
        return values.astype(np.int64)
    return np.array([value.item() if isinstance(value, np.generic) else value for value in values], dtype=object)
