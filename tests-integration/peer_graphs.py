# SPDX-License-Identifier: BSD-3-Clause
"""What graphs LSST's packages build; run by the interpreter of an environment that has them.

usage: peer_graphs.py IN.json OUT.json

IN holds a list of repositories: ``world`` (`pachon.registry.testing.random_world.World.document`), ``storage_classes`` by dataset
type, and ``builds``, each with ``tasks``, ``where``, ``constraint``, ``inputs`` and ``skip``. OUT gets for each build the quanta by
task and their inputs, or ``error``.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler
from lsst.pipe.base import NoWorkFound, PipelineTask, PipelineTaskConfig, PipelineTaskConnections
from lsst.pipe.base import connectionTypes as ct  # noqa: N813  # as its users write it
from lsst.pipe.base._datasetQueryConstraints import DatasetQueryConstraintVariant
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.pipeline_graph import PipelineGraph
from peer_queries import fill

KIND = "StructuredDataDict"
EXPOSURE = ("instrument", "exposure", "detector")
VISIT = ("instrument", "visit", "detector")
WARP = ("instrument", "visit", "skymap", "tract", "patch")


class IsrConnections(PipelineTaskConnections, dimensions=EXPOSURE):
    raw = ct.Input(name="raw", doc="d", storageClass=KIND, dimensions=EXPOSURE)
    bias = ct.PrerequisiteInput(
        name="bias", doc="d", storageClass=KIND, dimensions=("instrument", "detector"), isCalibration=True, minimum=0
    )
    dark = ct.PrerequisiteInput(
        name="dark", doc="d", storageClass=KIND, dimensions=("instrument", "detector"), isCalibration=True, minimum=0
    )
    image = ct.Output(name="image", doc="d", storageClass=KIND, dimensions=EXPOSURE)


class CalConnections(PipelineTaskConnections, dimensions=VISIT):
    images = ct.Input(name="image", doc="d", storageClass=KIND, dimensions=EXPOSURE, multiple=True)
    stars = ct.PrerequisiteInput(
        name="refcat", doc="d", storageClass=KIND, dimensions=("htm7",), multiple=True, minimum=0, deferLoad=True
    )
    calibrated = ct.Output(name="calibrated", doc="d", storageClass=KIND, dimensions=VISIT)


class SummaryConnections(PipelineTaskConnections, dimensions=("instrument", "visit")):
    images = ct.Input(name="calibrated", doc="d", storageClass=KIND, dimensions=VISIT, multiple=True, minimum=2)
    summary = ct.Output(name="summary", doc="d", storageClass=KIND, dimensions=("instrument", "visit"))


class WarpConnections(PipelineTaskConnections, dimensions=WARP):
    images = ct.Input(name="calibrated", doc="d", storageClass=KIND, dimensions=VISIT, multiple=True)
    summary = ct.Input(name="summary", doc="d", storageClass=KIND, dimensions=("instrument", "visit"))
    warp = ct.Output(name="warp", doc="d", storageClass=KIND, dimensions=WARP)


class CoaddConnections(PipelineTaskConnections, dimensions=("skymap", "tract", "patch", "band")):
    warps = ct.Input(name="warp", doc="d", storageClass=KIND, dimensions=WARP, multiple=True)
    coadd = ct.Output(name="coadd", doc="d", storageClass=KIND, dimensions=("skymap", "tract", "patch", "band"))


class StackConnections(PipelineTaskConnections, dimensions=("instrument", "detector", "physical_filter")):
    images = ct.Input(name="image", doc="d", storageClass=KIND, dimensions=EXPOSURE, multiple=True, minimum=2)
    stack = ct.Output(
        name="stack", doc="d", storageClass=KIND, dimensions=("instrument", "detector", "physical_filter")
    )


class PickyConnections(PipelineTaskConnections, dimensions=VISIT):
    images = ct.Input(name="calibrated", doc="d", storageClass=KIND, dimensions=VISIT)
    picked = ct.Output(name="picked", doc="d", storageClass=KIND, dimensions=VISIT)

    def adjustQuantum(self, inputs: Any, outputs: Any, label: str, data_id: Any) -> Any:  # noqa: N802
        if data_id["visit"] % 2:
            raise NoWorkFound("odd")
        return super().adjustQuantum(inputs, outputs, label, data_id)


class NightConnections(PipelineTaskConnections, dimensions=("instrument", "day_obs")):
    picked = ct.Input(name="picked", doc="d", storageClass=KIND, dimensions=VISIT, multiple=True)
    summaries = ct.Input(
        name="summary", doc="d", storageClass=KIND, dimensions=("instrument", "visit"), multiple=True, minimum=0
    )
    night = ct.Output(name="night", doc="d", storageClass=KIND, dimensions=("instrument", "day_obs"))


class RefineConnections(PipelineTaskConnections, dimensions=WARP):
    warp = ct.Input(name="warp", doc="d", storageClass=KIND, dimensions=WARP)
    coadd = ct.Input(name="coadd", doc="d", storageClass=KIND, dimensions=("skymap", "tract", "patch", "band"))
    refined = ct.Output(name="refined", doc="d", storageClass=KIND, dimensions=WARP)


class TractConnections(PipelineTaskConnections, dimensions=("skymap", "tract")):
    refined = ct.Input(name="refined", doc="d", storageClass=KIND, dimensions=WARP, multiple=True)
    coadds = ct.Input(
        name="coadd", doc="d", storageClass=KIND, dimensions=("skymap", "tract", "patch", "band"), multiple=True
    )
    table = ct.Output(name="table", doc="d", storageClass=KIND, dimensions=("skymap", "tract"))


def make_task(label: str, connections: type) -> Any:
    """Make a task of some connections."""
    config = type(f"{label}_config", (PipelineTaskConfig,), {}, pipelineConnections=connections)
    return type(f"{label}_task", (PipelineTask,), {"ConfigClass": config, "_DefaultName": label})


TASKS = {
    label: make_task(label, connections)
    for label, connections in (
        ("isr", IsrConnections),
        ("cal", CalConnections),
        ("summary", SummaryConnections),
        ("warp", WarpConnections),
        ("coadd", CoaddConnections),
        ("stack", StackConnections),
        ("picky", PickyConnections),
        ("night", NightConnections),
        ("refine", RefineConnections),
        ("tracts", TractConnections),
    )
}
for _task in TASKS.values():
    for _class in (_task, _task.ConfigClass):
        globals()[_class.__name__] = _class
        _class.__module__, _class.__qualname__ = __name__, _class.__name__


def main() -> None:
    answers = []
    for repository in json.loads(Path(sys.argv[1]).read_text()):
        with tempfile.TemporaryDirectory(prefix="peer-graphs-") as root:
            Butler.makeRepo(root)
            butler = Butler.from_config(root, writeable=True)
            fill(butler, repository["world"], repository["storage_classes"])
            answers.append([answer(butler, build) for build in repository["builds"]])
    Path(sys.argv[2]).write_text(json.dumps(answers))


def answer(butler: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Build one graph."""
    pipeline = PipelineGraph()
    for label in asked["tasks"]:
        pipeline.add_task(label, TASKS[label])
    try:
        builder = AllDimensionsQuantumGraphBuilder(
            pipeline,
            butler,
            where=asked["where"],
            dataset_query_constraint=DatasetQueryConstraintVariant.fromExpression(asked["constraint"]),
            input_collections=asked["inputs"],
            output_run="out/run",
            skip_existing_in=asked["skip"],
        )
        graph = builder.finish(attach_datastore_records=False).assemble()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
        return {"error": type(error).__name__, "message": str(error)[:500]}
    quanta: dict[str, list[Any]] = {label: [] for label in asked["tasks"]}
    for quantum in graph.build_execution_quanta().values():
        inputs = {
            kind.name: sorted([sorted(dict(ref.dataId.required).items()), ref.run] for ref in refs)
            for kind, refs in quantum.inputs.items()
            if refs
        }
        label = next(label for label in asked["tasks"] if quantum.taskName.endswith(f"{label}_task"))
        quanta[label].append([sorted(dict(quantum.dataId.required).items()), sorted(inputs.items())])
    return {"quanta": {label: sorted(rows) for label, rows in quanta.items()}}


if __name__ == "__main__":
    main()
