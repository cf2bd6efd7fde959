# SPDX-License-Identifier: BSD-3-Clause
"""Statements that plans share which differ in constants alone: to build one, and to write it out, takes longer than to plan it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import fields, replace
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from pachon.registry.query.plan import LASTING_SOURCES, Plan
from pachon.registry.query.tree import (
    All,
    Any_,
    Comparison,
    Constant,
    IsOneOf,
    Not,
    Overlap,
    Predicate,
    Slot,
    Type,
    Value,
    walk,
)
from pachon.registry.state import State

__all__ = ["SharedStatement", "shared_statement"]

_MOST_STATEMENTS = 500
_LONG_LIST = 50
"""Values of a list that hardly comes twice, and need not be kept."""
_MANY_VALUES = 2000
"""Values of all lists of such a statement."""
_NOT_IN_STATEMENT = frozenset({"late", "refinements", "marks", "products", "limit", "assured", "doomed"})
"""What is done after the statement, or before it."""
_FIELDS = tuple(field.name for field in fields(Plan) if field.name not in _NOT_IN_STATEMENT)
_OPEN = frozenset({"int", "float", "string", "datetime", "timespan", "uuid"})
"""Types of constants that become parameters."""

_OPEN_MEMBERS = {"int": int, "datetime": int, "float": float, "string": str, "uuid": bytes, "hash": bytes}
"""Python's types of the members of lists that become parameters."""


class SharedStatement:
    """A statement with parameters, and its text, which is made on demand."""

    __slots__ = ("_text", "select")

    def __init__(self, select: sa.Select[Any]) -> None:
        self.select = select
        self._text: str | None = None

    def text(self, engine: sa.Engine) -> str:
        """Give the text as the driver of an engine gets it."""
        if self._text is None:
            self._text = str(self.select.compile(engine))
        return self._text


def shared_statement(
    state: State, plan: Plan, purpose: Hashable, make: Callable[[Plan], sa.Select[Any]]
) -> tuple[SharedStatement, dict[str, Any]]:
    """Give the statement of a plan, and the parameters to run it with.

    Parameters
    ----------
    state
        The registry, which keeps statements.
    plan
        Whose statement is wanted.
    purpose
        What the statement does; the same for each that ``make`` makes in the same way.
    make
        Makes it: of the plan's form, in which slots stand for constants, or of the plan itself if nothing can be shared.
    """
    values: dict[str, Any] = {}
    key = _form(plan, values)
    if key is None:
        return SharedStatement(make(plan)), {}
    known: SharedStatement | None = state.statements.get((purpose, key))
    if known is None:
        # It is made of the key and of nothing else, so that all plans with this key have it.
        known = SharedStatement(make(Plan(**dict(zip(_FIELDS, key, strict=True)))))
        if len(state.statements) >= _MOST_STATEMENTS:
            state.statements.clear()
        state.statements[purpose, key] = known
    return known, values


def _form(plan: Plan, values: dict[str, Any]) -> tuple[Any, ...] | None:
    """Give all of a plan that its statement depends on, with slots for constants, and put these into ``values``.

    None if the statement needs tables that are made for it, or would hardly be wanted again.
    """
    if plan.marks or not all(isinstance(source, LASTING_SOURCES) for source in _sources(plan)):
        return None
    predicates = [plan.predicate, *[there.predicate for there in plan.existences]]
    sizes = [_size(part) for whole in predicates for part in walk(whole)]
    if max(sizes) > _LONG_LIST or sum(sizes) > _MANY_VALUES:
        return None
    # Some statements look for datasets by their values; in others it matters only of which dimensions there are any.
    by_value = plan.leading or any(test.merged for there in plan.existences for test in there.valid)
    special: dict[str, Any] = {
        "predicate": _open(plan.predicate, values),
        "constants": _Constants(plan.constants if by_value else dict.fromkeys(plan.constants, 0)),
        "existences": tuple([replace(there, predicate=_open(there.predicate, values)) for there in plan.existences]),
    }
    return tuple([special[name] if name in special else getattr(plan, name) for name in _FIELDS])


class _Constants(dict[str, "int | str"]):
    """Constants of a plan, as a part of a key."""

    def __hash__(self) -> int:  # type: ignore[override]  # those of a key do not change
        return hash(tuple(self.items()))


def _size(part: Predicate) -> int:
    """Give the number of values of a list, or of alternatives, of which a long row may become a list."""
    match part:
        case IsOneOf(values=values):
            return len(values)
        case Any_(operands=operands):
            return len(operands)
        case _:
            return 0


def _sources(plan: Plan) -> Iterator[object]:
    yield from plan.sources
    for there in plan.existences:
        yield from there.sources


def _open(predicate: Predicate, values: dict[str, Any]) -> Predicate:
    """Put slots into the places of the constants of comparisons."""
    match predicate:
        case Comparison(operator=operator, left=left, right=right):
            if isinstance(left, Constant) or not isinstance(right, Constant) or right.type not in _OPEN:
                return predicate
            return Comparison(operator=operator, left=left, right=_slot(right, values))
        case Overlap(kind="temporal", left=left, right=right):
            return Overlap(kind="temporal", left=_slot(left, values), right=_slot(right, values))
        case IsOneOf(operand=operand, values=members) if _are_of(operand.type, members):
            return IsOneOf(
                operand=operand,
                values=tuple([_named(member, values) for member in members]),
                columns=predicate.columns,
                ranges=predicate.ranges,
                with_null=predicate.with_null,
            )
        case All(operands=operands):
            return All(operands=tuple([_open(operand, values) for operand in operands]))
        case Any_(operands=operands):
            return Any_(operands=tuple([_open(operand, values) for operand in operands]))
        case Not(operand=operand):
            return Not(operand=_open(operand, values))
        case _:
            return predicate


def _are_of(kind: str, members: tuple[Any, ...]) -> bool:
    """Whether all members of a list are of the type of its operand, so that nothing else is to be known of them."""
    return set(map(type, members)) == {_OPEN_MEMBERS.get(kind)}


def _slot(value: Value, values: dict[str, Any]) -> Value:
    if not isinstance(value, Constant) or value.type not in _OPEN:
        return value
    if isinstance(value.value, tuple):
        return Constant(value=(_named(value.value[0], values), _named(value.value[1], values)), type=value.type)
    slot = _named(value.value, values)
    return _constant(slot.name, value.type)


def _named(value: Any, values: dict[str, Any]) -> Slot:
    slot = _slot_number(len(values) + 1)
    values[slot.name] = value
    return slot


@lru_cache(maxsize=1000)
def _slot_number(number: int) -> Slot:
    # No underscore before the number: SQLAlchemy names what it compares with a field `value` so, and refuses two of one name.
    return Slot(f"value{number}")


@lru_cache(maxsize=1000)
def _constant(slot: str, kind: Type) -> Constant:
    return Constant(value=Slot(slot), type=kind)
