# SPDX-License-Identifier: BSD-3-Clause
"""Writing ``butler.yaml``: one that holds a password is for its owner alone, or for the group of a shared repository."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from typing import BinaryIO, Final

from pachon.resources import ResourcePath
from pachon.resources.errors import storage_errors
from pachon.resources.local_files import GROUP_FILE, GROUP_FOLDER, create_file, replace_file

__all__ = ["holds_password", "make_root_folder", "share_with_group", "write_config"]

_log = logging.getLogger(__name__)

_PASSWORD: Final = re.compile(r"""://[^/@:\s'"]*:[^/\s'"]+@|[?&](?:ssl)?password=[^&\s'"]""")
_OWNER_ONLY: Final = 0o600
_OTHERS: Final = 0o007


def holds_password(text: str) -> bool:
    """Tell whether a URL in a text holds a password."""
    return _PASSWORD.search(text) is not None


def write_config(
    place: ResourcePath, text: str, *, group_writable: bool = False, overwrite: bool = False, warn: bool = True
) -> None:
    """Write a configuration; if it holds a password, with a warning and readable by nobody else.

    Parameters
    ----------
    place
        Its file.
    text
        What it says.
    group_writable
        Let the group read and write it.
    overwrite
        Replace one that is there, and keep its mode, but for the rights of others if there is a password.
    warn
        Say it if there is a password.

    Raises
    ------
    FileExistsError
        If there is one that is not to be replaced.
    """
    secret = holds_password(text)
    data = text.encode()
    if secret and place.is_local:
        _write_secretly(place.ospath, data, overwrite=overwrite)
    else:
        place.write(data, overwrite=overwrite)
    if group_writable:
        share_with_group(place, secret=secret)
    if secret and warn:
        _log.warning(
            "%s holds a password in clear text%s. Better: leave it out of the URL, and let each user have it in ~/.pgpass, "
            "or in the environment variable PGPASSWORD.",
            place,
            " and can be read by its owner" + (" and group" if group_writable else "") + " only"
            if place.is_local
            else "",
        )


def make_root_folder(folder: ResourcePath, *, group_writable: bool) -> None:
    """Make the folder of a repository, or of its files, unless it is there; a group that shares the repository may write to it."""
    is_new = not folder.exists()
    folder.mkdir()
    if group_writable and is_new and folder.is_local:
        os.chmod(folder.ospath, GROUP_FOLDER)


def share_with_group(*files: ResourcePath | None, secret: bool = False) -> None:
    """Give the group its rights to files that this process made: the configuration, the database of SQLite.

    SQLite gives the files that it makes beside a database the rights of that. What is secret, others cannot read.
    """
    for file in files:
        if file is None or not file.is_local:
            continue
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.chmod(f"{file.ospath}{suffix}", GROUP_FILE & ~_OTHERS if secret else GROUP_FILE)


def _write_secretly(path: str, data: bytes, *, overwrite: bool) -> None:
    def fill(stream: BinaryIO) -> None:
        # Before the first byte: nobody may have it open when the password comes.
        os.fchmod(stream.fileno(), _OWNER_ONLY)
        stream.write(data)

    with storage_errors("written", path):
        if not overwrite:
            create_file(path, fill)
            return
        with contextlib.suppress(FileNotFoundError):
            os.chmod(path, os.stat(path).st_mode & 0o7777 & ~_OTHERS)
        replace_file(path, fill)
