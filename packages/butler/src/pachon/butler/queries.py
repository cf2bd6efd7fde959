# SPDX-License-Identifier: BSD-3-Clause
"""Queries: what was asked, brought to the registry's terms; the registry answers when somebody looks at the result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pachon.base import InvalidInputError
from pachon.butler.data_id_rewriting import plan_rewriting
from pachon.butler.lookup import DataId, resolve_collections, resolve_type
from pachon.butler.query_results import (
    DataIdQueryResult,
    DatasetQueryResult,
    DatasetTables,
    Explanation,
    RecordQueryResult,
)
from pachon.butler.session import Session
from pachon.datasets import DatasetSearch, DatasetType
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionGroup, RecordTable

if TYPE_CHECKING:
    from pachon.registry.query.spec import QuerySpec

__all__ = ["query_all_datasets", "query_data_ids", "query_datasets", "query_records"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Conditions:
    """What constrains the rows of a query, as the registry takes it."""

    where: str
    bind: Mapping[str, Any]
    data_id: Mapping[str, Any]
    datasets: tuple[DatasetSearch, ...]
    order_by: tuple[str, ...]
    defaults: Mapping[str, Any]

    @classmethod
    def make(
        cls,
        session: Session,
        group: DimensionGroup,
        *,
        where: str,
        bind: Mapping[str, Any] | None,
        data_id: DataId | None,
        datasets: Iterable[DatasetSearch] = (),
        order_by: str | Iterable[str],
    ) -> _Conditions:
        """Resolve the conditions of a call; alternate keys of its data ID become terms of the expression."""
        values: Mapping[str, Any] = {}
        binds = dict(bind or {})
        if data_id:
            given = data_id.mapping if isinstance(data_id, DataCoordinate) else data_id
            rewriting = plan_rewriting(given, group, is_calibration=True)
            values = rewriting.values
            for dimension, fields in rewriting.conditions.items():
                for name, value in fields.items():
                    key = f"data_id_{dimension}_{name}"
                    binds[key] = value
                    term = f"{dimension}.{name} = :{key}"
                    where = f"({where}) AND {term}" if where.strip() else term
        return cls(
            where=where,
            bind=binds,
            data_id=values,
            datasets=tuple(datasets),
            order_by=(order_by,) if isinstance(order_by, str) else tuple(order_by),
            defaults=session.default_data_id,
        )

    def arguments(self) -> dict[str, Any]:
        """Give them by keyword."""
        return {name: getattr(self, name) for name in self.__slots__}


def query_datasets(
    session: Session,
    dataset_type: DatasetType | str,
    *,
    collections: str | Iterable[str] | None,
    where: str,
    bind: Mapping[str, Any] | None,
    find_first: bool,
    order_by: str | Iterable[str],
    limit: int | None,
    data_id: DataId | None,
    with_records: bool,
) -> DatasetQueryResult:
    """Query datasets of one type; see `Butler.query_datasets`."""
    session.check_open()
    registered, wanted = resolve_type(session, dataset_type)
    if wanted.component is not None:
        raise InvalidInputError(
            f"{wanted.name!r} is a component; query {wanted.parent_name!r} and get components of that."
        )
    searched = resolve_collections(session, collections)
    group = registered.dimensions
    conditions = _Conditions.make(session, group, where=where, bind=bind, data_id=data_id, order_by=order_by)

    def fetch(most: int | None) -> DatasetTables:
        found = session.registry.query.datasets(
            registered, searched, find_first=find_first, limit=_smaller(limit, most), **conditions.arguments()
        ).with_dataset_type(wanted)
        expanded = session.registry.dimension_records.expand(found.data_ids) if with_records else None
        return DatasetTables([found], [expanded] if expanded is not None else None)

    def explain() -> Explanation:
        search = DatasetSearch(dataset_type=registered.name, collections=searched)
        return _explain(
            session,
            session.registry.query.spec(group, result=search, find_first=find_first, **conditions.arguments()),
        )

    title = f"datasets of type {wanted.name!r} in {', '.join(searched) or 'no collections'}"
    return DatasetQueryResult(title, fetch, explain)


def query_data_ids(
    session: Session,
    dimensions: str | Iterable[str] | DimensionGroup,
    *,
    where: str,
    bind: Mapping[str, Any] | None,
    datasets: str | Iterable[str],
    collections: str | Iterable[str] | None,
    order_by: str | Iterable[str],
    limit: int | None,
    data_id: DataId | None,
) -> DataIdQueryResult:
    """Query data IDs; see `Butler.query_data_ids`."""
    session.check_open()
    group = session.universe.conform(dimensions)
    searches = _searches(session, datasets, collections)
    conditions = _Conditions.make(
        session, group, where=where, bind=bind, data_id=data_id, datasets=searches, order_by=order_by
    )

    def fetch(most: int | None) -> DataIdTable:
        return session.registry.query.data_ids(group, limit=_smaller(limit, most), **conditions.arguments())

    def explain() -> Explanation:
        return _explain(session, session.registry.query.spec(group, **conditions.arguments()))

    return DataIdQueryResult(f"data IDs of {group!r}", fetch, explain)


def query_records(
    session: Session,
    element: str,
    *,
    where: str,
    bind: Mapping[str, Any] | None,
    datasets: str | Iterable[str],
    collections: str | Iterable[str] | None,
    order_by: str | Iterable[str],
    limit: int | None,
    data_id: DataId | None,
) -> RecordQueryResult:
    """Query dimension records; see `Butler.query_dimension_records`."""
    session.check_open()
    item = session.universe[element]
    group = session.universe.group_of(item)
    searches = _searches(session, datasets, collections)
    conditions = _Conditions.make(
        session, group, where=where, bind=bind, data_id=data_id, datasets=searches, order_by=order_by
    )

    def fetch(most: int | None) -> RecordTable:
        return session.registry.query.records(element, limit=_smaller(limit, most), **conditions.arguments())

    def explain() -> Explanation:
        spec = session.registry.query.spec(
            item.required, element=element if item.has_table else None, **conditions.arguments()
        )
        return _explain(session, spec)

    return RecordQueryResult(f"{element} records", fetch, explain)


def query_all_datasets(
    session: Session,
    collections: str | Iterable[str] | None,
    *,
    name: str | Iterable[str],
    where: str,
    bind: Mapping[str, Any] | None,
    find_first: bool,
    limit: int | None,
) -> DatasetQueryResult:
    """Query datasets of all types that match; see `Butler.query_all_datasets`."""
    session.check_open()
    searched = resolve_collections(session, collections)

    def results() -> list[DatasetQueryResult]:
        held = _held_types(session, name, searched)
        return [
            query_datasets(
                session,
                dataset_type,
                collections=searched,
                where=where,
                bind=bind,
                find_first=find_first,
                order_by=(),
                limit=limit,
                data_id=None,
                with_records=False,
            )
            for dataset_type in held
        ]

    def fetch(most: int | None) -> DatasetTables:
        wanted = _smaller(limit, most)
        left = None if wanted is None else abs(wanted)
        tables = []
        for result in results():
            (table,) = result.tables
            if left is not None:
                table = table[:left]
                left -= len(table)
            if len(table):
                tables.append(table)
        return DatasetTables(tables)

    def explain() -> Explanation:
        parts = [result.explain() for result in results()]
        if not parts:
            return Explanation(reasons=(f"No type of {_shown(name)} has ever had datasets in {_shown(searched)}.",))
        empty = all(part.reasons for part in parts)
        return Explanation(
            reasons=tuple(reason for part in parts for reason in part.reasons) if empty else (),
            plan="\n".join(part.plan for part in parts),
            sql="\n".join(part.sql for part in parts),
        )

    return DatasetQueryResult(f"datasets of types {_shown(name)} in {_shown(searched)}", fetch, explain)


def _held_types(session: Session, name: str | Iterable[str], collections: Iterable[str]) -> list[DatasetType]:
    """Give the matching dataset types of which the collections may hold datasets."""
    names = session.registry.collections.query(collections)
    infos = session.registry.collections.find(names, dataset_types=True)
    held = {held for info in infos.values() for held in info.dataset_types or ()}
    return [item for item in session.registry.dataset_types.query(name) if item.name in held]


def _searches(
    session: Session, datasets: str | Iterable[str], collections: str | Iterable[str] | None
) -> list[DatasetSearch]:
    names = (datasets,) if isinstance(datasets, str) else tuple(datasets)
    if not names:
        return []
    searched = resolve_collections(session, collections)
    return [DatasetSearch(dataset_type=name, collections=searched) for name in names]


def _explain(session: Session, spec: QuerySpec) -> Explanation:
    """Say why a query is empty if it is, and how it is answered."""
    queries = session.registry.query
    return Explanation(reasons=tuple(queries.explain_empty(spec)), plan=str(queries.plan(spec)), sql=queries.sql(spec))


def _smaller(limit: int | None, most: int | None) -> int | None:
    """Give the smaller of two limits; a negative one keeps its sign, which asks for a warning."""
    if most is None:
        return limit
    return most if limit is None or abs(limit) > most else limit


def _shown(names: str | Iterable[str]) -> str:
    return ", ".join(map(repr, (names,) if isinstance(names, str) else names)) or "nothing"
