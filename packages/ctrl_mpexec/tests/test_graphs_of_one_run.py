# SPDX-License-Identifier: BSD-3-Clause
"""Several graphs that were built for one run before any of them ran."""

import json
import re

import pytest

from pachon.base.testing import run_command
from pachon.butler import Butler
from pachon.butler.program import program as butler_program
from pachon.ctrl_mpexec.graph_store import keep_graph
from pachon.ctrl_mpexec.program import pipetask as pipetask_program
from pachon.quantum_butler import QuantumGraph


def call(program, *arguments, code=0):
    done = run_command(program, *arguments)
    assert done.exit_code == code, done.stderr
    return done.stderr if code else done.stdout


def pipetask(*arguments, **options):
    return call(pipetask_program, *arguments, **options)


def butler(*arguments, **options):
    return call(butler_program, *arguments, **options)


@pytest.fixture
def make_graph(repository, pipeline_file, tmp_path):
    def make(exposure, *options):
        path = tmp_path / f"g{exposure}.qg"
        pipetask(
            "qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--output-run", "me/run", "-q", path,
            "-d", f"instrument='Cam' AND exposure={exposure} AND visit={exposure}", *options,
        )  # fmt: skip
        return path

    return make


def totals(repository):
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        configs = list(reader.query_datasets("correct_config"))
        assert len(configs) == 1
        return sorted(ref.data_id["visit"] for ref in reader.query_datasets("visit_total"))


def test_each_is_run_and_only_another_configuration_is_a_conflict(repository, make_graph):
    first, second = make_graph(1), make_graph(2, "-c", "correct:pause=0.0")
    other = make_graph(3, "-c", "correct:factor=2")
    pipetask("run", "-b", repository, "-g", first, "--register-dataset-types")
    # One quantum of it alone, and then all of it.
    pipetask("run", "-b", repository, "-g", second, "--qgraph-node-id", next(iter(QuantumGraph.open(second))))
    pipetask("run", "-b", repository, "-g", second)
    said = pipetask("run", "-b", repository, "-g", other, code=1)
    assert re.search(r"another configuration of task 'correct': .*factor", said)
    assert totals(repository) == [1, 2]
    with Butler.open(str(repository)) as reader:
        assert reader.fsck().findings == ()


def test_what_is_kept_of_a_graph_hides_no_conflict(repository, make_graph):
    first, other = make_graph(1), make_graph(3, "-c", "correct:factor=2")
    # As a job that prepares the run does, or an execution that was killed at its beginning.
    keep_graph(QuantumGraph.open(other))
    pipetask("run", "-b", repository, "-g", first, "--register-dataset-types")
    assert "another configuration of task 'correct'" in pipetask("run", "-b", repository, "-g", other, code=1)


def test_what_their_jobs_wrote_is_registered(repository, make_graph):
    graphs = [make_graph(1), make_graph(2)]
    other = make_graph(3, "-c", "correct:factor=2")
    for graph in (*graphs, other):
        pipetask("pre-exec-init-qbb", repository, graph)
        pipetask("run-qbb", repository, graph)
    for graph in graphs:
        butler("transfer-from-graph", graph, repository, "--register-dataset-types")
        butler("transfer-from-graph", graph, repository)
    said = butler("transfer-from-graph", other, repository, code=1)
    assert "Run 'me/run' holds another 'correct_config' than the jobs of this graph wrote" in said
    assert totals(repository) == [1, 2]


def test_configurations_that_provenance_names_are_registered(repository, make_graph):
    for graph in (make_graph(1), make_graph(2)):
        pipetask("pre-exec-init-qbb", repository, graph)
        pipetask("run-qbb", repository, graph)
        butler("transfer-from-graph", graph, repository, "--register-dataset-types")
    with Butler.open(str(repository), collections=["me/run"], instrument="Cam") as reader:
        for visit in (1, 2):
            total = reader.find_dataset("visit_total", visit=visit)
            (gather,) = json.loads(butler("provenance", repository, total.id, "--depth", 1, "--json"))[0]["next"]
            assert gather["config"] == str(reader.find_dataset("gather_config").id)
            assert gather["packages"] == str(reader.find_dataset("packages").id)


def test_where_outputs_of_jobs_come_from(repository, make_graph):
    graph = make_graph(1)
    pipetask("pre-exec-init-qbb", repository, graph)
    pipetask("run-qbb", repository, graph)
    butler("transfer-from-graph", graph, repository, "--register-dataset-types")
    with Butler.open(str(repository)) as reader:
        total = reader.find_dataset("visit_total", instrument="Cam", visit=1, collections=["me/run"])
    said = butler("provenance", repository, total.id)
    assert re.search(r"gather .*\[successful", said)
    assert "raw instrument=Cam, detector=0, exposure=1 in raws" in said
    (kept,) = (repository / "me/run/.receipts/graphs").iterdir()
    kept.unlink()
    said = butler("provenance", repository, total.id)
    assert "name the file of the graph with --graph, or run 'butler aggregate-graph'" in said
    assert "gather" in butler("provenance", repository, total.id, "--graph", graph)


def test_the_repository_is_named_whose_files_are_elsewhere(tmp_path, pipeline_file):
    from pachon.ctrl_mpexec.testing.repository import make_repository

    repository, files, graph = tmp_path / "a b", tmp_path / "the files", tmp_path / "g.qg"
    make_repository(repository, files=str(files))
    pipetask(
        "qgraph",
        "-b",
        repository,
        "-p",
        pipeline_file,
        "-i",
        "defaults",
        "-o",
        "me",
        "--output-run",
        "me/run",
        "-q",
        graph,
    )
    pipetask("pre-exec-init-qbb", repository, graph)
    pipetask("run-qbb", repository / "butler.yaml", graph)
    assert (files / "me/run/visit_total").is_dir()
    butler("transfer-from-graph", graph, repository, "--register-dataset-types", "--update-output-chain")
    assert totals(repository) == [1, 2, 3]
