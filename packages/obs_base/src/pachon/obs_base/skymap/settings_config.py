# SPDX-License-Identifier: BSD-3-Clause
"""Settings of sky maps in the language of task configurations, as `register-skymap` takes them.

Names are those of LSST's configuration files, which can be used as they are::

    config.name = "my_map"
    config.skyMap = "rings"
    config.skyMap["rings"].numRings = 120
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import Field

from pachon.base import InvalidInputError
from pachon.obs_base.skymap.kinds import make_sky_map
from pachon.obs_base.skymap.sky_map import SkyMap
from pachon.pipe_base.config import ChoiceRegistry, Config, ConfigOverrider, RegistryChoice, Source, choice_field

__all__ = ["DiscreteConfig", "RegisterSkyMapConfig", "discrete_sky_map", "read_sky_map_config", "sky_map_from_config"]

tract_builders = ChoiceRegistry()
sky_maps = ChoiceRegistry()


@tract_builders.registered("legacy")
class LegacyTractBuilderConfig(Config):
    """Patches of a fixed inner size."""

    patchInnerDimensions: list[int] = Field(default_factory=lambda: [4000, 4000])  # noqa: N815  # LSST's files say it so
    """Width and height of the inner part of a patch (pixels)."""
    patchBorder: int = 100  # noqa: N815
    """Pixels round the inner part that overlap the neighbours."""


@tract_builders.registered("cells")
class CellTractBuilderConfig(Config):
    """Patches made of cells."""

    cellInnerDimensions: list[int] = Field(default_factory=lambda: [150, 150])  # noqa: N815
    """Width and height of the inner part of a cell (pixels); it must be square."""
    cellBorder: int = 50  # noqa: N815
    """Pixels round the inner part of a cell."""
    numCellsPerPatchInner: int = 20  # noqa: N815
    """Cells along the inner part of a patch."""
    numCellsInPatchBorder: int = 1  # noqa: N815
    """Cells in the border of a patch."""


class _SkyMapConfig(Config):
    tractOverlap: float = 1.0  # noqa: N815
    """Minimum overlap between tracts (deg)."""
    pixelScale: float = 0.333  # noqa: N815
    """Size of a pixel at the centre of a tract (arcsec)."""
    projection: str = "STG"
    """FITS code of the projection."""
    rotation: float = 0.0
    """Position angle of the tracts' y axis (deg)."""
    tractBuilder: RegistryChoice = choice_field(tract_builders, "legacy", doc="How tracts are cut.")  # noqa: N815
    patchInnerDimensions: list[int] | None = None  # noqa: N815
    """Same as that of the legacy tract builder."""
    patchBorder: int | None = None  # noqa: N815
    """Same as that of the legacy tract builder."""


@sky_maps.registered("rings")
class RingsConfig(_SkyMapConfig):
    """Two polar caps and rings of equal declination height."""

    numRings: int  # noqa: N815
    """Rings between the polar caps."""
    raStart: float = 0.0  # noqa: N815
    """Right ascension of the first tract of each ring (deg)."""


@sky_maps.registered("discrete")
class DiscreteConfig(_SkyMapConfig):
    """Tracts at given places."""

    raList: list[float] = Field(default_factory=list)  # noqa: N815
    """Right ascensions (deg)."""
    decList: list[float] = Field(default_factory=list)  # noqa: N815
    """Declinations (deg)."""
    radiusList: list[float] = Field(default_factory=list)  # noqa: N815
    """Radii (deg)."""


@sky_maps.registered("equat")
class EquatConfig(_SkyMapConfig):
    """Strips along the equator."""

    projection: str = "CEA"
    """FITS code of the projection."""
    numTracts: int = 4  # noqa: N815
    """Number of strips."""
    decRange: list[float] = Field(default_factory=lambda: [-1.25, 1.25])  # noqa: N815
    """Lowest and highest declination (deg)."""


class RegisterSkyMapConfig(Config):
    """Name and settings of a sky map."""

    name: str
    """Value of the dimension ``skymap``."""
    skyMap: RegistryChoice = choice_field(sky_maps, doc="Kind of sky map.")  # noqa: N815


def sky_map_from_config(choice: RegistryChoice) -> SkyMap:
    """Make the chosen sky map.

    Raises
    ------
    InvalidInputError
        If nothing is chosen, or a setting is wrong.
    """
    return make_sky_map(str(choice.name), _settings(choice.active))


def discrete_sky_map(
    config: DiscreteConfig, *, ra: Sequence[float], dec: Sequence[float], radius: Sequence[float]
) -> SkyMap:
    """Make a discrete sky map of a configuration and of tracts that were found (deg)."""
    return make_sky_map(
        "discrete", {**_settings(config), "raList": list(ra), "decList": list(dec), "radiusList": list(radius)}
    )


def _settings(config: Config) -> dict[str, Any]:
    """Give the settings of a sky map, those of the tract builder put where they belong."""
    values: dict[str, Any] = dict(config.to_data())
    builder = values.pop("tractBuilder")
    names = builder.get("!names", [])
    kind = names[0] if names else "legacy"
    settings: dict[str, Any] = {"kind": kind, **builder.get(kind, {})}
    for name in ("patchInnerDimensions", "patchBorder"):
        value = values.pop(name, None)
        if value is not None:
            settings[name] = value
    return {**values, "tractBuilder": settings}


def read_sky_map_config(values: Mapping[str, str], files: Iterable[str] = ()) -> tuple[str, SkyMap]:
    """Give name and sky map of override files and of single values, which come after them.

    Raises
    ------
    PachonError
        If a name or a kind is missing, or a setting is wrong.
    """
    config = RegisterSkyMapConfig()  # type: ignore[call-arg]  # a field may be set later
    for file in files:
        ConfigOverrider(config).run_file(file)
    for name, value in values.items():
        _set(config, name, value)
    if not getattr(config, "name", None):
        raise InvalidInputError("A sky map needs a name: say -c name=..., or set config.name in a file (-C).")
    if config.skyMap.name is None:
        kinds = ", ".join(sorted(sky_maps))
        raise InvalidInputError(f"Say which kind of sky map it is: -c skyMap=...; there are {kinds}.")
    config.freeze()
    return config.name, sky_map_from_config(config.skyMap)


def _set(config: Config, name: str, value: str) -> None:
    """Set a field; ``skyMap.numRings`` is one of the kind that is chosen by then."""
    head, _, rest = name.partition(".")
    choice = getattr(config, head, None) if rest else None
    if isinstance(choice, RegistryChoice) and rest != "name":
        _set(choice.active, rest, value)
    else:
        ConfigOverrider(config).set_value(name, value, Source(text=f"-c {name}={value}"))
