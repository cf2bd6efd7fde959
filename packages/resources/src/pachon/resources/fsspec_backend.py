# SPDX-License-Identifier: BSD-3-Clause
"""Any storage that fsspec reaches."""

import io
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import Any, BinaryIO, cast

import fsspec

from pachon.base import PachonError, StorageError
from pachon.base.hidden_secrets import hide_secrets
from pachon.resources.backend import Backend, FoundFile, ResourceInfo
from pachon.resources.errors import ResourceExistsError, ResourceIsDirectoryError, storage_errors
from pachon.resources.url import Url

__all__ = [
    "FsspecBackend",
    "fsspec_errors",
    "make_filesystem",
    "open_any",
    "open_gs",
    "open_http",
    "open_memory",
    "plain_key",
]


def make_filesystem(protocol: str, extra: str, **options: Any) -> Any:
    """Make a file system of fsspec that caches neither itself nor its listings.

    Raises
    ------
    UnsupportedOperationError
        The library that fsspec needs for it is not installed; the message names the extra that brings it.
    """
    try:
        implementation = fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        with storage_errors("reached", f"Storage of scheme {protocol!r}"):
            raise ImportError(f"pip install 'pachon-resources[{extra}]' first ({error}).") from error
    return implementation(skip_instance_cache=True, use_listings_cache=False, **options)


@contextmanager
def fsspec_errors(verb: str, url: Url) -> Iterator[None]:
    """Turn whatever a storage library raises into our errors; these libraries share no root of their own."""
    with storage_errors(verb, url):
        try:
            yield
        except (PachonError, OSError, ImportError):
            raise
        except Exception as error:
            raise StorageError(
                f"{url.shown} cannot be {verb}: {type(error).__name__}: {hide_secrets(str(error))}"
            ) from error


def plain_key(url: Url) -> str:
    """Give the path by which most file systems of fsspec know a URL: host or bucket, and the decoded path."""
    return url.netloc + url.unquoted_path


class FsspecBackend(Backend):
    """A storage behind a file system of fsspec.

    Parameters
    ----------
    filesystem
        The file system; listing caches must be off.
    key
        Makes its path of a URL.
    creates_exclusively
        Whether ``mode="create"`` is one atomic step of the storage. Where it is not, a look and a write are made in one
        lock, which holds for the threads of this process only.
    has_folders
        Whether the folders above a new file must be made first. (Object stores would take that for making a bucket.)
    """

    def __init__(
        self,
        filesystem: Any,
        *,
        key: Callable[[Url], str] = plain_key,
        creates_exclusively: bool = False,
        has_folders: bool = False,
    ) -> None:
        self.filesystem = filesystem
        self._key = key
        self._creates_exclusively = creates_exclusively
        self._has_folders = has_folders
        self._creating = threading.Lock()

    def fetch_info(self, url: Url) -> ResourceInfo | None:
        with fsspec_errors("looked at", url):
            try:
                info = self.filesystem.info(self._key(url))
            except FileNotFoundError:
                return None
        return _as_info(info)

    def read(self, url: Url, offset: int = 0, size: int = -1) -> bytes:
        if size == 0:
            return b""
        with fsspec_errors("read", url):
            return bytes(
                self.filesystem.cat_file(self._key(url), start=offset or None, end=None if size < 0 else offset + size)
            )

    def open_reader(self, url: Url) -> BinaryIO:
        with fsspec_errors("read", url):
            return cast(BinaryIO, self.filesystem.open(self._key(url), "rb"))

    def create(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        self._put(url, lambda key, options: self.filesystem.pipe_file(key, data, **options), overwrite=False)

    def replace(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        self._put(url, lambda key, options: self.filesystem.pipe_file(key, data, **options), overwrite=True)

    def upload(self, source: str | os.PathLike[str], url: Url, *, overwrite: bool, sync: bool = True) -> None:
        def put(key: str, options: dict[str, Any]) -> None:
            self.filesystem.put_file(os.fspath(source), key, **options)

        self._put(url, put, overwrite=overwrite)

    def _put(self, url: Url, put: Callable[[str, dict[str, Any]], object], *, overwrite: bool) -> None:
        if url.ends_as_folder:
            raise ResourceIsDirectoryError(f"{url.shown} is a folder; a file is needed.")
        with fsspec_errors("written", url):
            self._make(url, put, overwrite=overwrite)

    def copy(self, source: Url, url: Url, *, overwrite: bool) -> None:
        with fsspec_errors("copied", source):
            # Not every storage takes a condition on a copy, so that one always goes by the lock.
            self._make(
                url,
                lambda key, options: self.filesystem.cp_file(self._key(source), key),
                overwrite=overwrite,
                conditional=False,
            )

    def _make(
        self, url: Url, put: Callable[[str, dict[str, Any]], object], *, overwrite: bool, conditional: bool = True
    ) -> None:
        key = self._key(url)
        if overwrite:
            self._with_folders(key, lambda: put(key, {}))
        elif self._creates_exclusively and conditional:
            self._with_folders(key, lambda: put(key, {"mode": "create"}))
        else:
            with self._creating:
                if self.filesystem.exists(key):
                    raise ResourceExistsError(f"{url.shown} cannot be written: something of that name exists.")
                self._with_folders(key, lambda: put(key, {}))

    def _with_folders(self, key: str, act: Callable[[], object]) -> None:
        """Act, and once more when the folders above have been made."""
        try:
            act()
        except FileNotFoundError:
            if not self._has_folders:
                raise
            self.filesystem.makedirs(key.rpartition("/")[0], exist_ok=True)
            act()

    def remove(self, url: Url) -> None:
        with fsspec_errors("removed", url):
            self.filesystem.rm_file(self._key(url))

    def list_folder(self, url: Url) -> tuple[list[str], list[str]] | None:
        key = self._key(url).rstrip("/")
        with fsspec_errors("listed", url):
            try:
                entries = self.filesystem.ls(key, detail=True)
            except FileNotFoundError:
                return None
        folders: list[str] = []
        files: list[str] = []
        for entry in entries:
            name = entry["name"].rstrip("/")
            # Object stores list the empty object that stands for the folder itself.
            if name.strip("/") != key.strip("/"):
                (folders if entry["type"] == "directory" else files).append(name.rpartition("/")[2])
        return (sorted(folders), sorted(files)) if folders or files else None

    def list_files(self, url: Url) -> Iterator[FoundFile]:
        # One listing of everything: asking for each file would be a request each.
        key = self._key(url).rstrip("/")
        with fsspec_errors("listed", url):
            found = self.filesystem.find(key, detail=True)
        start = key.strip("/") + "/"
        for name, entry in found.items():
            path = name.strip("/")
            if path.startswith(start) and path != start:
                yield FoundFile(path=path[len(start) :], info=_as_info(entry))


def _as_info(entry: Mapping[str, Any]) -> ResourceInfo:
    folder = entry["type"] == "directory"
    modified = entry.get("LastModified") or entry.get("mtime") or entry.get("created")
    if isinstance(modified, (int, float)):
        modified = datetime.fromtimestamp(modified, UTC)
    return ResourceInfo(
        size=0 if folder else int(entry.get("size") or 0),
        is_directory=folder,
        last_modified=modified if isinstance(modified, datetime) else None,
    )


class MemoryBackend(FsspecBackend):
    """The memory of this process, shared by all who name ``memory://``."""

    def open_reader(self, url: Url) -> BinaryIO:
        # fsspec hands the one stored buffer, with its position, to every reader.
        return io.BytesIO(self.read(url))


class _HttpBackend(FsspecBackend):
    """Files of web servers, for reading."""

    def create(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        raise self._cannot("written", url)

    def replace(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        raise self._cannot("written", url)

    def upload(self, source: str | os.PathLike[str], url: Url, *, overwrite: bool, sync: bool = True) -> None:
        raise self._cannot("written", url)

    def copy(self, source: Url, url: Url, *, overwrite: bool) -> None:
        raise self._cannot("copied", source)

    def remove(self, url: Url) -> None:
        raise self._cannot("removed", url)

    def list_folder(self, url: Url) -> tuple[list[str], list[str]] | None:
        raise self._cannot("listed", url)


@cache
def _memory() -> Backend:
    return MemoryBackend(make_filesystem("memory", "all"), key=lambda url: f"/{url.netloc}{url.unquoted_path}")


def open_memory(netloc: str) -> Backend:
    """Give the storage in memory, of which a process has one."""
    return _memory()


def open_gs(netloc: str) -> Backend:
    """Give Google's object store, with the credentials of the environment."""
    return FsspecBackend(make_filesystem("gs", "gs"), creates_exclusively=True)


def open_any(url: Url) -> Backend:
    """Give the storage of a scheme that only fsspec knows, with the options that its URLs carry."""
    start = f"{url.scheme}://{url.netloc}"
    with fsspec_errors("reached", url):
        filesystem, _ = fsspec.core.url_to_fs(f"{start}/", skip_instance_cache=True, use_listings_cache=False)
    return FsspecBackend(
        filesystem, key=lambda one: str(filesystem._strip_protocol(start + one.unquoted_path)), has_folders=True
    )


def open_http(netloc: str) -> Backend:
    """Give the web, for reading."""
    return _HttpBackend(make_filesystem("http", "http"), key=str)
