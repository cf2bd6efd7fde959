# SPDX-License-Identifier: BSD-3-Clause
"""What LSST's `pipetask` does with made-up pipelines; run by the interpreter of an environment that has it.

usage: peer_runs.py IN.json OUT.json

IN holds ``world`` and ``storage_classes`` as for `peer_graphs`, ``raws`` (data IDs and numbers), and ``pipelines``, each with
``tasks``, ``commands`` (`random_runs.random_commands`) and ``processes``. OUT gets for each pipeline and each of its commands
what there is afterwards.
"""

import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, DatasetNotFoundError
from peer_queries import fill

KIND = "StructuredDataDict"


def main() -> None:
    given = json.loads(Path(sys.argv[1]).read_text())
    answers = []
    with tempfile.TemporaryDirectory(prefix="peer-runs-", dir=Path(sys.argv[2]).parent) as name:
        folder = Path(name)
        os.environ["DESCRIBED_TASKS"] = str(folder)
        os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        make_repository(folder / "pristine", given)
        for pipeline in given["pipelines"]:
            answers.append(run_all(folder, pipeline))
            print(len(answers), file=sys.stderr, flush=True)
    Path(sys.argv[2]).write_text(json.dumps(answers))


def make_repository(root: Path, given: dict[str, Any]) -> None:
    """Make the repository that each pipeline gets a copy of."""
    Butler.makeRepo(str(root))
    with Butler.from_config(str(root), writeable=True) as butler:
        world = {**given["world"], "datasets": [], "placements": []}
        fill(butler, world, given["storage_classes"])
        for data_id, value in given["raws"]:
            butler.put({"value": value}, "raw", data_id, run="raws")


def run_all(folder: Path, pipeline: dict[str, Any]) -> list[dict[str, Any]]:
    """Run all commands of a pipeline, each after the other."""
    repo = folder / "repo"
    shutil.copytree(folder / "pristine", repo)
    (folder / "tasks.json").write_text(json.dumps(pipeline["tasks"]))
    tasks = {
        task["label"]: {"class": f"peer_run_tasks.{task['label']}Task", "config": {"saveLogOutput": task["log"]}}
        for task in pipeline["tasks"]
    }
    (folder / "pipeline.yaml").write_text(json.dumps({"description": "made up", "tasks": tasks}))
    answers = []
    for command in pipeline["commands"]:
        (folder / "behaviour.json").write_text(json.dumps(command["behaviour"]))
        summary = folder / "summary.json"
        summary.unlink(missing_ok=True)
        words = [
            "run", "-b", repo, "-p", folder / "pipeline.yaml", "-i", "raws", "-o", "out", "--register-dataset-types",
            "-j", pipeline["processes"], "--summary", summary, *command["options"],
        ]  # fmt: skip
        code, log = in_child([str(word) for word in words], folder / "log")
        answers.append({"exit code": code, **content(repo, summary), "log": log[-20000:]})
    shutil.rmtree(repo)
    return answers


def in_child(words: list[str], log: Path) -> tuple[int, str]:
    """Run `pipetask` in a child that has imported its packages already; give its exit code and what it told."""
    import lsst.ctrl.mpexec.cli.pipetask as program

    child = os.fork()
    if child == 0:
        with log.open("wb") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        code = 99
        try:
            program.cli(words, prog_name="pipetask")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:  # noqa: BLE001  # the child must not come back
            traceback.print_exc()
            code = 1
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), log.read_text(errors="replace")


def content(repo: Path, summary: Path) -> dict[str, Any]:
    """Give what the runs hold: type, data ID, run and what is in it, and the states of quanta that the summary tells."""
    rows = []
    with Butler.from_config(str(repo)) as butler:
        runs = butler.collections.query("out/*", flatten_chains=False)
        chain = list(butler.collections.get_info("out").children) if butler.collections.query("out*") else []
        for name in runs:
            for kind in butler.registry.queryDatasetTypes("*"):
                for ref in butler.registry.queryDatasets(kind, collections=[name]):
                    rows.append([kind.name, sorted(dict(ref.dataId.required).items()), name, look_at(butler, ref)])
    states = None
    if summary.exists():
        reports = json.loads(summary.read_text()).get("quantaReports", [])
        states = sorted([r["taskLabel"], sorted(r["dataId"].items()), r["status"]] for r in reports)
    return {"datasets": sorted(rows, key=json.dumps), "states": states, "chain": chain}


def look_at(butler: Any, ref: Any) -> Any:
    try:
        found = butler.get(ref)
    except (FileNotFoundError, DatasetNotFoundError):
        return "no file"
    if ref.datasetType.name.endswith("_metadata"):
        return int(found["quantum"].get("caveats", 0))
    return found["value"] if ref.datasetType.storageClass_name == KIND else None


if __name__ == "__main__":
    main()
