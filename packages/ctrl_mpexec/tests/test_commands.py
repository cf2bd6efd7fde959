# SPDX-License-Identifier: BSD-3-Clause
"""The program as users call it, in processes of its own."""

import json
import os
import subprocess
import sys

import pytest

from pachon.butler import Butler
from pachon.datasets import CollectionType
from pachon.quantum_butler import QuantumGraph

PIPETASK = [sys.executable, "-c", "from pachon.ctrl_mpexec.program import main; main()"]


def pipetask(*arguments, check=0, **options):
    done = subprocess.run(
        [*PIPETASK, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False, **options
    )
    assert done.returncode == check, done.stderr
    return done


def test_run_and_report(repository, pipeline_file, tmp_path):
    graph, summary = tmp_path / "g.qg", tmp_path / "summary.json"
    done = pipetask(
        "run", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--register-dataset-types",
        "-q", graph, "--summary", summary, "--qgraph-svg", tmp_path / "g.svg", "--pipeline-svg", tmp_path / "p.svg",
    )  # fmt: skip
    assert "gather: 3 success" in done.stderr
    document = json.loads(summary.read_text())
    assert document["status"] == "success"
    assert len(document["quantaReports"]) == 15
    assert document["qgraphSummary"]["outputRun"].startswith("me/")
    for picture in ("g.svg", "p.svg"):
        assert (tmp_path / picture).read_text().lstrip().startswith(("<svg", "<?xml"))
    report = pipetask("report", repository, graph, "--json")
    tasks = json.loads(report.stdout)["tasks"]
    assert {label: task["n_successful"] for label, task in tasks.items()} == {"correct": 6, "visit": 6, "gather": 3}
    with Butler.open(str(repository)) as butler:
        run = document["qgraphSummary"]["outputRun"]
        assert butler.flatten_collections(["me"]) == (run, "raws", "calib")


def test_two_steps(repository, pipeline_file, tmp_path):
    graph = tmp_path / "g.qg"
    pipetask("qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "-q", graph)
    with Butler.open(str(repository)) as butler:
        assert not butler.fetch_collections(["me"]), "building a graph changes nothing"
    pipetask("run", "-b", repository, "-g", graph, "--register-dataset-types", "-j", 2)
    with Butler.open(str(repository), collections=["me"]) as butler:
        assert butler.get("visit_total", instrument="Cam", visit=1)["value"] == 200


BUTLER = [sys.executable, "-c", "from pachon.butler.program import main; main()"]


def test_a_removed_run_leaves_nothing(repository, pipeline_file):
    before = {path for path in repository.rglob("*") if path.is_dir()}
    common = ("-b", repository, "-p", pipeline_file, "-i", "defaults", "--register-dataset-types", "-o", "u/me")
    runs = ("u/me/first", "u/me/second")
    for run in runs:
        pipetask("run", *common, "--output-run", run)
        assert (repository / run / ".receipts").is_dir()
    for run in runs:
        subprocess.run([*BUTLER, "remove-runs", repository, run, "--no-confirm", "--force"], check=True)
        assert not (repository / run).exists()
    assert {path for path in repository.rglob("*") if path.is_dir()} == before
    checked = subprocess.run([*BUTLER, "fsck", repository], check=True, capture_output=True, text=True)
    assert "Nothing is wrong." in checked.stdout


def test_nothing_to_do_and_nothing_matched_are_different(repository, pipeline_file):
    common = ("-b", repository, "-p", pipeline_file)
    pipetask("run", *common, "-i", "defaults", "-o", "me", "--register-dataset-types")
    done = pipetask("run", *common, "-o", "me", "--extend-run", "--clobber-outputs")  # which has no effect
    assert "Nothing to do" in done.stderr
    failed = pipetask("run", *common, "-o", "me", "-d", "instrument='Cam' AND exposure=77", check=1)
    assert "The graph is empty." in failed.stderr
    assert len(failed.stderr.strip().splitlines()) == 1
    failed = pipetask("run", *common, "-o", "me", "-d", "instrument='Cam'", "--data-query", "exposure=77", check=2)
    assert "--data-query is given twice; join the expressions with AND." in failed.stderr


def test_what_is_done_may_be_looked_for_in_an_output_that_is_not_there_yet(repository, pipeline_file):
    pipetask("qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--skip-existing-in", "me")


def test_an_old_graph_is_not_run_over_the_outputs_of_another_one(repository, pipeline_file, tmp_path):
    common = ("-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--output-run", "me/run")
    pipetask("qgraph", *common, "-q", tmp_path / "old.qg")
    pipetask("run", *common, "--register-dataset-types", "-d", "instrument = 'Cam' AND exposure = 1")
    before = {path: path.read_bytes() for path in (repository / "me").rglob("*.json")}
    refused = pipetask("run", "-b", repository, "-g", tmp_path / "old.qg", "--extend-run", check=1)
    assert "Run 'me/run' holds outputs of another graph where this one would write" in refused.stderr
    assert "exposure=1" in refused.stderr
    assert {path: path.read_bytes() for path in (repository / "me").rglob("*.json")} == before
    checked = subprocess.run([*BUTLER, "fsck", repository], check=True, capture_output=True, text=True)
    assert "Nothing is wrong." in checked.stdout
    # The way on that it names.
    pipetask("run", *common, "--extend-run", "-q", tmp_path / "new.qg")
    again = pipetask("run", "-b", repository, "-g", tmp_path / "new.qg", "--extend-run")
    assert "exists already" not in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("-p", "nowhere.yaml", "-i", "defaults", "-o", "me"), 1, "nowhere.yaml"),
        (("-t", "no.such.Task:x", "-i", "defaults", "-o", "me"), 1, "no.such"),
        (("-p", "PIPELINE", "-i", "no_such_collection", "-o", "me"), 1, "no_such_collection"),
        (("-p", "PIPELINE", "-i", "defaults"), 1, "Say where outputs go"),
        (("-p", "PIPELINE", "-i", "defaults", "-o", "me", "-c", "correct:nothing=1"), 1, "nothing"),
        (("-p", "PIPELINE", "-i", "defaults", "-o", "me", "-c", "nolabel"), 1, "LABEL:NAME=VALUE"),
        (("-p", "PIPELINE", "-i", "defaults", "-o", "me", "-d", "exposure ="), 1, "ends too early"),
        (("-p", "PIPELINE", "-i", "defaults", "-o", "me", "--show", "everything"), 1, "nothing 'everything' to show"),
        (("-p", "PIPELINE", "-i", "defaults", "-o", "me", "--skip-existing-in", "mee"), 1, "'mee'"),
        (("--no-such-option",), 2, "No such option"),
    ],
)
def test_bad_input_is_one_clear_message(repository, pipeline_file, arguments, code, message):
    plain = [str(pipeline_file) if word == "PIPELINE" else word for word in arguments]
    done = pipetask("run", "-b", repository, *plain, check=code)
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    with Butler.open(str(repository)) as butler:
        assert not butler.fetch_collections(["me"])


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(("kind", "more", "code"), [("invalid", (), 21), ("repeatable", ("--fail-fast",), 20)])
def test_exit_codes(repository, pipeline_file, kind, more, code, processes):
    done = pipetask(
        "run", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--register-dataset-types",
        "-c", f"correct:fail={kind}", "-c", "correct:fail_exposure=1", "-j", processes, *more, check=code,
    )  # fmt: skip
    assert "told to" in done.stderr
    assert "of 15 quanta failed" in done.stderr


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize(("kind", "more", "code"), [("invalid", (), 21), ("repeatable", ("--fail-fast",), 20)])
def test_exit_codes_of_jobs(repository, pipeline_file, tmp_path, kind, more, code, processes):
    graph = tmp_path / "g.qg"
    pipetask(
        "qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "-q", graph,
        "-c", f"correct:fail={kind}", "-c", "correct:fail_exposure=1",
    )  # fmt: skip
    pipetask("pre-exec-init-qbb", repository, graph)
    done = pipetask("run-qbb", repository, graph, "-j", processes, *more, check=code)
    assert "told to" in done.stderr


def test_a_pipeline_with_a_cycle(repository, pipeline_file, tmp_path):
    done = pipetask("build", "-p", pipeline_file, "-c", "correct:connections.raw=visit_total", check=1)
    assert "cycle" in done.stderr.lower() or "wait for each other" in done.stderr
    assert "Traceback" not in done.stderr


def test_order_of_changes_counts_across_options(pipeline_file, tmp_path):
    override = tmp_path / "override.py"
    override.write_text("config.factor = 5\n")
    first = pipetask(
        "build", "-p", pipeline_file, "-c", "correct:factor=3", "-C", f"correct:{override}",
        "--show", "config=correct::factor",
    )  # fmt: skip
    assert "config.factor=5" in first.stdout
    second = pipetask(
        "build", "-p", pipeline_file, "-C", f"correct:{override}", "-c", "correct:factor=3",
        "--show", "config=correct::factor",
    )  # fmt: skip
    assert "config.factor=3" in second.stdout


def test_one_quantum_from_a_graph_file_needs_no_database(repository, pipeline_file, tmp_path):
    graph = tmp_path / "g.qg"
    pipetask("qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "-q", graph)
    first = next(iter(QuantumGraph.open(str(graph))))
    code = (
        "import sys\n"
        "from pachon.ctrl_mpexec.program import pipetask\n"
        "pipetask.main(sys.argv[1:], standalone_mode=False)\n"
        "loaded = sorted(m for m in sys.modules if m.startswith(('sqlalchemy', 'pachon.registry')))\n"
        "assert not loaded, loaded\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "run-qbb", str(repository), str(graph), "--qgraph-node-id", str(first)],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONWARNINGS": "error::ImportWarning"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_batch_jobs_and_transfer_back(repository, pipeline_file, tmp_path):
    graph = tmp_path / "g.qg"
    pipetask("qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "-q", graph)
    pipetask("pre-exec-init-qbb", repository, graph)
    for quantum_id in QuantumGraph.open(str(graph)):
        pipetask("run-qbb", repository, graph, "--qgraph-node-id", quantum_id)
    butler_program = [sys.executable, "-c", "from pachon.butler.program import main; main()"]
    subprocess.run(
        [*butler_program, "transfer-from-graph", str(graph), str(repository), "--register-dataset-types",
         "--update-output-chain"],
        check=True,
    )  # fmt: skip
    with Butler.open(str(repository), collections=["me"]) as butler:
        assert butler.get("visit_total", instrument="Cam", visit=3)["value"] == 600
    report = pipetask("report", repository, graph, "--json")
    assert json.loads(report.stdout)["tasks"]["gather"]["n_successful"] == 3


def test_graphs_that_wait_together_share_a_chain(repository, pipeline_file, tmp_path):
    first, second = tmp_path / "first.qg", tmp_path / "second.qg"
    for run, graph in (("me/1", first), ("me/2", second)):
        pipetask(
            "qgraph", "-b", repository, "-p", f"{pipeline_file}#correct", "-i", "defaults", "-o", "me",
            "--output-run", run, "-q", graph,
        )  # fmt: skip
    for graph in (first, second):
        pipetask("run", "-b", repository, "-g", graph, "--register-dataset-types")
    with Butler.open(str(repository)) as butler:
        assert butler.flatten_collections(["me"]) == ("me/2", "me/1", "raws", "calib")


def test_unstore_keeps_what_belongs_to_the_run_as_a_whole(repository, pipeline_file):
    common = ("-b", repository, "-p", f"{pipeline_file}#correct", "-o", "me", "--register-dataset-types")
    pipetask("run", *common, "-i", "defaults", "--output-run", "me/1")
    pipetask("run", *common, "--output-run", "me/2", "--replace-run", "--prune-replaced", "unstore")
    with Butler.open(str(repository)) as butler:
        assert butler.flatten_collections(["me"]) == ("me/2", "raws", "calib")
        stored = {ref.dataset_type.name for ref in butler.query_all_datasets(["me/1"]) if butler.exists(ref)}
        assert stored == {"correct_config", "packages"}


def test_an_output_run_that_is_another_collection(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        butler.collections.register("mine", CollectionType.TAGGED)
    for command in ("qgraph", "run"):
        done = pipetask(
            command, "-b", repository, "-p", pipeline_file, "-i", "defaults", "--output-run", "mine", check=1
        )
        assert "'mine' is a TAGGED collection" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("output", [("--output-run", "me run/*"), ("--output", "me?"), ("--output-run", "/me")])
def test_a_name_that_no_collection_can_have(repository, pipeline_file, output, tmp_path):
    graph = tmp_path / "g.qg"
    with Butler.open(str(repository)) as butler:
        before = butler.collections.query("*")
    for command in (("qgraph", "-q", graph), ("run", "--register-dataset-types")):
        done = pipetask(
            *command, "-b", repository, "-p", f"{pipeline_file}#correct", "-i", "defaults", *output, check=1
        )
        assert "is no name for a collection" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert not graph.exists()
    with Butler.open(str(repository)) as butler:
        assert butler.collections.query("*") == before
        assert not butler.fetch_dataset_types(["correct_config"])
