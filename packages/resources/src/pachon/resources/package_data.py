# SPDX-License-Identifier: BSD-3-Clause
"""Files inside installed Python packages, for reading: ``resource://package.name/path``."""

import importlib.resources
import importlib.util
from importlib.resources.abc import Traversable
from typing import BinaryIO, cast

from pachon.resources.backend import Backend, ResourceInfo
from pachon.resources.errors import ResourceNotFoundError, storage_errors
from pachon.resources.url import Url

__all__ = ["PackageBackend"]


class PackageBackend(Backend):
    """The data of one package."""

    def __init__(self, package: str) -> None:
        self.package = package

    @classmethod
    def open(cls, netloc: str) -> "PackageBackend":
        """Give the data of the package that a URL names."""
        return cls(netloc)

    def _find(self, url: Url) -> Traversable | None:
        try:
            if importlib.util.find_spec(self.package) is None:
                return None
        except (ModuleNotFoundError, ValueError):
            return None
        parts = [part for part in url.unquoted_path.split("/") if part]
        return importlib.resources.files(self.package).joinpath(*parts)

    def fetch_info(self, url: Url) -> ResourceInfo | None:
        found = self._find(url)
        if found is None:
            return None
        if found.is_dir():
            return ResourceInfo(size=0, is_directory=True)
        if not found.is_file():
            return None
        with self.open_reader(url) as stream:
            return ResourceInfo(size=stream.seek(0, 2), is_directory=False)

    def read(self, url: Url, offset: int = 0, size: int = -1) -> bytes:
        with self.open_reader(url) as stream:
            stream.seek(offset)
            return stream.read(size)

    def open_reader(self, url: Url) -> BinaryIO:
        found = self._find(url)
        if found is None:
            raise ResourceNotFoundError(f"{url} cannot be read: there is no package {self.package!r}.")
        with storage_errors("read", url):
            return cast(BinaryIO, found.open("rb"))

    def list_folder(self, url: Url) -> tuple[list[str], list[str]] | None:
        found = self._find(url)
        if found is None or not found.is_dir():
            return None
        entries = [entry for entry in found.iterdir() if entry.name != "__pycache__"]
        folders = sorted(entry.name for entry in entries if entry.is_dir())
        return folders, sorted(entry.name for entry in entries if not entry.is_dir())
