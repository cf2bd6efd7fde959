# SPDX-License-Identifier: BSD-3-Clause
"""LSST's `pipetask` and pachon's run the same made-up pipelines, whose quanta fail in every way, and go on with them; then the same
datasets must exist, with the same content, quanta have the same states, and exit codes agree, whichever runner is used.

LSST's packages are in an environment of their own: see `test_peer_queries`. ``PACHON_TEST_VOLUME=5`` makes five times as many
pipelines, with other seeds.
"""

import json
import os
import random
import re
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from peer_asking import PEER, ask_peer
from random_runs import DETECTORS, EXPOSURES, random_commands, random_tasks

from pachon.butler import Butler
from pachon.ctrl_mpexec.testing.repository import make_repository
from pachon.ctrl_mpexec.testing.sky_survey import box
from pachon.datasets import DatasetExistence
from pachon.dimensions.testing.volume import VARIABLE
from pachon.registry import SqlRegistry
from pachon.registry.testing.random_world import read_world

TOP = Path(__file__).resolve().parents[1]
SCRIPT = Path(__file__).with_name("peer_runs.py")
VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
PIPELINES = round(3 * (VOLUME or 1))
FOUND = ("2 176c393dfac70b89",)
"""Seeds by which a difference was found: a second attempt fails before it has written what the first one wrote."""
KIND = "StructuredDataDict"
RUNNERS = {
    "in this process": ["-j", 1],
    "two workers": ["-j", 2],
    "one worker": ["-j", 1, "--timeout", 300],
    "a process a quantum": ["-j", 2, "--process-per-quantum"],
}


@pytest.mark.skipif(not PEER.exists(), reason="LSST's packages are not installed: there is no .environments/peer")
def test_equal_runs(tmp_path: Path, warm_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_pristine(tmp_path / "pristine")
    made = make_pipelines()
    theirs = runs_of_peer(tmp_path, made)
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.setenv("DESCRIBED_TASKS", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    outcomes: Counter[str] = Counter()
    names = list(RUNNERS)
    for number, (pipeline, peer) in enumerate(zip(made, theirs, strict=True)):
        # Each is run in this process, and by one of the others.
        chosen = names if VOLUME else ["in this process", names[1 + number % (len(names) - 1)]]
        for name in chosen:
            own = run_all(folder, tmp_path / "pristine", pipeline, RUNNERS[name], warm_run)
            outcomes += compare(pipeline, own, peer, name)
    print(dict(outcomes))
    assert outcomes["exit code 0"] >= 2 * PIPELINES
    assert outcomes["exit code 1"] >= PIPELINES


def make_pristine(root: Path) -> None:
    """Make the repository that each pipeline gets a copy of."""
    make_repository(root)
    with Butler.open(str(root), writeable=True) as butler:
        rows = [{"instrument": "Cam", "visit": n, "detector": d} for n in EXPOSURES for d in DETECTORS]
        butler.dimension_records.insert(
            "visit_detector_region", [{**row, "region": box(row["visit"], row["detector"], 0.4)} for row in rows]
        )


def make_pipelines() -> list[dict[str, Any]]:
    """Make up all pipelines with their commands."""
    made = []
    seeds = [f"{number} {os.urandom(8).hex() if VOLUME else 3}" for number in range(PIPELINES)]
    for number, seed in enumerate([*seeds, *FOUND]):
        print(number, seed)
        rng = random.Random(seed)
        tasks = random_tasks(rng, f"p{number}")
        commands = random_commands(rng, tasks, invalid=int(seed.partition(" ")[0]) % 3 == 2)
        # LSST's packages start a process for each quantum, which takes seconds.
        several = VOLUME and number % 7 == 4 and not any(map(ends_early, commands))
        made.append({"tasks": tasks, "commands": commands, "processes": 2 if several else 1})
    return made


def runs_of_peer(folder: Path, made: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Let LSST's packages run them."""
    with Butler.open(str(folder / "pristine")) as butler:
        raws = [
            [dict(ref.data_id.required), butler.get(ref)["value"]]
            for ref in butler.query_datasets("raw", collections="raws")
        ]
    with SqlRegistry.open(f"sqlite:///{folder}/pristine/registry.sqlite3") as registry:
        world = read_world(registry)
        storage_classes = {n: registry.dataset_types.get(n).storage_class for n in world.types}
        given = {"world": world.document(), "storage_classes": storage_classes, "raws": raws, "pipelines": made}
    answers: list[list[dict[str, Any]]] = ask_peer(SCRIPT, given, folder)
    return answers


def run_all(
    folder: Path, pristine: Path, pipeline: dict[str, Any], runner: list[Any], run: Any
) -> list[dict[str, Any]]:
    """Run all commands of a pipeline, each after the other."""
    shutil.copytree(pristine, folder / "repo")
    (folder / "tasks.json").write_text(json.dumps(pipeline["tasks"]))
    tasks = {
        task["label"]: {"class": f"described_tasks.{task['label']}Task", "config": {"saveLogOutput": task["log"]}}
        for task in pipeline["tasks"]
    }
    (folder / "pipeline.yaml").write_text(json.dumps({"description": "made up", "tasks": tasks}))
    answers = []
    for command in pipeline["commands"]:
        (folder / "behaviour.json").write_text(json.dumps(command["behaviour"]))
        (folder / "summary.json").unlink(missing_ok=True)
        # What a failed quantum left is replaced here in any case.
        options = [word for word in command["options"] if word != "--clobber-outputs"]
        done = run(
            "pipetask", "run", "-b", "repo", "-p", "pipeline.yaml", "-i", "raws", "-o", "out",
            "--register-dataset-types", "--summary", "summary.json", *runner, *options, cwd=folder, check=False,
        )  # fmt: skip
        answers.append({"exit code": done.returncode, **content(folder), "log": done.stderr[-3000:]})
    shutil.rmtree(folder / "repo")
    return answers


def content(folder: Path) -> dict[str, Any]:
    """Give what the runs hold, as `peer_runs` does."""
    rows = []
    with Butler.open(str(folder / "repo")) as butler:
        runs = butler.collections.query("out/*")
        for ref in butler.query_all_datasets(runs) if runs else []:
            data_id = sorted([name, value] for name, value in ref.data_id.required.items())
            rows.append([ref.dataset_type.name, data_id, ref.run, look_at(butler, ref)])
        chain = list(butler.collections.get("out").children) if butler.collections.query("out*") else []
    states = None
    if (folder / "summary.json").exists():
        reports = json.loads((folder / "summary.json").read_text()).get("quantaReports", [])
        states = sorted([r["taskLabel"], sorted([n, v] for n, v in r["dataId"].items()), r["status"]] for r in reports)
    return {"datasets": sorted(rows, key=json.dumps), "states": states, "chain": chain}


def look_at(butler: Butler, ref: Any) -> Any:
    assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
    found = butler.get(ref)
    if ref.dataset_type.name.endswith("_metadata"):
        return found["metadata"]["quantum"]["scalars"]["caveats"]
    return found["value"] if ref.dataset_type.storage_class == KIND else None


def compare(
    pipeline: dict[str, Any], ours: list[dict[str, Any]], theirs: list[dict[str, Any]], runner: str
) -> Counter[str]:
    """Compare what there was after each command, and count."""
    outcomes: Counter[str] = Counter()
    for command, own, peer in zip(pipeline["commands"], ours, theirs, strict=True):
        place = f"{runner}: {pipeline['tasks']}\n{command}\n{own['log']}\n{peer['log'][-3000:]}"
        if re.search(r"^Nothing to do[.:] ", own["log"], re.MULTILINE):
            # That is a success here, also where the rest never had inputs; LSST's packages take it for an empty graph.
            assert own["exit code"] == 0, place
            assert peer["exit code"] == 1, place
            assert "QuantumGraph was empty" in peer["log"], place
            outcomes["nothing to do"] += 1
        else:
            assert own["exit code"] == peer["exit code"], place
            outcomes[f"exit code {own['exit code']}"] += 1
            if not ends_early(command) or runner == "in this process":
                assert states_of(own, command) == states_of(peer, command), place
                outcomes["quanta"] += len(own["states"] or ())
        if ends_early(command) and runner != "in this process":
            # What else ran before the end is a matter of chance.
            break
        assert own["chain"] == peer["chain"], place
        assert own["datasets"] == peer["datasets"], place
        outcomes["datasets"] += len(own["datasets"])
    return outcomes


def ends_early(command: dict[str, Any]) -> bool:
    """Whether a failure may end the whole run."""
    behaviours = (one for found in command["behaviour"].values() for one in found.values())
    return "--fail-fast" in command["options"] or any(raised == "invalid" for _, raised in behaviours)


def states_of(answer: dict[str, Any], command: dict[str, Any]) -> list[Any] | None:
    """Give the states of quanta as both tell them: if a failure ends the run, LSST's packages leave out what did not run."""
    found: list[Any] | None = answer["states"]
    return [one for one in found if one[2] != "skipped"] if found is not None and ends_early(command) else found
