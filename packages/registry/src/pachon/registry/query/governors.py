# SPDX-License-Identifier: BSD-3-Clause
"""Keys mean something only together with their governor: the rule, defaults, and contradictions."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pachon.dimensions import DimensionGroup
from pachon.registry.errors import QueryGovernorError
from pachon.registry.query.scope import Scope
from pachon.registry.query.tree import (
    All,
    Any_,
    Comparison,
    Constant,
    Field,
    IsNull,
    Key,
    Not,
    Predicate,
    conjuncts,
    values_of,
    walk,
)

__all__ = ["contradictions", "equal_keys", "governor_defaults"]


def governor_defaults(
    predicate: Predicate,
    data_id: Mapping[str, int | str],
    dimensions: DimensionGroup,
    defaults: Mapping[str, str],
    scope: Scope,
    given: Collection[str] = (),
) -> dict[str, str]:
    """Give the default values of governors that hold for a query of some dimensions; one that a table gives counts as mentioned.

    Raises
    ------
    QueryGovernorError
        If a key is constrained whose governor is neither mentioned nor has a default.
    """
    universe = scope.universe
    used = values_of(predicate)
    keys = [value for value in used if isinstance(value, Key)]
    alternates = [value for value in used if isinstance(value, Field) and value.alternate_key]
    mentioned = {*data_id, *given, *map(_owner, _compared(predicate, [*keys, *alternates]))}
    applied = {g: value for g, value in defaults.items() if g in dimensions and g not in mentioned}
    needing: list[tuple[str, Key | Field | None]] = [(key.dimension, key) for key in keys]
    needing += [(field.element, field) for field in alternates]
    needing += [(name, None) for name in data_id]
    for name, column in needing:
        for dimension in universe[name].required:
            if dimension in mentioned or dimension in applied or dimension == name or not universe[dimension].governor:
                continue
            if dimension not in defaults:
                position = None if column is None else column.position
                raise QueryGovernorError(
                    f"{name if column is None else column} has a meaning only together with its {dimension}: add {dimension} = '...'",
                    scope.text if position is not None else "",
                    position,
                )
            applied[dimension] = defaults[dimension]
    return applied


def _owner(column: Key | Field) -> str:
    return column.dimension if isinstance(column, Key) else column.element


def _compared(predicate: Predicate, columns: list[Key | Field]) -> list[Key | Field]:
    """Drop the columns of which a condition says only whether they are null: that mentions no value."""
    parts = walk(predicate)
    if not any(isinstance(part, IsNull) for part in parts):
        return columns
    wanted = set(columns)
    leaves = [part for part in parts if not isinstance(part, (IsNull, All, Any_, Not))]
    return [value for part in leaves for value in values_of(part) if value in wanted]


def equal_keys(predicate: Predicate) -> list[tuple[str, int | str]]:
    """Give the dimensions that a conjunction sets equal to constants; one may occur several times."""
    return [
        (part.left.dimension, part.right.value)
        for part in conjuncts(predicate)
        if isinstance(part, Comparison)
        and part.operator == "="
        and isinstance(part.left, Key)
        and isinstance(part.right, Constant)
        and isinstance(part.right.value, int | str)
    ]


def contradictions(pairs: list[tuple[str, int | str]]) -> list[str]:
    """Say which dimensions would have to have two values at once."""
    first: dict[str, int | str] = {}
    found = []
    for dimension, value in pairs:
        if first.setdefault(dimension, value) != value:
            found.append(f"{dimension} = {first[dimension]!r} and {dimension} = {value!r} cannot both hold.")
    return found
