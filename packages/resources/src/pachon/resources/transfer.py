# SPDX-License-Identifier: BSD-3-Clause
"""Bring a file to another place: copied, moved or linked.

A new file is made exclusively; what an operation created it removes if it fails. Nothing keeps a log to undo later: a caller
who gives up removes exactly the paths that it made.
"""

import errno
import os
from collections.abc import Callable
from typing import Literal, get_args

from pachon.base import InvalidInputError, closest
from pachon.resources.errors import (
    ResourceExistsError,
    ResourceNotFoundError,
    UnsupportedOperationError,
    storage_errors,
)
from pachon.resources.local_copy import download, local_copy
from pachon.resources.local_files import fsync_files, make_folders, new_sibling
from pachon.resources.location import Location

__all__ = ["TransferMode", "transfer"]

TransferMode = Literal["auto", "copy", "move", "link", "hardlink", "symlink", "relsymlink"]
"""``auto`` links a permanent local file to a local place and copies anything else; ``link`` is a hard link or, where
that is impossible, a symbolic one."""

LINKS = frozenset({"link", "hardlink", "symlink", "relsymlink"})

_NO_HARD_LINK = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


def transfer(target: Location, source: Location, mode: str, *, overwrite: bool, sync: bool) -> None:
    """Bring a file to a place; see `ResourcePath.transfer_from`."""
    if mode not in get_args(TransferMode):
        known = get_args(TransferMode)
        raise InvalidInputError(
            f"There is no transfer mode {mode!r}; modes are {', '.join(known)}.{closest(mode, known)}"
        )
    target.require_file()
    source.require_file()
    if _is_same(target, source):
        return
    mode = _choose(mode, target, source)
    if target.backend.local:
        _refuse_existing(target, overwrite=overwrite)
        if source.backend.local:
            _bring_local(target, source, mode, overwrite=overwrite, sync=sync)
        else:
            download(source, target.ospath, overwrite=overwrite, sync=sync)
            _remove_moved(source, mode)
        return
    if source.backend is target.backend:
        target.backend.copy(source.url, target.url, overwrite=overwrite)
    else:
        with local_copy(source) as (path, _), storage_errors("read", source.url):
            os.stat(path)
            target.backend.upload(path, target.url, overwrite=overwrite, sync=sync)
    _remove_moved(source, mode)


def _choose(mode: str, target: Location, source: Location) -> str:
    if mode == "auto":
        linkable = target.backend.local and source.backend.local and not source.temporary
        return "link" if linkable else "copy"
    if mode in LINKS and not (target.backend.local and source.backend.local):
        raise UnsupportedOperationError(
            f"{source.url.shown} cannot be brought to {target.url.shown} by {mode!r}: both must be local files. Say copy or auto."
        )
    return mode


def _is_same(target: Location, source: Location) -> bool:
    if target.url == source.url:
        return True
    if not (target.backend.local and source.backend.local) or source.temporary:
        return False
    try:
        return os.path.samefile(target.ospath, source.ospath)
    except OSError:
        return False


def _refuse_existing(target: Location, *, overwrite: bool) -> None:
    if not overwrite and os.path.lexists(target.ospath):
        raise ResourceExistsError(f"{target.url.shown} cannot be written: something of that name exists.")


def _remove_moved(source: Location, mode: str) -> None:
    if mode == "move":
        source.backend.remove(source.url)


def _bring_local(target: Location, source: Location, mode: str, *, overwrite: bool, sync: bool) -> None:
    path, real = target.ospath, os.path.realpath(source.ospath)
    if not os.path.exists(real):
        raise ResourceNotFoundError(f"{source.url.shown} cannot be brought to {target.url.shown}: it does not exist.")
    if mode == "copy":
        target.backend.upload(real, target.url, overwrite=overwrite, sync=sync)
        return
    with storage_errors("written", target.url):
        make_folders(os.path.dirname(path))
        if mode == "move":
            _move(target, source, real, overwrite=overwrite, sync=sync)
            return
        _place(path, lambda name: _link(real, name, path, mode), overwrite=overwrite)
        if sync:
            fsync_files([path])


def _move(target: Location, source: Location, real: str, *, overwrite: bool, sync: bool) -> None:
    path = target.ospath
    moved = False
    if not os.path.islink(source.ospath):
        try:
            # A hard link never replaces, which a rename would.
            _place(path, lambda name: os.link(real, name), overwrite=overwrite)
            moved = True
        except OSError as error:
            if error.errno not in _NO_HARD_LINK:
                raise
    if not moved:
        target.backend.upload(real, target.url, overwrite=overwrite, sync=sync)
    elif sync:
        fsync_files([path])
    os.unlink(source.ospath)


def _place(path: str, make: Callable[[str], object], *, overwrite: bool) -> None:
    """Make a name that must be new, or one beside that then takes the place."""
    if not overwrite:
        make(path)
        return
    with new_sibling(path) as sibling:
        make(sibling)
        os.replace(sibling, path)


def _link(real: str, name: str, path: str, mode: str) -> None:
    if mode == "relsymlink":
        os.symlink(os.path.relpath(real, os.path.realpath(os.path.dirname(path))), name)
    elif mode == "symlink":
        os.symlink(real, name)
    elif mode == "hardlink":
        os.link(real, name)
    else:
        try:
            os.link(real, name)
        except OSError as error:
            if error.errno not in _NO_HARD_LINK:
                raise
            os.symlink(real, name)
