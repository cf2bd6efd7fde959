# SPDX-License-Identifier: BSD-3-Clause
"""Which elements of a group must be joined by overlap on the sky or in time."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from pachon.base import InvalidInputError
from pachon.dimensions.universe import DimensionGroup

__all__ = ["AmbiguousOverlapError", "OverlapJoin", "automatic_overlaps"]

Kind = Literal["spatial", "temporal"]


class AmbiguousOverlapError(InvalidInputError):
    """Several families could be joined by overlap, and nothing says which."""

    kind = "invalid_query"


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlapJoin:
    """Two elements of different families whose regions or time spans must overlap."""

    kind: Kind
    first: str
    second: str


def automatic_overlaps(
    group: DimensionGroup, kind: Kind, connected: Iterable[Collection[str]] = ()
) -> tuple[OverlapJoin, ...]:
    """Give the overlap joins that a query over a group of dimensions implies.

    Parameters
    ----------
    group
        All dimensions of the query.
    kind
        Regions or time spans.
    connected
        Sets of families that an explicit condition, a dataset search or an uploaded
        table relates already.

    Raises
    ------
    AmbiguousOverlapError
        If more than two sets of families are left, or a set of several families
        faces another: an explicit ``OVERLAPS`` must say which.
    """
    sets: list[set[str]] = [{family} for family in (group.spatial if kind == "spatial" else group.temporal)]
    for families in connected:
        touched = [s for s in sets if not s.isdisjoint(families)]
        if len(touched) > 1:
            sets = [s for s in sets if s not in touched] + [set().union(*touched)]
    if len(sets) < 2:
        return ()
    if len(sets) > 2 or any(len(s) > 1 for s in sets):
        named = " and ".join(", ".join(sorted(s)) for s in sets)
        raise AmbiguousOverlapError(
            f"The {kind} families {named} can be joined in several ways; add an explicit OVERLAPS."
        )
    members = [group.choose(kind, next(iter(s))) for s in sets]
    if any(member is None for member in members):
        return ()
    first, second = sorted(str(member) for member in members)
    return (OverlapJoin(kind=kind, first=first, second=second),)
