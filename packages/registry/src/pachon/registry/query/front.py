# SPDX-License-Identifier: BSD-3-Clause
"""The queries of a registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pachon.base import InvalidInputError
from pachon.datasets import ColumnTable, DatasetSearch, DatasetTable, DatasetType
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionGroup, RecordTable
from pachon.registry.collection_names import as_expressions
from pachon.registry.query.answers import Answer, make_answer
from pachon.registry.query.binds import fixed_binds
from pachon.registry.query.compile_sql import compile_plan, stand_ins
from pachon.registry.query.execute import count_plan, run_plan, stream_plan
from pachon.registry.query.forms import shared_statement
from pachon.registry.query.governors import equal_keys
from pachon.registry.query.plan import Plan
from pachon.registry.query.planner import make_plan, resolved_condition
from pachon.registry.query.reordering import reordered
from pachon.registry.query.search_facts import fetch_search_facts
from pachon.registry.query.spec import QuerySpec
from pachon.registry.state import State

__all__ = ["BATCH", "Queries"]

BATCH = 50_000
"""Rows of a batch."""


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

    # What is asked.

    def spec(self, dimensions: DimensionGroup | Iterable[str], **conditions: Any) -> QuerySpec:
        """Put together what is asked, from the arguments that all queries share.

        It asks for data IDs, unless it says otherwise (`QuerySpec`).
        """
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
            bind=fixed_binds(conditions.pop("bind", None) or {}),
            data_id=values,
            searches=tuple(conditions.pop("datasets", ())),
            tables=tuple(conditions.pop("tables", ())),
            order_by=as_expressions(conditions.pop("order_by", ())),
            defaults=dict(conditions.pop("defaults", None) or {}),
            **conditions,
        )

    def dataset_spec(
        self, dataset_type: str | DatasetType, collections: str | Iterable[str], **conditions: Any
    ) -> QuerySpec:
        """Put together a query of datasets.

        Raises
        ------
        MissingDatasetTypeError
            If there is no such type.
        InvalidInputError
            If it is registered with other dimensions.
        """
        name = dataset_type if isinstance(dataset_type, str) else dataset_type.name
        with self._state.database.snapshot(replica=True) as connection:
            known = self._state.view(connection).get_dataset_type(name).dataset_type
        if isinstance(dataset_type, DatasetType) and dataset_type.dimensions != known.dimensions:
            raise InvalidInputError(f"{dataset_type!r} is registered as {known!r}.")
        search = DatasetSearch(dataset_type=name, collections=as_expressions(collections))
        return self.spec(known.dimensions, result=search, **conditions)

    def record_spec(self, element: str, **conditions: Any) -> QuerySpec:
        """Put together a query of dimension records."""
        return self.spec(self._state.universe[element].required, element=element, **conditions)

    # Answers.

    def fetch(self, spec: QuerySpec) -> Answer:
        """Give all that was asked for."""
        with self._state.database.snapshot(replica=True) as connection:
            plan = make_plan(spec, fetch_search_facts(self._state, connection, spec))
            rows = run_plan(self._state, connection, plan, spec.tables)
            return make_answer(self._state, connection, spec, plan, rows)

    def batches(self, spec: QuerySpec, size: int = BATCH) -> Iterator[Answer]:
        """Give the same in parts of about ``size`` rows, with the memory of one part.

        All parts are of one state of the database. Other things can be done between two parts, also by the same thread.
        """
        if self._state.database.in_write:
            # The transaction may end before the last part is taken.
            yield self.fetch(spec)
            return
        with self._state.database.stream(replica=True) as connection:
            plan = make_plan(spec, fetch_search_facts(self._state, connection, spec))
            for rows in stream_plan(self._state, connection, plan, spec.tables, size=size):
                yield make_answer(self._state, connection, spec, plan, rows)

    def count(self, spec: QuerySpec) -> int:
        """Count what would be given."""
        with self._state.database.snapshot(replica=True) as connection:
            plan = make_plan(spec, fetch_search_facts(self._state, connection, spec))
            return count_plan(self._state, connection, plan, spec.tables)

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
        found = self.fetch(spec)
        assert isinstance(found, DataIdTable)
        return found

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
        spec = self.dataset_spec(
            dataset_type,
            collections,
            where=where,
            bind=bind,
            data_id=data_id,
            datasets=datasets,
            tables=tables,
            order_by=order_by,
            limit=limit,
            defaults=defaults,
            find_first=find_first,
        )
        found = self.fetch(spec)
        assert isinstance(found, DatasetTable)
        return found.with_dataset_type(dataset_type) if isinstance(dataset_type, DatasetType) else found

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
        spec = self.record_spec(
            element,
            where=where,
            bind=bind,
            data_id=data_id,
            datasets=datasets,
            tables=tables,
            order_by=order_by,
            limit=limit,
            defaults=defaults,
        )
        found = self.fetch(spec)
        assert isinstance(found, RecordTable)
        return found

    def general(
        self,
        dimensions: DimensionGroup | Iterable[str],
        fields: Iterable[str],
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
    ) -> ColumnTable:
        """Give values of dimensions, fields of records and fields of datasets side by side, each row once.

        Parameters
        ----------
        dimensions
            Those whose values are given, with all that they require and imply.
        fields
            Names of further columns as in an expression: ``exposure.obs_id``, ``visit.region``, ``raw.run``.
        find_first
            For each data ID and dataset type of which fields are wanted give the dataset of the first collection that has one.
        where, bind, data_id, datasets, tables, order_by, limit, defaults
            As for all queries.
        """
        spec = self.spec(
            dimensions,
            fields=as_expressions(fields),
            find_first=find_first,
            where=where,
            bind=bind,
            data_id=data_id,
            datasets=datasets,
            tables=tables,
            order_by=order_by,
            limit=limit,
            defaults=defaults,
        )
        found = self.fetch(spec)
        assert isinstance(found, ColumnTable)
        return found

    def plan(self, spec: QuerySpec) -> Plan:
        """Give the plan by which a query is answered now; it can be printed."""
        with self._state.database.snapshot(replica=True) as connection:
            plan = make_plan(spec, fetch_search_facts(self._state, connection, spec))
            return reordered(self._state, connection, plan)

    def sql(self, spec: QuerySpec) -> str:
        """Give the statement of a query, for people to read; tables that are made for it have names that say what they are."""
        plan, schema = self.plan(spec), self._state.schema
        shared, _ = shared_statement(
            self._state,
            plan,
            "shown",
            lambda form: compile_plan(form, schema, self._state.dialect, uploaded=stand_ins(form, schema)),
        )
        return shared.text(self._state.database.engine)

    def known_values(self, spec: QuerySpec) -> dict[str, int | str]:
        """Give the values that dimensions have in all rows of a query because a condition says so."""
        with self._state.database.snapshot(replica=True) as connection:
            facts = fetch_search_facts(self._state, connection, spec)
            return dict(equal_keys(resolved_condition(spec, facts)))

    def explain_empty(self, spec: QuerySpec) -> list[str]:
        """Say in sentences which condition, collection, type or record leaves a query without rows.

        Empty if the query has rows.
        """
        # Wanted when nothing was found, and then only.
        from pachon.registry.query.explain import explain_empty

        return explain_empty(self._state, spec)
