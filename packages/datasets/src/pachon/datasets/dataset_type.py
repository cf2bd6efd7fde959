# SPDX-License-Identifier: BSD-3-Clause
"""Dataset types: what kind of data it is, and which dimensions label it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pachon.base import InvalidInputError
from pachon.dimensions import DimensionGroup, DimensionUniverse

if TYPE_CHECKING:
    from pachon.datasets.storage_class import StorageClass, StorageClasses

__all__ = ["DatasetType", "check_dataset_type_name"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MAX_NAME: Final = 128


def check_dataset_type_name(name: Any) -> str:
    """Give the name back.

    Raises
    ------
    InvalidInputError
        If it is no legal name of a dataset type or component.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _MAX_NAME:
        raise InvalidInputError(
            f"{name!r} is no name for a dataset type: letters, digits and underscores, "
            f"not beginning with a digit, at most {_MAX_NAME} characters."
        )
    return name


class DatasetType:
    """A name, the dimensions, the storage class, and whether it is a calibration.

    Parameters
    ----------
    name
        Such as ``raw``; a component is ``raw.wcs``.
    dimensions
        A group, or names of dimensions.
    storage_class
        Its name (or the storage class, of which the name is kept).
    is_calibration
        Whether datasets may be certified with a validity range.
    universe
        What the names of dimensions belong to. Without it, and without a group, the
        dimensions are known by name only until `conform` is called.
    parent_storage_class
        For a component: the storage class of the whole.

    Raises
    ------
    InvalidInputError
        If the name is not legal, or is that of a dimension element; or if something is of a wrong kind.
    """

    __slots__ = (
        "_group", "_key", "component", "dimension_names", "is_calibration", "name", "parent_storage_class",
        "storage_class",
    )  # fmt: skip

    name: str
    component: str | None
    """What follows the first dot of the name, or `None`."""
    dimension_names: tuple[str, ...]
    """Names as given, or all names of the group in universe order once it is known."""
    storage_class: str
    is_calibration: bool
    parent_storage_class: str | None

    def __init__(
        self,
        name: str,
        dimensions: DimensionGroup | Iterable[str],
        storage_class: str | StorageClass,
        *,
        is_calibration: bool = False,
        universe: DimensionUniverse | None = None,
        parent_storage_class: str | None = None,
    ) -> None:
        self.name = check_dataset_type_name(name)
        self.component = name.partition(".")[2] or None
        if isinstance(dimensions, str):
            dimensions = (dimensions,)
        _check_kinds(name, storage_class, is_calibration, universe)
        group: DimensionGroup | None = None
        if isinstance(dimensions, DimensionGroup):
            group = dimensions if universe is None else universe.conform(dimensions)
        elif universe is not None:
            group = universe.conform(dimensions)
        if group is not None and name in group.universe:
            raise InvalidInputError(f"{name!r} is a dimension element and cannot be a dataset type too.")
        self._group = group
        self.dimension_names = tuple(dimensions) if group is None else group.names
        self.storage_class = storage_class if isinstance(storage_class, str) else storage_class.name
        self.is_calibration = bool(is_calibration)
        self.parent_storage_class = parent_storage_class
        self._key = (name, self.dimension_names, self.storage_class, self.is_calibration, parent_storage_class)

    @property
    def dimensions(self) -> DimensionGroup:
        """The dimensions.

        Raises
        ------
        InvalidInputError
            If only their names are known.
        """
        if self._group is None:
            raise InvalidInputError(
                f"Dataset type {self.name!r} was made without a universe; pass universe=butler.universe."
            )
        return self._group

    @property
    def parent_name(self) -> str:
        """The name without a component."""
        return self.name.partition(".")[0]

    def conform(self, universe: DimensionUniverse) -> DatasetType:
        """Give the same dataset type in a universe.

        Raises
        ------
        InvalidInputError
            If the universe gives the dimension names another meaning.
        """
        if self._group is not None and self._group.universe == universe:
            return self
        group = universe.conform(self.dimension_names)
        if self._group is not None and (self._group.names, self._group.required) != (group.names, group.required):
            raise InvalidInputError(
                f"The dimensions of {self.name!r} are {self._group!r} and would be {group!r} in this universe."
            )
        return self._replaced(dimensions=group)

    def with_storage_class(self, storage_class: str) -> DatasetType:
        """Give the same dataset type, read as another storage class."""
        return self if storage_class == self.storage_class else self._replaced(storage_class=storage_class)

    def component_type(self, component: str, storage_classes: StorageClasses) -> DatasetType:
        """Give the dataset type of a component.

        Raises
        ------
        NotFoundError
            If the storage class has no such component.
        """
        whole = storage_classes.get(self.storage_class)
        return self._replaced(
            name=f"{self.name}.{component}",
            storage_class=whole.component(component),
            parent_storage_class=self.storage_class,
        )

    def parent_type(self) -> DatasetType:
        """Give the dataset type of the whole; itself if it is no component."""
        if self.component is None:
            return self
        return self._replaced(
            name=self.parent_name,
            storage_class=self.parent_storage_class or self.storage_class,
            parent_storage_class=None,
        )

    def _replaced(self, **changes: Any) -> DatasetType:
        known: dict[str, Any] = {
            "name": self.name,
            "dimensions": self.dimension_names if self._group is None else self._group,
            "storage_class": self.storage_class,
            "is_calibration": self.is_calibration,
            "parent_storage_class": self.parent_storage_class,
        }
        return DatasetType(**(known | changes))

    def to_document(self) -> dict[str, Any]:
        """Give plain data, for files and messages."""
        document: dict[str, Any] = {
            "name": self.name,
            "dimensions": list(self.dimension_names),
            "storage_class": self.storage_class,
            "is_calibration": self.is_calibration,
        }
        if self.parent_storage_class is not None:
            document["parent_storage_class"] = self.parent_storage_class
        return document

    @classmethod
    def from_document(cls, document: dict[str, Any], universe: DimensionUniverse | None = None) -> DatasetType:
        """Read what `to_document` gave."""
        return cls(
            document["name"],
            document["dimensions"],
            document["storage_class"],
            is_calibration=document.get("is_calibration", False),
            universe=universe,
            parent_storage_class=document.get("parent_storage_class"),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DatasetType):
            return NotImplemented
        return self is other or self._key == other._key

    def __lt__(self, other: DatasetType) -> bool:
        return self.name < other.name

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        calibration = ", is_calibration=True" if self.is_calibration else ""
        return f"DatasetType({self.name!r}, {{{', '.join(self.dimension_names)}}}, {self.storage_class!r}{calibration})"


def _check_kinds(name: str, storage_class: Any, is_calibration: Any, universe: Any) -> None:
    """Refuse what is of another kind than its argument; ``is_calibration="no"`` would be true."""
    if not isinstance(storage_class, str):
        from pachon.datasets.storage_class import StorageClass

        if not isinstance(storage_class, StorageClass):
            raise InvalidInputError(f"{name}: storage_class is a storage class or its name, not {storage_class!r}.")
    if not isinstance(is_calibration, bool | int | np.bool_) or is_calibration not in (0, 1):
        raise InvalidInputError(f"{name}: is_calibration is true or false, not {is_calibration!r}.")
    if universe is not None and not isinstance(universe, DimensionUniverse):
        raise InvalidInputError(f"{name}: universe is that of dimensions (butler.universe), not {universe!r}.")
