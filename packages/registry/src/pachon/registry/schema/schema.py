# SPDX-License-Identifier: BSD-3-Clause
"""All tables of one registry, and how they come into being."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

import sqlalchemy as sa

from pachon.base import FormatError
from pachon.dimensions import DimensionGroup, DimensionUniverse
from pachon.registry.schema.dataset_tables import DatasetTables, dataset_tables
from pachon.registry.schema.dimension_tables import element_table, overlap_table
from pachon.registry.schema.exclusions import range_types
from pachon.registry.schema.guard import SCHEMA_VERSION, check_version
from pachon.registry.schema.lazy_tables import LazyTables
from pachon.registry.schema.static_tables import StaticTables, new_metadata

__all__ = [
    "DEFINITIONS",
    "Schema",
    "create_schema",
    "read_attributes",
    "read_schema",
    "universe_attributes",
    "universe_of",
]

DEFINITIONS = "definitions"
"""The change counter of what clients cache: raised when a chain changes, a definition or a collection goes."""


class Schema:
    """The tables of a registry with one universe. Tables of dataset groups are added when they are first met."""

    def __init__(self, universe: DimensionUniverse, namespace: str | None = None) -> None:
        self.universe = universe
        self.known = new_metadata(namespace)
        """Those tables that were asked for so far."""
        self.static = StaticTables(self.known)
        self._groups: dict[int, DatasetTables] = {}
        self._lock = threading.RLock()
        names = _parents_first(universe)
        self.elements: Mapping[str, sa.Table] = LazyTables(names, self._element, self._lock)
        self.overlaps: Mapping[str, sa.Table] = LazyTables(
            [name for name in names if universe[name].spatial is not None], self._overlap, self._lock
        )

    @property
    def metadata(self) -> sa.MetaData:
        """All tables that do not depend on dataset types, and those of dataset groups that were met so far."""
        for tables in (self.elements, self.overlaps):
            for name in tables:
                tables[name]
        return self.known

    def _element(self, name: str) -> sa.Table:
        return element_table(self.universe, self.universe[name], self.known, self.elements)

    def _overlap(self, name: str) -> sa.Table:
        return overlap_table(self.universe, self.universe[name], self.known, self.elements[name])

    def datasets(self, group: DimensionGroup, group_id: int) -> DatasetTables:
        """Give the tables of the datasets of a registered group of dimensions."""
        if (tables := self._groups.get(group_id)) is not None:
            return tables
        with self._lock:
            if group_id not in self._groups:
                self._groups[group_id] = dataset_tables(group, group_id, self.known, self.static, self.elements)
            return self._groups[group_id]

    def forget_datasets(self, group_id: int) -> None:
        """Forget the tables of a group: its registration was undone, and its number may be given to another one."""
        with self._lock:
            if (tables := self._groups.pop(group_id, None)) is not None:
                self.known.remove(tables.membership)
                self.known.remove(tables.validity)


def create_schema(connection: sa.Connection, schema: Schema) -> None:
    """Make all tables in an empty database, and record version and universe."""
    if connection.dialect.name == "postgresql":
        for statement in range_types(schema.metadata.schema):
            connection.execute(statement)
    schema.metadata.create_all(connection, checkfirst=False)
    attributes = {"schema_version": str(SCHEMA_VERSION), **universe_attributes(schema.universe)}
    rows = [{"name": name, "value": value} for name, value in attributes.items()]
    connection.execute(sa.insert(schema.static.attribute), rows)
    connection.execute(sa.insert(schema.static.change_counter), {"name": DEFINITIONS, "value": 0})


def universe_attributes(universe: DimensionUniverse) -> dict[str, str]:
    """Give what a database records of its universe."""
    return {
        "universe": json.dumps(dict(universe.document), ensure_ascii=False),
        "universe_namespace": universe.namespace,
        "universe_version": str(universe.version),
        "universe_digest": universe.digest,
    }


def read_attributes(connection: sa.Connection, namespace: str | None = None) -> dict[str, str]:
    """Give the facts that a database records about itself, whatever its version.

    Raises
    ------
    FormatError
        If the database is no registry.
    """
    table = sa.table("attribute", sa.column("name"), sa.column("value"), schema=namespace)
    try:
        found = connection.execute(sa.select(table.c.name, table.c.value)).all()
    except (sa.exc.ProgrammingError, sa.exc.OperationalError) as error:
        if getattr(error.orig, "sqlstate", None) != "42P01" and "no such table" not in str(error.orig):
            raise
        raise FormatError(f"{connection.engine.url.database} is no registry of pachon ({error.orig}).") from None
    attributes = {row.name: row.value for row in found}
    if not attributes.get("schema_version", "").isdigit():
        raise FormatError(f"{connection.engine.url.database} is no registry of pachon: it has no schema version.")
    return attributes


def universe_of(attributes: Mapping[str, str]) -> DimensionUniverse:
    """Give the universe that a database records.

    Raises
    ------
    FormatError
        If it cannot be read.
    """
    try:
        document = json.loads(attributes["universe"])
    except (KeyError, ValueError):
        raise FormatError(
            "The database is damaged: its universe of dimensions cannot be read; restore a backup."
        ) from None
    return DimensionUniverse.from_document(document)


def read_schema(connection: sa.Connection, namespace: str | None = None) -> Schema:
    """Give the tables of an existing registry.

    Raises
    ------
    SchemaVersionError
        If it was written by a version of pachon with other tables, or was moved.
    FormatError
        If the database is no registry.
    """
    attributes = read_attributes(connection, namespace)
    check_version(attributes)
    return Schema(universe_of(attributes), namespace)


def _parents_first(universe: DimensionUniverse) -> list[str]:
    """Give the elements that have tables; universe order puts what is referred to before what refers to it."""
    return [name for name, element in universe.elements.items() if element.has_table]
