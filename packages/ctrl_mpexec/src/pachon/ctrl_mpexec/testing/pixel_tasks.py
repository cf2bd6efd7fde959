# SPDX-License-Identifier: BSD-3-Clause
"""Tasks whose quanta are pixels of the sky, of other pixelizations and levels than the common one; for `sky_survey`."""

from __future__ import annotations

from typing import Any

from pachon.pipe_base import Input, Output, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct

__all__ = ["PIXEL_PIPELINE", "MapTask", "PatchTask", "TileTask"]

PIXEL_PIPELINE = """\
description: from raws to tiles, a map of them, and back to patches
tasks:
  isr: pachon.ctrl_mpexec.testing.sky_survey.IsrTask
  cal: pachon.ctrl_mpexec.testing.sky_survey.CalTask
  tile: pachon.ctrl_mpexec.testing.pixel_tasks.TileTask
  map: pachon.ctrl_mpexec.testing.pixel_tasks.MapTask
  patches: pachon.ctrl_mpexec.testing.pixel_tasks.PatchTask
"""

_DATA = "StructuredDataDict"
_TILE = ("band", "htm9")


def _sum(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"value": sum(item["value"] for item in inputs), "count": len(inputs)}


class TileConnections(PipelineTaskConnections, dimensions=_TILE):
    """All images that touch a pixel."""

    images = Input(
        name="calibrated", storage_class=_DATA, dimensions=("instrument", "visit", "detector"), multiple=True
    )
    tile = Output(name="tile", storage_class=_DATA, dimensions=_TILE)


class TileConfig(PipelineTaskConfig, connections=TileConnections):
    """Nothing to choose."""


class TileTask(PipelineTask):
    """Add images."""

    config_class = TileConfig
    default_name = "tile"

    def run(self, *, images: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(tile=_sum(images))


class MapConnections(PipelineTaskConnections, dimensions=("healpix4",)):
    """All tiles that touch a pixel of another pixelization."""

    tiles = Input(name="tile", storage_class=_DATA, dimensions=_TILE, multiple=True)
    map = Output(name="map", storage_class=_DATA, dimensions=("healpix4",))


class MapConfig(PipelineTaskConfig, connections=MapConnections):
    """Nothing to choose."""


class MapTask(PipelineTask):
    """Add tiles."""

    config_class = MapConfig
    default_name = "map"

    def run(self, *, tiles: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(map=_sum(tiles))


class PatchConnections(PipelineTaskConnections, dimensions=("skymap", "tract", "patch")):
    """All tiles that touch a patch."""

    tiles = Input(name="tile", storage_class=_DATA, dimensions=_TILE, multiple=True)
    mosaic = Output(name="mosaic", storage_class=_DATA, dimensions=("skymap", "tract", "patch"))


class PatchConfig(PipelineTaskConfig, connections=PatchConnections):
    """Nothing to choose."""


class PatchTask(PipelineTask):
    """Add tiles."""

    config_class = PatchConfig
    default_name = "patches"

    def run(self, *, tiles: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(mosaic=_sum(tiles))
