# SPDX-License-Identifier: BSD-3-Clause
"""From what a user calls a repository to its folder and its ``butler.yaml``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote

from pachon.base import InvalidInputError, PachonError
from pachon.butler.errors import RepositoryNotFoundError
from pachon.butler.repository_index import read_index
from pachon.resources import ResourcePath
from pachon.resources.errors import ResourcePermissionError

__all__ = [
    "CONFIG_NAME",
    "RepositoryLocation",
    "absolute_database",
    "as_resource",
    "folder_text",
    "has_repository",
    "locate_repository",
    "sqlite_file",
]

CONFIG_NAME: Final = "butler.yaml"
_CONFIG_SUFFIXES: Final = (".yaml", ".yml")


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryLocation:
    """Where a repository is."""

    folder: ResourcePath
    config: ResourcePath
    """Its ``butler.yaml``, or another file that was named."""
    label: str | None = None
    """The label by which it was found."""


def locate_repository(root: str | os.PathLike[str] | ResourcePath, *, must_exist: bool = True) -> RepositoryLocation:
    """Find a repository by path, URI, configuration file or label; a label wins over a folder of the same name.

    Raises
    ------
    RepositoryNotFoundError
        If there is none; the message lists the known labels, or says why the index could not be read.
    ResourcePermissionError
        If this user may not look.
    """
    if isinstance(root, ResourcePath):
        location = _at(root, None)
        hint = ""
    else:
        index = read_index()
        name = os.fspath(root)
        labelled = index.labels.get(name)
        location = _at(as_resource(labelled if labelled is not None else name), name if labelled is not None else None)
        hint = index.describe()
    if must_exist and not _exists(location.config):
        _refuse_forbidden(location.config)
        raise RepositoryNotFoundError(str(root), hint)
    return location


def as_resource(root: str | os.PathLike[str] | ResourcePath) -> ResourcePath:
    """Give the place of a path or URI; in a path of this machine ``#``, ``%`` and ``?`` are plain characters."""
    if isinstance(root, ResourcePath):
        return root
    root = os.fspath(root)
    if "://" in root or root.startswith("file:"):
        return ResourcePath(root)
    path = os.path.abspath(os.path.expandvars(os.path.expanduser(root)))
    return ResourcePath(f"file://{quote(path)}", force_directory=True if root.endswith("/") else None)


def has_repository(root: str | os.PathLike[str] | ResourcePath) -> bool:
    """Tell whether a path or label names a repository; nothing is opened."""
    return _exists(locate_repository(root, must_exist=False).config)


def folder_text(folder: ResourcePath) -> str:
    """Give a folder as it stands for ``<butlerRoot>``: a path of this machine, or a URI; no slash at the end."""
    return (folder.ospath if folder.is_local else str(folder)).rstrip("/")


def sqlite_file(url: str) -> ResourcePath | None:
    """Give the file of a database URL of SQLite, None for another database.

    Raises
    ------
    InvalidInputError
        If the database is in memory.
    """
    scheme, marker, path = url.partition(":///")
    if not scheme.startswith("sqlite"):
        return None
    path = path.partition("?")[0]
    if not marker or not path or path == ":memory:":
        raise InvalidInputError("A repository needs a database file; SQLite in memory cannot hold one.")
    return as_resource(unquote(path))


def absolute_database(url: str) -> str:
    """Give a database URL as it can be written down: a relative path of SQLite is one below the current folder, which changes."""
    scheme, marker, rest = url.partition(":///")
    if not scheme.startswith("sqlite") or rest.startswith(("/", "<", ":")) or sqlite_file(url) is None:
        return url
    path, question, query = rest.partition("?")
    return f"{scheme}{marker}{quote(as_resource(unquote(path)).ospath)}{question}{query}"


def _at(place: ResourcePath, label: str | None) -> RepositoryLocation:
    if place.extension in _CONFIG_SUFFIXES and not (place.is_local and place.isdir()):
        return RepositoryLocation(folder=place.dirname(), config=place, label=label)
    folder = ResourcePath(place, force_directory=True)
    return RepositoryLocation(folder=folder, config=folder.join(CONFIG_NAME), label=label)


def _exists(config: ResourcePath) -> bool:
    try:
        return config.exists()
    except PachonError:
        # A part of the path is a file, say: then there is no repository.
        return False


def _refuse_forbidden(config: ResourcePath) -> None:
    """Say so if it is not known whether there is a repository, as this user may not look."""
    if not config.is_local:
        return
    try:
        os.stat(config.ospath)
    except PermissionError as error:
        raise ResourcePermissionError(f"{config.ospath} cannot be looked at: permission denied.") from error
    except OSError:
        return
