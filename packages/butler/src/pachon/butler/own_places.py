# SPDX-License-Identifier: BSD-3-Clause
"""Places where a repository keeps its own files: no dataset is taken in from there, and no new collection has its folder there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import unquote

from pachon.base import InvalidInputError
from pachon.butler.fsck.own_files import DATABASE_SUFFIXES, OwnFiles
from pachon.butler.session import Session
from pachon.datasets import CollectionType
from pachon.datastore import NewFileRecords
from pachon.datastore.file_check import FileKeeper
from pachon.datastore.records import path_below
from pachon.datastore.template import folder_of_run
from pachon.registry import CollectionExpressionError
from pachon.resources import ResourcePath

__all__ = ["refuse_database", "refuse_own_files", "refuse_own_place", "register_collection"]

_PART: Final = 20_000
"""Paths that are looked at as one text."""


def refuse_database(session: Session, paths: Sequence[Any]) -> None:
    """Refuse the database of the repository among files that are to be ingested, in any mode, before they are read.

    Who closes a file gives up every lock that his process has on it, those of SQLite included. Another process then takes itself
    for the last one that has the database open and removes the log, and what is written here later is lost.

    Raises
    ------
    InvalidInputError
        It names the first of them.
    """
    database = session.repository.database_file
    keeper = session.datastore
    if database is None or not isinstance(keeper, FileKeeper):
        return
    name = database.basename()
    own = [f"{database.ospath}{suffix}" for suffix in DATABASE_SUFFIXES]
    for start in range(0, len(paths), _PART):
        part = [path if isinstance(path, str) else str(path) for path in paths[start : start + _PART]]
        text = "\n".join(part)
        if name not in text and ("%" not in text or name not in unquote(text)):
            continue
        for path in part:
            if name in unquote(path) and any(_is_file(keeper.root, path, file) for file in own):
                raise InvalidInputError(
                    f"The file {path!r} belongs to the repository itself, and cannot be ingested; nothing was ingested."
                )


def _is_file(root: ResourcePath, path: str, file: str) -> bool:
    place = ResourcePath(path) if "://" in path or os.path.isabs(path) else root.join(path)
    if not place.is_local:
        return False
    try:
        return os.path.samefile(place.ospath, file)  # opens neither
    except OSError:
        return False


def refuse_own_files(session: Session, records: NewFileRecords) -> None:
    """Refuse files that stay where they lie and are the repository's own: with the dataset its database would be deleted.

    Raises
    ------
    InvalidInputError
        It names the first of them.
    """
    keeper = session.datastore
    if records.created.all() or not isinstance(keeper, FileKeeper):
        return
    own = OwnFiles.of_session(session, keeper)
    paths = records.path[~records.created].tolist()
    for start in range(0, len(paths), _PART):
        part = paths[start : start + _PART]
        if own.may_keep(part):
            _refuse_kept(own, keeper, part)


def _refuse_kept(own: OwnFiles, keeper: FileKeeper, paths: list[str]) -> None:
    below = [path_below(keeper.root_urls, path) if "://" in path else path for path in paths]
    # What lies elsewhere is somebody else's, whatever its name.
    kept = own.first_kept(path for path in below if "://" not in path)
    if kept is not None:
        raise InvalidInputError(
            f"The file {kept!r} belongs to the repository itself, and cannot be ingested where it lies; nothing was ingested."
        )


def register_collection(session: Session, name: str, type: CollectionType | str, *, doc: str | None = None) -> bool:
    """Make a collection unless it exists, in no place of the repository's own files; true if it was made.

    Raises
    ------
    ConflictingDefinitionError
        If it exists with another type.
    CollectionExpressionError
        If a new one cannot have the name.
    """
    collections = session.registry.collections
    if not collections.find_types([name]):
        refuse_own_place(session, name)
    return collections.register(name, type, doc=doc)


def refuse_own_place(session: Session, run: str) -> None:
    """Refuse a collection whose folder, if it is a run, would be where the repository's own files are: SQLite takes such a one for its journal.

    Raises
    ------
    CollectionExpressionError
        If its folder, or one above that, is named as the database or what belongs to it.
    """
    keeper = session.datastore
    if not isinstance(keeper, FileKeeper):
        return
    own = OwnFiles.of_session(session, keeper)
    # Receipts lie in the folder of the very name.
    if any(own.are_in_folder(folder) for folder in {run, folder_of_run(run)}):
        raise CollectionExpressionError(
            f"{run!r} is no name for a collection here: the repository itself keeps files in the folder of that name, or may."
        )
