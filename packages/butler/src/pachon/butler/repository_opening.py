# SPDX-License-Identifier: BSD-3-Clause
"""Opening a repository: where it is, what it says, its registry, and its datastore where that is needed at once."""

from __future__ import annotations

import os

from pachon.base import NotFoundError
from pachon.base.utf8 import decode_text
from pachon.butler.defaults import Defaults
from pachon.butler.errors import RepositoryNotFoundError
from pachon.butler.repository_config import RepositoryConfig, replace_root
from pachon.butler.repository_location import RepositoryLocation, folder_text, locate_repository
from pachon.butler.session import OpenRepository, Session
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
    """Open a repository; its datastore only when it is to be written to. Queries need none, so otherwise the first who does opens it.

    Raises
    ------
    RepositoryNotFoundError
        If there is none.
    RepositoryConfigError, ForeignRepositoryError
        If its configuration is wrong or not ours.
    DatastoreConfigError, TemplateError
        If there is no such datastore, or a setting of it has a wrong name or type. What a datastore finds wrong in its own settings
        is said when that is opened.
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
    storage_classes: StorageClasses | None = None
    if config.storage_classes:
        # Read at once, so that an error in them is found. The built-in ones, which have none, are read when they are needed.
        from pachon.datasets import StorageClasses

        built_in = StorageClasses.default()
        storage_classes = built_in.with_definitions(config.storage_classes, allowed=config.allowed_modules)
    database_url = replace_root(config.database_url, folder_text(folder))
    registry = SqlRegistry.open(database_url, writeable=writeable, replica_url=config.replica_url)
    repository = OpenRepository(
        location=location,
        config=config,
        folder=folder,
        database_url=database_url,
        registry=registry,
        storage_classes=storage_classes,
        writeable=writeable,
    )
    if writeable:
        try:
            repository.files.make_root(group_writable=config.group_writable)
        except BaseException:
            registry.close()
            raise
    return repository
