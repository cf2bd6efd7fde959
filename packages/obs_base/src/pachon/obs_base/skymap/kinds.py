# SPDX-License-Identifier: BSD-3-Clause
"""The kinds of sky map by name, and reading the stored form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pachon.base import FormatError, InvalidInputError, closest
from pachon.obs_base.skymap.config import DiscreteSettings, EquatSettings, RingsSettings, SkyMapSettings
from pachon.obs_base.skymap.discrete import DiscreteSkyMap
from pachon.obs_base.skymap.equat import EquatSkyMap
from pachon.obs_base.skymap.rings import RingsSkyMap
from pachon.obs_base.skymap.sky_map import VERSION, SkyMap

KINDS: dict[str, tuple[type[SkyMapSettings], type[SkyMap]]] = {
    "discrete": (DiscreteSettings, DiscreteSkyMap),
    "equat": (EquatSettings, EquatSkyMap),
    "rings": (RingsSettings, RingsSkyMap),
}


def make_sky_map(kind: str, settings: Mapping[str, Any], *, version: int = VERSION) -> SkyMap:
    """Make a sky map from the name of its kind and a mapping of settings.

    Raises
    ------
    InvalidInputError
        If there is no such kind or a setting is wrong; the message names the first one.
    """
    try:
        settings_class, sky_map_class = KINDS[kind]
    except KeyError:
        raise InvalidInputError(
            f"There is no sky map of kind {kind!r}; known: {', '.join(sorted(KINDS))}.{closest(kind, KINDS)}"
        ) from None
    try:
        return sky_map_class(settings_class.model_validate(dict(settings)), version=version)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"Setting {where!r} of the {kind} sky map: {first['msg']}.") from error


def sky_map_from_document(document: Mapping[str, Any]) -> SkyMap:
    """Give the sky map whose `SkyMap.to_document` this is.

    Raises
    ------
    FormatError
        If the document is not one of a sky map.
    """
    content = dict(document)
    version = content.pop("version", None)
    if version not in (0, 1) or not isinstance(content.get("kind"), str):
        raise FormatError(f"This is no stored sky map that can be read (version {version!r}).")
    try:
        return make_sky_map(content["kind"], content, version=version)
    except InvalidInputError as error:
        raise FormatError(f"A stored sky map cannot be read: {error}") from error
