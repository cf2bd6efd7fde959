# SPDX-License-Identifier: BSD-3-Clause
"""Making a repository: database first, ``butler.yaml`` last and exclusively, so that there is a whole one or none."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from pachon.base import ConflictError, InvalidInputError, PachonError
from pachon.base.hidden_secrets import hide_secrets
from pachon.base.utf8 import decode_text
from pachon.butler.config_writing import share_with_group, write_config
from pachon.butler.definition_notes import renew_marks_of_another
from pachon.butler.errors import RepositoryExistsError
from pachon.butler.files_root import files_root
from pachon.butler.record_store import RegistryRecordStore
from pachon.butler.repository_config import DEFAULT_DATABASE, RepositoryConfig, replace_root
from pachon.butler.repository_location import (
    RepositoryLocation,
    absolute_database,
    as_resource,
    folder_text,
    locate_repository,
    sqlite_file,
)
from pachon.butler.seed_configuration import read_seed_configuration
from pachon.butler.writer_table import WriterTable
from pachon.datasets import StorageClasses
from pachon.datastore import Datastore, DatastoreConfig
from pachon.datastore.config import FileDatastoreConfig
from pachon.dimensions import DimensionUniverse
from pachon.registry import SqlRegistry
from pachon.resources import ResourcePath
from pachon.resources.local_files import GROUP_FOLDER

__all__ = ["create_from_seed", "create_repository", "read_universe"]

_log = logging.getLogger(__name__)

UniverseSource = DimensionUniverse | Mapping[str, Any] | str | ResourcePath | None


def create_repository(
    root: str | os.PathLike[str] | ResourcePath,
    *,
    database: str | None = None,
    universe: UniverseSource = None,
    datastore: Mapping[str, Any] | None = None,
    storage_classes: Mapping[str, Any] | None = None,
    allowed_modules: tuple[str, ...] = (),
    overwrite: bool = False,
    group_writable: bool = False,
    standalone: bool = False,
    outfile: str | None = None,
) -> RepositoryLocation:
    """Make an empty repository.

    Parameters
    ----------
    root
        Its folder, made if it does not exist.
    database
        SQLAlchemy URL; by default a file of SQLite in the folder. ``<butlerRoot>`` stands for the folder; a relative path is one
        below the current folder.
    universe
        Dimensions: a value, a document, or a YAML file; by default the usual ones.
    datastore
        Section ``datastore`` of the configuration; by default files in the folder.
    storage_classes
        Definitions beside the built-in ones.
    allowed_modules
        Modules that these definitions may name beside the trusted ones.
    overwrite
        Replace a repository that is there: its database is lost, its files become garbage.
    group_writable
        Let the group of the folder write to it too: files, folders, the configuration and a database of SQLite, whatever
        the umask.
    standalone
        Write all settings, also those that are defaults.
    outfile
        Write the configuration here, with the folder in it, instead of into the folder.

    Raises
    ------
    InvalidInputError
        If the folder has no name.
    RepositoryExistsError
        If there is a repository already, or the database of one.
    """
    if not isinstance(root, ResourcePath) and not os.fspath(root).strip():
        # An empty variable of a script; the folder where one happens to be is written as a dot.
        raise InvalidInputError("The folder of a new repository has no name; write '.' for the current one.")
    location = locate_repository(ResourcePath(as_resource(root), force_directory=True), must_exist=False)
    config = RepositoryConfig(
        database_url=absolute_database(database or DEFAULT_DATABASE),
        datastore=DatastoreConfig.from_document(
            {**(datastore or {}), "group_writable": True} if group_writable else datastore
        ),
        storage_classes=dict(storage_classes or {}),
        allowed_modules=allowed_modules,
        root=None if outfile is None else str(location.folder),
    )
    if outfile is not None:
        location = RepositoryLocation(folder=location.folder, config=as_resource(outfile))
    # Mistakes are found before anything is made.
    classes = StorageClasses.default().with_definitions(config.storage_classes, allowed=allowed_modules)
    dimensions = read_universe(universe)
    # It reads the templates, formatters and the rest of its section, and makes nothing.
    Datastore.open(config.datastore, root=location.folder, universe=dimensions, storage_classes=classes).close()
    url = replace_root(config.database_url, folder_text(location.folder))
    replaced = None
    if location.config.exists():
        if not overwrite:
            raise _exists_already(outfile, str(root))
        replaced = location.config.read()
        location.config.remove()
    try:
        _make(location, config, url, dimensions, overwrite=overwrite, standalone=standalone)
    except BaseException:
        database_file = sqlite_file(url)
        if replaced is not None and (database_file is None or database_file.exists()):
            # A server that has such tables already, or does not answer: what was there was not touched, and goes on.
            text = decode_text(replaced, str(location.config))
            write_config(location.config, text, group_writable=config.group_writable, warn=False)
        raise
    _renew_marks(location, config, dimensions, replaced=replaced is not None)
    if config.group_writable:
        if location.folder.is_local:
            os.chmod(location.folder.ospath, GROUP_FOLDER)
        share_with_group(sqlite_file(url))
    return location


def _renew_marks(
    location: RepositoryLocation, config: RepositoryConfig, universe: DimensionUniverse, *, replaced: bool
) -> None:
    """Jobs of the new repository are not to be told what an earlier one had that was in its place."""
    if not isinstance(config.datastore, FileDatastoreConfig):
        return
    root = files_root(location, config)
    # To make a repository is possible where its object store cannot be reached; to replace one need not be.
    if root.is_local or replaced:
        renew_marks_of_another(root, universe, group_writable=config.group_writable)


def _exists_already(outfile: str | None, root: str) -> RepositoryExistsError:
    if outfile is None:
        return RepositoryExistsError(root, "a repository")
    return RepositoryExistsError(hide_secrets(outfile), "a configuration")


def create_from_seed(
    root: str,
    *,
    seed: str | None,
    override: bool = False,
    universe: str | None = None,
    database: str | None = None,
    group_writable: bool = False,
    standalone: bool = False,
    outfile: str | None = None,
) -> RepositoryLocation:
    """Make an empty repository as a seed configuration in LSST's form says (`create_repository` has the rest)."""
    if seed is None:
        return create_repository(
            root,
            universe=universe,
            database=database,
            group_writable=group_writable,
            standalone=standalone,
            outfile=outfile,
        )
    settings = read_seed_configuration(seed, override=override)
    return create_repository(
        root,
        universe=universe,
        database=database or settings.database_url,
        datastore=settings.datastore,
        storage_classes=settings.storage_classes,
        group_writable=group_writable,
        standalone=standalone,
        outfile=outfile,
    )


def read_universe(source: UniverseSource) -> DimensionUniverse:
    """Give the universe of a value, a document, or a YAML file."""
    if source is None:
        return DimensionUniverse.default()
    if isinstance(source, DimensionUniverse):
        return source
    if isinstance(source, Mapping):
        return DimensionUniverse.from_document(source, is_new=True)
    path = ResourcePath(source)
    return DimensionUniverse.from_text(decode_text(path.read(), str(path)), str(path))


def _make(
    location: RepositoryLocation,
    config: RepositoryConfig,
    url: str,
    universe: DimensionUniverse,
    *,
    overwrite: bool,
    standalone: bool,
) -> None:
    database = sqlite_file(url)
    new_folder = not location.folder.exists()
    location.folder.mkdir()
    if database is not None and overwrite:
        _remove_database(database)
    try:
        _create_database(url, universe, database)
    except BaseException:
        _remove_empty(location.folder, new=new_folder)
        raise
    try:
        write_config(location.config, config.to_text(complete=standalone), group_writable=config.group_writable)
    except BaseException as error:
        if database is not None:
            _remove_database(database)
        _remove_empty(location.folder, new=new_folder)
        if isinstance(error, FileExistsError):
            raise _exists_already(str(location.config) if config.root else None, str(location.folder)) from error
        raise


def _create_database(url: str, universe: DimensionUniverse, file: ResourcePath | None) -> None:
    """Make the database with all tables; it makes its file exclusively, and removes it if it fails."""
    try:
        with SqlRegistry.create(url, universe) as registry:
            RegistryRecordStore(registry)
            WriterTable(registry)
    except ConflictError as error:
        # Of a creation that is going on, or of one that was killed.
        what = "a database" if file is None else f"a database file {file.basename()!r} without a configuration"
        raise RepositoryExistsError(url if file is None else str(file.parent()), what) from error


def _remove_database(file: ResourcePath) -> None:
    for suffix in ("", "-wal", "-shm"):
        try:
            as_resource(f"{file.ospath}{suffix}").remove(missing_ok=True)
        except PachonError as error:
            _log.warning("%s%s could not be removed: %s", file, suffix, error)


def _remove_empty(folder: ResourcePath, *, new: bool) -> None:
    """Remove a folder that this call made, if nothing is in it."""
    if not new or not folder.is_local:
        return
    try:
        os.rmdir(folder.ospath)
    except OSError:
        _log.debug("The folder %s stays.", folder)
