# SPDX-License-Identifier: BSD-3-Clause
"""The final path of a file: readable text, write token, extension; and the rule that no path leaves the root.

A final path is used once, for ever. The write token (`pachon.datastore.write_token`) is what makes it so.
"""

from __future__ import annotations

import os
import stat

from pachon.datastore.errors import PathOutsideRootError

__all__ = ["check_inside", "check_stored_path", "cut_name", "final_path", "has_link"]

_NO_NAMES = frozenset(("", ".", ".."))
_LONGEST_NAME = 255
"""Bytes that a file system or object store takes in one part of a path."""


def final_path(readable: str, token: str, extension: str) -> str:
    """Join the readable text of a template, a write token and an extension.

    The readable part of the file name is cut where the name would be longer than file systems allow: the token, not
    the text, makes it unique.

    Raises
    ------
    PathOutsideRootError
        If a folder of the path is longer than file systems allow.
    """
    folder, slash, name = readable.rpartition("/")
    ending = f"-{token}{extension}"
    if len(readable) <= _LONGEST_NAME - len(ending) and readable.isascii() and ending.isascii():
        # No name can be too long of a text that is not.
        return f"{readable}{ending}"
    room = _LONGEST_NAME - len(ending.encode())
    name = cut_name(name, room)
    for part in folder.split("/"):
        if len(part.encode()) > _LONGEST_NAME:
            raise PathOutsideRootError(f"A folder of {readable!r} has a name of more than {_LONGEST_NAME} bytes.")
    return f"{folder}{slash}{name}{ending}"


def cut_name(name: str, most_bytes: int) -> str:
    """Give the beginning of a name that has so many bytes at most, whole characters only."""
    return name.encode()[:most_bytes].decode(errors="ignore")


def check_stored_path(path: str) -> None:
    """Refuse a stored path that is not plainly below the root: absolute text, ``..``, NUL.

    Raises
    ------
    PathOutsideRootError
        Says which path.
    """
    if not path or path.startswith("/") or "://" in path or ".." in path.split("/") or "\0" in path:
        raise PathOutsideRootError(f"The stored path {path!r} is not inside the root of the datastore.")


def check_inside(root: str, path: str, plain: set[str] | None = None) -> None:
    """Refuse a local path whose folder leads, by a link, outside the root.

    Parameters
    ----------
    root, path
        Absolute paths of the file system. The last part of ``path`` may itself be a link: ingest makes such.
    plain
        Folders that are known to be no links; those that are looked at are added. For many files at a time.

    Raises
    ------
    PathOutsideRootError
        Says where the path leads.
    """
    folder = path.rpartition("/")[0]
    if path.startswith(f"{root}/") and not has_link(root, folder, plain):
        return
    real_root, real_folder = os.path.realpath(root), os.path.realpath(folder)
    if real_folder != real_root and not real_folder.startswith(real_root.rstrip("/") + "/"):
        raise PathOutsideRootError(f"{path!r} leads out of the root of the datastore, to {real_folder!r}.")


def has_link(root: str, folder: str, plain: set[str] | None) -> bool:
    """Tell whether a folder below the root is reached through a link; most are not, and this is quick.

    ``plain`` is that of `check_inside`.
    """
    place = root
    try:
        for part in folder[len(root) + 1 :].split("/"):
            place = f"{place}/{part}"
            if part in _NO_NAMES:
                return folder != root
            if plain is None:
                if stat.S_ISLNK(os.lstat(place).st_mode):
                    return True
            elif place not in plain:
                if stat.S_ISLNK(os.lstat(place).st_mode):
                    return True
                plain.add(place)
    except (OSError, ValueError):
        # What is not there is no link, and nothing is below it.
        return False
    return False
