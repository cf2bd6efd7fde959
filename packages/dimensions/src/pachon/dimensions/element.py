# SPDX-License-Identifier: BSD-3-Clause
"""One element of a universe: a dimension, or a combination of dimensions."""

from __future__ import annotations

from dataclasses import dataclass, field

from pachon.dimensions.column import Column

__all__ = ["DimensionElement"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionElement:
    """A dimension (it has a key of its own) or a combination (a join table).

    All name tuples are in universe order.
    """

    name: str
    index: int
    """Position in the universe's order of elements."""
    required: tuple[str, ...]
    """Dimensions whose keys form the compound primary key; a dimension names itself last but for order."""
    implied: tuple[str, ...]
    """Dimensions that each record names exactly one of."""
    keys: tuple[Column, ...]
    """Primary key first, then the alternate keys; empty for a combination."""
    metadata: tuple[Column, ...]
    doc: str = ""
    governor: bool = False
    cached: bool = False
    implied_union_target: str | None = None
    """The element that implies this one and whose distinct values are its records."""
    always_join: bool = False
    populated_by: str | None = None
    spatial: str | None = None
    """The spatial family; the element then has a ``region`` column."""
    temporal: str | None = None
    """The temporal family; the element then has a ``timespan`` column."""
    skypix_system: str | None = None
    skypix_level: int = -1
    key_columns: tuple[Column, ...] = field(default=())
    """The columns that identify a record and name what it implies: required keys, own primary key, implied keys."""
    dependencies: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Required dimensions other than itself."""
    columns: tuple[Column, ...] = field(init=False, repr=False, compare=False)
    """All fields of a record, in order (`docs/glossary.md`, dimension record)."""
    column_names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Names of all fields of a record, in order."""

    def __post_init__(self) -> None:
        # Every query looks at these several times.
        extra: list[Column] = []
        if self.spatial is not None:
            extra.append(Column(name="region", type="region", doc="Sky region, ICRS."))
        if self.temporal is not None:
            extra.append(Column(name="timespan", type="timespan", doc="Time span, TAI, half open."))
        columns = (*self.key_columns, *self.alternate_keys, *self.metadata, *extra)
        object.__setattr__(self, "dependencies", tuple(name for name in self.required if name != self.name))
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "column_names", tuple(column.name for column in columns))

    @property
    def is_dimension(self) -> bool:
        """Whether the element has a key of its own."""
        return bool(self.keys)

    @property
    def is_skypix(self) -> bool:
        """Whether the records are computed pixels of the sky."""
        return self.skypix_system is not None

    @property
    def has_table(self) -> bool:
        """Whether records of the element are stored as such."""
        return self.skypix_system is None and self.implied_union_target is None

    @property
    def primary_key(self) -> Column:
        """The primary key column; only a dimension has one."""
        return self.keys[0]

    @property
    def alternate_keys(self) -> tuple[Column, ...]:
        """Columns that are each unique together with the required dimensions."""
        return self.keys[1:]

    def __hash__(self) -> int:
        return hash(self.name)

    def key_name(self, dimension: str) -> str:
        """Give the name of the column that holds a dimension's value in this element's records."""
        return self.primary_key.name if dimension == self.name and self.is_dimension else dimension

    def __str__(self) -> str:
        return self.name
