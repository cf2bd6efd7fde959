# SPDX-License-Identifier: BSD-3-Clause
"""Find raw files below the places that a user names."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pachon.base import InvalidInputError, NotFoundError
from pachon.obs_base.path_text import path_text
from pachon.resources import ResourcePath

__all__ = ["RAW_FILE_PATTERN", "find_raw_files"]

RAW_FILE_PATTERN = r"\.fit[s]?\b"
"""Default pattern, searched in file names: ``.fits``, ``.fit``, ``.fits.fz``, ``.fits.gz``."""


def find_raw_files(
    locations: Iterable[str | ResourcePath], pattern: str = RAW_FILE_PATTERN
) -> list[list[ResourcePath]]:
    """Give groups of files: those that are named themselves, then one group a folder.

    Parameters
    ----------
    locations
        Files (taken as they are) and folders (searched, those below too).
    pattern
        Regular expression that is searched in the names of files in folders.

    Raises
    ------
    NotFoundError
        If a location does not exist.
    InvalidInputError
        If the pattern is no regular expression.
    """
    try:
        regex = re.compile(pattern)
    except re.error as error:
        raise InvalidInputError(f"{pattern!r} is no regular expression: {error}.") from error
    named: list[ResourcePath] = []
    groups: list[list[ResourcePath]] = []
    seen: set[ResourcePath] = set()
    for location in locations:
        uri = ResourcePath(location)
        if not uri.exists():
            raise NotFoundError(f"{path_text(uri)} does not exist.")
        if not uri.isdir():
            if uri not in seen:
                named.append(uri)
                seen.add(uri)
            continue
        for folder, _, names in uri.walk(regex):
            files = [folder.join(name, force_directory=False) for name in names]
            fresh = [file for file in files if file not in seen]
            seen.update(fresh)
            if fresh:
                groups.append(fresh)
    return [named, *groups] if named else groups
