# SPDX-License-Identifier: BSD-3-Clause
"""LSST's packages and pachon build graphs of made-up pipelines, and must give the same quanta with the same inputs and outputs.

Compared are data IDs, runs and the ids of all that exists, with every option of the builder: ``where`` (also about dimensions that
no task has), dataset constraints, tables of data IDs (also without columns that follow), conversions and components of what is read, outputs that are done or in the way, retained types, anchors, bounds of
prerequisites. LSST's packages are in an environment of their own: see `test_peer_queries`. ``PACHON_TEST_VOLUME=5`` makes five times as many
surveys. Retained types and anchors are known to LSST's releases of late 2026, which want Python 3.12: without them, such graphs are not compared.
"""

import json
import os
import random
import re
import tempfile
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from peer_asking import PEER, ask_peer
from random_pipelines import BIND, Survey, parent_name, random_pipeline, random_where, weather_universe

from pachon.base import PachonError
from pachon.ctrl_mpexec.data_id_tables import read_data_id_table
from pachon.dimensions import DataIdTable, DimensionGroup, DimensionUniverse
from pachon.dimensions.testing.volume import VARIABLE
from pachon.pipe_base import (
    InitInput,
    InitOutput,
    Input,
    Output,
    Pipeline,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    PrerequisiteInput,
    build_quantum_graph,
)
from pachon.quantum_butler import QuantumGraph
from pachon.registry import SqlRegistry
from pachon.registry.testing.random_world import read_world

TOP = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("peer_pipelines.py")
VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
SURVEYS = round(2 * (VOLUME or 1))
MOST_QUANTA = 400
SEARCHES = [
    ["defaults"],
    ["defaults"],
    ["nested"],
    ["best", "calib/b", "refcats"],
    ["raws/2", "defaults"],
    ["done", "defaults"],
    ["done/1", "raws/1"],
    ["nothing", "nested"],
]
"""Input collections."""


def make_task(task: dict[str, Any]) -> type[PipelineTask]:
    """Make a task class of its description."""
    made: dict[str, Any] = {c["attribute"]: make_connection(c) for c in task["connections"]}
    for key in ("spatial", "temporal"):
        made[f"{key}_bounds_connections"] = lambda self, found=tuple(task[key]): found  # a method
    connections = types.new_class(
        f"{task['label']}Connections",
        (PipelineTaskConnections,),
        {"dimensions": tuple(task["dimensions"])},
        lambda space: space.update(made),
    )
    config = type(f"{task['label']}Config", (PipelineTaskConfig,), {"__module__": __name__}, connections=connections)
    members = {"config_class": config, "default_name": task["label"], "__module__": __name__}
    return type(f"{task['label']}Task", (PipelineTask,), members)


def make_connection(given: dict[str, Any]) -> Any:
    """Make a connection of its description."""
    kinds = {
        "input": Input, "prerequisite": PrerequisiteInput, "output": Output, "init_input": InitInput,
        "init_output": InitOutput,
    }  # fmt: skip
    options = {name: value for name, value in given.items() if name not in ("kind", "attribute")}
    return kinds[given["kind"]](**options)


def build(registry: SqlRegistry, asked: dict[str, Any], run: str = "out/run") -> QuantumGraph:
    """Build one graph here."""
    pipeline = Pipeline.empty()
    for task in asked["tasks"]:
        made = make_task(task)
        for item in (made, made.config_class):
            globals()[item.__name__] = item
        pipeline = pipeline.with_task(task["label"], made)
    constraint = asked["constraint"]
    return build_quantum_graph(
        pipeline,
        registry.facts(),
        where=asked["where"],
        bind=asked["bind"],
        input_collections=asked["inputs"],
        output_run=run,
        skip_existing_in=asked["skip"],
        clobber=asked["clobber"],
        dataset_query_constraint=constraint if constraint in ("all", "off") else constraint.split(","),
        data_id_tables=[read_table(registry, asked, table) for table in asked["tables"]],
        retained_dataset_types=asked.get("retained_dataset_types"),
        prune_unanchored_quanta=asked.get("prune_unanchored_quanta"),
        attach_datastore_records=False,
    )


def read_table(registry: SqlRegistry, asked: dict[str, Any], table: dict[str, Any]) -> DataIdTable:
    """Read a table of data IDs as `pipetask` does."""

    def fixed(dimensions: DimensionGroup) -> DataIdTable:
        facts = registry.facts().searching(asked["inputs"])
        return facts.fetch_data_ids(dimensions, where=asked["where"], bind=asked["bind"])

    lines = [",".join(map(str, row)) for row in (table["names"], *table["rows"])]
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write("\n".join(lines))
        file.flush()
        return read_data_id_table(file.name, registry.universe, fixed)


def describe(graph: QuantumGraph, asked: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """Give what a graph holds, as `peer_pipelines` does."""

    def known_id(ref: Any) -> str | None:
        return str(ref.id) if str(ref.id) in known else None

    def name_refs(found: Any) -> list[Any]:
        by_type: dict[tuple[str, str], dict[str, Any]] = {}
        for refs in found.values():
            for ref in refs:
                row = [_items(ref.data_id.required), ref.run, known_id(ref)]
                by_type.setdefault((ref.dataset_type.name, ref.dataset_type.storage_class), {})[str(ref.id)] = row
        return sorted([*kind, sorted(rows.values())] for kind, rows in by_type.items())

    labels = [task["label"] for task in asked["tasks"]]
    quanta: dict[str, list[Any]] = {label: [] for label in labels}
    for quantum in graph.iter_quanta():
        row = [_items(quantum.data_id.required), name_refs(quantum.inputs), name_refs(quantum.outputs)]
        quanta[quantum.task_label].append(row)
    init = {}
    for label in labels:
        if quanta[label]:
            made = graph.init_quantum(label)
            init[label] = [
                sorted([ref.dataset_type.name, ref.run, known_id(ref)] for ref in found.values())
                for found in (made.init_inputs, made.init_outputs)
            ]
    return {"quanta": {label: sorted(rows) for label, rows in quanta.items()}, "init": init}


def _items(data_id: Any) -> list[list[Any]]:
    return sorted([name, value] for name, value in data_id.items())


OURS_ONLY = {
    # Quanta that failed or were interrupted are made again without being asked.
    "OutputExistsError": "already exists in the output run",
    # Three kinds of regions: here each task says which of them it relates.
    "InvalidQueryError": "which join to add is ambiguous",
    # What the construction of a task made before is found, also if no quantum of it is left.
    "InitInputMissingError": "not found in input collection",
    # Look-ups that are left to functions of authors there.
    "NotImplementedError": "use a lookup function",
    # Bounds given by datasets without a region, and optional calibrations of which there are none, are not met.
    "AssertionError": "",
    # Nor are bounds given by datasets without a region where pixels are looked up (see `has_bounds_without_region`).
    "TypeError": "envelope(): incompatible function arguments",
    "IndexError": "list index out of range",
    # Calibrations of quanta that are done are looked up there too.
    "CalibrationLookupError": "Ambiguous calibration",
    # It takes everything with everything.
    "TimeoutError": "",
    # The installed version may be older than an option.
    "unknown option": "",
}
"""What LSST's packages refuse, with a part of the message, and pachon builds."""
REGIONS = {"visit", "tract", "patch", "htm7"}
"""Dimensions of the made-up pipelines that have regions."""


@pytest.mark.skipif(not PEER.exists(), reason="LSST's packages are not installed: there is no .environments/peer")
def test_equal_graphs_of_random_pipelines(tmp_path: Path) -> None:
    made = []
    for number in range(SURVEYS):
        seed = f"{number} {os.urandom(8).hex() if VOLUME else 11}"
        print(seed)
        made.append(make_repository(tmp_path / f"{number}.sqlite3", random.Random(seed), weather=number % 3 == 1))
    theirs = ask_peer(SCRIPT, [repository for repository, _ in made], tmp_path)
    outcomes: Counter[str] = Counter()
    for (repository, own_answers), peer_answers in zip(made, theirs, strict=True):
        for asked, own, peer in zip(repository["builds"], own_answers, peer_answers, strict=True):
            outcomes[outcome := compare(asked, own, peer)] += 1
            if outcome == "equal":
                outcomes.update(kinds_of(asked))
            outcomes["quanta"] += sum(map(len, own.get("quanta", {}).values()))
    print(dict(outcomes))
    assert outcomes["equal"] >= 8 * SURVEYS
    assert outcomes["with a component"]
    assert outcomes["with a conversion"]


def kinds_of(asked: dict[str, Any]) -> Iterator[str]:
    """Say what is special about a graph."""
    connections = [c for task in asked["tasks"] for c in task["connections"]]
    if any("." in connection["name"] for connection in connections):
        yield "with a component"
    if any(connection["storage_class"] == "ArrowTable" for connection in connections):
        yield "with a conversion"
    if any("instrument" not in table["names"] for table in asked["tables"]):
        yield "with a table that lacks columns"


def compare(asked: dict[str, Any], own: dict[str, Any], peer: dict[str, Any]) -> str:
    """Compare two answers, and say of which kind they are."""
    if "error" in peer:
        if "error" in own:
            return "refused by both"
        assert OURS_ONLY.get(peer["error"], "?") in peer.get("message", ""), f"{asked}\n{peer}"
        assert peer["error"] != "TypeError" or has_bounds_without_region(asked), f"{asked}\n{peer}"
        return f"built here only: {peer['error']}"
    if "names no input of" in own.get("message", ""):
        return "refused here, and by late versions"
    if "; it needs " in own.get("message", "") and not any(peer["quanta"].values()):
        # No column of a table follows from an expression that nothing satisfies.
        return "refused here, empty there"
    assert "error" not in own, f"{asked}\n{own}"
    for label, quanta in own["quanta"].items():
        assert quanta == peer["quanta"][label], f"{asked} {label}"
    assert own["init"] == peer["init"], f"{asked}"
    return "equal" if any(own["quanta"].values()) else "both empty"


def has_bounds_without_region(asked: dict[str, Any]) -> bool:
    """Tell whether a task that looks up pixels takes its bounds from datasets that are nowhere in the sky."""
    return any(
        any(c["kind"] == "prerequisite" and c["dimensions"] == ["htm7"] for c in task["connections"])
        and any(
            c["attribute"] in task["spatial"] and not REGIONS.intersection(c["dimensions"]) for c in task["connections"]
        )
        for task in asked["tasks"]
    )


def renamed(tasks: list[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    """Give the labels and the outputs of a pipeline names that no other one has."""
    text = re.sub(r'"((?:task|out|schema)\d+(?:\.\w+)?)"', rf'"{prefix}\1"', json.dumps(tasks))
    return json.loads(text)  # type: ignore[no-any-return]


def random_builds(rng: random.Random, tasks: list[dict[str, Any]], registry: SqlRegistry) -> list[dict[str, Any]]:
    """Make up how graphs of a pipeline are asked for."""
    dimensions = registry.universe.conform({n for t in tasks for n in all_dimensions(t)})
    return [random_build(rng, tasks, dimensions, registry) for _ in range(8)]


def all_dimensions(task: dict[str, Any]) -> set[str]:
    """Give the dimensions of a task and of what it reads and writes."""
    found = set(task["dimensions"])
    for connection in task["connections"]:
        if connection["kind"] in ("input", "output"):
            found.update(connection["dimensions"])
    return found


def random_build(rng: random.Random, tasks: Any, dimensions: Any, registry: SqlRegistry) -> dict[str, Any]:
    """Make up one."""
    made = {c["name"] for t in tasks for c in t["connections"] if c["kind"] == "output"}
    read = {parent_name(c["name"]) for t in tasks for c in t["connections"] if c["kind"] == "input"} - made
    labels = [task["label"] for task in tasks]
    skip = rng.choice([[], [], ["done"], ["done/1"], ["out/run"], ["out/run", "done"], ["done/2", "out/run"]])
    where = random_where(rng, dimensions)
    asked: dict[str, Any] = {
        "tasks": tasks,
        "where": where,
        "bind": BIND,
        "inputs": rng.choice(SEARCHES),
        "constraint": rng.choice(["all", "all", "off", ",".join(rng.sample(sorted(read), min(len(read), 1))) or "off"]),
        "skip": skip,
        "clobber": rng.random() < 0.6,
        "tables": [random_table(rng, dimensions, registry, where) for _ in range(rng.choice([0, 0, 0, 1]))],
    }
    if skip and rng.random() < 0.5:
        names = [*sorted(made), *(f"{label}_metadata" for label in labels), "*out?0", "*_metadata", "*"]
        asked["retained_dataset_types"] = rng.sample(names, rng.choice([0, 1, 1, 2]))
    if len(labels) > 1 and rng.random() < 0.25:
        asked["prune_unanchored_quanta"] = sorted(rng.sample(labels, 2), key=labels.index)
    return asked


def random_table(rng: random.Random, dimensions: Any, registry: SqlRegistry, where: str) -> dict[str, Any]:
    """Make up a table of data IDs of one or two of the dimensions, or of one that no task has; what the expression says may lack."""
    universe = registry.universe
    names = ["exposure", "visit", "detector", "tract", "patch", "band", "day_obs", "physical_filter"]
    chosen = rng.sample(
        [n for n in names if n in dimensions] if rng.random() < 0.9 and len(dimensions) > 2 else names, 1
    )
    group = universe.conform(chosen)
    data_ids = list(registry.facts().fetch_data_ids(group))
    rows = rng.sample(data_ids, rng.randint(0, len(data_ids))) if data_ids else []
    own = sorted(group.required)
    if rng.random() < 0.5:
        own = [n for n in own if f"{n} = '" not in where or n not in universe.governors]
    rows = rows or data_ids[:1]
    return {"names": own, "rows": [[row[name] for name in own] for row in rows]}


def ask_here(registry: SqlRegistry, asked: dict[str, Any], known: set[str]) -> dict[str, Any]:
    try:
        return describe(build(registry, asked), asked, known)
    except PachonError as error:
        return {"error": type(error).__name__, "message": str(error)[:600]}


def make_repository(path: Path, rng: random.Random, *, weather: bool) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Make a survey with pipelines that ran in part; give it with what is to be built, and the answers given here."""
    document = weather_universe() if weather else None
    universe = DimensionUniverse.from_document(document) if document else None
    with SqlRegistry.create(f"sqlite:///{path}", universe) as registry:
        survey = Survey(registry, rng)
        survey.fill()
        builds = []
        for number in range(6):
            tasks = renamed(random_pipeline(rng, registry.universe), f"p{number}")
            dimensions = registry.universe.conform({n for t in tasks for n in all_dimensions(t)})
            plain = {
                "tasks": tasks, "bind": {}, "inputs": ["defaults"], "constraint": "off", "skip": [], "clobber": True, "tables": [],
                "where": " AND ".join(f"{n} = '{v}'" for n, v in (("instrument", "Cam"), ("skymap", "sky")) if n in dimensions),
            }  # fmt: skip
            try:
                graph = build(registry, plain)
            except PachonError:
                builds.append(plain)
                continue
            if len(graph) > MOST_QUANTA:
                continue
            with registry.write():
                survey.add_outputs(rng, list(graph.iter_quanta()))
                for label in graph.init_labels:
                    survey.add_init_outputs(rng, list(graph.init_quantum(label).init_outputs.values()))
            builds.extend([plain, *random_builds(rng, tasks, registry)])
        world = read_world(registry)
        known = {str(dataset.id) for dataset in world.datasets}
        ours = [ask_here(registry, json.loads(json.dumps(asked)), known) for asked in builds]
        storage_classes = {n: registry.dataset_types.get(n).storage_class for n in world.types}
        repository = {"world": world.document(), "storage_classes": storage_classes, "builds": builds}
        return {**repository, "universe": document}, ours
