# SPDX-License-Identifier: BSD-3-Clause
"""Whether datasets that need only be there are joined or tested for, which depends on how much there is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa

from pachon.dimensions import DimensionElement
from pachon.registry.query.compile_sql import share_found
from pachon.registry.query.join_order import leading_elements, skipped_dimension
from pachon.registry.query.lifted_tests import with_lifted_test
from pachon.registry.query.plan import DatasetSource, ElementSource, Existence, Plan, UploadSource
from pachon.registry.query.semi_joins import with_semi_join
from pachon.registry.query.sizes import (
    CHEAP,
    estimated_cost,
    estimated_size,
    has_datasets_beyond,
    has_long_list,
    is_asked_quickly,
    records_up_to,
)
from pachon.registry.query.tree import (
    Comparison,
    Constant,
    DatasetField,
    Field,
    IsOneOf,
    Key,
    Overlap,
    Predicate,
    conjuncts,
    values_of,
    walk,
)
from pachon.registry.query.validity_choice import CHEAP_WITH_RANGES, has_many_ranges
from pachon.registry.query.validity_tests import with_merged_ranges
from pachon.registry.state import State

__all__ = ["with_quicker_semi_joins"]

_MANY_DATASETS = 20
"""Datasets a record from which on a test of each record is quicker than a join, even if most records have none."""
_MANY_DATASETS_OF_LED = 8
"""The same where a join would look for the datasets of each record, too."""
_MOST_RECORDS = 50_000
"""Records that are tested one by one."""
_SAMPLE = 500
"""Datasets of a type, the first and the last ones of the index, of which the share in the searched collections is taken."""
_LEAST_SHARE = 0.2
"""Share of the datasets of a type that must be in the searched collections: a test looks at the others in vain."""
_CLEARLY_CHEAPER = 0.3
"""Share of the estimated cost of a join from which on tests are taken: it is too high for rows that lie close together."""
_SHARE_OF_LOOKS = 3.0
"""How many times as much as a join looks into an index may cost, as PostgreSQL estimates them: it takes each page for one on a disk."""
_COST_OF_LOOK = 2.3
"""What one look into the index of validity ranges costs, in the units in which PostgreSQL estimates."""
_COST_OF_MERGING = 8.0
"""How many times as long as PostgreSQL estimates it takes to merge ranges, compared with looks into the index."""
_TRIES = 3
"""Detectors of which one has a calibration, if it may be any; it may also be none."""
_FEW_LOOKS = 500.0
_FEW_LOOKS_OF_PAIRS = 5000.0
"""Estimated costs of looks into the index that take a few milliseconds."""
_FIRST_WITH_SETS_OF_RANGES = (14,)


def with_quicker_semi_joins(state: State, connection: sa.Connection, plan: Plan) -> Plan:
    """Test for datasets that need only be there instead of joining them, where that is quicker.

    A test of each record takes a time that does not depend on how many datasets the record has, but on how many records there are;
    a join takes longer the more datasets there are, and nearly none if there are few.
    """
    asks_server = state.dialect == "postgresql" and is_asked_quickly(plan)
    cost: float | None = None
    for source in [s for s in plan.sources if isinstance(s, DatasetSource)]:
        if not any(s is source for s in plan.sources):
            continue
        tested = with_semi_join(plan, source)
        looked_up = with_semi_join(plan, source, by_last_range=True)
        looks: float | None = None
        if tested is None and looked_up is None:
            continue
        if asks_server:
            if tested is not None and len(tested.existences[-1].sources) == 1 and _is_led(plan, tested.existences[-1]):
                # The server goes another way by itself, should there be few datasets.
                plan, cost = tested, None
                continue
            cost = estimated_cost(state, connection, plan) if cost is None else cost
            if cost < CHEAP:
                break
            if tested is None and cost < CHEAP_WITH_RANGES:
                continue
            looks = None if looked_up is None else _cost_of_looks(state, connection, looked_up)
            if looked_up is not None and looks is not None and looks < min(cost, _few_looks(looked_up)):
                # Nothing else need be tried.
                plan, cost = _in_one_way(looked_up), looks
                continue
        by_last_range = looked_up is not None and _has_many_ranges(state, connection, looked_up)
        chosen = looked_up if by_last_range else tested
        if not asks_server:
            if chosen is not None and (by_last_range or _are_many(state, connection, plan, chosen.existences[-1])):
                plan = _in_one_way(chosen)
            continue
        assert cost is not None
        share = _share_of_join(source, by_last_range=by_last_range)
        # For a limit the server supposes that records with datasets lie evenly among the others; they may all be the last ones.
        options = [(_in_one_way(chosen), share)] if chosen is not None else []
        options += [(merged, 1.0)] if (merged := _with_merged_ranges(connection, looked_up)) is not None else []
        costs = [_cost_of_test(state, connection, option, looks) for option, _ in options]
        affordable = [n for n, (_, most) in enumerate(options) if costs[n] < cost * most]
        if affordable:
            best = min(affordable, key=lambda n: costs[n])
            plan, cost = options[best][0], costs[best]
    return with_lifted_test(plan)


def _cost_of_looks(state: State, connection: sa.Connection, looked_up: Plan) -> float:
    """Give what looks into the index of validity ranges cost, in the units of PostgreSQL.

    The server itself supposes that each row of a table is tested, be there other conditions on it or not.
    """
    *others, last = looked_up.existences
    if any(isinstance(source, DatasetSource) for source in last.sources):
        return estimated_cost(state, connection, replace(_in_one_way(looked_up), limit=None))
    cost, rows = estimated_size(state, connection, replace(looked_up, existences=tuple(others), limit=None))
    # Of several collections those after the first that has a valid calibration are not looked into: half of them, say.
    searches = sum((1 + len(test.facts.certified) + bool(test.facts.members)) / 2 for test in last.valid)
    return cost + rows * searches * _COST_OF_LOOK * (_TRIES if last.private else 1)


def _cost_of_test(state: State, connection: sa.Connection, option: Plan, looks: float | None) -> float:
    """Give what a way to test for datasets costs, in the units of PostgreSQL; of ``looks`` into the index it is known."""
    tests = option.existences[-1].valid
    merged = bool(tests) and tests[0].merged
    if tests and looks is not None and not merged:
        return looks
    cost = estimated_cost(state, connection, replace(option, limit=None))
    return cost * _COST_OF_MERGING if merged else cost


def _few_looks(looked_up: Plan) -> float:
    return _FEW_LOOKS if looked_up.existences[-1].private else _FEW_LOOKS_OF_PAIRS


def _with_merged_ranges(connection: sa.Connection, looked_up: Plan | None) -> Plan | None:
    if looked_up is None or (connection.dialect.server_version_info or (0,)) < _FIRST_WITH_SETS_OF_RANGES:
        return None
    *others, last = looked_up.existences
    merged = with_merged_ranges(looked_up.result.universe, last)
    return None if merged is None else replace(looked_up, existences=(*others, merged))


def _share_of_join(source: DatasetSource, *, by_last_range: bool) -> float:
    """Give the share of the estimated cost of a join from which on tests are taken."""
    if by_last_range:
        return _SHARE_OF_LOOKS
    return 1.0 if source.with_validity else _CLEARLY_CHEAPER


def _has_many_ranges(state: State, connection: sa.Connection, looked_up: Plan) -> bool:
    """Whether there are so many validity ranges of each data ID that to look for the last one is quicker than to compare all."""
    if looked_up.limit is not None and not looked_up.order and state.dialect == "sqlite":
        # A join finds its first rows at once.
        return False
    facts = looked_up.existences[-1].valid[-1].facts
    return has_many_ranges(state, connection, looked_up, facts)


def _is_led(plan: Plan, there: Existence) -> bool:
    """Whether conditions leave few of the records that are tested, so that one test each is all there is to do."""
    return there.element is not None and leading_elements(plan, there.main) == [there.element]


def _in_one_way(tested: Plan) -> Plan:
    """Keep PostgreSQL from turning a test into a join where it is wrong about what that costs.

    It makes all pairs of datasets that are tested together, or reads all datasets of one instrument, though the first of them is enough.
    """
    *others, last = tested.existences
    element = None if last.element is None else tested.result.universe[last.element]
    if len(last.sources) == 1 and element is not None and not element.governor:
        return tested
    return replace(tested, existences=(*others, replace(last, row_by_row=True)))


def _are_many(state: State, connection: sa.Connection, plan: Plan, there: Existence) -> bool:
    """Whether there are so many datasets for each record that a join of them can only be slower."""
    if plan.limit is not None and not plan.order:
        # A join finds its first rows at once, be they of the first records or of the last ones.
        return False
    element = None if there.element is None else state.universe[there.element]
    if there.main.with_validity and (element is None or element.governor):
        # A join compares all ranges with all records.
        return True
    if skipped_dimension(plan) is not None and any(isinstance(s, ElementSource) for s in there.sources):
        # A condition leaves few datasets of each record; they are found by their whole key.
        return False
    named = _named_records(state, plan, there)
    if named == 1 and element is not None and not element.governor:
        # To look how much there is would take longer than the query.
        return True
    # Conditions leave few records, and so few datasets to be looked at here. They are not asked about where they name the records:
    # to write a long list once more takes longer than to look at some more datasets.
    conditions = [] if named is not None else _conditions_on_records(state, plan, there)
    records = _tested_records(state, connection, plan, there, conditions)
    if named is not None:
        records = named if records is None else min(named, records)
    if records is None:
        return False
    led = _is_led(plan, there)
    many = records * (_MANY_DATASETS_OF_LED if led else _MANY_DATASETS)
    for source in there.sources:
        if not isinstance(source, DatasetSource) or (source is not there.main and source.with_validity):
            continue
        if not has_datasets_beyond(state, connection, source, many, conditions):
            return False
    if led:
        # A join looks at the datasets in other collections, too.
        return True
    shares = connection.execute(share_found(state.schema, there.main, _SAMPLE)).one()
    return all(share >= _LEAST_SHARE for share in shares)


def _named_records(state: State, plan: Plan, there: Existence) -> int | None:
    """Give how many records conditions name by their whole key, at most; `None` if they do not, or too many."""
    if there.element is None:
        return None
    numbers: dict[str, int] = {}
    for part in conjuncts(plan.predicate):
        match part:
            case Comparison(operator="=", left=Key(dimension=name), right=Constant()):
                numbers[name] = 1
            case IsOneOf(operand=Key(dimension=name), columns=()):
                number = len(part.values) + sum(len(range(start, stop + 1, step)) for start, stop, step in part.ranges)
                numbers[name] = min(number, numbers.get(name, number))
            case _:
                pass
    records = math.prod(numbers.get(name, _MOST_RECORDS + 1) for name in state.universe[there.element].required)
    return records if records <= _MOST_RECORDS else None


def _conditions_on_records(state: State, plan: Plan, there: Existence) -> list[Predicate]:
    """Give the conditions on the records that are tested, and on nothing else."""
    if there.element is None:
        return []
    element = state.universe[there.element]
    own = [part for part in conjuncts(plan.predicate) if _is_about(part, element)]
    # One on the instrument alone leaves nearly all in most repositories; they are counted by a statement that is made once.
    columns = {v.dimension if isinstance(v, Key) else "" for part in own for v in _columns(part)}
    return own if columns - set(state.universe.governors) else []


def _is_about(part: Predicate, element: DimensionElement) -> bool:
    """Whether a condition is on nothing but a record, and can be tested at once, without what was found before."""
    if has_long_list(part) or any(isinstance(own, Overlap) and own.kind == "spatial" for own in walk(part)):
        return False
    keys = {*element.required, *element.implied}
    columns = _columns(part)
    return bool(columns) and all(
        v.dimension in keys if isinstance(v, Key) else isinstance(v, Field) and v.element == element.name
        for v in columns
    )


def _columns(part: Predicate) -> list[Key | Field | DatasetField]:
    return [v for v in values_of(part) if isinstance(v, Key | Field | DatasetField)]


def _tested_records(
    state: State, connection: sa.Connection, plan: Plan, there: Existence, conditions: Sequence[Predicate]
) -> int | None:
    """Give how many records are tested at most; `None` if they are too many."""
    if there.element is None:
        return 1
    keys = set(state.universe[there.element].required)
    given = [s.rows for s in plan.sources if isinstance(s, UploadSource) and keys <= set(s.dimensions)]
    if given:
        return min(given) if min(given) <= _MOST_RECORDS else None
    return records_up_to(state, connection, there.element, _MOST_RECORDS, conditions)
