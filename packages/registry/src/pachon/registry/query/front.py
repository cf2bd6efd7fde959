# SPDX-License-Identifier: BSD-3-Clause
"""The queries of a registry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pachon.base import InvalidInputError
from pachon.datasets import DatasetSearch, DatasetTable, DatasetType
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionGroup, RecordTable
from pachon.registry.collection_names import as_expressions
from pachon.registry.database.key_table import KeyTable
from pachon.registry.datasets.rows import dataset_table
from pachon.registry.dimension_records import reading
from pachon.registry.dimension_records.fields import keys_of
from pachon.registry.query.compile_sql import compile_plan
from pachon.registry.query.execute import Rows, run_plan
from pachon.registry.query.explain import explain_empty
from pachon.registry.query.plan import Plan
from pachon.registry.query.planner import make_plan
from pachon.registry.query.search_facts import fetch_search_facts
from pachon.registry.query.spec import QuerySpec
from pachon.registry.state import State

__all__ = ["Queries"]


class Queries:
    """Ask for data IDs, datasets and dimension records that satisfy an expression; answers are columns.

    Arguments that all queries share:

    where
        An expression (`docs/query-language.md`).
    bind
        Values of its ``:names``.
    data_id
        Values that dimensions must have.
    datasets
        Searches: only data IDs for which such datasets exist are given.
    tables
        Tables of data IDs: only what agrees with a row of each is given.
    order_by
        Names of columns, with ``-`` before one to descend; nulls come last when ascending.
    limit
        Largest number of rows; if negative, a warning says that there are more. 0 only checks the query.
    defaults
        Values of governor dimensions that hold unless the query mentions them.

    All raise `InvalidQueryError` for an expression that makes no sense, `UnimplementedQueryError` for one that cannot
    be answered yet, and `MissingCollectionError` or `MissingDatasetTypeError` for what does not exist.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def spec(self, dimensions: DimensionGroup | Iterable[str], **conditions: Any) -> QuerySpec:
        """Put together what is asked, from the arguments that all queries share."""
        data_id = conditions.pop("data_id", None) or {}
        values = data_id.mapping if isinstance(data_id, DataCoordinate) else dict(data_id)
        for name, value in values.items():
            self._state.universe.conform([name])
            checked = self._state.universe[name].primary_key.check(value, name)
            assert isinstance(checked, int | str)
            values[name] = checked
        return QuerySpec(
            dimensions=self._state.universe.conform(dimensions),
            where=conditions.pop("where", ""),
            bind=dict(conditions.pop("bind", None) or {}),
            data_id=values,
            searches=tuple(conditions.pop("datasets", ())),
            tables=tuple(conditions.pop("tables", ())),
            order_by=as_expressions(conditions.pop("order_by", ())),
            defaults=dict(conditions.pop("defaults", None) or {}),
            **conditions,
        )

    def data_ids(
        self,
        dimensions: DimensionGroup | Iterable[str],
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> DataIdTable:
        """Give the distinct, full data IDs of a group of dimensions.

        The empty group has one data ID if the query matches anything.
        """
        spec = self.spec(
            dimensions,
            where=where,
            bind=bind,
            data_id=data_id,
            datasets=datasets,
            tables=tables,
            order_by=order_by,
            limit=limit,
            defaults=defaults,
        )
        rows, plan = self._run(spec)
        length = len(rows) if plan.keys else min(len(rows), 1)
        return DataIdTable(spec.dimensions, {n: rows.keys.columns[n] for n in spec.dimensions.ordered}, length)

    def datasets(
        self,
        dataset_type: str | DatasetType,
        collections: str | Iterable[str],
        *,
        find_first: bool = True,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> DatasetTable:
        """Give datasets of a type, with full data IDs.

        Parameters
        ----------
        dataset_type
            Its name; or itself, and then the result has its storage class.
        collections
            In search order; chains are expanded. Patterns are allowed without ``find_first``.
        find_first
            Give one dataset a data ID, from the first collection that has one; otherwise all, each once.
        where, bind, data_id, datasets, tables, order_by, limit, defaults
            As for all queries.

        Raises
        ------
        CalibrationLookupError
            If the winning collection has several calibrations of a data ID.
        """
        name = dataset_type if isinstance(dataset_type, str) else dataset_type.name
        with self._state.database.snapshot(replica=True) as connection:
            known = self._state.view(connection).get_dataset_type(name)
            spec = self.spec(
                known.dataset_type.dimensions,
                where=where,
                bind=bind,
                data_id=data_id,
                datasets=datasets,
                tables=tables,
                order_by=order_by,
                limit=limit,
                defaults=defaults,
                result=DatasetSearch(dataset_type=name, collections=as_expressions(collections)),
                find_first=find_first,
            )
            rows, _ = self._run(spec)
            group = known.dataset_type.dimensions
            data_ids = DataIdTable(group, {n: rows.keys.columns[n] for n in group.ordered}, len(rows))
            table = dataset_table(self._state.view(connection), known, data_ids, rows.ids, rows.runs)
        if isinstance(dataset_type, DatasetType):
            if dataset_type.dimensions != known.dataset_type.dimensions:
                raise InvalidInputError(f"{dataset_type!r} is registered as {known.dataset_type!r}.")
            return table.with_dataset_type(dataset_type)
        return table

    def records(
        self,
        element: str,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | DataCoordinate | None = None,
        datasets: Sequence[DatasetSearch] = (),
        tables: Sequence[DataIdTable] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
        defaults: Mapping[str, str] | None = None,
    ) -> RecordTable:
        """Give the distinct records of an element."""
        item = self._state.universe[element]
        with self._state.database.snapshot(replica=True) as connection:
            spec = self.spec(
                item.required,
                where=where,
                bind=bind,
                data_id=data_id,
                datasets=datasets,
                tables=tables,
                order_by=order_by,
                limit=limit,
                defaults=defaults,
                element=element if item.has_table else None,
            )
            rows, _ = self._run(spec)
            keys = KeyTable(columns={n: rows.keys.columns[n] for n in item.required}, length=len(rows))
            records = reading.fetch(self._state, connection, item, keys)
            place = keys.match(keys_of(records))
        return records.take(place[place >= 0])

    def plan(self, spec: QuerySpec) -> Plan:
        """Give the plan of a query; it can be printed."""
        with self._state.database.snapshot(replica=True) as connection:
            return make_plan(spec, fetch_search_facts(self._state, connection, spec))

    def sql(self, spec: QuerySpec) -> str:
        """Give the statement of a query without given tables, for people to read."""
        statement = compile_plan(self.plan(spec), self._state.schema, self._state.dialect)
        return str(statement.compile(self._state.database.engine))

    def explain_empty(self, spec: QuerySpec) -> list[str]:
        """Say in sentences which condition, collection, type or record leaves a query without rows.

        Empty if the query has rows.
        """
        return explain_empty(self._state, spec)

    def _run(self, spec: QuerySpec) -> tuple[Rows, Plan]:
        with self._state.database.snapshot(replica=True) as connection:
            plan = make_plan(spec, fetch_search_facts(self._state, connection, spec))
            return run_plan(self._state, connection, plan, spec.tables), plan
