# SPDX-License-Identifier: BSD-3-Clause
"""After a repository was moved: what names its old place gets the new one.

A repository with the usual configuration names no place: its rows hold paths below the root. Three things may: settings in
``butler.yaml``, and rows of files that were ingested where they lie (``direct``), or are in the trash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Any
from urllib.parse import quote, unquote

import yaml

from pachon.base import InvalidInputError, NotFoundError
from pachon.base.utf8 import decode_text
from pachon.butler.defaults import Defaults
from pachon.butler.repository_config import RepositoryConfig
from pachon.butler.repository_location import RepositoryLocation, as_resource, folder_text, locate_repository
from pachon.butler.repository_opening import open_session
from pachon.resources import ResourcePath

__all__ = ["Relocation", "relocate_repository"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Relocation:
    """What was changed, or would be."""

    settings: tuple[tuple[str, str, str], ...]
    """Key, old and new text of settings in ``butler.yaml``."""
    rows: int
    """Rows of files that named the old place."""
    elsewhere: int
    """Rows of files that name another place, and stay as they are."""
    elsewhere_below: tuple[str, ...] = ()
    """Folders that hold these files, or folders above them."""


def relocate_repository(
    root: str | ResourcePath,
    *,
    from_: str | None = None,
    to: str | None = None,
    dry_run: bool = False,
) -> Relocation:
    """Put the new place of a repository, or of files that it refers to, where it names the old one.

    Parameters
    ----------
    root
        The repository, where it is now.
    from_
        The folder whose place changed: path or URI, as it was. Without it nothing is changed, only counted.
    to
        Where that folder is now; by default that of the repository.
    dry_run
        Only say what would be changed.

    Raises
    ------
    RepositoryNotFoundError
        If there is no repository.
    InvalidInputError
        If both places are the same, or only the new one is given.
    NotFoundError
        If there is no folder at the new place, which is one of this machine.
    """
    if from_ is None and to is not None:
        raise InvalidInputError("to=... says where a folder is now; say in from_ where it was.")
    location = locate_repository(root)
    old = None if from_ is None else _text(from_)
    new = folder_text(location.folder) if to is None else _text(to)
    if old == new:
        raise InvalidInputError(f"{old} is both the old place and the new one; say in from_ where it was.")
    if old is not None:
        _check_there(new)
    settings = () if old is None else tuple(_change_settings(location, old, new, dry_run=dry_run))
    if dry_run and settings:
        # It cannot be opened as it is, so its rows cannot be counted.
        return Relocation(settings=settings, rows=0, elsewhere=0)
    with open_session(
        location, Defaults.make(collections=None, run=None, data_id={}), writeable=old is not None and not dry_run
    ) as session:
        rows, elsewhere, folders = session.records.relocate(*_prefixes(old, new), dry_run=dry_run or old is None)
    return Relocation(settings=settings, rows=rows, elsewhere=elsewhere, elsewhere_below=_joined(folders))


def _joined(folders: Iterable[str]) -> tuple[str, ...]:
    """Give for each scheme and host the folder that all of these are in, as people write it."""
    groups: dict[str, list[str]] = {}
    for folder in folders:
        scheme, marker, rest = folder.partition("://")
        host, _, path = rest.partition("/") if marker else ("", "", folder.removeprefix("/"))
        groups.setdefault("/" if scheme == "file" or not marker else f"{scheme}://{host}/", []).append(unquote(path))
    return tuple(sorted(f"{start}{_common(paths)}" for start, paths in groups.items()))


def _common(paths: list[str]) -> str:
    return "/".join(
        part
        for part, *_ in takewhile(lambda parts: len(set(parts)) == 1, zip(*(p.split("/") for p in paths), strict=False))
    )


def _check_there(place: str) -> None:
    folder = as_resource(place)
    if folder.is_local and not folder.isdir():
        raise NotFoundError(
            f"There is no folder {folder.ospath}: move the files there first, or say another place (to=...)."
        )


def _change_settings(
    location: RepositoryLocation, old: str, new: str, *, dry_run: bool
) -> Iterator[tuple[str, str, str]]:
    text = decode_text(location.config.read(), str(location.config))
    RepositoryConfig.from_text(text, str(location.config))  # refuses what is no configuration of ours
    document: dict[str, Any] = yaml.safe_load(text)
    changes: list[tuple[str, str, str]] = []
    for section, key in ((document, "root"), (document.get("database"), "url"), (document.get("datastore"), "root")):
        if not isinstance(section, dict) or not isinstance(section.get(key), str):
            continue
        before = section[key]
        section[key] = _replaced(before, old, new)
        if section[key] != before:
            name = key if section is document else f"{'database' if key == 'url' else 'datastore'}.{key}"
            changes.append((name, before, section[key]))
    if changes and not dry_run:
        changed = RepositoryConfig.from_document(document, str(location.config))
        location.config.write(changed.to_text().encode(), overwrite=True)
    yield from changes


def _replaced(text: str, old: str, new: str) -> str:
    """Put the new place into a setting: a path, a URI, or the URL of a SQLite file."""
    scheme, marker, path = text.partition(":///") if text.startswith("sqlite") else ("", "", text)
    for before, after in zip(*_prefixes(old, new), strict=True):
        if path == before or path.startswith(f"{before}/"):
            return f"{scheme}{marker}{after}{path[len(before) :]}"
    return text


def _prefixes(old: str | None, new: str) -> tuple[list[str], list[str]]:
    """Give the ways in which a place is written, old and new: as it is; a path of this machine also as a URI."""
    if old is None:
        return [], []
    olds, news = [old], [new]
    if "://" not in old:
        olds.append(f"file://{quote(old)}")
        news.append(new if "://" in new else f"file://{quote(new)}")
    return olds, news


def _text(place: str) -> str:
    return folder_text(as_resource(place))
