# SPDX-License-Identifier: BSD-3-Clause
"""Data IDs: the values of the dimensions of a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pachon.base import InvalidInputError
from pachon.dimensions.column import Column, Value
from pachon.dimensions.record import DimensionRecord
from pachon.dimensions.timespan import Timespan
from pachon.dimensions.universe import DimensionGroup, DimensionUniverse, UnknownDimensionError

if TYPE_CHECKING:
    from lsst.sphgeom import Region

__all__ = ["DataCoordinate", "DataIdValueError", "InconsistentDataIdError"]

NONE_GIVEN: Mapping[str, Value] = MappingProxyType({})
"""Of a data ID that names no value but those it has."""
DataId = "DataCoordinate | Mapping[str, Any]"


class DataIdValueError(InvalidInputError, KeyError):
    """A value of a data ID is missing, null, of a wrong type, or names no record."""

    kind = "data_id_value"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class InconsistentDataIdError(InvalidInputError):
    """Two values of a data ID contradict each other."""

    kind = "inconsistent_data_id"


class DataCoordinate:
    """The values of a group of dimensions; a light view, as cheap as a tuple.

    It is *minimal* (values of the required dimensions only), *full* (implied ones too)
    or *expanded* (full, with the record of every element). Equality, hash and order
    use the group and the required values only.

    Parameters
    ----------
    group
        The dimensions.
    values
        Values in the order `DimensionGroup.ordered`: the required ones, or all.
        They are not checked; `standardize` checks.
    records
        Records by element name, for an expanded data ID.
    given
        Implied values that the caller named although not all are known; whoever
        completes the data ID checks them.
    """

    __slots__ = ("given", "group", "records", "values")

    group: DimensionGroup
    values: tuple[Value, ...]
    records: Mapping[str, DimensionRecord | None] | None
    given: Mapping[str, Value]

    def __init__(
        self,
        group: DimensionGroup,
        values: tuple[Value, ...],
        records: Mapping[str, DimensionRecord | None] | None = None,
        given: Mapping[str, Value] = NONE_GIVEN,
    ) -> None:
        self.group = group
        self.values = values
        # Without dimensions there is nothing to look up.
        self.records = records if records is not None or group.names else {}
        self.given = given

    @classmethod
    def empty(cls, universe: DimensionUniverse) -> DataCoordinate:
        """Give the data ID without dimensions."""
        return cls(universe.empty, (), {})

    @classmethod
    def standardize(
        cls,
        data_id: DataCoordinate | Mapping[str, Any] | None = None,
        *,
        dimensions: DimensionGroup | Iterable[str] | None = None,
        universe: DimensionUniverse | None = None,
        defaults: DataCoordinate | None = None,
        **dims: Any,
    ) -> DataCoordinate:
        """Check a data ID and bring it to the dimensions of a group.

        Parameters
        ----------
        data_id
            Values by dimension name.
        dimensions
            The wanted dimensions; keys outside them are ignored. Without it the
            group of the given keys is taken.
        universe
            Needed unless it follows from the other arguments.
        defaults
            Values for dimensions that are not given; they never add dimensions.
        **dims
            Further values, which win over ``data_id``.

        Raises
        ------
        DataIdValueError
            If a required value is missing, null or of a wrong type.
        UnknownDimensionError
            If a key is no dimension (and no dimensions were asked for).
        """
        group = dimensions if isinstance(dimensions, DimensionGroup) else None
        if isinstance(data_id, DataCoordinate):
            if not dims and data_id.group is group:
                return data_id
            universe = universe or data_id.group.universe
            merged = {**data_id.given, **data_id.mapping, **dims}
        elif data_id is None or isinstance(data_id, Mapping):
            merged = {**(data_id or {}), **dims}
        else:
            raise InvalidInputError(f"A data ID is a mapping of dimensions to values; got {data_id!r}.")
        if group is None:
            universe = universe or (defaults.group.universe if defaults is not None else None)
            if universe is None:
                raise InvalidInputError("A data ID without dimensions needs universe=...")
            group = universe.conform(merged if dimensions is None else dimensions)
        if defaults is not None:
            merged = {**{k: v for k, v in defaults.mapping.items() if k in group}, **merged}
        columns = group.key_columns
        values = {name: _checked(columns[name], name, merged[name]) for name in group.names if name in merged}
        if len(values) == len(group.names):
            return cls(group, tuple(map(values.__getitem__, group.ordered)))
        missing = [name for name in group.required if name not in values]
        if missing:
            raise DataIdValueError(
                f"The data ID {_show(merged)} lacks a value for {', '.join(missing)}; "
                f"dimensions {group!r} need {', '.join(group.required)}."
            )
        return cls(
            group,
            tuple(values[name] for name in group.required),
            given={name: values[name] for name in group.implied if name in values},
        )

    @property
    def is_full(self) -> bool:
        """Whether the values of implied dimensions are known too."""
        return len(self.values) == len(self.group.names)

    @property
    def mapping(self) -> dict[str, Value]:
        """All known values by dimension, required ones first."""
        return dict(zip(self.group.ordered, self.values, strict=False))

    @property
    def required(self) -> dict[str, Value]:
        """The values that identify the data ID, by dimension."""
        return dict(zip(self.group.required, self.values, strict=False))

    @property
    def required_values(self) -> tuple[Value, ...]:
        """The values that identify the data ID, in the order of `DimensionGroup.required`."""
        return self.values[: len(self.group.required)]

    @property
    def full(self) -> dict[str, Value]:
        """All values by dimension.

        Raises
        ------
        DataIdValueError
            If the values of implied dimensions are not known.
        """
        if not self.is_full:
            raise DataIdValueError(f"The values of {', '.join(self.group.implied)} are not known for {self}.")
        return self.mapping

    def __getitem__(self, dimension: str) -> Value:
        position = self.group.position(dimension)
        try:
            return self.values[position]
        except IndexError:
            raise DataIdValueError(f"The value of {dimension} is not known for {self}.") from None

    def get(self, dimension: str, default: Any = None) -> Any:
        """Give the value of a dimension, or the default if it is not here or not known."""
        try:
            return self[dimension]
        except (DataIdValueError, UnknownDimensionError):
            return default

    def __contains__(self, dimension: object) -> bool:
        return dimension in self.mapping

    def __iter__(self) -> Iterator[str]:
        return iter(self.mapping)

    def keys(self) -> Iterable[str]:
        """Give the dimensions with known values (so that ``dict(data_id)`` works)."""
        return self.mapping.keys()

    def subset(self, dimensions: DimensionGroup | Iterable[str]) -> DataCoordinate:
        """Give the data ID of fewer dimensions.

        Raises
        ------
        DataIdValueError
            If a value that the smaller group requires is not known here.
        """
        group = self.group.universe.conform(dimensions)
        if group == self.group:
            return self
        known = self.mapping
        missing = [name for name in group.required if name not in known]
        if missing:
            raise DataIdValueError(f"{self} has no value for {', '.join(missing)}.")
        records = None
        if self.records is not None and all(name in self.records for name in group.elements):
            records = {name: self.records[name] for name in group.elements}
        order = group.ordered if all(name in known for name in group.implied) else group.required
        given = {name: value for name, value in self.given.items() if name in group.implied}
        return DataCoordinate(group, tuple(known[name] for name in order), records, given)

    def union(self, other: DataCoordinate) -> DataCoordinate:
        """Join two data IDs.

        Raises
        ------
        InconsistentDataIdError
            If they give a dimension different values.
        """
        mine, theirs = {**self.given, **self.mapping}, {**other.given, **other.mapping}
        for name in mine.keys() & theirs.keys():
            if mine[name] != theirs[name]:
                raise InconsistentDataIdError(
                    f"{name}={mine[name]!r} and {name}={theirs[name]!r} contradict each other."
                )
        both = DataCoordinate.standardize(
            {**mine, **theirs}, dimensions=self.group | other.group, universe=self.group.universe
        )
        if self.records is None or other.records is None:
            return both
        records = {**self.records, **other.records}
        # What relates the two may have to be looked up.
        known = both.is_full and all(name in records for name in both.group.elements)
        return DataCoordinate(both.group, both.values, records) if known else both

    def expanded(self, records: Mapping[str, DimensionRecord | None]) -> DataCoordinate:
        """Give the same data ID with its records; implied values are taken from them.

        Raises
        ------
        InconsistentDataIdError
            If a record contradicts a value that was given.
        """
        known = {**self.given, **self.mapping}
        for name in self.group.lookup_order:
            record = records.get(name)
            if record is None:
                continue
            for implied in record.element.implied:
                value = record.key(implied)
                if known.setdefault(implied, value) != value:
                    raise InconsistentDataIdError(
                        f"The record of {name} says {implied}={value!r}, the data ID {implied}={known[implied]!r}."
                    )
        missing = [name for name in self.group.ordered if name not in known]
        if missing:
            raise DataIdValueError(f"No record gives a value of {', '.join(missing)} for {self}.")
        return DataCoordinate(self.group, tuple(known[name] for name in self.group.ordered), records)

    @property
    def region(self) -> Region | None:
        """The region of an expanded data ID (ICRS): that of each spatial family, intersected; `None` if any is null."""
        regions: list[Region] = [r.region for r in self._chosen("spatial") if r is not None]
        if not regions or len(regions) != len(self.group.spatial) or any(r is None for r in regions):
            return None
        if len(regions) == 1:
            return regions[0]
        # Only a data ID of several spatial families needs sphgeom here.
        from lsst.sphgeom import IntersectionRegion

        return IntersectionRegion(*regions)

    @property
    def timespan(self) -> Timespan | None:
        """The time span of an expanded data ID; `None` if there is none or any is null."""
        spans = [record.timespan for record in self._chosen("temporal") if record is not None]
        if not spans or len(spans) != len(self.group.temporal) or any(span is None for span in spans):
            return None
        return Timespan.intersection(*spans)

    def _chosen(self, kind: str) -> Iterator[DimensionRecord | None]:
        if self.records is None:
            return
        for family in self.group.spatial if kind == "spatial" else self.group.temporal:
            member = self.group.choose(kind, family)
            yield self.records.get(member) if member is not None else None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DataCoordinate):
            return self.required_values == other.required_values and self.group == other.group
        if isinstance(other, Mapping):
            return self.mapping == dict(other) or self.required == dict(other)
        return NotImplemented

    def __lt__(self, other: DataCoordinate) -> bool:
        return self.required_values < other.required_values

    def __hash__(self) -> int:
        return hash((self.group.names, self.required_values))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        records = None if self.records is None else dict(self.records)
        return DataCoordinate, (self.group, self.values, records, dict(self.given))

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name}={value!r}' for name, value in self.mapping.items())}}}"

    def __str__(self) -> str:
        return f"{{{', '.join(f'{name}={value}' for name, value in self.required.items())}}}"


def _show(values: Mapping[str, Any]) -> str:
    return f"{{{', '.join(f'{name}={value!r}' for name, value in values.items())}}}"


def _wrong(column: Column, name: str, value: Any) -> str:
    """Say what is wrong with a value: its type, or that it is too long or holds what cannot be stored."""
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    if column.type == "string" and isinstance(value, str):
        most = column.length or 0
        what = f"has {len(value):,}" if len(value) > most else "has a character that cannot be stored"
        return f"The value of {name} must be text of at most {most} characters; {shown} {what}."
    if column.type == "int" and type(value) is int:
        return f"The value of {name} must fit in 64 bits; got {shown}."
    return f"The value of {name} must be of type {column.type}; got {shown} ({type(value).__name__})."


def _checked(column: Column, name: str, value: Any) -> Value:
    if value is None:
        raise DataIdValueError(f"The value of {name} must not be null.")
    try:
        checked: Value = column.check(value, name)
    except InvalidInputError:
        raise DataIdValueError(_wrong(column, name, value)) from None
    return checked
