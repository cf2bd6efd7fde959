# SPDX-License-Identifier: BSD-3-Clause
"""Queries with a limit, so planned that the database may stop as soon as it has found so many rows.

A database sorts and joins all rows before it gives the first ones, unless an index has them in the order that is wanted, or it is told to begin
with the few records that give the order. And of the datasets of several collections those of the first one are chosen after the
database, for which all of them are fetched, unless it tests each that it finds.
"""

from __future__ import annotations

from dataclasses import replace

from pachon.registry.query.plan import DatasetSource, EarlyStop, ElementSource, Plan, Source
from pachon.registry.query.sql_values import column_of_element
from pachon.registry.query.tree import Constant, DatasetField, Field, Key, values_of
from pachon.registry.schema.dataset_tables import searched_first

__all__ = ["counted", "sorting_later", "stopping_early"]

_MOST_COLLECTIONS = 500
"""Collections of which each dataset is looked for in those before."""

_MOST_RUNS = 30
"""Runs whose datasets PostgreSQL reads together in the order of their ingest: each takes 0.04 ms to plan, and 10 kB of a statement that is kept."""


def stopping_early(plan: Plan, dialect: str) -> Plan:
    """Change a plan with a limit so that the database need not look at all rows, where that can be; another one stays as it is.

    Parameters
    ----------
    plan
        How to answer.
    dialect
        ``sqlite`` or ``postgresql``.
    """
    if plan.limit is None or plan.doomed:
        return plan
    element = _element_of_order(plan)
    # SQLite does not see that what it selects from is sorted; but it has an index by time.
    if element is not None and dialect == "sqlite" and not _is_searched_by_time(plan, element):
        element = None
    drops_later = _can_drop_later(plan)
    by_ingest = _is_read_by_ingest(plan, dialect, drops_later=drops_later)
    stop = EarlyStop(sorted_element=element, drops_later=drops_later, by_ingest=by_ingest)
    leading = (element,) if element is not None and dialect == "sqlite" else plan.leading
    return replace(plan, early_stop=stop, leading=leading)


def sorting_later(plan: Plan) -> Plan:
    """Change a plan that reads the records of an element in order into one that sorts what it finds."""
    assert plan.early_stop is not None
    return replace(plan, early_stop=replace(plan.early_stop, sorted_element=None), leading=())


def counted(plan: Plan) -> Plan:
    """Change a plan whose rows are only counted, so that the database can do it, where that can be.

    As many datasets are found first as there are data IDs that have any.
    """
    return replace(plan, datasets=None, order=()) if _can_drop_later(plan) else plan


def _element_of_order(plan: Plan) -> str | None:
    """Give the element whose column comes first in the order, if its records are joined with datasets."""
    if not plan.order or not any(isinstance(source, DatasetSource) for source in plan.sources):
        return None
    value = plan.order[0].value
    elements = [source.element for source in plan.sources if isinstance(source, ElementSource)]
    return next((element for element in elements if column_of_element(value, element) is not None), None)


def _is_searched_by_time(plan: Plan, element: str) -> bool:
    """Whether the begin of the element's time comes first, and datasets are found by the element's key at once."""
    datasets = [source for source in plan.sources if isinstance(source, DatasetSource)]
    if len(datasets) != 1 or not _is_plain(datasets[0]):
        return False
    dimensions, required = datasets[0].facts.dimensions, plan.result.universe[element].required
    is_first = set(searched_first(dimensions)[: len(required)]) == set(required)
    is_by_time = column_of_element(plan.order[0].value, element) == "timespan_begin"
    return is_first and is_by_time and not _finds_records(plan, element)


def _finds_records(plan: Plan, element: str) -> bool:
    """Whether a condition may leave a few records that an index finds: by their key, or by what they imply, as those of a night."""
    universe = plan.result.universe
    group = universe.conform([*universe[element].required, *universe[element].implied])
    known = set(group.names) - set(group.governors)
    alternates = {key.name for key in universe[element].alternate_keys}
    for value in values_of(plan.predicate):
        match value:
            case Key(dimension=dimension) if dimension in known:
                return True
            case Field(element=owner, name=name) if owner in known and (owner != element or name in alternates):
                return True
            case _:
                pass
    return False


def _is_read_by_ingest(plan: Plan, dialect: str, *, drops_later: bool) -> bool:
    """Whether the newest or oldest datasets of some runs are wanted, with no condition that would leave most of them out.

    With one that does, all that satisfy it are sorted: those of a night that is long past come after a million others.
    """
    facts = plan.datasets
    first = plan.order[0].value if plan.order else None
    if facts is None or not isinstance(first, DatasetField) or first.name != "ingest_date":
        return False
    if first.dataset_type != facts.dataset_type or facts.certified or not facts.runs >= facts.members.keys():
        return False
    # SQLite does not see that what it selects from is sorted.
    if not 0 < len(facts.members) <= (_MOST_RUNS if dialect == "postgresql" else 1):
        return False
    if plan.find_first and len(facts.members) > 1 and not drops_later:
        return False  # all are fetched, and chosen then
    return facts.dimensions.required == plan.dimensions.required and _is_unconditional(plan)


def _is_unconditional(plan: Plan) -> bool:
    """Whether nothing but governors is restricted: neither by values, nor by datasets of another type, of which there may be few."""
    others = [source for source in plan.sources if isinstance(source, DatasetSource) and source.facts != plan.datasets]
    if others or plan.existences or plan.refinements or plan.marks or not all(map(_is_plain, plan.sources)):
        return False
    governors = plan.dimensions.governors
    return all(
        isinstance(value, Constant) or (isinstance(value, Key) and value.dimension in governors)
        for value in values_of(plan.predicate)
    )


def _is_plain(source: Source) -> bool:
    if isinstance(source, DatasetSource):
        return source.at is None and not source.with_validity
    return isinstance(source, ElementSource)


def _can_drop_later(plan: Plan) -> bool:
    """Whether all datasets of a data ID satisfy the conditions of a query if one does, so that each can be tested by itself."""
    facts = plan.datasets
    if facts is None or not plan.find_first or plan.fields is not None or plan.refinements:
        return False
    if facts.certified or not 1 < len(facts.members) <= _MOST_COLLECTIONS:
        return False
    if sum(isinstance(source, DatasetSource) for source in plan.sources) > 1:
        return False
    return not any(isinstance(value, DatasetField) for value in values_of(plan.predicate))
