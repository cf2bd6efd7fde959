# SPDX-License-Identifier: BSD-3-Clause
"""A local copy of a file that may be anywhere."""

import contextlib
import os
import shutil
from collections.abc import Iterator

from pachon.resources.backend import CHUNK
from pachon.resources.errors import storage_errors
from pachon.resources.local_files import create_file, replace_file
from pachon.resources.location import Location
from pachon.resources.temporary import temporary_folder, temporary_name

__all__ = ["download", "local_copy"]


def download(source: Location, path: str, *, overwrite: bool, sync: bool) -> None:
    """Bring a file here, straight to its place, by the rules of new or of replaced files."""
    make = replace_file if overwrite else create_file
    with source.backend.open_reader(source.url) as content, storage_errors("written", path):
        make(path, lambda stream: shutil.copyfileobj(content, stream, CHUNK), sync=sync)


@contextlib.contextmanager
def local_copy(source: Location, folder: str | None = None) -> Iterator[tuple[str, bool]]:
    """Give a path of this machine with the content of a file, and whether it is a copy that may be taken away.

    Parameters
    ----------
    source
        The file. A local one is given as it is.
    folder
        Where a copy is made; default is the folder for temporary files. A copy that is still there at the end is removed.
    """
    source.require_file()
    if source.backend.local:
        yield source.ospath, source.temporary
        return
    path = os.path.join(folder or temporary_folder(), temporary_name(source.url.extension))
    try:
        download(source, path, overwrite=False, sync=False)
        yield path, True
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
