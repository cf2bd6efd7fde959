# SPDX-License-Identifier: BSD-3-Clause
"""The file system of this machine as a storage."""

import os
import shutil
import stat
from datetime import UTC, datetime
from typing import BinaryIO, ClassVar

from pachon.resources.backend import CHUNK, Backend, ResourceInfo
from pachon.resources.errors import ResourceIsDirectoryError, storage_errors
from pachon.resources.local_files import create_file, make_folders, replace_file
from pachon.resources.url import Url

__all__ = ["LOCAL", "LocalBackend"]


class LocalBackend(Backend):
    """Files of this machine; symbolic links are followed."""

    local: ClassVar[bool] = True

    @classmethod
    def open(cls, netloc: str) -> "LocalBackend":
        """Give the one local storage."""
        return LOCAL

    def fetch_info(self, url: Url) -> ResourceInfo | None:
        with storage_errors("looked at", url):
            try:
                status = os.stat(url.unquoted_path)
            except (FileNotFoundError, NotADirectoryError):
                return None
        folder = stat.S_ISDIR(status.st_mode)
        modified = datetime.fromtimestamp(status.st_mtime, UTC)
        return ResourceInfo(size=0 if folder else status.st_size, is_directory=folder, last_modified=modified)

    def read(self, url: Url, offset: int = 0, size: int = -1) -> bytes:
        with storage_errors("read", url), open(url.unquoted_path, "rb", buffering=0) as stream:
            if offset:
                stream.seek(offset)
            if size < 0:
                return stream.read()
            chunks: list[bytes] = []
            while size > 0 and (chunk := stream.read(size)):
                chunks.append(chunk)
                size -= len(chunk)
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def open_reader(self, url: Url) -> BinaryIO:
        with storage_errors("read", url):
            return open(url.unquoted_path, "rb")

    def create(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        with storage_errors("written", url):
            create_file(_file(url), data, sync=sync)

    def replace(self, url: Url, data: bytes, *, sync: bool = True) -> None:
        with storage_errors("written", url):
            replace_file(_file(url), lambda stream: stream.write(data), sync=sync)

    def upload(self, source: str | os.PathLike[str], url: Url, *, overwrite: bool, sync: bool = True) -> None:
        make = replace_file if overwrite else create_file
        with storage_errors("written", url), open(source, "rb") as content:
            make(_file(url), lambda stream: shutil.copyfileobj(content, stream, CHUNK), sync=sync)

    def copy(self, source: Url, url: Url, *, overwrite: bool) -> None:
        self.upload(source.unquoted_path, url, overwrite=overwrite)

    def remove(self, url: Url) -> None:
        with storage_errors("removed", url):
            os.unlink(_file(url))

    def make_folder(self, url: Url) -> None:
        with storage_errors("made", url):
            make_folders(url.unquoted_path.rstrip("/") or "/")

    def list_folder(self, url: Url) -> tuple[list[str], list[str]] | None:
        folders: list[str] = []
        files: list[str] = []
        with storage_errors("listed", url):
            try:
                with os.scandir(url.unquoted_path) as entries:
                    for entry in entries:
                        (folders if entry.is_dir() else files).append(entry.name)
            except FileNotFoundError:
                return None
        return sorted(folders), sorted(files)


def _file(url: Url) -> str:
    if url.ends_as_folder:
        raise ResourceIsDirectoryError(f"{url.shown} is a folder; a file is needed.")
    return url.unquoted_path


LOCAL = LocalBackend()
"""The one instance: it has no state."""
