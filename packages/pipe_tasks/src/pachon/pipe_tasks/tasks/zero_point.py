# SPDX-License-Identifier: BSD-3-Clause
"""Task: photometric zero point of a visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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

__all__ = ["ZeroPointConfig", "ZeroPointConnections", "ZeroPointTask"]


class ZeroPointConnections(PipelineTaskConnections, dimensions=("instrument", "visit")):
    """The catalogues of a visit and the standard stars near it."""

    catalogs = Input(
        name="source_catalog",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit", "detector"),
        multiple=True,
        defer_load=True,
        doc="Sources of the visit's detectors.",
    )
    standards = PrerequisiteInput(
        name="standard_stars",
        storage_class="AstropyTable",
        dimensions=("htm7",),
        multiple=True,
        defer_load=True,
        minimum=0,
        doc="Standard stars: ra, dec (ICRS; degrees or sexagesimal text), magnitudes mag_<band> or <band>, colours.",
    )
    zero_point = Output(
        name="zero_point",
        storage_class="AstropyTable",
        dimensions=("instrument", "visit"),
        doc="The standard stars that were found; the meta has the magnitude of one electron a second.",
    )


class ZeroPointConfig(PipelineTaskConfig, connections=ZeroPointConnections):
    """Configuration of `ZeroPointTask`."""

    max_offset: float = Field(default=120.0, gt=0)
    """Longest error of the pointing (arcsec)."""

    tolerance: float = Field(default=4.0, gt=0)
    """How well positions of standards relative to each other must fit (arcsec)."""

    magnitude_tolerance: float = Field(default=0.5, gt=0)
    """How well differences of their magnitudes must fit (mag)."""

    minimum: int = Field(default=2, ge=1)
    """So many standards must be found."""

    floor: float = Field(default=0.02, ge=0)
    """Least error of one star (mag)."""

    magnitude_columns: dict[str, str] = Field(default_factory=dict)
    """Band -> column of its magnitudes, where the name does not tell."""


class ZeroPointTask(PipelineTask):
    """Find standard stars in a visit and compare magnitudes."""

    config_class = ZeroPointConfig
    default_name = "zero_point"
    config: ZeroPointConfig

    def run(self, *, catalogs: Sequence[Any], data_id: Any, standards: Sequence[Any] = ()) -> Struct:
        """Measure the zero point of a visit; the inputs are handles."""
        from pachon.pipe_tasks.photometric_calibration import ZeroPointSettings, visit_zero_point
        from pachon.pipe_tasks.standard_stars import join_standard_stars

        if not standards:
            raise NoWorkFound(f"There are no standard stars near visit {data_id['visit']}.")
        settings = ZeroPointSettings(
            max_offset=self.config.max_offset,
            tolerance=self.config.tolerance,
            magnitude_tolerance=self.config.magnitude_tolerance,
            minimum=self.config.minimum,
            floor=self.config.floor,
        )
        table = visit_zero_point(
            {int(handle.data_id["detector"]): handle.get() for handle in catalogs},
            join_standard_stars((handle.get() for handle in standards), columns=self.config.magnitude_columns),
            str(data_id["band"]),
            settings,
        )
        if table is None:
            raise NoWorkFound(f"Visit {data_id['visit']} does not show the standard stars near it.")
        table.meta["visit"] = int(data_id["visit"])
        self.log.info(
            "Visit %s: zero point %.3f +- %.3f mag in %s from %d stars",
            data_id["visit"],
            table.meta["zero_point"],
            table.meta["zero_point_error"],
            data_id["band"],
            table.meta["n_used"],
        )
        return Struct(zero_point=table)
