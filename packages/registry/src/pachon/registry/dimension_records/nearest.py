# SPDX-License-Identifier: BSD-3-Clause
"""Values of a dimension near one that may not exist."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from pachon.dimensions import DimensionElement
from pachon.registry.dimension_records.reading import record_selection
from pachon.registry.state import State

__all__ = ["nearest_values"]

_MOST_NAMES = 10_000
"""Names among which similar ones are looked for."""


def nearest_values(
    state: State,
    connection: sa.Connection,
    element: DimensionElement,
    value: int | str,
    fixed: Mapping[str, int | str],
) -> list[int | str]:
    """Give the value alone if it exists; if not, the next lower and higher numbers, or existing names.

    Parameters
    ----------
    state, connection
        The registry.
    element
        A dimension.
    value
        The value that is looked for.
    fixed
        Values of dimensions that it requires; those of others are ignored.
    """
    _, columns = record_selection(state, element)
    column = columns[element.name]
    same = [columns[name] == fixed[name] for name in element.dependencies if name in fixed]
    if connection.execute(sa.select(column).where(column == value, *same).limit(1)).first() is not None:
        return [value]
    if isinstance(value, int):
        below = connection.execute(sa.select(sa.func.max(column)).where(column < value, *same)).scalar()
        above = connection.execute(sa.select(sa.func.min(column)).where(column > value, *same)).scalar()
        return [number for number in (below, above) if number is not None]
    return list(connection.execute(sa.select(column).where(*same).distinct().limit(_MOST_NAMES)).scalars())
