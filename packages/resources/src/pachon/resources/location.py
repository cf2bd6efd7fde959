# SPDX-License-Identifier: BSD-3-Clause
"""A URL together with its storage: what the verbs on files work on."""

from dataclasses import dataclass

from pachon.resources.backend import Backend
from pachon.resources.errors import ResourceIsDirectoryError
from pachon.resources.url import Url

__all__ = ["Location"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where a file or folder is."""

    url: Url
    backend: Backend
    temporary: bool = False
    """Whether the file is ours to move away or delete."""

    @property
    def ospath(self) -> str:
        """The path of this machine; only of a local location."""
        return self.url.unquoted_path

    def require_file(self) -> None:
        """Raise `ResourceIsDirectoryError` if the URL says that this is a folder."""
        if self.url.ends_as_folder:
            raise ResourceIsDirectoryError(f"{self.url.shown} is a folder; a file is needed.")
