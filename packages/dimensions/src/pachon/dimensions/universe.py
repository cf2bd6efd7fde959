# SPDX-License-Identifier: BSD-3-Clause
"""The universe of dimensions, and the closed groups of dimensions taken from it."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from pachon.base import ConflictError, FormatError, InvalidInputError, closest
from pachon.dimensions.document import load_document, parse_document, parse_text, refuse_misspelled
from pachon.dimensions.element import DimensionElement
from pachon.dimensions.resolution import resolve_elements
from pachon.dimensions.skypix import SkyPixSystem, pixelization

if TYPE_CHECKING:
    from lsst.sphgeom import Pixelization

    from pachon.dimensions.column import Column

__all__ = ["DimensionGroup", "DimensionUniverse", "InconsistentUniverseError", "UnknownDimensionError"]


_LONGEST_SHOWN = 100


class UnknownDimensionError(InvalidInputError, KeyError):
    """A name that is no dimension, or no element, of the universe."""

    kind = "dimension_name"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        shown = repr(self.name)
        if len(shown) > _LONGEST_SHOWN:
            return f"There is no dimension {shown[:_LONGEST_SHOWN]}..."
        return f"There is no dimension {shown}.{closest(str(self.name), self.known)}"


class InconsistentUniverseError(ConflictError):
    """Dimensions mean different things in two universes."""

    kind = "inconsistent_universe"

    def __init__(self, group: DimensionGroup, universe: DimensionUniverse, reason: str) -> None:
        super().__init__(group, universe, reason)
        self.group, self.universe, self.reason = group, universe, reason

    def __str__(self) -> str:
        there = self.group.universe
        return (
            f"The dimensions {self.group!r} of {there.namespace} version {there.version} do not carry over to "
            f"{self.universe.namespace} version {self.universe.version}: {self.reason}."
        )


class DimensionUniverse:
    """An immutable set of dimension elements, identified by its content.

    Make one with `default`, `from_yaml` or `from_document`.
    """

    _by_digest: ClassVar[dict[str, DimensionUniverse]] = {}

    namespace: str
    version: int
    digest: str
    """BLAKE2b of the document: two universes are equal if their documents are."""
    document: Mapping[str, Any]
    """The universe file as plain data, for storing."""
    elements: Mapping[str, DimensionElement]
    """All elements by name, in universe order."""
    common_skypix: str
    """The pixel dimension through which stored regions are joined."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        # The caller may go on to change the document: the one that is stored must stay the one that was read.
        document = copy.deepcopy(dict(document))
        definition = parse_document(document)
        self.namespace = definition.namespace
        self.version = definition.version
        self.document = MappingProxyType(document)
        self.digest = _digest(document)
        self.elements = MappingProxyType(resolve_elements(definition))
        self.common_skypix = definition.common_skypix
        self.skypix_systems: Mapping[str, SkyPixSystem] = MappingProxyType(
            {system.name: system for system in definition.skypix}
        )
        self._families = {"spatial": dict(definition.spatial), "temporal": dict(definition.temporal)}
        for system in definition.skypix:
            self._families["spatial"][system.name] = tuple(system.dimension(level) for level in reversed(system.levels))
        self._groups: dict[frozenset[str], DimensionGroup] = {}

    @classmethod
    def default(cls) -> DimensionUniverse:
        """Give the universe ``daf_butler`` version 8, of which most repositories are."""
        from importlib import resources  # with much for temporary files

        text = (resources.files("pachon.dimensions") / "default_universe.yaml").read_text(encoding="utf-8")
        return cls.from_yaml(text)

    @classmethod
    def from_yaml(cls, source: str | Path, search_path: Iterable[str | Path] = ()) -> DimensionUniverse:
        """Read a universe file: a path, or the YAML text itself.

        A relative path is looked for in the folders of ``search_path`` in turn, then here. The first file found is the whole
        universe; files are never merged.

        Raises
        ------
        NotFoundError
            If there is no such file.
        FormatError
            If the file breaks a rule of the format; the message names the element.
        """
        return cls.from_document(load_document(source, search_path), is_new=True)

    @classmethod
    def from_text(cls, text: str, name: str) -> DimensionUniverse:
        """Read the text of a universe file, which messages call by a name; raises as `from_yaml` does."""
        return cls.from_document(parse_text(text, name), is_new=True)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], *, is_new: bool = False) -> DimensionUniverse:
        """Make the universe of a document; the same content gives the same object.

        Parameters
        ----------
        document
            What a universe file holds.
        is_new
            Refuse unknown keys that are nearly known ones; in a universe that data were stored with they are ignored.

        Raises
        ------
        FormatError
            If the document breaks a rule of the format.
        """
        if is_new:
            refuse_misspelled(document)
        digest = _digest(document)
        known = cls._by_digest.get(digest)
        if known is None:
            known = cls._by_digest.setdefault(digest, cls(document))
        return known

    @cached_property
    def dimensions(self) -> Mapping[str, DimensionElement]:
        """The elements that have a key of their own, in universe order."""
        return MappingProxyType({n: e for n, e in self.elements.items() if e.is_dimension})

    @cached_property
    def governors(self) -> tuple[str, ...]:
        """Names of the governor dimensions, in universe order."""
        return tuple(name for name, element in self.elements.items() if element.governor)

    @cached_property
    def empty(self) -> DimensionGroup:
        """The group without dimensions."""
        return self.conform(())

    def __getitem__(self, name: str) -> DimensionElement:
        try:
            return self.elements[name]
        except KeyError:
            raise UnknownDimensionError(name, tuple(self.elements)) from None

    def __contains__(self, name: object) -> bool:
        return name in self.elements

    def conform(self, dimensions: Iterable[str] | DimensionGroup) -> DimensionGroup:
        """Give the group of these dimensions and of all that they require or imply.

        Raises
        ------
        UnknownDimensionError
            If a name is no dimension of this universe.
        InvalidInputError
            If the argument holds no names at all.
        """
        if isinstance(dimensions, DimensionGroup):
            if dimensions.universe is self:
                return dimensions
            dimensions = dimensions.names
        if isinstance(dimensions, str):
            dimensions = (dimensions,)
        try:
            names = frozenset(dimensions)
        except TypeError:
            raise InvalidInputError(f"Dimensions are a list of names; got {dimensions!r}.") from None
        group = self._groups.get(names)
        if group is None:
            closed = self._close(names)
            group = self._groups.get(closed)
            if group is None:
                group = self._groups.setdefault(closed, DimensionGroup(self, closed))
            self._groups[names] = group
        return group

    def is_compatible_with(self, other: DimensionUniverse) -> bool:
        """Whether data of the other universe may be looked at here at all: both are versions of one namespace.

        Each group must still be the same in both (`adopt`).
        """
        return self.namespace == other.namespace

    def adopt(self, group: DimensionGroup) -> DimensionGroup:
        """Give the group of the same dimensions here, of a group of another universe.

        Raises
        ------
        InconsistentUniverseError
            If the namespaces differ, or the dimensions would not be identified by the same values.
        """
        if group.universe == self:
            return self.conform(group)
        if not self.is_compatible_with(group.universe):
            raise InconsistentUniverseError(group, self, "the namespaces differ")
        unknown = [name for name in group.names if name not in self.dimensions]
        if unknown:
            raise InconsistentUniverseError(group, self, f"there is no dimension {unknown[0]!r}")
        here = self.conform(group.names)
        if (here.required, here.implied) != (group.required, group.implied):
            raise InconsistentUniverseError(group, self, f"there it is {here!r} of which {here.required} are required")
        return here

    def group_of(self, element: DimensionElement | str) -> DimensionGroup:
        """Give the group that identifies the records of an element, what it implies included."""
        item = self[element] if isinstance(element, str) else element
        return self.conform((*item.required, *item.implied))

    def sorted(self, names: Iterable[str]) -> list[str]:
        """Put element names in universe order."""
        return sorted(names, key=lambda name: self[name].index)

    def family(self, kind: str, name: str) -> tuple[str, ...]:
        """Give the members of a ``spatial`` or ``temporal`` family, finest first."""
        return self._families[kind][name]

    def pixelization(self, dimension: str) -> Pixelization:
        """Give the pixelization of a skypix dimension such as ``htm7``."""
        element = self[dimension]
        if element.skypix_system is None:
            raise InvalidInputError(f"{dimension!r} is no pixelization of the sky.")
        return pixelization(self.skypix_systems[element.skypix_system].scheme, element.skypix_level)

    def _close(self, names: frozenset[str]) -> frozenset[str]:
        closed: set[str] = set()
        pending = list(names)
        while pending:
            name = pending.pop()
            if name in closed:
                continue
            element = self.dimensions.get(name)
            if element is None:
                raise UnknownDimensionError(name, tuple(self.dimensions))
            closed.add(name)
            pending.extend((*element.required, *element.implied))
        return frozenset(closed)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DimensionUniverse) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __reduce__(self) -> tuple[Any, tuple[dict[str, Any]]]:
        return DimensionUniverse.from_document, (dict(self.document),)

    def __repr__(self) -> str:
        return f"DimensionUniverse({self.namespace}, version {self.version}, {len(self.elements)} elements)"


class DimensionGroup(AbstractSet[str]):
    """A dependency-complete, immutable set of dimensions of one universe.

    Iteration is in universe order. Groups are made by `DimensionUniverse.conform`
    and are the same object for the same dimensions.
    """

    __slots__ = (
        "_position", "elements", "governors", "implied", "key_columns", "lookup_order", "names", "ordered", "required",
        "skypix", "spatial", "temporal", "universe",
    )  # fmt: skip

    universe: DimensionUniverse
    names: tuple[str, ...]
    """All dimensions, in universe order."""
    required: tuple[str, ...]
    """The dimensions whose values identify a data ID."""
    implied: tuple[str, ...]
    """The dimensions whose values follow from those of the required ones."""
    ordered: tuple[str, ...]
    """Required, then implied: the order of the values of a data ID."""
    elements: tuple[str, ...]
    """The dimensions, and each combination of which all dimensions are here; in universe order."""
    governors: tuple[str, ...]
    key_columns: Mapping[str, Column]
    """The column of each dimension's primary key."""
    skypix: tuple[str, ...]
    spatial: tuple[str, ...]
    """Spatial families with a member here."""
    temporal: tuple[str, ...]
    """Temporal families with a member here."""
    lookup_order: tuple[str, ...]
    """The elements in the order in which records must be looked up to complete a data ID."""

    def __init__(self, universe: DimensionUniverse, closed: frozenset[str]) -> None:
        names = tuple(name for name in universe.dimensions if name in closed)
        implied = {i for name in names for i in universe[name].implied if i != name}
        self.universe = universe
        self.names = names
        self.implied = tuple(name for name in names if name in implied)
        self.required = tuple(name for name in names if name not in implied)
        self.ordered = (*self.required, *self.implied)
        self._position = {name: index for index, name in enumerate(self.ordered)}
        self.key_columns = {name: universe.dimensions[name].primary_key for name in names}
        elements = [
            e for n, e in universe.elements.items() if n in closed or (not e.keys and closed.issuperset(e.required))
        ]
        self.elements = tuple(e.name for e in elements)
        self.governors = tuple(e.name for e in elements if e.governor)
        self.skypix = tuple(e.name for e in elements if e.is_skypix)
        self.spatial = tuple(dict.fromkeys(e.spatial for e in elements if e.spatial))
        self.temporal = tuple(dict.fromkeys(e.temporal for e in elements if e.temporal))
        self.lookup_order = _lookup_order(universe, names, self.elements)

    def __contains__(self, name: object) -> bool:
        return name in self._position

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def position(self, name: str) -> int:
        """Give the index of a dimension's value in a data ID of this group."""
        try:
            return self._position[name]
        except KeyError:
            raise UnknownDimensionError(name, self.names) from None

    def choose(self, kind: str, family: str) -> str | None:
        """Give the finest member of a spatial or temporal family whose dimensions are all here."""
        for member in self.universe.family(kind, family):
            if self._position.keys() >= set(self.universe[member].required):
                return member
        return None

    def __le__(self, other: object) -> bool:
        if not isinstance(other, AbstractSet):
            return NotImplemented
        return all(name in other for name in self.names)

    def __or__(self, other: Iterable[str]) -> DimensionGroup:  # type: ignore[override]  # a group, not any set
        return self.universe.conform((*self.names, *other))

    def __and__(self, other: Iterable[str]) -> DimensionGroup:
        keep = set(other)
        return self.universe.conform(name for name in self.names if name in keep)

    def __sub__(self, other: Iterable[str]) -> DimensionGroup:
        drop = set(other)
        return self.universe.conform(name for name in self.names if name not in drop)

    def __xor__(self, other: Iterable[str]) -> DimensionGroup:  # type: ignore[override]  # a group, not any set
        names = list(other)
        return (self - names) | (set(names) - set(self.names))

    # With the set on the left: ``{"detector"} | group``.
    __ror__, __rand__, __rxor__ = __or__, __and__, __xor__

    def __rsub__(self, other: Iterable[str]) -> DimensionGroup:
        return self.universe.conform(name for name in other if name not in self)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, DimensionGroup):
            return self is other or (self.names == other.names and self.universe == other.universe)
        if isinstance(other, AbstractSet):
            return set(self.names) == set(other)
        return NotImplemented

    def __hash__(self) -> int:
        return hash(self.names)

    def __reduce__(self) -> tuple[Any, tuple[DimensionUniverse, tuple[str, ...]]]:
        return _conform, (self.universe, self.names)

    def __repr__(self) -> str:
        return f"{{{', '.join(self.names)}}}"


def _conform(universe: DimensionUniverse, names: tuple[str, ...]) -> DimensionGroup:
    return universe.conform(names)


def _lookup_order(universe: DimensionUniverse, names: tuple[str, ...], elements: tuple[str, ...]) -> tuple[str, ...]:
    """Order dimensions so that each follows what it requires and what implies it; combinations come last."""
    implied_by: dict[str, set[str]] = {name: set() for name in names}
    for name in names:
        for implied in universe[name].implied:
            implied_by[implied].add(name)
    order: list[str] = []
    waiting = list(names)
    while waiting:
        for name in waiting:
            needs = implied_by[name] or set(universe[name].dependencies)
            if needs.isdisjoint(waiting):
                break
        else:
            name = waiting[0]
        waiting.remove(name)
        order.append(name)
    return (*order, *(name for name in elements if name not in implied_by))


def _digest(document: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), default=str)
    except TypeError:  # keys of several kinds, as `yes:` and `1:` are in YAML
        raise FormatError("The universe has a key that is no text; put it in quotes.") from None
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
