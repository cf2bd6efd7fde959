# SPDX-License-Identifier: BSD-3-Clause
"""Whether every record has datasets, so that none need be tested: all detectors have raws, as a look at some raws tells."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from pachon.dimensions import DimensionUniverse
from pachon.registry.database.column_types import Key64
from pachon.registry.query.lifted_tests import asks_only_for
from pachon.registry.query.plan import DatasetSource, ElementSource, Plan
from pachon.registry.query.sizes import records_up_to, records_with_datasets
from pachon.registry.query.sources import with_implied_values
from pachon.registry.query.tree import All, Field, IsOneOf, Key, Predicate, conjuncts, values_of
from pachon.registry.schema.dataset_tables import further_dimensions
from pachon.registry.schema.dimension_tables import dimension_column
from pachon.registry.state import State

__all__ = ["with_records_alone"]

_MOST_RECORDS = 1_000
"""Records of which it is looked whether all have datasets."""
_LOOKED_AT = 10
"""Datasets a record that are looked at. They come in the order of ids, or in that of a table: one of them does not make another likely."""


def with_records_alone(state: State, connection: sa.Connection, plan: Plan) -> Plan:
    """Leave out a search for datasets that all records of an element have, if the plan asks for nothing but these records.

    The index of datasets begins with the dimensions of many records. To tell whether a detector has any raws, all of it may have to be
    read, but some hundreds of raws are enough to find one of each detector, or of each that has any at all: this an index of PostgreSQL
    tells. It is right only within one snapshot of the database.
    """
    datasets = [source for source in plan.sources if isinstance(source, DatasetSource)]
    if len(datasets) != 1 or datasets[0].with_validity or plan.existences or plan.limit is not None:
        return plan
    (source,) = datasets
    joined = {s.element for s in plan.sources if isinstance(s, ElementSource)}
    for name in source.facts.dimensions.required:
        element = state.universe[name]
        # Of such elements there are few records; the universe says so. An instrument is found in the index at once.
        if name not in plan.keys or not element.cached or element.governor:
            continue
        if not joined <= {name} or not asks_only_for(plan, name):
            continue
        own = [part for part in conjuncts(plan.predicate) if _is_about_governors(part, state.universe)]
        records = records_up_to(state, connection, name, _MOST_RECORDS, own)
        if not records:
            continue
        found = records_with_datasets(state, connection, source, name, _LOOKED_AT * records, own)
        alone = replace(plan, sources=(ElementSource(element=name),))
        if found == records:
            return with_implied_values(replace(alone, assured=(f"all have {source.facts.dataset_type}",)))
        some = _have_any(state, connection, source, name) if found and state.dialect == "postgresql" else None
        if some is not None and records_up_to(state, connection, name, _MOST_RECORDS, [*own, some]) == found:
            alone = replace(alone, predicate=All(operands=(*conjuncts(plan.predicate), some)))
            return with_implied_values(replace(alone, assured=(f"these have {source.facts.dataset_type}",)))
    return plan


def _have_any(state: State, connection: sa.Connection, source: DatasetSource, name: str) -> Predicate | None:
    """Give the condition that there are datasets of the type for a record, in whatever collection; `None` without an index that tells it.

    For each record the index is asked for the place of its first dataset: what is there is one, or the record has none.
    """
    facts, element = source.facts, state.universe[name]
    if name not in further_dimensions(facts.dimensions):
        return None
    member = state.schema.datasets(facts.dimensions, facts.group_id).membership
    records = state.schema.elements[name]
    key, wanted = records.c[element.key_name(name)], sa.literal(facts.type_id, Key64)
    place = (member.c[dimension_column(name)], member.c.dataset_type_id)
    is_there = (
        sa.select(sa.and_(place[0] == key, place[1] == wanted))
        .where(sa.tuple_(*place) >= sa.tuple_(key, wanted))
        .order_by(*place)
        .limit(1)
        .correlate(records)
        .scalar_subquery()
    )
    values = connection.execute(sa.select(key).where(is_there).distinct()).scalars().all()
    operand = Key(dimension=name, type=state.universe.dimensions[name].primary_key.type)
    return IsOneOf(operand=operand, values=tuple(sorted(values))) if values else None


def _is_about_governors(part: Predicate, universe: DimensionUniverse) -> bool:
    columns = [value for value in values_of(part) if isinstance(value, Key | Field)]
    return bool(columns) and all(isinstance(v, Key) and universe[v.dimension].governor for v in columns)
