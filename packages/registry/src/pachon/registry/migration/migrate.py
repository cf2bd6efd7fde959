# SPDX-License-Identifier: BSD-3-Clause
"""``butler migrate`` without the program: newer tables and another version of the universe, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pachon.base import ConflictError, progress
from pachon.dimensions import DimensionUniverse
from pachon.registry.database.database import LOCK_TIMEOUT_S, Database
from pachon.registry.migration.revisions import (
    Revision,
    known_revisions,
    pending_revisions,
    record_version,
    title_of,
)
from pachon.registry.migration.session import MigrationSession, migration_session
from pachon.registry.migration.universe_upgrade import upgrade_universe
from pachon.registry.schema.guard import MOVED_TO, SCHEMA_VERSION
from pachon.registry.schema.schema import read_attributes, universe_of

__all__ = ["MigrationReport", "MigrationStep", "fetch_universe", "migrate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationStep:
    """One step of a migration."""

    title: str
    """What it does, in a sentence."""
    statements: tuple[str, ...]
    """The SQL that was executed, without questions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationReport:
    """What a migration did, or would do."""

    from_version: int
    to_version: int
    old_universe: DimensionUniverse
    universe: DimensionUniverse
    steps: tuple[MigrationStep, ...]
    """Empty if nothing was to be done."""


def migrate(
    url: str,
    *,
    universe: DimensionUniverse | None = None,
    dry_run: bool = False,
    lock_timeout: float = LOCK_TIMEOUT_S,
    revisions: Sequence[Revision] | None = None,
    version: int = SCHEMA_VERSION,
) -> MigrationReport:
    """Bring a registry to the tables that this version of pachon uses, and to another version of its universe.

    All is one transaction: a failure, or a process that is killed, leaves the registry as it was. Who writes meanwhile waits;
    who had it open for writing is refused afterwards.

    Parameters
    ----------
    url
        SQLAlchemy URL of the database.
    universe
        The universe that it shall have; it keeps its own if left out.
    dry_run
        Do everything and undo it: the report says what would be done, and that it would succeed.
    lock_timeout
        How long to wait for those who write, in seconds.
    revisions, version
        The steps that are known and the version that is wanted; by default those of this pachon.

    Raises
    ------
    SchemaVersionError
        If the tables are newer than this version of pachon.
    IncompatibleUniverseError
        If the records or dataset types that are there do not suit the universe.
    """
    with migration_session(url, dry_run=dry_run, lock_timeout=lock_timeout) as session:
        # Another migration may have been quicker; what was read before the lock is of no use.
        attributes = read_attributes(session.connection)
        if (place := attributes.get(MOVED_TO)) is not None:
            raise ConflictError(f"The registry was moved to {place}; migrate it there.")
        found = int(attributes["schema_version"])
        pending = pending_revisions(found, known_revisions() if revisions is None else revisions, version)
        steps: list[MigrationStep] = []
        before = universe_of(attributes)
        changes = universe is not None and universe != before
        with progress("Migrating", total=len(pending) + changes) as bar:
            for step in pending:
                bar.describe(title_of(step))
                step.upgrade()
                record_version(session.connection, step.revision)
                steps.append(_step(title_of(step), session))
                bar.advance()
            if universe is not None and changes:
                bar.describe("Changing the universe")
                lines = upgrade_universe(session, before, universe)
                title = (
                    f"Universe {universe.namespace} version {universe.version}: {'; '.join(lines) or 'other words'}."
                )
                steps.append(_step(title, session))
                bar.advance()
    return MigrationReport(
        from_version=found,
        to_version=version,
        old_universe=before,
        universe=universe if universe is not None else before,
        steps=tuple(steps),
    )


def fetch_universe(url: str) -> DimensionUniverse:
    """Give the universe that a registry has now, whatever the version of its tables.

    Raises
    ------
    NotFoundError
        If there is no such database file.
    FormatError
        If the database is no registry.
    """
    database = Database.open(url, readonly=True)
    try:
        with database.read() as connection:
            return universe_of(read_attributes(connection))
    finally:
        database.close()


def _step(title: str, session: MigrationSession) -> MigrationStep:
    statements = tuple(session.statements)
    session.statements.clear()
    return MigrationStep(title=title, statements=statements)
