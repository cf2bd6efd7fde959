# SPDX-License-Identifier: BSD-3-Clause
"""Files inside installed Python packages, for reading: ``resource://package.name/path``.

The packages are found, never imported: a stored row or a file may name any package, and must not be able to run its code.
"""

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from importlib.readers import MultiplexedPath
from importlib.resources.abc import Traversable
from pathlib import Path
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
        files = _package_files(self.package)
        parts = [part for part in url.unquoted_path.split("/") if part]
        if files is None or ".." in parts:
            return None
        for part in parts:
            files = files.joinpath(part)
        return files

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
            raise ResourceNotFoundError(f"{url.shown} cannot be read: there is no package {self.package!r}.")
        with storage_errors("read", url):
            return cast(BinaryIO, found.open("rb"))

    def list_folder(self, url: Url) -> tuple[list[str], list[str]] | None:
        found = self._find(url)
        if found is None or not found.is_dir():
            return None
        entries = [entry for entry in found.iterdir() if entry.name != "__pycache__"]
        folders = sorted(entry.name for entry in entries if entry.is_dir())
        return folders, sorted(entry.name for entry in entries if not entry.is_dir())


def _package_files(package: str) -> Traversable | None:
    """Give the folder of a package, which is not imported; None if there is none."""
    top, *below = package.split(".")
    try:
        spec = importlib.util.find_spec(top)  # of a name without dots nothing is imported
    except (ModuleNotFoundError, ValueError):
        return None
    if spec is None or spec.submodule_search_locations is None:
        return None
    name, places = top, list(spec.submodule_search_locations)
    for part in below:
        name = f"{name}.{part}"
        spec = _find_below(name, places)
        if spec is None or spec.submodule_search_locations is None:
            return None
        places = _folders(places, part) if spec.origin is None else list(spec.submodule_search_locations)
    if spec.origin is None:
        return MultiplexedPath(*map(Path, places)) if places else None
    reader = getattr(spec.loader, "get_resource_reader", lambda _: None)(name)
    files: Traversable | None = None if reader is None else reader.files()
    return files


def _find_below(name: str, places: Sequence[str]) -> ModuleSpec | None:
    """Find a module in the folders of its package, as an import would."""
    for finder in sys.meta_path:
        try:
            spec = finder.find_spec(name, places)
        except KeyError:
            # A namespace: Python asks the parent for its folders, and it was not imported.
            return ModuleSpec(name, None, is_package=True)
        if spec is not None:
            return spec
    return None


def _folders(places: Sequence[str], part: str) -> list[str]:
    found = [os.path.join(place, part) for place in places]
    return [folder for folder in found if os.path.isdir(folder)]
