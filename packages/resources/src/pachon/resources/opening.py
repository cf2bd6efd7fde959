# SPDX-License-Identifier: BSD-3-Clause
"""Open files anywhere, so that a write that fails leaves nothing."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from typing import IO, Any

from pachon.base import InvalidInputError
from pachon.resources.errors import ResourceExistsError, UnsupportedOperationError, storage_errors
from pachon.resources.folder_sync import sync_folder
from pachon.resources.local_files import keep_mode, make_folders, new_sibling
from pachon.resources.location import Location
from pachon.resources.temporary import temporary_folder

__all__ = ["open_location"]

MODES = frozenset({"r", "w", "x", "a", "r+", "w+", "x+", "a+"})


@contextlib.contextmanager
def open_location(place: Location, mode: str, encoding: str | None) -> Iterator[IO[Any]]:
    """Open a file; see `ResourcePath.open`."""
    place.require_file()
    text = "b" not in mode
    kind = mode.replace("b", "").replace("t", "")
    if kind not in MODES or ("b" in mode and "t" in mode):
        raise InvalidInputError(f"There is no way {mode!r} to open a file.")
    if text and encoding is None:
        encoding = "utf-8"
    if kind == "r":
        with place.backend.open_reader(place.url) as stream:
            yield io.TextIOWrapper(stream, encoding=encoding) if text else stream
    elif kind[0] in "wx":
        opened = _write_locally if place.backend.local else _write_elsewhere
        with opened(place, exclusive=kind[0] == "x") as stream:
            if text:
                wrapper = io.TextIOWrapper(stream, encoding=encoding, write_through=True)
                yield wrapper
                wrapper.detach()
            else:
                yield stream
    elif place.backend.local:
        with storage_errors("opened", place.url):
            changed = open(place.ospath, mode, encoding=encoding)  # noqa: SIM115 (closed by the next statement)
        with changed:
            yield changed
    else:
        raise UnsupportedOperationError(
            f"{place.url.shown} cannot be opened with mode {mode!r}: only local files can be changed."
        )


@contextlib.contextmanager
def _write_locally(place: Location, *, exclusive: bool) -> Iterator[Any]:
    path = place.ospath
    if exclusive and os.path.lexists(path):
        raise ResourceExistsError(f"{place.url.shown} cannot be written: something of that name exists.")
    # Only our own steps: what the caller's body raises is the caller's.
    with storage_errors("written", place.url):
        make_folders(os.path.dirname(path))
    with new_sibling(path) as sibling:
        with storage_errors("written", place.url):
            stream = open(sibling, "x+b")  # noqa: SIM115 (closed by the next statement)
        with stream:
            yield stream
            with storage_errors("written", place.url):
                stream.flush()
                os.fsync(stream.fileno())
        with storage_errors("written", place.url):
            if exclusive:
                os.link(sibling, path)
            else:
                keep_mode(path, sibling)
                os.replace(sibling, path)
            sync_folder(os.path.dirname(path))


@contextlib.contextmanager
def _write_elsewhere(place: Location, *, exclusive: bool) -> Iterator[Any]:
    with tempfile.NamedTemporaryFile(dir=temporary_folder(), suffix=place.url.extension) as stream:
        yield stream
        stream.flush()
        place.backend.upload(stream.name, place.url, overwrite=not exclusive)
