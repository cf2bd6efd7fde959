# SPDX-License-Identifier: BSD-3-Clause
"""Sizes of many files in an object store: a listing of a folder tells of a thousand in one request."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pachon.base import NotFoundError, PachonError
from pachon.resources import ResourcePath
from pachon.resources.bulk import worker_count

__all__ = ["remote_sizes"]

_log = logging.getLogger(__name__)

_LISTED = 8
"""Files of a folder from which on it is listed."""
_LEVELS = 3
"""How far above a file the listed folder may be: further up may lie a thousand times what is wanted."""


def remote_sizes(files: Mapping[str, ResourcePath]) -> dict[str, int | None]:
    """Give the bytes of files by the same names; None for those that are not there.

    Raises
    ------
    PachonError
        The storage failed: nothing is known of some file.
    """
    folders, single = _folders(files)
    with ThreadPoolExecutor(worker_count()) as threads:
        found: dict[str, int | None] = {}
        listings = threads.map(_listed, folders)
        for (folder, names), sizes in zip(folders.items(), listings, strict=True):
            if sizes is None:
                single.extend(names)
            else:
                start = folder.unquoted_path
                found.update((name, sizes.get(files[name].unquoted_path.removeprefix(start))) for name in names)
        found.update(zip(single, threads.map(_size, [files[name] for name in single]), strict=True))
    return found


def _folders(files: Mapping[str, ResourcePath]) -> tuple[dict[ResourcePath, list[str]], list[str]]:
    """Give the folders to be listed with the names of the wanted files in each, and the files that are asked for one by one."""
    chosen: dict[ResourcePath, list[str]] = {}
    left: dict[ResourcePath, list[str]] = {}
    for name, place in files.items():
        left.setdefault(place.dirname(), []).append(name)
    for _ in range(_LEVELS):
        above: dict[ResourcePath, list[str]] = {}
        for folder, names in left.items():
            if len(names) >= _LISTED:
                chosen.setdefault(folder, []).extend(names)
            else:
                above.setdefault(folder.parent(), []).extend(names)
        left = above
    return chosen, [name for names in left.values() for name in names]


def _listed(folder: ResourcePath) -> dict[str, int] | None:
    """Give the sizes of all files in a folder and below, by their paths there; None if it cannot be listed."""
    try:
        return {item.path: item.info.size for item in folder.list_files() if not item.info.is_directory}
    except PachonError as error:
        # Who may read files may perhaps not list them.
        _log.debug("%s cannot be listed: %s", folder, error)
        return None


def _size(place: ResourcePath) -> int | None:
    try:
        found = place.info()
    except NotFoundError:
        return None
    return None if found.is_directory else found.size
