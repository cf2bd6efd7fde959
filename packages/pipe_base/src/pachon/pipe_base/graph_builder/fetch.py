# SPDX-License-Identifier: BSD-3-Clause
"""Asking the repository: the only module of the builder that does I/O."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from pachon.datasets import DatasetRef, DatasetSearch, DatasetTable, DatasetType, FactSource, ValidityTable
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionRecord, RecordTable, match_rows
from pachon.pipe_base.graph_builder.errors import GraphBuildError
from pachon.pipe_base.graph_builder.facts import (
    DatasetFacts,
    LookupFacts,
    PairFacts,
    PartFacts,
    PrerequisiteFact,
    TimedFacts,
)
from pachon.pipe_base.graph_builder.given_data_ids import complete_data_ids
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan, TaskPlan, split_independent
from pachon.pipe_base.graph_builder.prerequisites import FoundPrerequisite, LookupKind, classify
from pachon.pipe_base.graph_builder.skeleton import Skeleton, part_dimensions
from pachon.pipe_base.graph_builder.sky_joins import SkyJoins, plan_sky_joins, with_pixels
from pachon.quantum_butler import DataIdQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "data_id_queries",
    "expand",
    "explain_nothing",
    "fetch_datasets",
    "fetch_further_records",
    "fetch_parts",
    "fetch_prerequisites",
    "fetch_records",
]

_log = logging.getLogger(__name__)


def fetch_parts(plan: BuildPlan, source: FactSource) -> list[PartFacts]:
    """Fetch the data IDs of each independent part: one query a part, or none if the caller gave them."""
    found = []
    for labels in split_independent(plan):
        group = part_dimensions(plan, labels)
        if plan.data_ids is not None:
            found.append(PartFacts(labels=labels, data_ids=complete_data_ids(plan.data_ids, group, labels, source)))
            continue
        joins = plan_sky_joins(plan, labels, group)
        data_ids = source.fetch_data_ids(joins.dimensions, **_conditions(plan, labels, joins))
        found.append(PartFacts(labels=labels, data_ids=with_pixels(data_ids, joins, group)))
    return found


class _Conditions(TypedDict):
    """What data IDs of a part must satisfy, as a fact source wants to be told."""

    where: str
    bind: Mapping[str, Any] | None
    data_id: Mapping[str, Any] | None
    datasets: Sequence[DatasetSearch]
    tables: Sequence[DataIdTable]


def _conditions(plan: BuildPlan, labels: Sequence[str], joins: SkyJoins) -> _Conditions:
    return _Conditions(
        where=joins.expression(plan.where),
        bind=plan.bind,
        data_id=plan.data_id,
        datasets=_constraints(plan, labels),
        tables=plan.data_id_tables,
    )


def _constraints(plan: BuildPlan, labels: Sequence[str]) -> list[DatasetSearch]:
    names = dict.fromkeys(c.dataset_type for label in labels for c in plan.tasks[label].inputs)
    return [
        DatasetSearch(dataset_type=name, collections=plan.input_collections)
        for name in names
        if plan.datasets[name].constrains
    ]


def explain_nothing(plan: BuildPlan, source: FactSource, labels: Sequence[str]) -> list[str]:
    """Ask which condition emptied the part of some tasks."""
    joins = plan_sky_joins(plan, labels, part_dimensions(plan, labels))
    return list(source.explain_empty(joins.dimensions, **_conditions(plan, labels, joins)))


def data_id_queries(plan: BuildPlan) -> tuple[DataIdQuery, ...]:
    """Give what is asked for the data IDs of each part, to be kept in the graph."""
    found = []
    for labels in split_independent(plan):
        group = part_dimensions(plan, labels)
        joins = plan_sky_joins(plan, labels, group)
        given = sum(len(table) for table in plan.data_id_tables) if plan.data_id_tables else None
        found.append(
            DataIdQuery.of(
                labels,
                joins.dimensions.names,
                plan.bind,
                where=joins.expression(plan.where),
                data_id=dict(plan.data_id or {}),
                datasets={s.dataset_type: tuple(s.collections) for s in _constraints(plan, labels)},
                given_rows=given,
                is_given=plan.data_ids is not None,
            )
        )
    return tuple(found)


def fetch_datasets(plan: BuildPlan, skeleton: Skeleton, source: FactSource) -> DatasetFacts:
    """Fetch the datasets of the skeleton that exist: overall inputs, outputs that are done, outputs in the way."""
    registered = source.fetch_dataset_types(plan.datasets)
    collections = source.fetch_collections((plan.output_run, *plan.skip_existing_in))
    # So one command line can be used the first time and again; but a name may also be misspelled.
    for name in plan.skip_existing_in:
        if name not in collections and name != plan.output_run:
            _log.warning(
                "There is no collection %r, in which quanta might be done already; none is skipped for it.", name
            )
    skip_in = source.flatten_collections(name for name in plan.skip_existing_in if name in collections)
    run = (plan.output_run,) if plan.output_run in collections else ()

    def fetch(name: str, path: Sequence[str]) -> DatasetTable | None:
        if name not in registered or not path:
            return None
        data_ids = skeleton.datasets.get(name)
        table = source.fetch_datasets(registered[name], path, data_ids=data_ids)
        return table if len(table) else None

    overall = [n for n, p in plan.datasets.items() if p.producer is None and not p.is_prerequisite]
    produced = [n for n, p in plan.datasets.items() if p.producer is not None]
    return DatasetFacts(
        inputs=_found((n, fetch(n, plan.input_collections)) for n in overall),
        for_skip=_found((n, fetch(n, skip_in)) for n in produced),
        in_the_way=_found((n, fetch(n, run)) for n in produced),
    )


def _found(items: Iterable[tuple[str, DatasetTable | None]]) -> dict[str, DatasetTable]:
    return {name: table for name, table in items if table is not None}


def fetch_records(plan: BuildPlan, skeleton: Skeleton, source: FactSource) -> dict[str, RecordTable]:
    """Fetch the records of every element of the graph's data IDs."""
    wanted: dict[str, list[DataIdTable]] = {}
    for tables in _tables_by_part(plan, skeleton):
        elements = dict.fromkeys(element for table in tables for element in table.group.elements)
        for element in elements:
            if plan.universe[element].has_table:
                wanted.setdefault(element, []).append(_keys_of(plan, element, tables))
    return {
        element: source.fetch_records(element, parts[0] if len(parts) == 1 else DataIdTable.concat(parts).distinct())
        for element, parts in wanted.items()
    }


def fetch_further_records(
    records: Mapping[str, RecordTable], prerequisites: Sequence[FoundPrerequisite], source: FactSource
) -> dict[str, RecordTable]:
    """Add the records of the data IDs of prerequisites that no quantum has, such as those of a patch for a task of visits."""
    found = dict(records)
    for read in prerequisites:
        used = np.zeros(len(read.datasets), dtype=bool)
        used[read.dataset] = True
        data_ids = read.datasets.data_ids.take(np.flatnonzero(used))
        for name in data_ids.group.elements if len(data_ids) else ():
            element = data_ids.group.universe[name]
            if not element.has_table:
                continue
            wanted = data_ids.project(element.required)
            known = found.get(name)
            if known is not None and len(known):
                keys = known.data_ids(wanted.group.universe, element.required)
                wanted = wanted.take(np.flatnonzero(match_rows(wanted, keys, element.required) < 0))
            if len(wanted):
                further = source.fetch_records(name, wanted)
                found[name] = further if known is None else RecordTable.concat([known, further])
    return found


def _tables_by_part(plan: BuildPlan, skeleton: Skeleton) -> list[list[DataIdTable]]:
    """Give the quanta and datasets of each independent part."""
    found = []
    for labels in split_independent(plan):
        tasks = [plan.tasks[label] for label in labels]
        names = dict.fromkeys(c.dataset_type for task in tasks for c in (*task.inputs, *task.outputs))
        found.append([*(skeleton.quanta[label] for label in labels), *(skeleton.datasets[name] for name in names)])
    return found


def _keys_of(plan: BuildPlan, element: str, tables: Sequence[DataIdTable]) -> DataIdTable:
    """Give the keys of the records of an element for a part: all of its tables are projections of one, so any says all."""
    shortest = min((table for table in tables if element in table.group.elements), key=len)
    return shortest.project(plan.universe[element].required)


def fetch_prerequisites(
    plan: BuildPlan,
    skeleton: Skeleton,
    records: Mapping[str, RecordTable],
    source: FactSource,
    done: Mapping[str, np.ndarray] | None = None,
) -> dict[tuple[str, str], PrerequisiteFact]:
    """Fetch the candidates of every prerequisite connection, in bulk where its kind allows it.

    Parameters
    ----------
    plan, skeleton, records, source
        What is wanted, and who is asked.
    done
        By label: which quanta are done and want none; they are asked for neither by functions of authors nor by queries.
    """
    names = {c.dataset_type for task in plan.tasks.values() for c in task.prerequisites}
    registered = source.fetch_dataset_types(names)
    validity: dict[str, ValidityTable] = {}
    found: dict[tuple[str, str], PrerequisiteFact] = {}
    for label, task in plan.tasks.items():
        for connection in task.prerequisites:
            name = connection.dataset_type
            dataset_type = registered.get(name, plan.datasets[name].dataset_type)
            kind = classify(task, connection, dataset_type.dimensions)
            quanta = skeleton.quanta[label]
            rows = np.flatnonzero(~done[label]) if done is not None else np.arange(len(quanta))
            if dataset_type.is_calibration and kind is LookupKind.PIXEL:
                # To ignore validity ranges would give calibrations of other times.
                raise GraphBuildError(
                    f"Task {label!r}: the calibration {name!r} (connection {connection.name!r}) has dimensions that "
                    "are pixels of the sky; give the connection a lookup_function."
                )
            if kind is LookupKind.FUNCTION:
                found[label, connection.name] = _look_up(plan, connection, dataset_type, quanta, rows, records, source)
            elif kind is LookupKind.JOIN and not dataset_type.is_calibration:
                found[label, connection.name] = _join(
                    plan, task, dataset_type, quanta.take(rows), name in registered and len(rows) > 0, source
                )
            else:
                if name not in validity:
                    validity[name] = (
                        source.fetch_validity(dataset_type, plan.input_collections)
                        if name in registered
                        else _no_validity(dataset_type)
                    )
                found[label, connection.name] = validity[name]
                if kind is LookupKind.JOIN:
                    both = task.dimensions | dataset_type.dimensions
                    related = source.fetch_data_ids(both, tables=[quanta.take(rows)])
                    found[label, connection.name] = TimedFacts(data_ids=related, validity=validity[name])
    return found


def _no_validity(dataset_type: DatasetType) -> ValidityTable:
    nothing = np.empty(0, dtype=np.int64)
    return ValidityTable(DatasetTable.empty(dataset_type), nothing, nothing, nothing.astype(np.int32))


def _join(
    plan: BuildPlan,
    task: TaskPlan,
    dataset_type: DatasetType,
    quanta: DataIdTable,
    may_exist: bool,
    source: FactSource,
) -> PairFacts:
    both = task.dimensions | dataset_type.dimensions
    if not may_exist:
        return PairFacts(data_ids=DataIdTable.from_rows(both, ()), datasets=DatasetTable.empty(dataset_type))
    search = DatasetSearch(dataset_type=dataset_type.name, collections=plan.input_collections)
    pairs = source.fetch_data_ids(both, datasets=[search], tables=[quanta])
    wanted = pairs.project(dataset_type.dimensions)
    return PairFacts(
        data_ids=pairs, datasets=source.fetch_datasets(dataset_type, plan.input_collections, data_ids=wanted)
    )


def _look_up(
    plan: BuildPlan,
    connection: ConnectionPlan,
    dataset_type: DatasetType,
    quanta: DataIdTable,
    rows: np.ndarray,
    records: Mapping[str, RecordTable],
    source: FactSource,
) -> LookupFacts:
    """Call a connection's own function once a quantum, as its author expects."""
    assert connection.lookup_function is not None
    place: dict[DatasetRef, int] = {}
    quantum: list[int] = []
    dataset: list[int] = []
    for row, data_id in zip(rows.tolist(), expand(quanta.take(rows), records), strict=True):
        try:
            answer = list(connection.lookup_function(dataset_type, source, data_id, plan.input_collections))
        except Exception as error:
            error.add_note(f"This was in the lookup_function of connection {connection.name!r}, {data_id}.")
            raise
        for ref in answer:
            if ref is None:
                continue
            if not isinstance(ref, DatasetRef):
                raise GraphBuildError(
                    f"The lookup_function of {connection.name!r} gave {ref!r}; it must give DatasetRef objects."
                )
            whole = ref.with_dataset_type(dataset_type)
            quantum.append(row)
            dataset.append(place.setdefault(whole, len(place)))
    return LookupFacts(
        quantum=np.array(quantum, dtype=np.int64),
        dataset=np.array(dataset, dtype=np.int64),
        datasets=DatasetTable.from_refs(dataset_type, place),
    )


def expand(data_ids: DataIdTable, records: Mapping[str, RecordTable]) -> Iterator[DataCoordinate]:
    """Give data IDs with their records, one after the other."""
    by_element = {name: _RecordIndex(records[name]) for name in data_ids.group.elements if name in records}
    for data_id in data_ids:
        yield data_id.expanded({name: index.find(data_id) for name, index in by_element.items()})


class _RecordIndex:
    """Finds a record by the values of its required dimensions."""

    def __init__(self, table: RecordTable) -> None:
        self.table = table
        self.names = table.element.required
        columns = [table.columns[table.element.key_name(name)].tolist() for name in self.names]
        self.made: dict[int, DimensionRecord] = {}
        self.rows = {key: row for row, key in enumerate(zip(*columns, strict=True))}

    def find(self, data_id: DataCoordinate) -> DimensionRecord | None:
        row = self.rows.get(tuple(data_id[name] for name in self.names))
        if row is None:
            return None
        record = self.made.get(row)
        if record is None:
            # An instrument or a filter belongs to many data IDs: each record is made once.
            record = self.made[row] = self.table[row]
        return record
