# SPDX-License-Identifier: BSD-3-Clause
"""The samples in ``data``: one document of each kind for each version of its format that was ever released.

Run this file to write those of the present versions; files that are there are never written again.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from pydantic import Field

from pachon.datasets import DatasetRef, DatasetType, Quantum, new_id
from pachon.dimensions import DataCoordinate, DimensionUniverse
from pachon.pipe_base import Pipeline, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from pachon.pipe_base.config import Config
from pachon.pipe_base.config.document import DOCUMENT_VERSION
from pachon.pipe_base.connections import Input, Output, PrerequisiteInput
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.execution.log_capture import LOG_VERSION
from pachon.pipe_base.execution.quantum_run import LOG_CONNECTION, METADATA_CONNECTION, run_quantum
from pachon.pipe_base.pipeline_graph.documents import GRAPH_DOCUMENT_VERSION
from pachon.pipe_base.testing import MemoryDatasets

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
METADATA_VERSION = 1
_DETECTOR = ("instrument", "exposure", "detector")
_DICT = "StructuredDataDict"


class FitConfig(Config):
    """A part of a configuration."""

    order: int = Field(default=3, ge=0)
    ignored: list[str] = Field(default=["BAD"])


class CleanConnections(PipelineTaskConnections, dimensions=_DETECTOR, templates={"kind": "raw"}):
    """One input, one calibration, one output."""

    image = Input(name="{kind}", storage_class=_DICT, dimensions=_DETECTOR)
    bias = PrerequisiteInput(
        name="bias", storage_class=_DICT, dimensions=("instrument", "detector"), is_calibration=True
    )
    cleaned = Output(name="cleaned", storage_class=_DICT, dimensions=_DETECTOR)


class CleanConfig(PipelineTaskConfig, connections=CleanConnections):
    """Fields of several kinds."""

    fit: FitConfig = Field(default_factory=FitConfig)
    level: float = 5.0
    limits: tuple[int, ...] = (0, 100)
    names: dict[str, str] = Field(default={})
    note: str | None = None
    fail: bool = False


class CleanTask(PipelineTask):
    """Says something, notes something, and may fail."""

    config_class = CleanConfig
    default_name = "clean"

    def run(self, *, image: dict[str, Any], bias: dict[str, Any]) -> Struct:
        """Subtract."""
        self.log.info("Level %s", self.config.level)
        self.metadata["clean_level"] = self.config.level
        self.metadata["rows"] = [1, 2, 3]
        self.metadata["fit"] = {"converged": True, "chi_squared": float("nan")}
        if self.config.fail:
            raise ValueError("told to fail")
        return Struct(cleaned={"value": image["value"] - bias["value"]})


def load_universe() -> DimensionUniverse:
    """Give the dimensions of the samples."""
    return DimensionUniverse.from_yaml((DATA / "universe.yaml").read_text(encoding="utf-8"))


def make_config() -> CleanConfig:
    """Give a configuration with a history."""
    config = CleanConfig()
    config.level = 7.5
    config.fit.order = 4
    config.fit.ignored.append("SAT")
    config.names["a"] = "b"
    config.note = "a note, ä"
    return config


def make_pipeline() -> Pipeline:
    """Give a pipeline of two tasks, a subset and a parameter."""
    return (
        Pipeline.empty("two tasks")
        .with_task("clean", CleanTask)
        .with_config("clean", "note", "from the pipeline")
        .with_subset("first", ["clean"], description="the first step")
    )


def make_graph() -> dict[str, Any]:
    """Give the document of a resolved pipeline graph."""
    universe = load_universe()

    class Facts:
        def __init__(self) -> None:
            self.universe = universe

        def fetch_dataset_types(self, names: Any) -> dict[str, DatasetType]:
            raw = DatasetType("raw", _DETECTOR, _DICT, universe=universe)
            bias = DatasetType("bias", _DETECTOR[::2], _DICT, is_calibration=True, universe=universe)
            return {"raw": raw, "bias": bias}

    return make_pipeline().to_graph().resolve(Facts()).to_document()  # type: ignore[arg-type]  # what a builder asks


def run(*, fail: bool) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Run one quantum and give its metadata (`None` if it failed) and its log."""
    universe = load_universe()
    label = "clean"
    values = {"instrument": "Cam", "exposure": 12, "detector": 3}

    def ref(name: str, dimensions: tuple[str, ...], storage_class: str = _DICT) -> DatasetRef:
        dataset_type = DatasetType(name, dimensions, storage_class, universe=universe)
        data_id = {key: value for key, value in values.items() if key in dimensions}
        return DatasetRef(dataset_type, data_id, "samples/run")

    inputs = {"image": (ref("raw", _DETECTOR),), "bias": (ref("bias", _DETECTOR[::2]),)}
    outputs = {
        "cleaned": (ref("cleaned", _DETECTOR),),
        LOG_CONNECTION: (ref("clean_log", _DETECTOR, "ButlerLogRecords"),),
        METADATA_CONNECTION: (ref("clean_metadata", _DETECTOR, "TaskMetadata"),),
    }
    quantum = Quantum(
        id=new_id(),
        task_label=label,
        data_id=DataCoordinate.standardize(values, universe=universe),
        inputs=inputs,
        outputs=outputs,
        init_inputs={},
        init_outputs={},
    )
    butler = MemoryDatasets({inputs["image"][0].id: {"value": 5}, inputs["bias"][0].id: {"value": 2}})
    pipeline = Pipeline.empty("one task").with_task(label, CleanTask).with_config(label, "fail", fail)
    tasks = GraphTasks(pipeline.to_graph(), universe)
    run_quantum(quantum, butler, tasks)
    found = butler.values
    return found.get(outputs[METADATA_CONNECTION][0].id), found[outputs[LOG_CONNECTION][0].id]


def main() -> None:
    """Write what is not there."""
    logging.getLogger().setLevel(logging.INFO)
    metadata, log = run(fail=False)
    _, failure = run(fail=True)
    for name, document in (
        (f"config-{DOCUMENT_VERSION}.json", make_config().to_document()),
        (f"pipeline-graph-{GRAPH_DOCUMENT_VERSION}.json", make_graph()),
        (f"metadata-{METADATA_VERSION}.json", metadata),
        (f"log-{LOG_VERSION}.json", log),
        (f"log-failure-{LOG_VERSION}.json", failure),
    ):
        path = DATA / name
        if not path.exists():
            text = json.dumps(document, indent=1, ensure_ascii=False).replace(str(HERE.parent), "pipe_base")
            path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    # Under its own name: the documents hold the import paths of the classes above.
    import importlib

    importlib.import_module("samples").main()
