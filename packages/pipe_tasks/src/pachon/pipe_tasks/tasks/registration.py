# SPDX-License-Identifier: BSD-3-Clause
"""Task: visits of a tract registered to each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from pydantic import Field

from pachon.pipe_base import (
    Input,
    NoWorkFound,
    Output,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    PrerequisiteInput,
    Struct,
)
from pachon.pipe_tasks.sky_map import SkyMap

__all__ = ["RegistrationConfig", "RegistrationConnections", "RegistrationTask"]


class RegistrationConnections(PipelineTaskConnections, dimensions=("instrument", "skymap", "tract")):
    """The catalogues of all visits that overlap a tract, and where their stars really are."""

    catalogs = Input(
        name="source_catalog",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit", "detector"),
        multiple=True,
        defer_load=True,
        doc="Sources of the visits that overlap the tract.",
    )
    zero_points = Input(
        name="zero_point",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit"),
        multiple=True,
        defer_load=True,
        minimum=0,
        doc="Standard stars found in the visits: they say where the visits are on the sky.",
    )
    sky_map = PrerequisiteInput(
        name="skyMap", storage_class="SkyMap", dimensions=("skymap",), doc="Tracts and their projections."
    )
    registration = Output(
        name="registration",
        storage_class="AstropyTable",
        dimensions=("instrument", "skymap", "tract"),
        doc="Shift, rms, relative brightness and corrected WCS of each visit and detector.",
    )

    def __init__(self, *, config: Any = None) -> None:
        super().__init__(config=config)
        if config is not None and not config.anchor:
            self.remove_connection("zero_points")


class RegistrationConfig(PipelineTaskConfig, connections=RegistrationConnections):
    """Configuration of `RegistrationTask`."""

    max_offset: float = Field(default=120.0, gt=0)
    """Longest error of the pointing between two visits (arcsec)."""

    tolerance: float = Field(default=1.2, gt=0)
    """How far the stars of a pair may be apart when only the shift is known (arcsec)."""

    fit: Literal["shift", "similarity"] = "similarity"
    """What is fitted to the stars of each visit; a similarity also has rotation and scale."""

    minimum_similarity: int = Field(default=10, ge=4)
    """With less pairs of stars a shift is fitted."""

    signal_to_noise: float = Field(default=7.0, gt=0)
    """Fainter stars take no part."""

    minimum_matched: int = Field(default=5, ge=1)
    """A visit with less stars in common with the others is not used."""

    minimum_fraction: float = Field(default=0.2, ge=0, le=1)
    """Nor is one with a smaller part of the stars that it should have in common."""

    anchor: bool = True
    """Move visits so that the standard stars in them lie at catalogued places; else the median pointing counts."""


class RegistrationTask(PipelineTask):
    """Match the star lists of visits: vote on the offset, then least squares."""

    config_class = RegistrationConfig
    default_name = "registration"
    config: RegistrationConfig

    def run(self, *, catalogs: Sequence[Any], sky_map: SkyMap, data_id: Any, zero_points: Sequence[Any] = ()) -> Struct:
        """Register the visits of a tract; catalogues and zero points are handles."""
        from pachon.pipe_tasks.anchoring import anchor_groups
        from pachon.pipe_tasks.projection import pixel_scale
        from pachon.pipe_tasks.registration import RegistrationSettings, register_visits
        from pachon.pipe_tasks.star_list import make_star_list, registration_table

        tract_wcs = sky_map[int(data_id["tract"])].wcs
        scale = pixel_scale(tract_wcs)
        bands: dict[int, str] = {}
        loaded: dict[int, dict[int, Any]] = {}
        for handle in catalogs:
            visit = int(handle.data_id["visit"])
            bands[visit] = str(handle.data_id["band"])
            loaded.setdefault(visit, {})[int(handle.data_id["detector"])] = handle.get()
        lists = [
            make_star_list(visit, bands[visit], loaded[visit], tract_wcs, signal_to_noise=self.config.signal_to_noise)
            for visit in sorted(loaded)
        ]
        if not any(len(stars.positions) for stars in lists):
            raise NoWorkFound(f"None of the {len(lists)} visits of tract {data_id['tract']} has stars to match.")
        settings = RegistrationSettings(
            max_offset=self.config.max_offset / scale,
            tolerance=self.config.tolerance / scale,
            minimum_matched=self.config.minimum_matched,
            minimum_fraction=self.config.minimum_fraction,
            fit=self.config.fit,
            minimum_similarity=self.config.minimum_similarity,
        )
        standards = {int(handle.data_id["visit"]): handle.get() for handle in zero_points}
        results = anchor_groups(register_visits(lists, settings), loaded, standards, tract_wcs)
        for result in results:
            if not result.used:
                self.log.warning(
                    "Visit %s (%d stars) does not match the others and is not used", result.visit, result.n_stars
                )
        rms = [result.rms for result in results if np.isfinite(result.rms)]
        self.log.info(
            "Tract %s: %d of %d visits registered, median rms %.3f pixels",
            data_id["tract"],
            sum(result.used for result in results),
            len(results),
            float(np.median(rms)) if rms else float("nan"),
        )
        return Struct(registration=registration_table(results, bands, loaded, tract_wcs))
