# SPDX-License-Identifier: BSD-3-Clause
"""The resolved tree of a query: every name has a meaning and every part a type.

All nodes are frozen values. ``position`` is the place in the text, for messages; it takes no part in equality.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pachon.dimensions import DimensionUniverse, Timespan
from pachon.dimensions.timespan import iso_from_ns

__all__ = [
    "All",
    "Any_",
    "Arithmetic",
    "Bound",
    "Comparison",
    "Constant",
    "DatasetField",
    "Field",
    "Glob",
    "IsNull",
    "IsOneOf",
    "IsTrue",
    "Key",
    "Negative",
    "Not",
    "Overlap",
    "Predicate",
    "Slot",
    "Truth",
    "Type",
    "Value",
    "conjuncts",
    "key_equals",
    "parts_of",
    "values_of",
    "walk",
]

Type = Literal[
    "int", "float", "string", "bool", "datetime", "timespan", "region", "uuid", "hash", "ingest_date", "null"
]
"""Type of a value; ``range`` and ``sequence`` exist in lists of IN only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The value of a dimension."""

    dimension: str
    type: Type
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.dimension


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the record of an element; also its ``region`` and ``timespan``."""

    element: str
    name: str
    type: Type
    alternate_key: bool = False
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.element}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetField:
    """A field of the datasets of a search: ``dataset_id``, ``run``, ``collection``, ``ingest_date``, ``timespan``."""

    dataset_type: str
    name: str
    type: Type
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.dataset_type}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """``begin`` or ``end`` of a time span column."""

    timespan: Field | DatasetField
    which: Literal["begin", "end"]
    type: Type = "datetime"
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.timespan}.{self.which}"


def _region_text(value: bytes) -> str:
    """Say where a region is: a circle around it, in degrees."""
    # lsst-sphgeom takes longer to import than most queries take.
    from lsst.sphgeom import LonLat

    from pachon.dimensions import region_from_bytes

    circle = region_from_bytes(value).getBoundingCircle()
    centre = LonLat(circle.getCenter())
    ra, dec, radius = (angle.asDegrees() for angle in (centre.getLon(), centre.getLat(), circle.getOpeningAngle()))
    return f"<region within {radius:.3g} deg of ra {ra:.7g}, dec {dec:.7g}>"


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for a value that a statement gets when it is run (`pachon.registry.query.forms`)."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """A literal or a bound value.

    Times are nanoseconds (TAI), time spans a pair of these, regions and ids bytes.
    """

    value: int | float | str | bool | bytes | tuple[int | Slot, int | Slot] | Slot | None
    type: Type
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        match self.type, self.value:
            case _, None:
                return "NULL"
            case "region", bytes(value):
                return _region_text(value)
            case "uuid", bytes(value):
                return str(uuid.UUID(bytes=value))
            case "datetime", int(ns):
                return iso_from_ns(ns)
            case "timespan", (int(begin), int(end)):
                return str(Timespan.from_ns(begin, end))
            case _, value:
                return repr(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Negative:
    """The operand with its sign turned."""

    operand: Value
    type: Type
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"-{self.operand}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arithmetic:
    """``+ - * / %``."""

    operator: str
    left: Value
    right: Value
    type: Type
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"({self.left} {self.operator} {self.right})"


Value: TypeAlias = Key | Field | DatasetField | Bound | Constant | Negative | Arithmetic


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A condition that is true, or false, whatever the row."""

    value: bool

    def __str__(self) -> str:
        return str(self.value).upper()


@dataclass(frozen=True, slots=True, kw_only=True)
class IsTrue:
    """A boolean column."""

    operand: Value

    def __str__(self) -> str:
        return str(self.operand)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``= != < <= > >=`` between values of comparable types."""

    operator: str
    left: Value
    right: Value

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull:
    """A null test."""

    operand: Value

    def __str__(self) -> str:
        return f"{self.operand} = NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class IsOneOf:
    """Membership in values, other columns and ranges of integers (both ends included)."""

    operand: Value
    values: tuple[int | float | str | bytes | Slot, ...] = ()
    columns: tuple[Value, ...] = ()
    ranges: tuple[tuple[int, int, int], ...] = ()
    with_null: bool = False

    def __str__(self) -> str:
        shown = [*map(repr, self.values[:5]), *(["..."] if len(self.values) > 5 else []), *map(str, self.columns)]
        shown += [f"{start}..{stop}" + (f":{stride}" if stride > 1 else "") for start, stop, stride in self.ranges]
        shown += ["NULL"] * self.with_null
        return f"{self.operand} IN ({', '.join(shown)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Glob:
    """A string column matches a pattern of ``*`` and ``?``; a backslash makes the next character plain."""

    operand: Value
    pattern: str

    def __str__(self) -> str:
        return f"GLOB({self.operand}, {self.pattern!r})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Two time spans (or a time span and a time), or two regions, have something in common."""

    kind: Literal["spatial", "temporal"]
    left: Value
    right: Value
    position: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.left} OVERLAPS {self.right}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Not:
    """Negation."""

    operand: Predicate

    def __str__(self) -> str:
        return f"NOT ({self.operand})"


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    """A conjunction."""

    operands: tuple[Predicate, ...]

    def __str__(self) -> str:
        return " AND ".join(f"({o})" if isinstance(o, Any_) else str(o) for o in self.operands)


@dataclass(frozen=True, slots=True, kw_only=True)
class Any_:  # noqa: N801  # typing.Any has the better name already
    """A disjunction."""

    operands: tuple[Predicate, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.operands))


Predicate: TypeAlias = Truth | IsTrue | Comparison | IsNull | IsOneOf | Glob | Overlap | Not | All | Any_


_SIMPLE = (Key, Field, Constant, DatasetField)
_JUNCTIONS = (All, Any_)
_NESTING = (All, Any_, Not)
_OPENED = (All, Truth)
_TWO_SIDED = (Comparison, Overlap)
_ONE_SIDED = (IsTrue, IsNull, Glob)


def key_equals(universe: DimensionUniverse, dimension: str, value: int | str) -> Comparison:
    """Give the condition that a dimension has a value."""
    kind: Type = "int" if universe.dimensions[dimension].primary_key.type == "int" else "string"
    return Comparison(operator="=", left=Key(dimension=dimension, type=kind), right=Constant(value=value, type=kind))


def conjuncts(predicate: Predicate) -> tuple[Predicate, ...]:
    """Give the conditions of which all must hold."""
    if isinstance(predicate, All):
        for operand in predicate.operands:
            if isinstance(operand, _OPENED):
                return tuple([part for operand in predicate.operands for part in conjuncts(operand)])
        return predicate.operands
    return () if isinstance(predicate, Truth) and predicate.value else (predicate,)


def walk(predicate: Predicate) -> list[Predicate]:
    """Give all conditions in a condition, itself first."""
    # Lists and not generators: these are walked several times a query, and most have few parts.
    found = [predicate]
    if isinstance(predicate, _JUNCTIONS):
        for part in predicate.operands:
            if isinstance(part, _NESTING):
                found += walk(part)
            else:
                found.append(part)
    elif isinstance(predicate, Not):
        found += walk(predicate.operand)
    return found


def values_of(predicate: Predicate) -> list[Value]:
    """Give all columns and constants in a condition."""
    found: list[Value] = []
    for part in walk(predicate):
        if isinstance(part, _TWO_SIDED):
            sides: tuple[Value, ...] = (part.left, part.right)
        elif isinstance(part, IsOneOf):
            sides = (part.operand, *part.columns)
        elif isinstance(part, _ONE_SIDED):
            sides = (part.operand,)
        else:
            continue
        for value in sides:
            if isinstance(value, _SIMPLE):
                found.append(value)
            else:
                found += parts_of(value)
    return found


def parts_of(value: Value) -> list[Value]:
    """Give a value and all columns and constants of which it is made."""
    if isinstance(value, _SIMPLE):
        return [value]
    match value:
        case Negative(operand=operand):
            return [value, *parts_of(operand)]
        case Arithmetic(left=left, right=right):
            return [value, *parts_of(left), *parts_of(right)]
        case Bound(timespan=timespan):
            return [value, timespan]
