# SPDX-License-Identifier: BSD-3-Clause
"""Where the files of a repository are, by its configuration: nothing else is opened for it."""

from __future__ import annotations

from pachon.butler.repository_config import RepositoryConfig
from pachon.butler.repository_location import RepositoryLocation
from pachon.datastore import BUTLER_ROOT
from pachon.resources import ResourcePath

__all__ = ["files_root"]


def files_root(location: RepositoryLocation, config: RepositoryConfig) -> ResourcePath:
    """Give the root of the datastore of a repository; of one that keeps no files, its folder."""
    folder = location.folder if config.root is None else ResourcePath(config.root, force_directory=True)
    root = str(config.datastore.to_document().get("root", BUTLER_ROOT))
    if not root.startswith(BUTLER_ROOT):
        return ResourcePath(root, root=folder, force_directory=True)
    rest = root.removeprefix(BUTLER_ROOT).lstrip("/")
    return folder.join_inside(rest) if rest else folder
