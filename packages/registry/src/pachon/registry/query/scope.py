# SPDX-License-Identifier: BSD-3-Clause
"""What the names in an expression mean."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from pachon.base import closest
from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.registry.errors import QueryNameError
from pachon.registry.query.tree import Bound, DatasetField, Field, Key, Type, Value

__all__ = ["DATASET_FIELDS", "Scope"]

DATASET_FIELDS: Mapping[str, Type] = {
    "dataset_id": "uuid",
    "run": "string",
    "collection": "string",
    "ingest_date": "ingest_date",
    "timespan": "timespan",
}
_COLUMN_TYPES: Mapping[str, Type] = {
    "int": "int",
    "string": "string",
    "hash": "hash",
    "float": "float",
    "bool": "bool",
    "region": "region",
    "timespan": "timespan",
}
_AFTER_OPERATOR = re.compile(r"[=<>(,]\s*$")
"""What stands before a name that was perhaps meant as text."""
_TIME = re.compile(r"[Tt](\d{4}-\d\d?-\d\d?)")
"""A date without the quotes of a time."""


@lru_cache(maxsize=1000)
def _field_of(universe: DimensionUniverse, element: str, name: str) -> str | Field:
    """Give the dimension of which a field of an element is the value, or else the field."""
    owner = universe[element]
    for dimension in (*owner.required, *owner.implied):
        if name in (dimension, owner.key_name(dimension)):
            return dimension
    column = next(column for column in owner.columns if column.name == name)
    is_key = any(key.name == name for key in owner.alternate_keys)
    return Field(element=element, name=name, type=_COLUMN_TYPES[column.type], alternate_key=is_key)


@lru_cache(maxsize=1000)
def _own_fields(universe: DimensionUniverse, element: str) -> frozenset[str]:
    """Give the fields of an element that are not values of other dimensions."""
    owner = universe[element]
    return frozenset(owner.column_names) - {*owner.dependencies, *owner.implied}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """The dimensions and dataset types of a query, where its names are looked up."""

    dimensions: DimensionGroup
    """Those of the result, and those that dataset searches and tables add."""
    dataset_types: tuple[str, ...] = ()
    """The joined dataset types."""
    result: DimensionGroup | None = None
    """Those of the result alone, whose fields are meant rather than others of the same name."""
    result_types: tuple[str, ...] = ()
    """Dataset types that are wanted or shown: their fields are meant rather than those of others that are joined."""
    element: str | None = None
    """The element whose records are wanted, if they are: its own field is meant by a name that several have."""
    text: str = field(default="", compare=False)
    """The expression, to point into."""

    @property
    def universe(self) -> DimensionUniverse:
        """The universe of the dimensions."""
        return self.dimensions.universe

    def resolve(self, words: tuple[str, ...], position: int) -> Value:
        """Give the column that a name means.

        Raises
        ------
        QueryNameError
            If it means nothing, or several things.
        """
        if len(words) > 1 and words[-1] in ("begin", "end"):
            value = self._timespan(words[:-1], position)
            if value is not None:
                return Bound(timespan=value, which="begin" if words[-1] == "begin" else "end", position=position)
        if len(words) == 1:
            return self._simple(words[0], position)
        if len(words) == 2:
            return self._qualified(words[0], words[1], position)
        raise self._unknown(".".join(words), position)

    def key(self, dimension: str, position: int = 0) -> Key:
        """Give the value of a dimension."""
        column = self.dimensions.universe.dimensions[dimension].primary_key
        return Key(dimension=dimension, type=_COLUMN_TYPES[column.type], position=position)

    def _timespan(self, words: tuple[str, ...], position: int) -> Field | DatasetField | None:
        if words[-1] != "timespan":
            return None
        value = self.resolve(words, position)
        return value if isinstance(value, Field | DatasetField) and value.type == "timespan" else None

    def _simple(self, name: str, position: int) -> Value:
        if name in self.dimensions.universe.dimensions:
            return self.key(name, position)
        found: list[Value] = [self._field(e, name, position) for e in self.dimensions.elements if self._has(e, name)]
        if name in DATASET_FIELDS:
            found += [self._dataset_field(t, name, position) for t in self.dataset_types]
        if len(found) > 1 and self.result is not None:
            own: list[Value] = [self._field(e, name, position) for e in self.result.elements if self._has(e, name)]
            if not own and name in DATASET_FIELDS:
                own += [self._dataset_field(t, name, position) for t in self.result_types]
            found = own if len(own) == 1 else found
        if len(found) > 1 and self.element is not None and self._has(self.element, name):
            found = [self._field(self.element, name, position)]
        if len(found) > 1:
            shown = [f"{v.dimension}.{name}" if isinstance(v, Key) else str(v) for v in found]
            raise QueryNameError(f"The name {name!r} is ambiguous: write {' or '.join(shown)}", self.text, position)
        if not found:
            raise self._unknown(name, position)
        return found[0]

    def _qualified(self, owner: str, name: str, position: int) -> Value:
        if owner in self.universe:
            element = self.universe[owner]
            if name in element.column_names or (element.is_dimension and name == element.name):
                return self._field(owner, name, position)
            raise self._no_field(owner, name, element.column_names, position)
        if name in DATASET_FIELDS:
            if owner in self.dataset_types:
                return self._dataset_field(owner, name, position)
            if not self.dataset_types or not closest(owner, (*self.universe.elements, *self.dataset_types)):
                reason = f"The dataset type {owner!r} has not been joined to the query"
                raise QueryNameError(reason, self.text, position)
        if owner in self.dataset_types:
            raise self._no_field(owner, name, DATASET_FIELDS, position)
        raise self._unknown(f"{owner}.{name}", position, owner)

    def _field(self, element: str, name: str, position: int) -> Key | Field:
        known = _field_of(self.dimensions.universe, element, name)
        if isinstance(known, str):
            return self.key(known, position)
        return Field(element=element, name=name, type=known.type, alternate_key=known.alternate_key, position=position)

    def _has(self, element: str, name: str) -> bool:
        return name in _own_fields(self.dimensions.universe, element)

    @staticmethod
    def _dataset_field(dataset_type: str, name: str, position: int) -> DatasetField:
        return DatasetField(dataset_type=dataset_type, name=name, type=DATASET_FIELDS[name], position=position)

    def _no_field(self, owner: str, name: str, fields: Collection[str], position: int) -> QueryNameError:
        hint = closest(name, fields) or f" It has {', '.join(fields)}."
        if name in self.universe.dimensions:
            hint = f" Write {name} alone, which is a dimension."
        elif name in ("begin", "end") and "timespan" in fields:
            hint = f" Write {owner}.timespan.{name}."
        return QueryNameError(f"{owner!r} has no field {name!r}.{hint}", self.text, position)

    def _unknown(self, name: str, position: int, part: str | None = None) -> QueryNameError:
        if ".timespan." in name:
            return QueryNameError(f"The name {name!r} is not known: a time span has begin and end", self.text, position)
        if name in ("None", "nan", "NaN"):
            return QueryNameError(f"The name {name!r} is not known: what has no value is NULL", self.text, position)
        fields = {f for e in self.dimensions.elements for f in self.universe[e].column_names}
        known = [*self.universe.elements, *fields, *self.dataset_types, *(DATASET_FIELDS if self.dataset_types else ())]
        as_text = _AFTER_OPERATOR.search(self.text[:position])
        parts = sorted({n for n in (*self.dimensions.names, *fields) if name in n.split("_") and not as_text})
        hint = closest(part or name, [n for n in known if not n[-1].isdigit()])
        if parts:
            hint = f" Did you mean {' or '.join(map(repr, parts))}?"
        elif found := _TIME.match(self.text[position:]):
            hint = f" A time is written T'{found[1]}'."
        elif not hint and as_text:
            hint = f" Text stands in single quotes: {name!r}."
        elif not hint:
            shown = ", ".join(n for n in self.dimensions.names if not self.universe[n].is_skypix)
            hint = f" There are the dimensions {shown}, and fields of their records." if shown else ""
        return QueryNameError(f"The name {name!r} is not known.{hint}", self.text, position)
