# SPDX-License-Identifier: BSD-3-Clause
"""Dimensions that are not the default ones, with tasks over them: a fibre spectrograph, and a laboratory on the ground."""

from __future__ import annotations

from typing import Any

from pachon.pipe_base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from pachon.pipe_base.connections import InitInput, InitOutput, Input, Output, PrerequisiteInput

__all__ = [
    "FIBRES", "FIBRE_PIPELINE", "LABORATORY", "LABORATORY_PIPELINE", "CensusTask", "ExtractTask", "FibreTask", "MeanTask",
    "NightTask", "RecipeTask",
]  # fmt: skip

_SKYPIX = {"common": "htm7", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 8}}
_NUMBER = {"name": "id", "type": "int"}
_NAME = {"name": "name", "type": "string", "length": 16}

FIBRES: dict[str, Any] = {
    "namespace": "fibres",
    "version": 1,
    "skypix": _SKYPIX,
    "elements": {
        "spectrograph": {"governor": True, "keys": [_NAME], "doc": "A spectrograph with fibres."},
        "arm": {"requires": ["spectrograph"], "keys": [_NAME], "doc": "A camera for a part of the spectrum."},
        "plate": {"requires": ["spectrograph"], "keys": [_NUMBER], "doc": "Where the fibres are plugged."},
        "fibre": {"requires": ["plate"], "keys": [_NUMBER], "doc": "A fibre of a plate."},
        "night": {"keys": [_NUMBER], "doc": "A night, YYYYMMDD."},
        "shot": {"requires": ["spectrograph"], "implies": ["night", "plate"], "keys": [_NUMBER], "doc": "An exposure."},
    },
    "topology": {"spatial": {"plates": ["fibre", "plate"]}, "temporal": {"shots": ["shot"]}},
}
"""A shot implies its plate, which fibres require."""

FIBRE_PIPELINE = """\
description: from shots to nights
tasks:
  extract: pachon.ctrl_mpexec.testing.other_universes.ExtractTask
  fibres: pachon.ctrl_mpexec.testing.other_universes.FibreTask
  nights: pachon.ctrl_mpexec.testing.other_universes.NightTask
  census: pachon.ctrl_mpexec.testing.other_universes.CensusTask
"""

LABORATORY: dict[str, Any] = {
    "namespace": "laboratory",
    "version": 1,
    "skypix": _SKYPIX,
    "elements": {
        "sample": {"keys": [_NAME], "doc": "What is measured."},
        "device": {"keys": [_NAME], "doc": "What measures."},
        "measurement": {"requires": ["sample"], "implies": ["device"], "keys": [_NUMBER], "doc": "One measurement."},
    },
}
"""Neither a governor nor anything on the sky or in time."""

LABORATORY_PIPELINE = """\
description: from measurements to devices
tasks:
  recipe: pachon.ctrl_mpexec.testing.other_universes.RecipeTask
  mean: pachon.ctrl_mpexec.testing.other_universes.MeanTask
"""

_DATA = "StructuredDataDict"


def _sum(inputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"value": sum(item["value"] for item in inputs), "count": len(inputs)}


class ExtractConnections(PipelineTaskConnections, dimensions=("shot", "arm")):
    """A calibration by time, and a prerequisite by an implied dimension."""

    raw = Input(name="raw", storage_class=_DATA, dimensions=("shot", "arm"))
    trace = PrerequisiteInput(name="trace", storage_class=_DATA, dimensions=("arm",), is_calibration=True)
    plug_map = PrerequisiteInput(name="plug_map", storage_class=_DATA, dimensions=("plate",))
    spectra = Output(name="spectra", storage_class=_DATA, dimensions=("shot", "arm"))


class ExtractConfig(PipelineTaskConfig, connections=ExtractConnections):
    """Nothing to choose."""


class ExtractTask(PipelineTask):
    """Add what the calibrations say."""

    config_class = ExtractConfig
    default_name = "extract"

    def run(self, *, raw: dict[str, Any], trace: dict[str, Any], plug_map: dict[str, Any]) -> Struct:
        """Add."""
        return Struct(spectra={"value": raw["value"] + trace["value"] + plug_map["value"]})


class FibreConnections(PipelineTaskConnections, dimensions=("shot", "fibre")):
    """All arms of a fibre."""

    spectra = Input(name="spectra", storage_class=_DATA, dimensions=("shot", "arm"), multiple=True)
    spectrum = Output(name="spectrum", storage_class=_DATA, dimensions=("shot", "fibre"))


class FibreConfig(PipelineTaskConfig, connections=FibreConnections):
    """Nothing to choose."""


class FibreTask(PipelineTask):
    """Add the arms."""

    config_class = FibreConfig
    default_name = "fibres"

    def run(self, *, spectra: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(spectrum=_sum(spectra))


class NightConnections(PipelineTaskConnections, dimensions=("night",)):
    """All that was seen in a night."""

    spectra = Input(name="spectrum", storage_class=_DATA, dimensions=("shot", "fibre"), multiple=True)
    total = Output(name="night_total", storage_class=_DATA, dimensions=("night",))


class NightConfig(PipelineTaskConfig, connections=NightConnections):
    """Nothing to choose."""


class NightTask(PipelineTask):
    """Add the spectra of a night."""

    config_class = NightConfig
    default_name = "nights"

    def run(self, *, spectra: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(total=_sum(spectra))


class CensusConnections(PipelineTaskConnections, dimensions=()):
    """Everything at once: no dimensions."""

    totals = Input(name="night_total", storage_class=_DATA, dimensions=("night",), multiple=True)
    census = Output(name="census", storage_class=_DATA, dimensions=())


class CensusConfig(PipelineTaskConfig, connections=CensusConnections):
    """Nothing to choose."""


class CensusTask(PipelineTask):
    """Add the nights."""

    config_class = CensusConfig
    default_name = "census"

    def run(self, *, totals: list[dict[str, Any]]) -> Struct:
        """Add."""
        return Struct(census=_sum(totals))


class RecipeConnections(PipelineTaskConnections, dimensions=("device",)):
    """No inputs at all."""

    recipe = Output(name="recipe", storage_class=_DATA, dimensions=("device",))
    units = InitOutput(name="units", storage_class=_DATA)


class RecipeConfig(PipelineTaskConfig, connections=RecipeConnections):
    """Nothing to choose."""


class RecipeTask(PipelineTask):
    """Make something of nothing."""

    config_class = RecipeConfig
    default_name = "recipe"

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.units = {"mass": "kg"}

    def run(self, *, data_id: Any) -> Struct:
        """Make."""
        return Struct(recipe={"value": len(data_id["device"])})


class MeanConnections(PipelineTaskConnections, dimensions=("measurement",)):
    """Reads what was made of nothing, by a dimension that is implied."""

    value = Input(name="value", storage_class=_DATA, dimensions=("measurement",))
    recipe = Input(name="recipe", storage_class=_DATA, dimensions=("device",))
    units = InitInput(name="units", storage_class=_DATA)
    result = Output(name="result", storage_class=_DATA, dimensions=("measurement",))


class MeanConfig(PipelineTaskConfig, connections=MeanConnections):
    """Nothing to choose."""


class MeanTask(PipelineTask):
    """Multiply a value by what its device needs."""

    config_class = MeanConfig
    default_name = "mean"

    def __init__(self, *, init_inputs: Any = None, **arguments: Any) -> None:
        super().__init__(init_inputs=init_inputs, **arguments)
        self.units = init_inputs["units"]

    def run(self, *, value: dict[str, Any], recipe: dict[str, Any]) -> Struct:
        """Multiply."""
        return Struct(result={"value": value["value"] * recipe["value"], "unit": self.units["mass"]})
