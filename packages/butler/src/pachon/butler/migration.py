# SPDX-License-Identifier: BSD-3-Clause
"""Bringing a repository's database up to date, or to another place.

Heavy, and rarely needed: only the commands import this.
"""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from pachon.butler.config_writing import share_with_group, write_config
from pachon.butler.definition_notes import changing_universe
from pachon.butler.files_root import files_root
from pachon.butler.repository_config import RepositoryConfig, config_text
from pachon.butler.repository_creation import UniverseSource, read_universe
from pachon.butler.repository_location import (
    RepositoryLocation,
    absolute_database,
    sqlite_file,
)
from pachon.butler.repository_reading import database_url, read_repository
from pachon.datastore.config import FileDatastoreConfig
from pachon.registry.migration.migrate import MigrationReport, fetch_universe, migrate
from pachon.registry.migration.move import MoveReport, move_registry
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from pachon.dimensions import DimensionUniverse

__all__ = ["migrate_repository", "move_database"]

_log = logging.getLogger(__name__)


def migrate_repository(
    root: str | ResourcePath,
    *,
    universe: UniverseSource = None,
    dry_run: bool = False,
    lock_timeout: float = 60.0,
) -> MigrationReport:
    """Bring the tables of a repository to the version of this pachon, and its universe to another version.

    Parameters
    ----------
    root
        The repository.
    universe
        Its new universe: a value, a document, or a YAML file, or ``default``; it keeps its own if left out.
    dry_run
        Do everything and undo it; the report says what would be done.
    lock_timeout
        How long to wait for those who write, in seconds.

    Raises
    ------
    RepositoryNotFoundError
        If there is none.
    SchemaVersionError
        If the tables are newer than this version of pachon.
    IncompatibleUniverseError
        If the new universe does not suit what is stored.
    StorageError
        If a new universe cannot be noted beside the files, for jobs; then nothing is changed.
    """
    location, url, document = read_repository(root)
    wanted = _universe(universe)
    with ExitStack() as stack:
        if not dry_run and wanted is not None and wanted != fetch_universe(url):
            config = RepositoryConfig.from_document(document, str(location.config))
            stack.enter_context(_noted(location, config, url))
        return migrate(url, universe=wanted, dry_run=dry_run, lock_timeout=lock_timeout)


def move_database(root: str | ResourcePath, database: str, *, lock_timeout: float = 60.0) -> MoveReport:
    """Move the database of a repository, with all numbers and ids, and have ``butler.yaml`` name the new one.

    A replica that the configuration names is forgotten. The old database stays as it was, but for a note of where the registry is now: it can be neither written nor opened. If the
    process is killed, call this again.

    Parameters
    ----------
    root
        The repository.
    database
        SQLAlchemy URL of an empty PostgreSQL database, or of a SQLite file that does not exist; ``<butlerRoot>`` stands for
        the folder, and a relative path is one below the current folder.
    lock_timeout
        How long to wait for those who write, in seconds.

    Raises
    ------
    ConflictError
        If the new database is not empty.
    SchemaVersionError
        If the repository must be migrated first.
    """
    location, url, document = read_repository(root)
    # A replica that is set follows the old database.
    kept = {name: value for name, value in document.get("database", {}).items() if name != "replica_url"}
    document["database"] = {**kept, "url": absolute_database(database)}
    config = RepositoryConfig.from_document(document, str(location.config))
    new_url = database_url(location, config)
    report = move_registry(url, new_url, lock_timeout=lock_timeout)
    if config.group_writable:
        share_with_group(sqlite_file(new_url))
    write_config(location.config, config_text(document), overwrite=True)
    return report


def _noted(location: RepositoryLocation, config: RepositoryConfig, url: str) -> AbstractContextManager[None]:
    """Have jobs know, which see no database, that the dimensions change; see `changing_universe`."""
    if not isinstance(config.datastore, FileDatastoreConfig):
        return nullcontext()
    root = files_root(location, config)
    if root.is_local and not root.exists():
        # It is made before the first file; if it had some, its disk is not there, and must not get a folder of that name.
        _log.warning("There is no folder %s: jobs of graphs that were built before may not notice the change.", root)
        return nullcontext()
    return changing_universe(root, partial(fetch_universe, url), group_writable=config.group_writable)


def _universe(source: UniverseSource) -> DimensionUniverse | None:
    if source is None:
        return None
    return read_universe(None if source == "default" else source)
