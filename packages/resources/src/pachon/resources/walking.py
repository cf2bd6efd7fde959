# SPDX-License-Identifier: BSD-3-Clause
"""Walk through folders of any storage."""

import os
import re
from collections.abc import Iterator

from pachon.resources.errors import ResourceNotDirectoryError
from pachon.resources.location import Location
from pachon.resources.url import Url

__all__ = ["walk_location"]


def walk_location(
    place: Location, pattern: re.Pattern[str] | None, above: frozenset[str] = frozenset()
) -> Iterator[tuple[Url, list[str], list[str]]]:
    """Walk as `os.walk` does, top down and sorted; see `ResourcePath.walk`.

    Parameters
    ----------
    place, pattern
        The folder, and what to search for in the names of files.
    above
        Local folders that this one is in, without links; a link back to one of them is not followed.
    """
    if place.backend.local:
        real = os.path.realpath(place.ospath)
        if real in above:
            return
        above |= {real}
    found = place.backend.list_folder(place.url)
    if found is None:
        return
    folders, files = found
    chosen = [name for name in files if pattern is None or pattern.search(name)]
    yield place.url, folders, chosen
    path = place.url.unquoted_path
    for name in folders:
        below = place.url.with_path(f"{path.rstrip('/')}/{name}/")
        yield from walk_location(Location(url=below, backend=place.backend), pattern, above)


def require_folder(place: Location) -> None:
    """Raise if a location is a file."""
    info = place.backend.fetch_info(place.url)
    if info is not None and not info.is_directory:
        raise ResourceNotDirectoryError(f"{place.url.shown} is a file; a folder is needed.")
