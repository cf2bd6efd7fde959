# SPDX-License-Identifier: BSD-3-Clause
"""What graphs LSST's packages build of made-up pipelines; run by the interpreter of an environment that has them.

usage: peer_pipelines.py IN.json OUT.json

IN holds a list of repositories: ``world`` and ``storage_classes`` as for `peer_graphs`, and ``builds``, each with ``tasks``
(`random_pipelines.random_pipeline`) and options. OUT gets for each build the quanta by task with what they read and write, and
what the construction of tasks reads and writes; or ``error``.
"""

import inspect
import json
import signal
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

from astropy.table import Table
from lsst.daf.butler import Butler, DimensionConfig
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections
from lsst.pipe.base import connectionTypes as ct  # noqa: N813  # as its users write it
from lsst.pipe.base._datasetQueryConstraints import DatasetQueryConstraintVariant
from lsst.pipe.base.all_dimensions_quantum_graph_builder import AllDimensionsQuantumGraphBuilder
from lsst.pipe.base.pipeline_graph import PipelineGraph
from peer_queries import fill

PATIENCE = 8
"""Seconds for one graph: some pipelines join everything with everything."""
KNOWN = inspect.signature(AllDimensionsQuantumGraphBuilder.__mro__[1].__init__).parameters
LATE_OPTIONS = ("retained_dataset_types", "prune_unanchored_quanta")


def make_task(task: dict[str, Any]) -> Any:
    """Make a task class of its description."""
    names = {"spatial": "getSpatialBoundsConnections", "temporal": "getTemporalBoundsConnections"}
    made: dict[str, Any] = {c["attribute"]: make_connection(c) for c in task["connections"]}
    for key, method in names.items():
        made[method] = lambda self, found=tuple(task[key]): found  # a method
    connections = types.new_class(
        f"{task['label']}Connections",
        (PipelineTaskConnections,),
        {"dimensions": set(task["dimensions"])},
        lambda space: space.update(made),
    )
    config = type(f"{task['label']}Config", (PipelineTaskConfig,), {}, pipelineConnections=connections)
    return type(f"{task['label']}Task", (PipelineTask,), {"ConfigClass": config, "_DefaultName": task["label"]})


def make_connection(given: dict[str, Any]) -> Any:
    """Make a connection of its description."""
    options: dict[str, Any] = {"name": given["name"], "doc": "d", "storageClass": given["storage_class"]}
    kind = given["kind"]
    if not kind.startswith("init"):
        options |= {"dimensions": given["dimensions"], "multiple": given["multiple"]}
    if kind == "input":
        options |= {"minimum": given["minimum"], "deferGraphConstraint": given["defer_graph_constraint"]}
    elif kind == "prerequisite":
        options |= {"minimum": given["minimum"], "isCalibration": given["is_calibration"]}
    kinds = {
        "input": ct.Input, "prerequisite": ct.PrerequisiteInput, "output": ct.Output, "init_input": ct.InitInput,
        "init_output": ct.InitOutput,
    }  # fmt: skip
    return kinds[kind](**options)


def read_universe(document: dict[str, Any] | None, folder: Path) -> Any:
    """Read a universe from its document; none is the default one."""
    if document is None:
        return None
    path = folder / "universe.yaml"
    path.write_text(json.dumps(document))
    return DimensionConfig(str(path))


def main() -> None:
    answers = []
    for repository in json.loads(Path(sys.argv[1]).read_text()):
        with tempfile.TemporaryDirectory(prefix="peer-pipelines-") as root:
            Butler.makeRepo(root, dimensionConfig=read_universe(repository["universe"], Path(root)))
            butler = Butler.from_config(root, writeable=True)
            fill(butler, repository["world"], repository["storage_classes"])
            known = {row[0] for row in repository["world"]["datasets"]}
            answers.append([answer_in_time(butler, build, known) for build in repository["builds"]])
            print(len(answers), file=sys.stderr, flush=True)
    Path(sys.argv[2]).write_text(json.dumps(answers))


def answer_in_time(butler: Any, asked: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Build one graph, unless it takes too long."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    try:
        return answer(butler, asked, known)
    finally:
        signal.alarm(0)


def answer(butler: Any, asked: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Build one graph."""
    late = {name: asked[name] for name in LATE_OPTIONS if asked.get(name) is not None}
    if late and any(name not in KNOWN for name in late):
        return {"error": "unknown option"}
    if "prune_unanchored_quanta" in late:
        late["prune_unanchored_quanta"] = tuple(late["prune_unanchored_quanta"])
    pipeline = PipelineGraph()
    try:
        for task in asked["tasks"]:
            made = make_task(task)
            for item in (made, made.ConfigClass):
                globals()[item.__name__] = item
                item.__module__, item.__qualname__ = __name__, item.__name__
            pipeline.add_task(task["label"], made)
        builder = AllDimensionsQuantumGraphBuilder(
            pipeline,
            butler,
            where=asked["where"],
            bind=asked["bind"],
            dataset_query_constraint=DatasetQueryConstraintVariant.fromExpression(asked["constraint"]),
            data_id_tables=[Table(rows=t["rows"], names=t["names"]) for t in asked["tables"]],
            input_collections=asked["inputs"],
            output_run="out/run",
            skip_existing_in=asked["skip"],
            clobber=asked["clobber"],
            **late,
        )
        graph = builder.finish(attach_datastore_records=False).assemble()
        return describe(graph, asked, known)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
        return {"error": type(error).__name__, "message": str(error)[:600]}


def describe(graph: Any, asked: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Give what a graph holds, sorted."""

    def name_refs(found: Any) -> list[Any]:
        return sorted(
            [
                kind.name,
                kind.storageClass_name,
                sorted([sorted(dict(r.dataId.required).items()), r.run, known_id(r)] for r in refs),
            ]
            for kind, refs in found.items()
            if refs
        )

    def known_id(ref: Any) -> str | None:
        return str(ref.id) if str(ref.id) in known else None

    labels = [task["label"] for task in asked["tasks"]]
    quanta: dict[str, list[Any]] = {label: [] for label in labels}
    for quantum in graph.build_execution_quanta().values():
        label = next(label for label in labels if quantum.taskName.endswith(f"{label}Task"))
        data_id = sorted(dict(quantum.dataId.required).items())
        quanta[label].append([data_id, name_refs(quantum.inputs), name_refs(quantum.outputs)])
    init = {}
    for label in labels:
        if quanta[label]:
            read, written = graph.get_init_inputs(label), graph.get_init_outputs(label)
            init[label] = [
                sorted([ref.datasetType.name, ref.run, known_id(ref)] for ref in refs.values())
                for refs in (read, written)
            ]
    return {"quanta": {label: sorted(rows) for label, rows in quanta.items()}, "init": init}


if __name__ == "__main__":
    main()
