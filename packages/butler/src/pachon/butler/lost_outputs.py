# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of a quantum graph that a repair has put aside: nobody finds them where the graph says that they are."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from pachon.datastore.stored_listing import LOST_FOLDER
from pachon.resources import ResourcePath

__all__ = ["LostOutputs"]

_log = logging.getLogger(__name__)


class LostOutputs:
    """What lies in ``.lost+found``, listed when it is first asked for, and which outputs of a graph are among it."""

    def __init__(self, root: ResourcePath) -> None:
        self._root = ResourcePath(root, force_directory=True)
        self._folder = self._root.join(f"{LOST_FOLDER}/")
        self._listed: dict[str, str] | None = None
        self._found: dict[str, str] = {}

    def look_for(self, paths: Iterable[str]) -> None:
        """Note those of some paths, below the root, at which nothing is, that were put aside."""
        if self._listed is None:
            self._listed = self._list()
        if self._listed:
            self._found |= {path: self._listed[path] for path in paths if path in self._listed}

    def warn(self) -> None:
        """Say it in one message, if there is anything to be said."""
        if not self._found:
            return
        path, place = next(iter(self._found.items()))
        count = len(self._found)
        _log.warning(
            "%s of the graph %s not registered: a repair ('butler fsck --repair') moved %s to %s in %s. "
            "Move %s back, %s to %s, and transfer again.",
            "1 output" if count == 1 else f"{count} outputs",
            "was" if count == 1 else "were",
            "its file" if count == 1 else "their files",
            LOST_FOLDER,
            self._root.ospath if self._root.is_local else self._root,
            "it" if count == 1 else "them",
            f"{'' if count == 1 else 'for example '}{LOST_FOLDER}/{place}",
            path,
        )

    def _list(self) -> dict[str, str]:
        """Give for each path that files in the folder had where the last of them is, below the folder."""
        if not self._folder.exists():
            return {}
        found: dict[str, str] = {}
        for place, _, names in self._folder.walk():
            below = place.relative_to(self._folder) or "."
            # The first folder says when; those of the path follow.
            when, _, folders = below.rstrip("/").partition("/")
            for name in names:
                path = f"{folders}/{name}" if folders else name
                found[path] = max(found.get(path, ""), f"{when}/{path}")
        return found
