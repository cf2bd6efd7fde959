# SPDX-License-Identifier: BSD-3-Clause
"""The configuration of a repository that is not opened: its database may have the tables of another version."""

from __future__ import annotations

from typing import Any

import yaml

from pachon.base import NotFoundError
from pachon.base.utf8 import decode_text
from pachon.butler.errors import RepositoryNotFoundError
from pachon.butler.repository_config import RepositoryConfig, replace_root
from pachon.butler.repository_location import RepositoryLocation, folder_text, locate_repository
from pachon.resources import ResourcePath

__all__ = ["database_url", "read_repository"]


def read_repository(root: str | ResourcePath) -> tuple[RepositoryLocation, str, dict[str, Any]]:
    """Give where a repository is, the URL of its database, and its configuration as it is written.

    Raises
    ------
    RepositoryNotFoundError
        If there is none.
    """
    location = locate_repository(root)
    try:
        text = decode_text(location.config.read(), str(location.config))
    except NotFoundError as error:
        raise RepositoryNotFoundError(str(location.folder)) from error
    config = RepositoryConfig.from_text(text, str(location.config))
    return location, database_url(location, config), yaml.safe_load(text)


def database_url(location: RepositoryLocation, config: RepositoryConfig) -> str:
    """Give the URL of the database, with the root in it."""
    folder = location.folder if config.root is None else ResourcePath(config.root, force_directory=True)
    return replace_root(config.database_url, folder_text(folder))
