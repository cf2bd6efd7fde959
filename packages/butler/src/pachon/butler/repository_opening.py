# SPDX-License-Identifier: BSD-3-Clause
"""Opening a repository: where it is, what it says, its registry and its datastore."""

from __future__ import annotations

import os

from pachon.base import NotFoundError, StorageError
from pachon.base.utf8 import decode_text
from pachon.butler.config_writing import make_root_folder
from pachon.butler.defaults import Defaults
from pachon.butler.errors import RepositoryNotFoundError
from pachon.butler.record_store import RegistryRecordStore
from pachon.butler.repository_config import RepositoryConfig, replace_root
from pachon.butler.repository_location import RepositoryLocation, folder_text, locate_repository
from pachon.butler.session import OpenRepository, Session
from pachon.butler.writer_lease import WriterLease
from pachon.datasets import StorageClasses
from pachon.datastore import Datastore
from pachon.datastore.file_check import FileKeeper
from pachon.registry import SqlRegistry
from pachon.resources import ResourcePath

__all__ = ["open_repository", "open_session"]


def open_session(
    root: str | os.PathLike[str] | ResourcePath | RepositoryLocation, defaults: Defaults, *, writeable: bool
) -> Session:
    """Open a repository with these defaults.

    Raises
    ------
    DataIdValueError
        If a default is for another dimension than a governor.
    """
    repository = open_repository(root, writeable=writeable)
    session = Session(repository, defaults)
    try:
        defaults.check(session.universe)
    except BaseException:
        session.close()
        raise
    return session


def open_repository(
    root: str | os.PathLike[str] | ResourcePath | RepositoryLocation, *, writeable: bool
) -> OpenRepository:
    """Open a repository.

    Raises
    ------
    RepositoryNotFoundError
        If there is none.
    RepositoryConfigError, ForeignRepositoryError
        If its configuration is wrong or not ours.
    StorageError
        If it is to be written to, and the folder of its files is missing, though it has files.
    """
    location = root if isinstance(root, RepositoryLocation) else locate_repository(root)
    try:
        text = decode_text(location.config.read(), str(location.config))
    except NotFoundError as error:
        raise RepositoryNotFoundError(str(location.folder)) from error
    config = RepositoryConfig.from_text(text, str(location.config))
    folder = location.folder if config.root is None else ResourcePath(config.root, force_directory=True)
    storage_classes = StorageClasses.default()
    if config.storage_classes:
        storage_classes = storage_classes.with_definitions(config.storage_classes, allowed=config.allowed_modules)
    database_url = replace_root(config.database_url, folder_text(folder))
    registry = SqlRegistry.open(database_url, writeable=writeable, replica_url=config.replica_url)
    try:
        records = RegistryRecordStore(registry)
        lease = WriterLease(registry)
        datastore = Datastore.open(
            config.datastore,
            root=folder,
            universe=registry.universe,
            storage_classes=storage_classes,
            records=records,
            new_token=lease.new_token,
        )
        if writeable:
            _make_root(datastore, records, group_writable=config.group_writable)
    except BaseException:
        registry.close()
        raise
    return OpenRepository(
        location=location,
        config=config,
        database_url=database_url,
        registry=registry,
        datastore=datastore,
        records=records,
        lease=lease,
        storage_classes=storage_classes,
        writeable=writeable,
    )


def _make_root(datastore: Datastore, records: RegistryRecordStore, *, group_writable: bool) -> None:
    """Make the folder of all files before the first of them; refuse to write where it is missing later."""
    if not isinstance(datastore, FileKeeper) or not datastore.root.is_local or datastore.root.exists():
        return
    if not records.is_empty():
        raise StorageError(
            f"The folder of the files of this repository does not exist: {folder_text(datastore.root)}. Is its disk mounted? "
            "If the files are lost, make the folder and run 'butler fsck'."
        )
    make_root_folder(datastore.root, group_writable=group_writable)
