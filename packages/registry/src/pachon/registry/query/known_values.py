# SPDX-License-Identifier: BSD-3-Clause
"""What there is near something that there is not: the values of a column of which a condition wants others."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from pachon.base import closest
from pachon.dimensions.timespan import iso_from_ns
from pachon.registry.dimension_records.fields import key_columns
from pachon.registry.dimension_records.nearest import nearest_values
from pachon.registry.query.governors import equal_keys
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.tree import (
    All,
    Bound,
    Comparison,
    Constant,
    Field,
    Glob,
    IsOneOf,
    Key,
    Overlap,
    Predicate,
    Value,
)
from pachon.registry.schema.dimension_tables import dimension_column
from pachon.registry.state import State

if TYPE_CHECKING:
    from pachon.dimensions import DimensionElement

__all__ = ["describe_known"]

_MOST_VALUES = 10_000
"""Different values that are looked at."""
_SHOWN = 5


def describe_known(
    state: State,
    connection: sa.Connection,
    condition: Predicate,
    conditions: Sequence[Predicate],
    *,
    missing: bool,
    facts: SearchFacts | None = None,
) -> str | None:
    """Say what exists near the value that a condition wants.

    Parameters
    ----------
    state, connection
        The registry.
    condition
        Of one column with constants; nothing is said of others.
    conditions
        Those that hold too; values of dimensions that they set are taken into account.
    missing
        Say it only if the wanted value of a dimension does not exist at all, in a whole sentence.
    facts
        Look at the data IDs of these datasets instead of records.
    """
    fixed = dict(equal_keys(All(operands=tuple(conditions))))
    match condition:
        case Comparison(operator="=", left=Key(dimension=name), right=Constant(value=int() | str() as value)):
            wanted: list[Any] = [value]
        case IsOneOf(operand=Key(dimension=name), values=values, columns=(), ranges=(), with_null=False) if values:
            wanted = [v for v in values if isinstance(v, int | str)]
        case _:
            return None if missing else _of_field(state, connection, condition, fixed)
    element = state.universe[name]
    if element.is_skypix:
        return None
    if facts is not None and name in facts.dimensions.required:
        return _of_datasets(state, connection, facts, name, wanted[0], fixed)
    if not missing:
        return None
    nearest = [nearest_values(state, connection, element, value, fixed) for value in wanted[:_SHOWN]]
    if len(wanted) > _SHOWN or any(value in known for value, known in zip(wanted, nearest, strict=False)):
        return None
    owner = _owner(element, fixed)
    if len(wanted) == 1:
        return f"There is no {name} {wanted[0]!r}{owner}{_shown(wanted[0], nearest[0])}"
    shown = ", ".join(map(repr, wanted))
    return f"None of {name} {shown} exists{owner}{_shown(wanted[0], nearest[0])}"


def _owner(element: DimensionElement, fixed: dict[str, Any]) -> str:
    """Say of which governor a value is wanted."""
    owners = [f"{name} {fixed[name]!r}" for name in element.dependencies if name in fixed]
    return f" of {', '.join(owners)}" if owners else ""


def _of_datasets(
    state: State, connection: sa.Connection, facts: SearchFacts, name: str, value: Any, fixed: dict[str, Any]
) -> str | None:
    """Say for which values of a dimension there are datasets."""
    tables = state.schema.datasets(facts.dimensions, facts.group_id)
    found: set[Any] = set()
    for table, members in ((tables.membership, facts.members), (tables.validity, facts.certified)):
        if not members:
            continue
        column = table.c[dimension_column(name)]
        same = [
            table.c[dimension_column(d)] == v for d, v in fixed.items() if d in facts.dimensions.required and d != name
        ]
        where = [table.c.dataset_type_id == facts.type_id, table.c.collection_id.in_(list(members)), *same]
        if isinstance(value, int):
            below = connection.execute(sa.select(sa.func.max(column)).where(column < value, *where)).scalar()
            above = connection.execute(sa.select(sa.func.min(column)).where(column > value, *where)).scalar()
            found.update(number for number in (below, above) if number is not None)
        else:
            select = sa.select(column).where(*where).distinct().limit(_SHOWN + 1)
            found.update(connection.execute(select).scalars())
    if not found:
        return None
    listed = sorted(found)
    return (
        f"there are some with {name} {' and '.join(map(repr, listed[:_SHOWN]))}{' and others' * (len(listed) > _SHOWN)}"
    )


def _of_field(state: State, connection: sa.Connection, condition: Predicate, fixed: dict[str, Any]) -> str | None:
    """Say which values a field has, or between which bounds they lie."""
    column, value = _column_and_value(condition)
    inner = column.timespan if isinstance(column, Bound) else column
    if not isinstance(inner, Field) or state.universe[inner.element].is_skypix:
        return None
    element = state.universe[inner.element]
    table = state.schema.elements[inner.element]
    keys = key_columns(element, table)
    same = [keys[name] == v for name, v in fixed.items() if name in keys]
    of = f"{inner.element}.{inner.name}" + (_owner(element, fixed) if same else "")
    if inner.type == "timespan":
        select = sa.select(sa.func.min(table.c.timespan_begin), sa.func.max(table.c.timespan_end)).where(*same)
        begin, end = connection.execute(select).one()
        return None if begin is None else f"{of} lies between {iso_from_ns(begin)} and {iso_from_ns(end)} (TAI)"
    if inner.type in ("int", "float"):
        bounds = sa.select(sa.func.min(table.c[inner.name]), sa.func.max(table.c[inner.name])).where(*same)
        low, high = connection.execute(bounds).one()
        return f"{of} is null everywhere" if low is None else f"{of} is {low}" + (f" to {high}" if low != high else "")
    if inner.type != "string":
        return None
    known = table.c[inner.name]
    select = sa.select(known).where(known.is_not(None), *same).distinct().limit(_MOST_VALUES)
    texts = sorted(connection.execute(select).scalars())
    if not texts:
        return f"{of} is null everywhere"
    if isinstance(value, str):
        texts = sorted(texts, key=lambda text: -difflib.SequenceMatcher(a=text, b=value).quick_ratio())
    return f"{of} has {', '.join(map(repr, texts[:_SHOWN]))}{' and others' if len(texts) > _SHOWN else ''}"


def _column_and_value(condition: Predicate) -> tuple[Value | None, Any]:
    match condition:
        case Comparison(left=left, right=Constant(value=value)):
            return left, value
        case IsOneOf(operand=operand, values=values):
            return operand, next(iter(values), None)
        case Overlap(kind="temporal", left=Constant(), right=right):
            return right, None
        case Overlap(kind="temporal", left=left, right=Constant()):
            return left, None
        case Glob(operand=operand):
            return operand, None
        case _:
            return None, None


def _shown(value: int | str, known: list[int | str]) -> str:
    """Give the end of a sentence that says what exists instead."""
    if not known:
        return "; there are none at all."
    if isinstance(value, int):
        return f"; {' and '.join(map(str, known))} exist{'s' if len(known) == 1 else ''} and {'is' if len(known) == 1 else 'are'} nearest."
    if hint := closest(value, map(str, known)):
        return f".{hint}"
    return f"; there are {', '.join(sorted(map(str, known))[:_SHOWN])}."
