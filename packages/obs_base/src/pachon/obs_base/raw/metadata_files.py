# SPDX-License-Identifier: BSD-3-Clause
"""Headers that lie beside raw files as JSON: a sidecar for one file, an index for the files of a folder.

Forms are those of ``astro-metadata-translator``: a sidecar is called as its file with the
extension ``.json``; an index is ``_index.json``. Either holds headers or observation information.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pachon.base import FormatError, PachonError
from pachon.obs_base.errors import HeaderError
from pachon.obs_base.observation import REQUIRED_PROPERTIES, load_translators, translate_header
from pachon.obs_base.path_text import path_text
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

__all__ = ["INDEX_NAME", "MetadataFiles", "read_index"]

INDEX_NAME = "_index.json"

_log = logging.getLogger(__name__)


def read_index(uri: ResourcePath) -> dict[ResourcePath, ObservationInfo]:
    """Give what an index says about each file that it lists.

    Raises
    ------
    FormatError
        If it cannot be read, or is no index.
    HeaderError
        If an entry cannot be translated.
    """
    from astro_metadata_translator.indexing import process_index_data

    load_translators()
    try:
        entries = process_index_data(_read_json(uri), force_metadata=False, force_dict=True)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise FormatError(f"{path_text(uri)} is no index of headers: {error}") from error
    folder = uri.dirname()
    return {
        folder.join(name, force_directory=False): _as_info(entry, path_text(folder.join(name)))
        for name, entry in entries.items()
    }


class MetadataFiles:
    """Finds what indexes and sidecars say about raw files; each index is read once.

    Parameters
    ----------
    search_indexes
        Whether to look for an index in the folder of a file. One that cannot be read is logged and
        not used.
    """

    def __init__(self, *, search_indexes: bool = True) -> None:
        self._search_indexes = search_indexes
        self._indexes: dict[ResourcePath, dict[ResourcePath, ObservationInfo]] = {}

    def add_index(self, uri: ResourcePath) -> list[ResourcePath]:
        """Read an index that somebody named, and give the files that it lists.

        Raises
        ------
        FormatError
            If it cannot be read.
        """
        self._indexes[uri.dirname()] = read_index(uri)
        return list(self._indexes[uri.dirname()])

    def prepare(self, files: list[ResourcePath]) -> None:
        """Read the indexes of the folders of files."""
        for folder in {file.dirname(): None for file in files}:
            index = folder.join(INDEX_NAME, force_directory=False)
            if folder in self._indexes or not self._search_indexes or not index.exists():
                continue
            try:
                self._indexes[folder] = read_index(index)
            except PachonError as error:
                _log.warning("The index is not used: %s", error)
                self._indexes[folder] = {}

    def find(self, file: ResourcePath) -> ObservationInfo | None:
        """Give what an index or a sidecar says about a file; None leaves it to the file's headers."""
        found = self._indexes.get(file.dirname(), {}).get(file)
        return found if found is not None else _read_sidecar(file)


def _read_sidecar(file: ResourcePath) -> ObservationInfo | None:
    sidecar = file.updated_extension(".json")
    if not sidecar.exists():
        return None
    from astro_metadata_translator.indexing import process_sidecar_data

    load_translators()
    try:
        return _as_info(process_sidecar_data(_read_json(sidecar)), path_text(file))
    except (OSError, ValueError, TypeError, KeyError) as error:
        _log.debug("The sidecar %s is not used: %s", sidecar, error)
        return None


def _read_json(uri: ResourcePath) -> dict[str, Any]:
    content = json.loads(uri.read())
    if not isinstance(content, dict):
        raise TypeError("it is no mapping")
    return content


def _as_info(entry: ObservationInfo | Mapping[str, Any], path: str) -> ObservationInfo:
    if isinstance(entry, Mapping):
        return translate_header(dict(entry), path=path)
    missing = sorted(name for name in REQUIRED_PROPERTIES if getattr(entry, name) is None)
    if missing:
        raise HeaderError(path, f"the JSON beside it does not give {missing[0]}.")
    return entry
