# SPDX-License-Identifier: BSD-3-Clause
"""Collections, chains and dataset types by name, cached and right after another process changed them.

A cached entry stays true while the change counter ``definitions`` stands still: registering something new does not
touch it, because only entries that were found are kept; removing something, or changing a chain, raises it. A miss
always asks the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import sqlalchemy as sa

from pachon.datasets import CollectionType, DatasetType
from pachon.dimensions import DimensionElement, DimensionRecord
from pachon.registry.database.database import Database
from pachon.registry.database.quick import QuickStatement
from pachon.registry.errors import MissingCollectionError, MissingDatasetTypeError
from pachon.registry.schema.dataset_tables import DatasetTables
from pachon.registry.schema.schema import DEFINITIONS, Schema

__all__ = ["Collection", "Definitions", "RegisteredType", "SearchPath", "View"]

_TRANSACTION = "pachon_definitions"
_T = TypeVar("_T")
_VERIFIED = "pachon_definitions_verified"
_RECENT = "pachon_recent_records"
_USABLE = "pachon_usable_collections"
_MOST_RECENT = 1000
"""Records of an element that a connection remembers."""

_Records = dict[tuple[int | str, ...], DimensionRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """A collection as the registry knows it."""

    id: int
    name: str
    type: CollectionType


class SearchPath(tuple[Collection, ...]):  # noqa: SLOT001  # it keeps what it worked out
    """Collections in search order, without chains; what a search needs to know of them is worked out once."""

    @cached_property
    def rank(self) -> dict[int, int]:
        """Position of each collection, by number."""
        return {collection.id: place for place, collection in enumerate(self)}

    @cached_property
    def names(self) -> dict[int, str]:
        """Name of each collection, by number."""
        return {collection.id: collection.name for collection in self}

    @cached_property
    def calibrations(self) -> list[int]:
        """Numbers of the CALIBRATION collections, in order."""
        return [collection.id for collection in self if collection.type is CollectionType.CALIBRATION]

    @cached_property
    def others(self) -> list[int]:
        """Numbers of the RUN and TAGGED collections, in order."""
        return [collection.id for collection in self if collection.type is not CollectionType.CALIBRATION]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredType:
    """A dataset type with its number and its tables."""

    id: int
    dataset_type: DatasetType
    group_id: int
    schema: Schema = field(repr=False, compare=False)

    @property
    def tables(self) -> DatasetTables:
        """Those of its datasets. They are made when somebody asks: a list of all dataset types needs none."""
        return self.schema.datasets(self.dataset_type.dimensions, self.group_id)


@dataclass(slots=True, kw_only=True)
class _Cache:
    version: int
    collections: dict[str, Collection] = field(default_factory=dict)
    names: dict[int, Collection] = field(default_factory=dict)
    children: dict[int, tuple[Collection, ...]] = field(default_factory=dict)
    flattened: dict[tuple[str, ...], SearchPath] = field(default_factory=dict)
    dataset_types: dict[str, RegisteredType] = field(default_factory=dict)
    summaries: set[tuple[int, str, str]] = field(default_factory=set)
    records: dict[str, _Records] = field(default_factory=dict)


class Definitions:
    """The cache of one registry, shared by its threads."""

    def __init__(self, database: Database, schema: Schema) -> None:
        self._database = database
        self._schema = schema
        self._cache = _Cache(version=-1)
        counter = schema.static.change_counter
        self._read_counter = sa.select(counter.c.value).where(counter.c.name == DEFINITIONS)
        self._quick_counter: QuickStatement | None = None
        self._lock_counter = self._read_counter.with_for_update()
        self._raise_counter = sa.update(counter).where(counter.c.name == DEFINITIONS).values(value=counter.c.value + 1)
        self._statements = _Statements(schema)

    def at(self, connection: sa.Connection) -> View:
        """Give the definitions as a connection sees them now."""
        view = self._database.verified_for(connection)
        if isinstance(view, View) and view.is_of(self._cache):
            return view
        return self._look(connection)

    def remembered(self, connection: sa.Connection) -> tuple[View, int] | None:
        """Give the definitions as they were when they were last read, and the count of changes then.

        Whoever uses them reads the counter (`select_counter`) in the same statement as what he is after, and throws away what he
        made of an old one. None inside a transaction that changes definitions, and if nothing was read yet.
        """
        cache = self._cache
        if cache.version < 0 or connection.info.get(_TRANSACTION) is not None:
            return None
        return View(cache, connection, self._schema, self._statements), cache.version

    @property
    def select_counter(self) -> sa.Select[tuple[int]]:
        """The statement that reads the count of changes; always one row."""
        return self._read_counter

    def known_summaries(self, connection: sa.Connection) -> set[tuple[int, str, str]]:
        """Give the facts (collection, governor, value) that are known to be in the summaries; a set to add to."""
        return self.at(connection).summaries

    def refresh(self) -> None:
        """Forget everything."""
        self._cache = _Cache(version=-1)

    def added(self, connection: sa.Connection) -> None:
        """Say that this transaction registers something: others must not see it before it is committed."""
        if _TRANSACTION not in connection.info:
            info = connection.info
            self._see_own(connection)
            self._database.on_undo(lambda: info.update({_TRANSACTION: _Cache(version=-1)}))
            self._database.on_end(lambda: info.pop(_TRANSACTION, None))

    def changed(self, connection: sa.Connection) -> None:
        """Say that this transaction changes what clients may have cached."""
        self.added(connection)
        self._see_own(connection)
        connection.execute(self._raise_counter)
        self._database.on_end(self.refresh)

    def records_replaced(self, connection: sa.Connection) -> None:
        """Say that this transaction replaces records that are not `cached`, which its connection may remember."""
        info = connection.info
        self._database.on_end(lambda: info.pop(_RECENT, None))

    def known_usable(self, connection: sa.Connection) -> set[tuple[int, int]] | None:
        """Give the pairs (collection, dataset type) that a connection saw to be there and not sealed, as a set to add to.

        They stay so while nobody else has changed anything, for which SQLite has a mark; a change by this connection itself is
        said (`changed`, `sealed`). None in a transaction that registers something, and on a database without such a mark.
        """
        mark = self._database.data_version(connection)
        info = connection.info
        if mark is None or _TRANSACTION in info:
            return None
        known: tuple[int, _Cache, set[tuple[int, int]]] | None = info.get(_USABLE)
        if known is None or known[0] != mark or known[1] is not self._cache:
            known = info[_USABLE] = (mark, self._cache, set())
        return known[2]

    def sealed(self, connection: sa.Connection) -> None:
        """Say that this transaction seals a run, or lets it take datasets again."""
        info = connection.info

        def forget() -> None:
            info.pop(_USABLE, None)

        forget()
        # A part that is undone may have been the one that let it take datasets.
        self._database.on_undo(forget)
        self._database.on_end(forget)

    def lock(self, connection: sa.Connection) -> None:
        """Wait for the changes of others, and let them wait until this transaction ends; then see what they changed."""
        connection.execute(self._lock_counter)
        # What was read before the others were done is forgotten.
        self.added(connection)
        self._see_own(connection)

    def _look(self, connection: sa.Connection) -> View:
        info = connection.info
        own: _Cache | None = info.get(_TRANSACTION)
        if own is not None:
            return View(own, connection, self._schema, self._statements)
        cache = self._cache
        marker = self._database.data_version(connection)
        verified: tuple[int, _Cache] | None = info.get(_VERIFIED)
        if verified is None or verified[0] != marker or verified[1] is not cache:
            if self._quick_counter is None:
                self._quick_counter = QuickStatement(self._read_counter, connection)
            ((version,),) = self._quick_counter.fetch(connection)
            if version != cache.version:
                cache = self._cache = _Cache(version=version)
            if marker is not None:
                info[_VERIFIED] = (marker, cache)
        view = View(cache, connection, self._schema, self._statements, self._recent(info, marker, cache))
        if marker is not None:
            self._database.note_verified(connection, view)
        return view

    def _recent(self, info: dict[Any, Any], marker: int | None, cache: _Cache) -> dict[str, _Records] | None:
        """Give the records that a connection has read since another one changed anything; none while this thread writes.

        Records are added and replaced, and never removed: what was found stays true until it is replaced, by another connection,
        which changes the marker, or by this one, which says so (`records_replaced`).
        """
        if marker is None or self._database.in_write:
            return None
        known: tuple[int, _Cache, dict[str, _Records]] | None = info.get(_RECENT)
        if known is None or known[0] != marker or known[1] is not cache:
            known = info[_RECENT] = (marker, cache, {})
        return known[2]

    def _see_own(self, connection: sa.Connection) -> None:
        """Begin anew with what this transaction sees, which others do not see yet."""
        connection.info[_TRANSACTION] = _Cache(version=-1)
        self._database.note_verified(connection, None)


class _Statements:
    """The prepared statements of a `View`."""

    def __init__(self, schema: Schema) -> None:
        static = schema.static
        collection, child, type_, group = (
            static.collection,
            static.collection_child,
            static.dataset_type,
            static.dimension_group,
        )
        columns = sa.select(collection.c.collection_id, collection.c.name, collection.c.type)
        self.by_name = columns.where(collection.c.name == sa.bindparam("name"))
        self.by_names = columns.where(collection.c.name.in_(sa.bindparam("names", expanding=True)))
        self.by_ids = columns.where(collection.c.collection_id.in_(sa.bindparam("ids", expanding=True)))
        self.all_names = sa.select(collection.c.name)
        self.children = (
            sa.select(child.c.parent_id, collection.c.collection_id, collection.c.name, collection.c.type)
            .join(collection, collection.c.collection_id == child.c.child_id)
            .where(child.c.parent_id.in_(sa.bindparam("parents", expanding=True)))
            .order_by(child.c.parent_id, child.c.position)
        )
        types = sa.select(
            type_.c.dataset_type_id,
            type_.c.name,
            type_.c.storage_class,
            type_.c.is_calibration,
            type_.c.group_id,
            group.c.dimensions,
        ).join(group, group.c.group_id == type_.c.group_id)
        self.types_by_name = types.where(type_.c.name.in_(sa.bindparam("names", expanding=True)))
        self.type_by_id = types.where(type_.c.dataset_type_id.in_(sa.bindparam("ids", expanding=True)))
        self.all_types = types
        self.all_type_names = sa.select(type_.c.name)


class View:
    """Definitions as one connection sees them; use it at once and drop it."""

    __slots__ = ("_cache", "_connection", "_recent", "_schema", "_statements")

    def __init__(
        self,
        cache: _Cache,
        connection: sa.Connection,
        schema: Schema,
        statements: _Statements,
        recent: dict[str, _Records] | None = None,
    ) -> None:
        self._cache = cache
        self._recent = recent
        self._connection = connection
        self._schema = schema
        self._statements = statements

    def is_of(self, cache: _Cache) -> bool:
        """Whether it shows what a cache holds."""
        return self._cache is cache

    @property
    def summaries(self) -> set[tuple[int, str, str]]:
        """The facts (collection, governor, value) that are known to be in the summaries; a set to add to."""
        return self._cache.summaries

    # Collections.

    def find_collections(self, names: Iterable[str]) -> dict[str, Collection]:
        """Give the collections of these names; absent ones are left out."""
        known = self._cache.collections
        wanted = list(names)
        if missing := [name for name in dict.fromkeys(wanted) if name not in known]:
            for part in _chunks(missing):
                for row in self._connection.execute(self._statements.by_names, {"names": part}):
                    self._keep(row.collection_id, row.name, row.type)
        return {name: known[name] for name in wanted if name in known}

    def get_collection(self, name: str) -> Collection:
        """Give the collection of a name.

        Raises
        ------
        MissingCollectionError
            If there is none.
        """
        known = self._cache.collections.get(name) or self.find_collections([name]).get(name)
        if known is None:
            raise MissingCollectionError(name, self._connection.execute(self._statements.all_names).scalars())
        return known

    def get_collections(self, names: Iterable[str]) -> dict[str, Collection]:
        """Give the collections of names, asking for all of them together.

        Raises
        ------
        MissingCollectionError
            If one does not exist.
        """
        wanted = list(names)
        found = self.find_collections(wanted)
        return found if len(found) == len(wanted) else {name: self.get_collection(name) for name in wanted}

    def collections_by_id(self, ids: Iterable[int]) -> Mapping[int, Collection]:
        """Give collections by number, and perhaps others; those that do not exist are not among them."""
        missing = [number for number in dict.fromkeys(ids) if number not in self._cache.names]
        for part in _chunks(missing):
            for row in self._connection.execute(self._statements.by_ids, {"ids": part}):
                self._keep(row.collection_id, row.name, row.type)
        return self._cache.names

    def children(self, chains: Iterable[Collection]) -> Mapping[int, tuple[Collection, ...]]:
        """Give the direct children of chains, in order, by the number of the chain."""
        missing = [chain.id for chain in chains if chain.id not in self._cache.children]
        found: dict[int, list[Collection]] = {number: [] for number in missing}
        for part in _chunks(missing):
            for row in self._connection.execute(self._statements.children, {"parents": part}):
                found[row.parent_id].append(self._keep(row.collection_id, row.name, row.type))
        self._cache.children.update({number: tuple(children) for number, children in found.items()})
        return self._cache.children

    def flatten(self, names: Iterable[str]) -> SearchPath:
        """Expand chains depth first; each collection once, at its first place.

        Raises
        ------
        MissingCollectionError
            If a name does not exist.
        """
        key = tuple(names)
        if (known := self._cache.flattened.get(key)) is not None:
            return known
        found = self.find_collections(key)
        roots = [found.get(name) or self.get_collection(name) for name in key]
        self._load_descendants(roots)
        order: dict[Collection, None] = {}
        pending = list(reversed(roots))
        expanded: set[int] = set()
        while pending:
            collection = pending.pop()
            if collection.type is not CollectionType.CHAINED:
                order.setdefault(collection)
            elif collection.id not in expanded:
                expanded.add(collection.id)
                pending.extend(reversed(self._cache.children[collection.id]))
        self._cache.flattened[key] = SearchPath(order)
        return self._cache.flattened[key]

    def _load_descendants(self, roots: Sequence[Collection]) -> None:
        """Read the chains below some collections, one query a level."""
        level = [c for c in roots if c.type is CollectionType.CHAINED]
        seen: set[int] = set()
        while level:
            seen.update(c.id for c in level)
            below = self.children(level)
            level = [
                child
                for chain in level
                for child in below[chain.id]
                if child.type is CollectionType.CHAINED and child.id not in seen
            ]

    def _keep(self, number: int, name: str, kind: int) -> Collection:
        known = self._cache.names.get(number)
        if known is None:
            known = Collection(id=number, name=name, type=CollectionType(kind))
            self._cache.names[number] = self._cache.collections[name] = known
        return known

    # Records.

    def known_records(self, element: DimensionElement) -> _Records:
        """Give the records of an element that are known, by key; a dict to add to."""
        if element.cached:
            return self._cache.records.setdefault(element.name, {})
        if self._recent is None:
            return {}
        known = self._recent.setdefault(element.name, {})
        if len(known) >= _MOST_RECENT:
            known.clear()
        return known

    # Dataset types.

    def find_dataset_types(self, names: Iterable[str]) -> dict[str, RegisteredType]:
        """Give the dataset types of these names; absent ones are left out."""
        wanted = list(names)
        missing = [name for name in dict.fromkeys(wanted) if name not in self._cache.dataset_types]
        for part in _chunks(missing):
            for row in self._connection.execute(self._statements.types_by_name, {"names": part}):
                self._keep_type(row)
        return {name: self._cache.dataset_types[name] for name in wanted if name in self._cache.dataset_types}

    def get_dataset_type(self, name: str) -> RegisteredType:
        """Give the dataset type of a name.

        Raises
        ------
        MissingDatasetTypeError
            If there is none.
        """
        known = self._cache.dataset_types.get(name) or self.find_dataset_types([name]).get(name)
        if known is None:
            raise MissingDatasetTypeError(name, self._connection.execute(self._statements.all_type_names).scalars())
        return known

    def all_dataset_types(self) -> list[RegisteredType]:
        """Give all dataset types, by name."""
        rows = self._connection.execute(self._statements.all_types)
        return sorted((self._keep_type(row) for row in rows), key=lambda known: known.dataset_type.name)

    def dataset_types_by_id(self, ids: Iterable[int]) -> dict[int, RegisteredType]:
        """Give dataset types by number."""
        wanted = set(ids)
        # A copy: another thread may add one meanwhile.
        known = {item.id: item for item in list(self._cache.dataset_types.values()) if item.id in wanted}
        for part in _chunks([number for number in wanted if number not in known]):
            for row in self._connection.execute(self._statements.type_by_id, {"ids": part}):
                item = self._keep_type(row)
                known[item.id] = item
        return known

    def _keep_type(self, row: Any) -> RegisteredType:
        known = self._cache.dataset_types.get(row.name)
        if known is None:
            group = self._schema.universe.conform(row.dimensions.split(",") if row.dimensions else ())
            dataset_type = DatasetType(row.name, group, row.storage_class, is_calibration=bool(row.is_calibration))
            known = RegisteredType(
                id=row.dataset_type_id, dataset_type=dataset_type, group_id=row.group_id, schema=self._schema
            )
            self._cache.dataset_types[row.name] = known
        return known


def _chunks(items: Sequence[_T], size: int = 5000) -> Iterable[Sequence[_T]]:
    """Cut a list into parts that fit into the parameters of one statement."""
    return (items[start : start + size] for start in range(0, len(items), size))
