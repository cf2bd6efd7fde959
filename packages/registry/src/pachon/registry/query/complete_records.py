# SPDX-License-Identifier: BSD-3-Clause
"""Which records have datasets, told by some looks: all detectors have raws, or those that an index names. Then no datasets need be joined."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from pachon.dimensions import DimensionUniverse
from pachon.registry.query.compile_sql import records_with_any
from pachon.registry.query.lifted_tests import asks_only_for
from pachon.registry.query.plan import DatasetSource, ElementSource, Plan
from pachon.registry.query.sizes import records_up_to, records_with_datasets
from pachon.registry.query.sources import with_implied_values
from pachon.registry.query.tree import (
    All,
    Any_,
    Field,
    IsOneOf,
    Key,
    Predicate,
    Truth,
    conjuncts,
    key_equals,
    values_of,
)
from pachon.registry.schema.dataset_tables import further_dimensions
from pachon.registry.state import State

__all__ = ["with_records_alone"]

_MOST_RECORDS = 1_000
"""Records of which it is looked which have datasets."""
_LOOKED_AT = 10
"""Datasets a record that are looked at. They come in the order of ids, or in that of a table: one of them does not make another likely."""
_MOST_LOOKS = 20_000
"""Looks into an index, each for the datasets of a record in a collection; they take some 0.1 s."""


def with_records_alone(state: State, connection: sa.Connection, plan: Plan) -> Plan:
    """Leave out a search for datasets if the plan asks for nothing but records of an element, and it is known which have datasets.

    The index of datasets begins with the dimensions of many records. To tell whether a detector has any raws, all of it may have to be
    read. But some hundreds of raws are enough to find one of each detector, if all have raws; and an index of PostgreSQL begins with
    the detector. What is known so is right only within one snapshot of the database.
    """
    datasets = [source for source in plan.sources if isinstance(source, DatasetSource)]
    if len(datasets) != 1 or datasets[0].with_validity or plan.existences or plan.limit is not None:
        return plan
    (source,) = datasets
    facts = source.facts
    joined = {s.element for s in plan.sources if isinstance(s, ElementSource)}
    for name in facts.dimensions.required:
        element = state.universe[name]
        # Of such elements there are few records; the universe says so. An instrument is found in the index at once.
        if name not in plan.keys or not element.cached or element.governor:
            continue
        if not joined <= {name} or not asks_only_for(plan, name):
            continue
        alone = replace(plan, sources=(ElementSource(element=name),))
        if state.dialect == "postgresql" and name in further_dimensions(facts.dimensions):
            some = _those_with_datasets(state, connection, source, name)
            if some is not None:
                alone = replace(alone, predicate=All(operands=(*conjuncts(plan.predicate), *conjuncts(some))))
                which = "all" if isinstance(some, Truth) else "these"
                return with_implied_values(replace(alone, assured=(f"{which} have {facts.dataset_type}",)))
        # Also where there is too much to look at: a chain of hundreds of runs whose detectors all have raws.
        if _have_all_datasets(state, connection, plan, source, name):
            return with_implied_values(replace(alone, assured=(f"all have {facts.dataset_type}",)))
    return plan


def _have_all_datasets(state: State, connection: sa.Connection, plan: Plan, source: DatasetSource, name: str) -> bool:
    """Whether all records have datasets, as some of the datasets show."""
    own = [part for part in conjuncts(plan.predicate) if _is_about_governors(part, state.universe)]
    records = records_up_to(state, connection, name, _MOST_RECORDS, own)
    if not records:
        return False
    return records_with_datasets(state, connection, source, name, _LOOKED_AT * records, own) == records


def _those_with_datasets(state: State, connection: sa.Connection, source: DatasetSource, name: str) -> Predicate | None:
    """Give the condition that a record has datasets, as an index tells it; `None` if none has, or if there is too much to look at."""
    facts, element = source.facts, state.universe[name]
    *governors, own = element.required
    if facts.certified or own != name or not all(state.universe[other].governor for other in governors):
        return None
    records = records_up_to(state, connection, name, _MOST_RECORDS)
    if not records or records * len(facts.members) > _MOST_LOOKS:
        return None
    asking = state.prepare((("with any", name), facts.group_id), lambda: records_with_any(state.schema, element, facts))
    values: dict[tuple[int | str, ...], list[int | str]] = {}
    for *given, value in connection.execute(
        asking, {"dataset_type": facts.type_id, "collections": list(facts.members)}
    ):
        values.setdefault(tuple(given), []).append(value)
    if sum(map(len, values.values())) == records:
        return Truth(value=True)
    options = []
    operand = Key(dimension=name, type=state.universe.dimensions[name].primary_key.type)
    for others, found in values.items():
        same = [key_equals(state.universe, *pair) for pair in zip(governors, others, strict=True)]
        options.append(All(operands=(*same, IsOneOf(operand=operand, values=tuple(sorted(found))))))
    return Any_(operands=tuple(options)) if len(options) > 1 else next(iter(options), None)


def _is_about_governors(part: Predicate, universe: DimensionUniverse) -> bool:
    columns = [value for value in values_of(part) if isinstance(value, Key | Field)]
    return bool(columns) and all(isinstance(v, Key) and universe[v.dimension].governor for v in columns)
