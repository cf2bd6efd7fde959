# SPDX-License-Identifier: BSD-3-Clause
"""Queries: what was asked, brought to the registry's terms; the registry answers when somebody looks at the result."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pachon.base import InvalidInputError
from pachon.butler.lookup import DataId, resolve_collections, resolve_type
from pachon.butler.query_results import (
    DataIdQueryResult,
    DatasetQueryResult,
    DatasetTables,
    GeneralQueryResult,
    RecordQueryResult,
)
from pachon.butler.question import Explanation, RegistryQuestion, both_conditions, both_data_ids, resolved_data_id
from pachon.butler.session import Session
from pachon.datasets import DatasetSearch, DatasetTable, DatasetType
from pachon.dimensions import DataIdTable, DimensionElement, DimensionGroup, UnknownDimensionError

__all__ = [
    "Conditions",
    "query_all_datasets",
    "query_data_ids",
    "query_datasets",
    "query_general",
    "query_records",
    "searches_of",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What constrains the rows of a query, as the registry takes it."""

    where: str = ""
    bind: Mapping[str, Any] = field(default_factory=dict)
    data_id: Mapping[str, Any] = field(default_factory=dict)
    datasets: tuple[DatasetSearch, ...] = ()
    tables: tuple[DataIdTable, ...] = ()
    joined: tuple[str, ...] = ()
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        session: Session,
        group: DimensionGroup,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: DataId | None = None,
        datasets: Iterable[DatasetSearch] = (),
        order_by: str | Iterable[str] = (),
        limit: int | None = None,
    ) -> Conditions:
        """Resolve the conditions of a call; alternate keys of its data ID become terms of the expression."""
        values, terms, binds = resolved_data_id(group, data_id)
        text, bound = both_conditions(where, bind or {}, terms, binds)
        return cls(
            where=text,
            bind=bound,
            data_id=values,
            datasets=tuple(datasets),
            order_by=(order_by,) if isinstance(order_by, str) else tuple(order_by),
            limit=limit,
            defaults=session.default_data_id,
        )

    def arguments(self) -> dict[str, Any]:
        """Give them by keyword."""
        return {name: getattr(self, name) for name in self.__slots__}


def query_datasets(
    session: Session,
    dataset_type: DatasetType | str,
    conditions: Conditions | None = None,
    *,
    collections: str | Iterable[str] | None,
    find_first: bool,
    with_records: bool = False,
    **given: Any,
) -> DatasetQueryResult:
    """Query datasets of one type; see `Butler.query_datasets`. ``given`` are the arguments of `Conditions.make`."""
    session.check_open()
    registered, wanted = resolve_type(session, dataset_type)
    if wanted.component is not None:
        raise InvalidInputError(
            f"{wanted.name!r} is a component; query {wanted.parent_name!r} and get components of that."
        )
    searched = resolve_collections(session, collections)
    group = registered.dimensions
    if conditions is None:
        conditions = Conditions.make(session, group, **given)

    def present(found: DatasetTable) -> DatasetTables:
        found = found.with_dataset_type(wanted)
        expanded = session.registry.dimension_records.expand(found.data_ids) if with_records else None
        return DatasetTables([found], [expanded] if expanded is not None else None)

    spec = session.registry.query.spec(
        group,
        result=DatasetSearch(dataset_type=registered.name, collections=searched),
        find_first=find_first,
        **conditions.arguments(),
    )
    title = f"datasets of type {wanted.name!r} in {', '.join(searched) or 'no collections'}"
    return DatasetQueryResult(title, RegistryQuestion(session=session, spec=spec, present=present))


def query_data_ids(
    session: Session,
    dimensions: str | Iterable[str] | DimensionGroup,
    conditions: Conditions | None = None,
    *,
    datasets: str | Iterable[str] = (),
    collections: str | Iterable[str] | None = None,
    **given: Any,
) -> DataIdQueryResult:
    """Query data IDs; see `Butler.query_data_ids`. ``given`` are the arguments of `Conditions.make`."""
    session.check_open()
    group = session.universe.conform(dimensions)
    if conditions is None:
        searches = searches_of(session, datasets, collections)
        conditions = Conditions.make(session, group, datasets=searches, **given)
    spec = session.registry.query.spec(group, **conditions.arguments())
    return DataIdQueryResult(f"data IDs of {group!r}", RegistryQuestion(session=session, spec=spec, present=_as_it_is))


def query_records(
    session: Session,
    element: str,
    conditions: Conditions | None = None,
    *,
    datasets: str | Iterable[str] = (),
    collections: str | Iterable[str] | None = None,
    **given: Any,
) -> RecordQueryResult:
    """Query dimension records; see `Butler.query_dimension_records`. ``given`` are the arguments of `Conditions.make`."""
    session.check_open()
    group = session.universe.group_of(_element(session, element))
    if conditions is None:
        searches = searches_of(session, datasets, collections)
        conditions = Conditions.make(session, group, datasets=searches, **given)
    spec = session.registry.query.record_spec(element, **conditions.arguments())
    return RecordQueryResult(f"{element} records", RegistryQuestion(session=session, spec=spec, present=_as_it_is))


def _element(session: Session, name: str) -> DimensionElement:
    """Give an element; of a dataset type say that it is one."""
    try:
        return session.universe[name]
    except UnknownDimensionError as error:
        if session.registry.dataset_types.find([name]):
            error.add_note(f"{name!r} is a dataset type: query_datasets (butler query-datasets) gives its datasets.")
        raise


def query_general(
    session: Session,
    dimensions: str | Iterable[str] | DimensionGroup,
    fields: str | Iterable[str],
    conditions: Conditions,
    *,
    find_first: bool,
) -> GeneralQueryResult:
    """Query values of dimensions with fields of records and datasets; see `Query.general`."""
    session.check_open()
    group = session.universe.conform(dimensions)
    names = (fields,) if isinstance(fields, str) else tuple(fields)
    spec = session.registry.query.spec(group, fields=names, find_first=find_first, **conditions.arguments())
    title = f"rows of {', '.join([*group.names, *names])}"
    return GeneralQueryResult(title, RegistryQuestion(session=session, spec=spec, present=_as_it_is))


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
    question = _ManyTypes(
        session=session,
        names=(name,) if isinstance(name, str) else tuple(name),
        collections=searched,
        where=where,
        bind=dict(bind or {}),
        find_first=find_first,
        limit=limit,
    )
    return DatasetQueryResult(f"datasets of types {_shown(name)} in {_shown(searched)}", question)


@dataclass(frozen=True, slots=True, kw_only=True)
class _ManyTypes:
    """A query of each dataset type that matches; the types are looked up when somebody looks."""

    session: Session
    names: tuple[str, ...]
    collections: tuple[str, ...]
    where: str
    bind: Mapping[str, Any]
    find_first: bool
    limit: int | None
    order_by: tuple[str, ...] = ()
    data_id: Mapping[str, Any] = field(default_factory=dict)

    def fetch(self, most: int | None) -> DatasetTables:
        wanted = most if self.limit is None else abs(self.limit) if most is None else min(most, abs(self.limit))
        left = wanted
        tables: list[DatasetTable] = []
        for result in self._results():
            (table,) = result.tables if left is None else result.limit(left).tables
            left = None if left is None else left - len(table)
            tables += [table] if len(table) else []
            if left == 0:
                break
        return DatasetTables(tables)

    def batches(self, size: int) -> Iterator[DatasetTables]:
        if self.limit is not None:
            yield self.fetch(None)
            return
        for result in self._results():
            yield from result.batches(size)

    def count(self) -> int:
        if self.limit is not None:
            return len(self.fetch(None))
        return sum(result.count() for result in self._results())

    def explain(self) -> Explanation:
        parts = [result.explain() for result in self._results()]
        if not parts:
            reason = f"No type of {_shown(self.names)} has ever had datasets in {_shown(self.collections)}."
            return Explanation(reasons=(reason,))
        empty = all(part.reasons for part in parts)
        return Explanation(
            reasons=tuple(reason for part in parts for reason in part.reasons) if empty else (),
            plan="\n".join(part.plan for part in parts),
            sql="\n".join(part.sql for part in parts),
        )

    def refined(
        self,
        *,
        where: str = "",
        bind: Mapping[str, Any] | None = None,
        data_id: Mapping[str, Any] | None = None,
        order_by: Iterable[str] | None = None,
        limit: int | None = None,
    ) -> _ManyTypes:
        text, values = both_conditions(self.where, self.bind, where, bind or {})
        return replace(
            self,
            where=text,
            bind=values,
            data_id=both_data_ids(self.data_id, data_id or {}),
            order_by=self.order_by if order_by is None else tuple(order_by),
            limit=self.limit if limit is None else limit,
        )

    def _results(self) -> list[DatasetQueryResult]:
        """Ask for each matching type of which the collections may hold datasets."""
        registry = self.session.registry
        infos = registry.collections.find(registry.collections.query(self.collections), dataset_types=True)
        held = {held for info in infos.values() for held in info.dataset_types or ()}
        found = [item for item in registry.dataset_types.query(self.names) if item.name in held]
        if self.order_by and len(found) > 1:
            raise InvalidInputError("Datasets of several types have no order; query one type.")
        return [
            query_datasets(
                self.session,
                dataset_type,
                collections=self.collections,
                find_first=self.find_first,
                where=self.where,
                bind=self.bind,
                order_by=self.order_by,
            ).where(data_id=self.data_id)
            for dataset_type in found
        ]


def searches_of(
    session: Session, datasets: str | Iterable[str], collections: str | Iterable[str] | None
) -> list[DatasetSearch]:
    """Give a search in the same collections for each dataset type."""
    names = (datasets,) if isinstance(datasets, str) else tuple(datasets)
    if not names:
        return []
    searched = resolve_collections(session, collections)
    return [DatasetSearch(dataset_type=name, collections=searched) for name in names]


def _as_it_is(found: Any) -> Any:
    return found


def _shown(names: str | Iterable[str]) -> str:
    return ", ".join(map(repr, (names,) if isinstance(names, str) else names)) or "nothing"
