# SPDX-License-Identifier: BSD-3-Clause
"""Which regions and time spans of a query must overlap: those that it says, and those that its dimensions imply."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pachon.dimensions import AmbiguousOverlapError, DimensionGroup, DimensionUniverse, automatic_overlaps
from pachon.registry.errors import QueryJoinError
from pachon.registry.query.spec import SearchFacts
from pachon.registry.query.tree import (
    Constant,
    DatasetField,
    Field,
    Overlap,
    Predicate,
    Value,
    conjuncts,
    walk,
)

__all__ = ["SpatialJoins", "spatial_joins", "temporal_joins"]

Kind = Literal["spatial", "temporal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SpatialJoins:
    """Overlaps of regions in a query."""

    pairs: tuple[tuple[str, str], ...]
    """Elements whose regions must overlap."""
    regions: tuple[tuple[str, bytes], ...]
    """Elements whose region must overlap a constant one."""
    nested: tuple[Overlap, ...]
    """Overlaps inside OR and NOT."""


def spatial_joins(
    group: DimensionGroup, predicate: Predicate, connected: Sequence[frozenset[str]], text: str
) -> SpatialJoins:
    """Sort the spatial conditions of a query, and add the join that its dimensions imply.

    Parameters
    ----------
    group
        All dimensions of the query.
    predicate
        Its condition.
    connected
        Sets of dimensions that datasets or given tables relate.
    text
        The expression, for messages.

    Raises
    ------
    QueryJoinError
        If an overlap is unnecessary, or it is not clear which one is meant.
    """
    universe = group.universe
    every = [part for part in walk(predicate) if isinstance(part, Overlap) and part.kind == "spatial"]
    top = (
        [part for part in conjuncts(predicate) if isinstance(part, Overlap) and part.kind == "spatial"] if every else []
    )
    nested = [part for part in every if not any(part is other for other in top)]
    pairs: list[tuple[str, str]] = []
    regions: list[tuple[str, bytes]] = []
    families: list[set[str]] = []
    for overlap in top:
        left = _element(overlap.left)
        if isinstance(overlap.right, Constant):
            regions.append((left, _region(overlap.right)))
            continue
        right = _element(overlap.right)
        _refuse_one_family(universe, "spatial", left, right, text, overlap.position)
        pairs.append((left, right))
        families.append({str(universe[left].spatial), str(universe[right].spatial)})
    for overlap in nested:
        if isinstance(overlap.right, Field):
            # Whoever says where regions do not overlap, or need not, wants no join that requires it.
            left, right = _element(overlap.left), overlap.right.element
            _refuse_one_family(universe, "spatial", left, right, text, overlap.position)
            families.append({str(universe[left].spatial), str(universe[right].spatial)})
    automatic = _automatic(group, "spatial", families, connected, text)
    pairs += [pair for pair in automatic if pair not in pairs]
    return SpatialJoins(pairs=tuple(pairs), regions=tuple(regions), nested=tuple(nested))


def temporal_joins(
    group: DimensionGroup,
    predicate: Predicate,
    connected: Sequence[frozenset[str]],
    searches: Sequence[SearchFacts],
    text: str,
) -> tuple[Predicate, ...]:
    """Give the overlaps of time spans that the dimensions and calibration searches of a query imply.

    A calibration must be valid at the time of the query's temporal dimension, if it has one.

    Raises
    ------
    QueryJoinError
        If an overlap is unnecessary, or it is not clear which one is meant.
    """
    calibrations = {search.dataset_type: search for search in searches if search.certified}
    joined = _joined_in_time(group.universe, predicate, calibrations.keys(), text)
    families = [{name for kind, name in members if kind == "family"} for members in joined]
    added: list[Predicate] = [
        _overlap_of(left, right) for left, right in _automatic(group, "temporal", families, connected, text)
    ]
    # Calibrations that overlap only each other are not valid at any time of the query for that.
    timed = [members for members in joined if any(kind == "family" for kind, _ in members)]
    untimed = [s for name, s in calibrations.items() if not any(("type", name) in members for members in timed)]
    if untimed and group.temporal:
        member = _single_member(group, untimed, text)
        span = Field(element=member, name="timespan", type="timespan")
        for search in untimed:
            validity = DatasetField(dataset_type=search.dataset_type, name="timespan", type="timespan")
            added.append(Overlap(kind="temporal", left=validity, right=span))
    return tuple(added)


def _joined_in_time(
    universe: DimensionUniverse, predicate: Predicate, calibrations: Collection[str], text: str
) -> list[set[tuple[str, str]]]:
    """Give the sets of families and calibration types that written overlaps join, be they inside OR and NOT.

    Datasets of another type have no time that would join anything.
    """
    top = list(conjuncts(predicate))
    joined: list[set[tuple[str, str]]] = []
    for part in walk(predicate):
        if not isinstance(part, Overlap) or part.kind != "temporal":
            continue
        sides = [value for value in (part.left, part.right) if isinstance(value, Field | DatasetField)]
        elements = [value.element for value in sides if isinstance(value, Field)]
        if len(elements) == 2 and any(part is other for other in top):
            _refuse_one_family(universe, "temporal", elements[0], elements[1], text, part.position)
        members = {("family", str(universe[name].temporal)) for name in elements}
        members |= {("type", v.dataset_type) for v in sides if isinstance(v, DatasetField)}
        members = {(kind, name) for kind, name in members if kind == "family" or name in calibrations}
        if len(members) == 2:
            touched = [other for other in joined if other & members]
            joined = [other for other in joined if other not in touched] + [members.union(*touched)]
    return joined


def _related(group: DimensionGroup, kind: Kind, connected: Sequence[frozenset[str]]) -> list[set[str]]:
    """Give the families that datasets and given tables relate: those of which they have the finest member in the query.

    A dataset of a visit and a patch does not say which detectors of the visit overlap the patch.
    """
    universe = group.universe
    families = group.spatial if kind == "spatial" else group.temporal
    finest = {family: group.choose(kind, family) for family in families}
    return [
        {family for family, member in finest.items() if member and set(universe[member].required) <= names}
        for names in connected
    ]


def _overlap_of(left: str, right: str) -> Overlap:
    sides = [Field(element=name, name="timespan", type="timespan") for name in (left, right)]
    return Overlap(kind="temporal", left=sides[0], right=sides[1])


def _single_member(group: DimensionGroup, calibrations: Sequence[SearchFacts], text: str) -> str:
    """Give the element at whose time calibrations must be valid."""
    if len(group.temporal) > 1:
        types = ", ".join(search.dataset_type for search in calibrations)
        raise QueryJoinError(
            f"The validity of {types} could be joined with several time spans; add an explicit OVERLAPS", text
        )
    member = group.choose("temporal", group.temporal[0])
    assert member is not None
    return member


def _automatic(
    group: DimensionGroup, kind: Kind, joined: Sequence[set[str]], connected: Sequence[frozenset[str]], text: str
) -> list[tuple[str, str]]:
    """Give the joins that nothing else stands for: neither an overlap of families that is written, nor what relates dimensions."""
    if len(group.spatial if kind == "spatial" else group.temporal) < 2:
        return []
    try:
        joins = automatic_overlaps(group, kind, [*joined, *_related(group, kind, connected)])
    except AmbiguousOverlapError as error:
        raise QueryJoinError(str(error), text) from None
    return [(join.first, join.second) for join in joins]


def _refuse_one_family(universe: DimensionUniverse, kind: str, left: str, right: str, text: str, position: int) -> None:
    families = [universe[n].spatial if kind == "spatial" else universe[n].temporal for n in (left, right)]
    if families[0] != families[1]:
        return
    if universe[left].is_skypix and left != right:
        # Their numbers do relate them, but no table does.
        message = f"Pixels of {left} and {right} cannot be joined: they are levels of one pixelization"
    else:
        message = f"An overlap of {left} with {right} is not necessary: their keys relate them"
    raise QueryJoinError(message, text, position)


def _element(value: Value) -> str:
    assert isinstance(value, Field)
    return value.element


def _region(value: Constant) -> bytes:
    assert isinstance(value.value, bytes)
    return value.value
