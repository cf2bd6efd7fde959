# SPDX-License-Identifier: BSD-3-Clause
"""Make a sky map of what an instrument observed, and register it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field as PydanticField

from pachon.base import NotFoundError
from pachon.obs_base.collection_names import SKY_MAPS
from pachon.obs_base.instrument import Instrument
from pachon.obs_base.skymap.fields import enclosing_field, separate_fields
from pachon.obs_base.skymap.register import register_sky_map
from pachon.obs_base.skymap.settings_config import DiscreteConfig, discrete_sky_map
from pachon.obs_base.skymap.sky_map import SkyMap
from pachon.pipe_base.config import Config, ConfigOverrider, Source

if TYPE_CHECKING:
    from pachon.butler import Butler
    from pachon.dimensions import Region

__all__ = ["MakeDiscreteSkyMapConfig", "make_discrete_sky_map", "read_discrete_config"]


class ObservedSkyMapConfig(DiscreteConfig):
    """Settings of the sky map; its tracts are found."""

    tractOverlap: float = 0.0  # noqa: N815  # LSST's files say it so
    """Minimum overlap between tracts (deg)."""


class MakeDiscreteSkyMapConfig(Config):
    """How a sky map of observations is made."""

    coaddName: str = "deep"  # noqa: N815
    """Accepted for the sake of files that set it."""
    skyMap: ObservedSkyMapConfig = PydanticField(default_factory=ObservedSkyMapConfig)  # noqa: N815
    """Settings of the sky map."""
    borderSize: float = 0.0  # noqa: N815
    """Added to the radius of each tract (deg)."""


def read_discrete_config(values: Mapping[str, str], files: Iterable[str] = ()) -> MakeDiscreteSkyMapConfig:
    """Give the configuration: defaults, then files, then single values, frozen."""
    config = MakeDiscreteSkyMapConfig()
    overrider = ConfigOverrider(config)
    for file in files:
        overrider.run_file(file)
    for name, value in values.items():
        overrider.set_value(name, value, Source(text=f"-c {name}={value}"))
    config.freeze()
    return config


def make_discrete_sky_map(
    butler: Butler,
    instrument: Instrument,
    config: MakeDiscreteSkyMapConfig,
    *,
    name: str = "discrete",
    run: str = SKY_MAPS,
    collections: Sequence[str] = (),
    dataset_type: str | None = None,
    where: str = "",
    each_field: bool = False,
) -> tuple[SkyMap, bool]:
    """Make a sky map of an instrument's observations, and register it.

    Parameters
    ----------
    butler
        A writeable butler.
    instrument
        Whose observations.
    config
        Settings of the sky map.
    name, run
        Value of the dimension ``skymap``, and the RUN that keeps it.
    collections, dataset_type
        Images whose outlines are to be held. Without a dataset type the regions of visits are taken.
    where
        Which of them.
    each_field
        Whether each group of observations that touch gets a tract; else there is one tract for all.

    Returns
    -------
    sky_map : SkyMap
        The sky map.
    is_new : bool
        False if it was registered already.

    Raises
    ------
    NotFoundError
        If nothing was observed.
    InvalidInputError
        If the observations are too far apart for one tract.
    """
    ours = f"instrument = '{instrument.name}'"
    condition = f"{ours} AND ({where})" if where.strip() else ours
    if dataset_type is None:
        visits = butler.query_dimension_records("visit", where=condition)
        regions = [record.region for record in visits if record.region is not None]
    else:
        refs = butler.query_datasets(dataset_type, collections=list(collections), where=condition)
        regions = [_outline(butler, ref) for ref in refs]
    if not regions:
        raise NotFoundError(f"There is no {dataset_type or 'visit'} of {instrument.name} that a sky map could hold.")
    fields = separate_fields(regions) if each_field else [enclosing_field(regions)]
    # Rounded, so that the same observations give the same sky map on every machine.
    sky_map = discrete_sky_map(
        config.skyMap,
        ra=[round(field.ra, 9) for field in fields],
        dec=[round(field.dec, 9) for field in fields],
        radius=[round(field.radius + config.borderSize, 9) for field in fields],
    )
    return sky_map, register_sky_map(butler, name, sky_map, run=run)


def _outline(butler: Butler, ref: Any) -> Region:
    from pachon.dimensions.region import polygon

    image = butler.get(ref)
    height, width = image.shape
    x, y = np.asarray([-0.5, width - 0.5, width - 0.5, -0.5]), np.asarray([-0.5, -0.5, height - 0.5, height - 0.5])
    return polygon(np.column_stack(image.wcs.wcs_pix2world(x, y, 0)))
