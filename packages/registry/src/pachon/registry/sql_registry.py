# SPDX-License-Identifier: BSD-3-Clause
"""A registry in a SQL database: a thin front to the verbs of each concept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import sqlalchemy as sa

from pachon.base import ConflictError, StorageError
from pachon.dimensions import DimensionUniverse
from pachon.registry.collections.front import Collections
from pachon.registry.database.database import Database
from pachon.registry.database.engine import parse_url
from pachon.registry.dataset_types import DatasetTypes
from pachon.registry.definitions import Definitions
from pachon.registry.dimension_records.front import DimensionRecords
from pachon.registry.schema.guard import SchemaGuard
from pachon.registry.schema.schema import Schema, create_schema, read_schema
from pachon.registry.state import State

if TYPE_CHECKING:
    from pachon.registry.database.advisory_lock import AdvisoryLock
    from pachon.registry.datasets.front import Datasets
    from pachon.registry.facts import RegistryFacts
    from pachon.registry.opaque import OpaqueColumn, OpaqueTable
    from pachon.registry.query.front import Queries

__all__ = ["SqlRegistry"]


class SqlRegistry:
    """Collections, dataset types, dimension records and datasets of one repository.

    Make one with `create` or `open`; close it, or use it as a context manager. It may be shared by threads.
    """

    collections: Collections
    dataset_types: DatasetTypes
    dimension_records: DimensionRecords

    def __init__(self, state: State) -> None:
        self._state = state
        self.collections = Collections(state)
        self.dataset_types = DatasetTypes(state)
        self.dimension_records = DimensionRecords(state)

    @classmethod
    def create(cls, url: str, universe: DimensionUniverse | None = None) -> Self:
        """Make a registry in a new SQLite file or an empty PostgreSQL database, and open it for writing.

        Parameters
        ----------
        url
            SQLAlchemy URL, such as ``sqlite:////data/repo/registry.sqlite3``.
        universe
            Its dimensions, for ever; the default universe if left out.

        Raises
        ------
        ConflictError
            If there is a registry, or a SQLite file, already.
        """
        path = _sqlite_path(url)
        if path is not None:
            _claim(path)
        database = Database.open(url, create=True)
        try:
            schema = Schema(universe or DimensionUniverse.default())
            with database.write() as connection:
                if sa.inspect(connection).has_table(schema.static.attribute.name):
                    raise ConflictError("The database holds a registry already.")
                create_schema(connection, schema)
        except BaseException:
            database.close()
            if path is not None:
                _remove_sqlite(path)
            raise
        return cls(_state(database, schema))

    @classmethod
    def open(cls, url: str, *, writeable: bool = False, replica_url: str | None = None) -> Self:
        """Open an existing registry.

        Parameters
        ----------
        url
            SQLAlchemy URL.
        writeable
            Allow changes.
        replica_url
            URL of a copy of a PostgreSQL database that follows it with some delay. A client that may not write reads
            there. One that may write asks it for queries and for finding datasets until its first write; from then on it reads
            from the database itself, and so sees what it wrote. If the copy cannot be reached, the database is read.

        Raises
        ------
        NotFoundError
            If there is no SQLite file.
        SchemaVersionError
            If its tables are those of another version of pachon.
        FormatError
            If the database is no registry.
        """
        database = Database.open(url, readonly=not writeable, replica_url=replica_url)
        try:
            with database.read() as connection:
                schema = read_schema(connection)
        except BaseException:
            database.close()
            raise
        return cls(_state(database, schema))

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions."""
        return self._state.universe

    @cached_property
    def datasets(self) -> Datasets:
        """Register, find and remove datasets."""
        # Queries find datasets by themselves, and what writes them takes a while to import.
        from pachon.registry.datasets.front import Datasets

        return Datasets(self._state)

    @cached_property
    def query(self) -> Queries:
        """Queries of data IDs, datasets and dimension records."""
        # Finding a dataset needs no query, and the language with lsst-sphgeom takes a while to import.
        from pachon.registry.query.front import Queries

        return Queries(self._state)

    @property
    def writeable(self) -> bool:
        """Whether changes are allowed."""
        return not self._state.database.readonly

    @property
    def is_writing(self) -> bool:
        """Whether a block of `write` is open in this thread: what is written now is lost if that fails."""
        return self._state.database.is_writing

    def write(self, *, whole: bool = False, bulk: bool = False) -> AbstractContextManager[object]:
        """Apply all changes of the block in one transaction, or none; nothing slow belongs inside.

        A block inside another one is a part of it that fails alone. Reads of the same thread see the changes. With ``whole``
        no part fails alone, which is quicker: no exception of a change may be caught inside the block. With ``bulk`` the block
        may only add datasets and rows of opaque tables, and register runs; many at a time, which is quicker too.

        Raises
        ------
        ReadOnlyError
            If the registry was opened for reading.
        DatabaseBusyError
            If other processes hold the lock for too long.
        """
        return self._state.database.write(whole=whole, bulk=bulk)

    def snapshot(self) -> AbstractContextManager[object]:
        """Let all reads of the block see one state of the database; takes no lock."""
        return self._state.database.snapshot()

    def outside_changes(self) -> object | None:
        """Give a mark; while it stays the same, this thread alone has changed the database. None if that cannot be told."""
        return self._state.database.outside_changes()

    def advisory_lock(self, name: str) -> AdvisoryLock:
        """Give a lock of all clients of the database that keeps nobody from reading or writing; ``name`` is a word."""
        return self._state.database.advisory_lock(name)

    def facts(self, defaults: Mapping[str, str] | None = None) -> RegistryFacts:
        """Give what the builder of quantum graphs asks; ``defaults`` are values of governor dimensions."""
        from pachon.registry.facts import RegistryFacts

        return RegistryFacts(self._state, defaults)

    def opaque(self, name: str, columns: Sequence[OpaqueColumn]) -> OpaqueTable:
        """Give a table of another layer's records; it is made on first use.

        Raises
        ------
        ConflictingDefinitionError
            If it exists with other columns.
        """
        # Queries ask for no such table.
        from pachon.registry.opaque import open_table

        return open_table(self._state, name, columns)

    def refresh(self) -> None:
        """Forget all that is cached."""
        self._state.definitions.refresh()

    def close(self) -> None:
        """Close all connections; the registry cannot be used any more."""
        self._state.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _state(database: Database, schema: Schema) -> State:
    database.before_write = SchemaGuard(schema.static.attribute, schema.universe)
    return State(database=database, schema=schema, definitions=Definitions(database, schema))


def _sqlite_path(url: str) -> Path | None:
    parsed = parse_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _claim(path: Path) -> None:
    """Make an empty file, which SQLite takes for an empty database; only one of two creators succeeds."""
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        raise ConflictError(f"The file {path} exists already.") from None
    except OSError as error:
        raise StorageError(f"The file {path} cannot be made: {error.strerror}.") from error


def _remove_sqlite(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
