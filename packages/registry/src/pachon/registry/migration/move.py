# SPDX-License-Identifier: BSD-3-Clause
"""Moving a registry to another database with all its numbers and ids, such as from SQLite to PostgreSQL.

1. Writers of the source are kept out until the end; readers go on.
2. Everything is copied into the target, and compared, in one transaction.
3. The source says where it has gone: nobody writes to it or opens it any more.

Whoever knows the source by its URL learns the new one last. A process that is killed before step 3 leaves a copy that nobody uses,
which the next attempt replaces; after it, the next attempt finds that all is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from pachon.base import ConflictError, InvalidInputError, StorageError, progress
from pachon.registry.database.database import LOCK_TIMEOUT_S, Database
from pachon.registry.migration.copying import all_tables, copy_tables
from pachon.registry.migration.session import check_references, migration_session, suspend_references
from pachon.registry.schema.exclusions import no_range_types
from pachon.registry.schema.guard import MOVED_TO, check_version
from pachon.registry.schema.schema import Schema, read_attributes, universe_of

__all__ = ["MoveReport", "move_registry"]

_COPY_OF = "copy_of"
"""The attribute of a target that is not in use yet: where it was copied from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveReport:
    """What a move did."""

    place: str
    """The new database, without a password."""
    rows: dict[str, int]
    """Rows by table; empty if an earlier attempt had copied everything."""


def move_registry(source: str, target: str, *, lock_timeout: float = LOCK_TIMEOUT_S) -> MoveReport:
    """Move a registry to an empty database.

    Parameters
    ----------
    source, target
        SQLAlchemy URLs. The target is an empty database of PostgreSQL, or a file of SQLite that does not exist.
    lock_timeout
        How long to wait for those who write, in seconds.

    Raises
    ------
    ConflictError
        If the target is in use, or the source was moved elsewhere.
    SchemaVersionError
        If the source must be migrated first.
    FormatError
        If the copy reads otherwise than the source; then the source stays as it is.
    """
    place, origin = _place(target), _place(source)
    if sa.make_url(source) == sa.make_url(target):
        raise InvalidInputError(f"The registry is in {place} already.")
    rows: dict[str, int] = {}
    with migration_session(source, lock_timeout=lock_timeout) as session:
        attributes = read_attributes(session.connection)
        if attributes.get(MOVED_TO) != place:
            check_version(attributes)
            _clear(target, origin)
            rows = _copy(session.connection, target, Schema(universe_of(attributes)), origin)
            _set_attribute(session.connection, MOVED_TO, place)
    with Database.open(target) as database, database.write() as connection:
        # Nobody may take it for garbage from now on.
        connection.execute(sa.text("DELETE FROM attribute WHERE name = :name"), {"name": _COPY_OF})
    return MoveReport(place=place, rows=rows)


def _copy(source: sa.Connection, target: str, schema: Schema, origin: str) -> dict[str, int]:
    tables = all_tables(source, schema)
    total = sum(source.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables)
    file = _sqlite_file(target)
    database = Database.open(target, create=True)
    suspend_references(database)
    try:
        with database.write() as connection, progress("Copying", total=2 * total) as bar:
            contents = copy_tables(source, connection, tables, bar)
            check_references(connection)
            _set_attribute(connection, _COPY_OF, origin)
    except BaseException:
        database.close()
        if file is not None:
            _remove(file)
        raise
    database.close()
    return {table.name: content.rows for table, content in zip(tables, contents, strict=True)}


def _clear(target: str, origin: str) -> None:
    """Remove what an attempt that was killed has left; refuse a database that holds anything else."""
    file = _sqlite_file(target)
    if file is not None and not file.exists():
        if not file.parent.is_dir():
            raise StorageError(f"There is no folder {file.parent} for the database.")
        return
    with Database.open(target) as database, database.write() as connection:
        inspector = sa.inspect(connection)
        if not inspector.get_table_names():
            return
        left = "attribute" in inspector.get_table_names() and read_attributes(connection).get(_COPY_OF) == origin
        if not left:
            raise ConflictError(f"The database {_place(target)} is not empty; name an empty one.")
        if file is None:
            metadata = sa.MetaData()
            metadata.reflect(connection)
            metadata.drop_all(connection)
            connection.execute(no_range_types())
    if file is not None:
        _remove(file)


def _set_attribute(connection: sa.Connection, name: str, value: str) -> None:
    connection.execute(
        sa.text("INSERT INTO attribute (name, value) VALUES (:name, :value)"), {"name": name, "value": value}
    )


def _place(url: str) -> str:
    try:
        return sa.make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        raise InvalidInputError("The database URL cannot be read; one is 'postgresql://user@host/database'.") from None


def _sqlite_file(url: str) -> Path | None:
    parsed = sa.make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _remove(file: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
