# SPDX-License-Identifier: BSD-3-Clause
"""What a storage must be able to do: the interface of the plug-ins of group ``pachon.resources``."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, ClassVar

from pachon.resources.errors import UnsupportedOperationError
from pachon.resources.url import Url

__all__ = ["Backend", "FoundFile", "ResourceInfo"]

CHUNK = 4 * 1024 * 1024
"""Bytes that are moved at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceInfo:
    """What a storage says about a file or folder."""

    size: int
    """Bytes; 0 for a folder."""
    is_directory: bool
    last_modified: datetime | None = None
    """In UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that was found in a folder."""

    path: str
    """Below that folder, decoded, parts separated by ``/``."""
    info: ResourceInfo


class Backend(ABC):
    """One storage, reached by URLs of a scheme; it keeps its clients and is shared by threads.

    Methods raise the errors of `pachon.resources.errors`. What a storage cannot do it need not implement: the defaults
    say so by `UnsupportedOperationError`.
    """

    local: ClassVar[bool] = False
    """Whether URLs are paths of this machine."""

    @abstractmethod
    def fetch_info(self, url: Url) -> ResourceInfo | None:
        """Give size and kind, or None if there is nothing."""

    @abstractmethod
    def read(self, url: Url, offset: int = 0, size: int = -1) -> bytes:
        """Read ``size`` bytes from ``offset`` on, less at the end of the file; all the rest if ``size`` is negative."""

    @abstractmethod
    def open_reader(self, url: Url) -> BinaryIO:
        """Open for reading; the handle can seek."""

    def create(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        """Make a new file, never touching one that exists; it is on the medium on return if ``sync``."""
        raise self._cannot("written", url)

    def replace(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        """Make or replace a file, so that a reader sees the old or the new one, whole."""
        raise self._cannot("written", url)

    def upload(self, source: str | os.PathLike[str], url: Url, *, overwrite: bool, sync: bool = True) -> None:
        """Make or replace a file from a local one, by the rules of `create` or `replace`."""
        raise self._cannot("written", url)

    def copy(self, source: Url, url: Url, *, overwrite: bool) -> None:
        """Copy inside the storage, without the bytes passing here."""
        raise self._cannot("copied", source)

    def remove(self, url: Url) -> None:
        """Remove one file. A storage that cannot tell whether it was there says nothing."""
        raise self._cannot("removed", url)

    def make_folder(self, url: Url) -> None:  # noqa: B027 (object stores have nothing to do)
        """Make a folder and its parents, if the storage has folders."""

    def list_folder(self, url: Url) -> tuple[list[str], list[str]] | None:
        """Give the bare names of the folders and the files in a folder, sorted; None if it does not exist."""
        raise self._cannot("listed", url)

    def list_files(self, url: Url) -> Iterator[FoundFile]:
        """Give all files in a folder and those below it."""
        below = url.unquoted_path.rstrip("/") + "/"
        pending = [""]
        while pending:
            folder = pending.pop()
            folders, files = self.list_folder(url.with_path(f"{below}{folder}")) or ((), ())
            pending.extend(f"{folder}{name}/" for name in folders)
            for name in files:
                info = self.fetch_info(url.with_path(f"{below}{folder}{name}"))
                if info is not None:
                    yield FoundFile(path=f"{folder}{name}", info=info)

    def _cannot(self, verb: str, url: Url) -> UnsupportedOperationError:
        return UnsupportedOperationError(
            f"{url.shown} cannot be {verb}: storage of scheme {url.scheme!r} does not allow it."
        )
