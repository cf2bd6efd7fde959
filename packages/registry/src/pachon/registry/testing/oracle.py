# SPDX-License-Identifier: BSD-3-Clause
"""Answers to queries of a made-up repository in plain Python: every combination of records is looked at.

It shares with the compiler the resolved tree of an expression, and nothing that comes after it.
"""

from __future__ import annotations

import itertools
import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lsst.sphgeom import DISJOINT, Box, HtmPixelization, Pixelization, Region

from pachon.datasets import CollectionType
from pachon.dimensions import DimensionElement, DimensionGroup, automatic_overlaps, region_from_bytes
from pachon.dimensions.timespan import MAX_NS
from pachon.registry.query import tree as t
from pachon.registry.testing.random_world import Placement, World, WorldDataset

__all__ = ["Oracle", "OracleAmbiguity"]

Row = Mapping[str, Any]
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class OracleAmbiguity(Exception):  # noqa: N818  # it is no error: the query is
    """Several calibrations would win."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A dataset in a collection that is searched."""

    dataset: WorldDataset
    collection: str
    rank: int
    bounds: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """One combination of values of dimensions, with the record of each element and a dataset of each search."""

    keys: Mapping[str, Any]
    records: Mapping[str, Row | None] = field(default_factory=dict)
    places: Mapping[str, _Place] = field(default_factory=dict)


class Oracle:
    """A repository that is asked slowly."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._universe = world.universe
        self._grid = world.universe.pixelization(world.universe.common_skypix)
        self._touching: dict[tuple[bytes, bytes], bool] = {}

    def data_ids(
        self,
        result: DimensionGroup,
        group: DimensionGroup,
        condition: t.Predicate,
        searches: Mapping[str, Sequence[str]],
    ) -> set[tuple[Any, ...]]:
        """Give the required values of all data IDs.

        Parameters
        ----------
        result
            The wanted dimensions.
        group
            All dimensions of the query.
        condition
            What must hold.
        searches
            Collections by dataset type.
        """
        cases = self._cases(group, condition, searches)
        return {tuple(case.keys[name] for name in result.required) for case in cases}

    def datasets(
        self,
        dataset_type: str,
        collections: Sequence[str],
        group: DimensionGroup,
        condition: t.Predicate,
        *,
        find_first: bool,
    ) -> set[Any]:
        """Give the ids of all datasets.

        Raises
        ------
        OracleAmbiguity
            If the first collection has several for one data ID.
        """
        cases = list(self._cases(group, condition, {dataset_type: collections}))
        if not find_first:
            return {case.places[dataset_type].dataset.id for case in cases}
        best: dict[Any, tuple[int, Any]] = {}
        for case in sorted(cases, key=lambda case: case.places[dataset_type].rank):
            place = case.places[dataset_type]
            key = tuple(sorted(place.dataset.data_id.items()))
            rank, known = best.setdefault(key, (place.rank, place.dataset.id))
            if rank == place.rank and known != place.dataset.id:
                raise OracleAmbiguity
        return {known for _, known in best.values()}

    # Combinations.

    def _cases(
        self, group: DimensionGroup, condition: t.Predicate, searches: Mapping[str, Sequence[str]]
    ) -> Iterator[_Case]:
        overlaps = [*self._automatic(group, "spatial", condition, searches)]
        overlaps += self._automatic(group, "temporal", condition, searches)
        spans = self._calibrated(group, condition, searches)
        for keys, records in self._data_ids(group, condition, searches):
            if not all(self._overlap(records[one], records[other], kind) for kind, one, other in overlaps):
                continue
            for places in self._places(keys, searches):
                case = _Case(keys=keys, records=records, places=places)
                valid = all(_spans_overlap(places[name].bounds, _span(records[element])) for name, element in spans)
                if valid and self._holds(condition, case) is True:
                    yield case

    def _data_ids(
        self, group: DimensionGroup, condition: t.Predicate, searches: Mapping[str, Sequence[str]]
    ) -> Iterator[tuple[dict[str, Any], dict[str, Row | None]]]:
        """Give all combinations of records that belong together, or that a dataset type puts together."""
        related = [set(self._universe.conform(self._world.types[name]).required) for name in searches]
        named = {value.element for value in t.values_of(condition) if isinstance(value, t.Field)}
        found: list[tuple[dict[str, Any], dict[str, Row | None]]] = [({}, {})]
        for name in group.lookup_order:
            element = self._universe[name]
            needed = element.is_dimension or bool(element.implied) or name in named
            needed = needed or (element.always_join and not any(set(element.required) <= names for names in related))
            found = [pair for keys, records in found for pair in self._with(element, keys, records, needed=needed)]
        return iter(found)

    def _with(
        self, element: DimensionElement, keys: dict[str, Any], records: dict[str, Row | None], *, needed: bool
    ) -> Iterator[tuple[dict[str, Any], dict[str, Row | None]]]:
        if element.implied_union_target is not None:
            values = {row[element.name] for row in self._world.records[element.implied_union_target]}
            for value in values:
                if keys.get(element.name, value) == value:
                    yield {**keys, element.name: value}, {**records, element.name: {element.primary_key.name: value}}
            return
        names = (*element.required, *element.implied)
        there = False
        for row in self._world.records[element.name]:
            own = {name: row[element.key_name(name)] for name in names}
            if all(keys.get(name, value) == value for name, value in own.items()):
                there = True
                yield {**keys, **own}, {**records, element.name: row}
        if not there and not needed:
            yield keys, {**records, element.name: None}

    def _places(self, keys: Mapping[str, Any], searches: Mapping[str, Sequence[str]]) -> Iterator[dict[str, _Place]]:
        lists = [
            [place for place in self._searched(name, collections) if _agree(place.dataset.data_id, keys)]
            for name, collections in searches.items()
        ]
        for chosen in itertools.product(*lists):
            yield dict(zip(searches, chosen, strict=True))

    def _searched(self, dataset_type: str, collections: Sequence[str]) -> list[_Place]:
        path = self._world.flattened(collections)
        always = (0, MAX_NS)
        held = [Placement(dataset=d, collection=d.run) for d in self._world.datasets if d.dataset_type == dataset_type]
        held += [p for p in self._world.placements if p.dataset.dataset_type == dataset_type]
        return [
            _Place(dataset=p.dataset, collection=p.collection, rank=path.index(p.collection), bounds=p.bounds or always)
            for p in held
            if p.collection in path
        ]

    # What must overlap though nobody wrote it.

    def _automatic(
        self, group: DimensionGroup, kind: str, condition: t.Predicate, searches: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str, str]]:
        families: list[set[str]] = []
        parts = t.walk(condition) if kind == "spatial" else t.conjuncts(condition)
        for part in parts:
            if isinstance(part, t.Overlap) and part.kind == kind:
                sides = [value for value in (part.left, part.right) if isinstance(value, t.Field)]
                if len(sides) == 2:
                    families.append({str(self._family(value.element, kind)) for value in sides})
        known = group.spatial if kind == "spatial" else group.temporal
        for name in searches:
            own = set(self._universe.conform(self._world.types[name]).names)
            finest = {family: group.choose(kind, family) for family in known}
            families.append({f for f, member in finest.items() if set(self._universe[str(member)].required) <= own})
        joins = automatic_overlaps(group, kind, families)  # type: ignore[arg-type]  # one of two words
        return [(kind, join.first, join.second) for join in joins]

    def _family(self, element: str, kind: str) -> str | None:
        return self._universe[element].spatial if kind == "spatial" else self._universe[element].temporal

    def _calibrated(
        self, group: DimensionGroup, condition: t.Predicate, searches: Mapping[str, Sequence[str]]
    ) -> list[tuple[str, str]]:
        """Give the searches that must be valid at the time of an element."""
        if not group.temporal:
            return []
        valid = {
            n
            for n, places in searches.items()
            if any(self._holds_validity(n, c) for c in self._world.flattened(places))
        }
        pairs = [
            [v.dataset_type if isinstance(v, t.DatasetField) else "" for v in (part.left, part.right)]
            for part in t.walk(condition)
            if isinstance(part, t.Overlap) and part.kind == "temporal"
            and isinstance(part.left, t.Field | t.DatasetField) and isinstance(part.right, t.Field | t.DatasetField)
        ]  # fmt: skip
        joining = [set(pair) for pair in pairs if set(pair) <= valid | {""}]
        timed = {""}
        for _ in joining:
            timed = timed.union(*(pair for pair in joining if pair & timed))
        member = str(group.choose("temporal", group.temporal[0]))
        return [(name, member) for name in searches if name in valid - timed]

    def _holds_validity(self, dataset_type: str, collection: str) -> bool:
        calibration = self._world.collections[collection] is CollectionType.CALIBRATION
        placements = self._world.placements
        return calibration and any(
            p.collection == collection and p.dataset.dataset_type == dataset_type for p in placements
        )

    def _overlap(self, one: Row | None, other: Row | None, kind: str) -> bool:
        if kind == "temporal":
            return _spans_overlap(_span(one), _span(other)) is True
        return self._regions_overlap(_region(one), _region(other)) is True

    def _regions_overlap(self, one: bytes | None, other: bytes | None) -> bool | None:
        if one is None or other is None:
            return None
        pair = (one, other) if one < other else (other, one)
        if pair not in self._touching:
            self._touching[pair] = _touch(region_from_bytes(one), region_from_bytes(other), self._grid)
        return self._touching[pair]

    # Conditions: true, false, or None for unknown.

    def _holds(self, condition: t.Predicate, case: _Case) -> bool | None:
        match condition:
            case t.Truth(value=value):
                return value
            case t.IsTrue(operand=operand):
                known = self._value(operand, case)
                return None if known is None else bool(known)
            case t.IsNull(operand=operand):
                return self._value(operand, case) is None
            case t.Comparison(operator=sign, left=left, right=right):
                a, b = self._value(left, case), self._value(right, case)
                return None if a is None or b is None else _COMPARE[sign](a, b)
            case t.IsOneOf():
                return self._is_one_of(condition, case)
            case t.Glob(operand=operand, pattern=pattern):
                text = self._value(operand, case)
                return None if text is None else re.fullmatch(_regex(pattern), str(text), re.DOTALL) is not None
            case t.Overlap(kind="temporal", left=left, right=right):
                return _spans_overlap(self._as_span(left, case), self._as_span(right, case))
            case t.Overlap(left=left, right=right):
                return self._regions_overlap(self._value(left, case), self._value(right, case))
            case t.Not(operand=inner):
                known = self._holds(inner, case)
                return None if known is None else not known
            case t.All(operands=operands):
                answers = [self._holds(o, case) for o in operands]
                return False if False in answers else None if None in answers else True
            case t.Any_(operands=operands):
                answers = [self._holds(o, case) for o in operands]
                return True if True in answers else None if None in answers else False

    def _is_one_of(self, test: t.IsOneOf, case: _Case) -> bool | None:
        value = self._value(test.operand, case)
        if value is None:
            return True if test.with_null else None if (test.values or test.ranges or test.columns) else False
        others = [self._value(column, case) for column in test.columns]
        within = any(low <= value <= high and (value - low) % step == 0 for low, high, step in test.ranges)
        if value in test.values or value in others or within:
            return True
        return None if None in others else False

    def _value(self, value: t.Value, case: _Case) -> Any:
        match value:
            case t.Constant(value=constant):
                return constant
            case t.Key(dimension=name):
                return case.keys[name]
            case t.Field(element=element, name=name):
                row = case.records[element]
                return None if row is None else row[name]
            case t.DatasetField(dataset_type=dataset_type, name=name):
                return _dataset_field(case.places[dataset_type], name)
            case t.Bound(timespan=span, which=which):
                bounds = self._value(span, case)
                # An unknown time span begins and ends at the first of all times.
                return 0 if bounds is None else bounds[0 if which == "begin" else 1]
            case t.Negative(operand=operand):
                known = self._value(operand, case)
                return None if known is None else _fitting(-known)
            case t.Arithmetic(operator=sign, left=left, right=right):
                a, b = self._value(left, case), self._value(right, case)
                return None if a is None or b is None else _calculated(sign, a, b)

    def _as_span(self, value: t.Value, case: _Case) -> tuple[int, int] | None:
        known = self._value(value, case)
        return (known, known + 1) if isinstance(known, int) else known


def _dataset_field(place: _Place, name: str) -> Any:
    match name:
        case "dataset_id":
            return place.dataset.id.bytes
        case "run":
            return place.dataset.run
        case "collection":
            return place.collection
        case "timespan":
            return place.bounds
        case _:
            # Nobody knows when it was registered, but it was in this century.
            return 1_700_000_000_000_000_000


def _calculated(sign: str, a: Any, b: Any) -> Any:
    try:
        return _fitting(_step(sign, a, b))
    except (OverflowError, ZeroDivisionError):
        return None


def _fitting(result: Any) -> Any:
    """Give a result, or None if it does not fit into 64 bits or a double."""
    fits = -(2**63) <= result < 2**63 if isinstance(result, int) else math.isfinite(result)
    return result if fits else None


def _step(sign: str, a: Any, b: Any) -> Any:
    match sign:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
        case "%":
            # The sign is that of the left side; of fractions the integer parts count.
            return _remainder(int(a), int(b))
        case _:
            return a / b


def _remainder(a: int, b: int) -> int:
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def _agree(data_id: Mapping[str, Any], keys: Mapping[str, Any]) -> bool:
    return all(keys[name] == value for name, value in data_id.items())


def _span(row: Row | None) -> tuple[int, int] | None:
    return None if row is None else row["timespan"]


def _region(row: Row | None) -> bytes | None:
    return None if row is None else row["region"]


def _spans_overlap(one: tuple[int, int] | None, other: tuple[int, int] | None) -> bool | None:
    if one is None or other is None:
        return None
    return one[0] < other[1] and other[0] < one[1]


def _touch(one: Region, other: Region, grid: Pixelization) -> bool:
    """Whether two regions have something in common, as far as lsst-sphgeom knows.

    Of a box and a polygon it may say that they are not disjoint though they lie apart. Then they have nothing in common if their
    bounding circles say so, or the pixels by which the database finds regions; for other regions finer pixels are asked.
    """
    if one.relate(other) & DISJOINT or other.relate(one) & DISJOINT:
        return False
    if one.getBoundingCircle().relate(other.getBoundingCircle()) & DISJOINT:
        return False
    if not (isinstance(one, Box) or isinstance(other, Box)):
        grid = HtmPixelization(7)
    return not (grid.envelope(one) & grid.envelope(other)).empty()


def _regex(pattern: str) -> str:
    pieces = re.split(r"(\\.|[*?])", pattern)
    wild = {"*": ".*", "?": "."}
    return "".join(
        wild.get(piece) or re.escape(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece) for piece in pieces
    )
