# SPDX-License-Identifier: BSD-3-Clause
"""Outputs of the same quantum written twice: after a kill at each step, and by two jobs at once."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from faults.child import spots_of
from faults.graph_child import LABEL, run_at_the_same_time, run_job, transfer_bit_by_bit
from faults.repositories import Repository
from faults.zygote import Zygote
from pachon.butler import Butler
from pachon.butler.fsck.report import FindingKind
from pachon.datastore.file_store import checksum_of_file
from pachon.quantum_butler import DatastoreSource, QuantumGraph
from pachon.quantum_butler.testing import example_graph

RUN = "u/someone/run"
TEXTS = ["short", "a longer text " * 800]


@pytest.fixture
def graph(repository: Repository, tmp_path: Path) -> str:
    """A graph with two quanta, of which only the first task is run; gives its file."""
    with repository.open() as butler:
        document = butler.datastore_document()
        # The graph has no records of a sky map.
        insert = butler.dimension_records.insert
        insert("skymap", [{"name": "sky", "hash": b"\0\1"}])
        insert("tract", [{"skymap": "sky", "id": 1}])
        insert("patch", [{"skymap": "sky", "tract": 1, "id": n, "cell_x": n, "cell_y": 0} for n in range(2)])
    made = example_graph(visits=1, detectors=2, datastore=DatastoreSource(config=document, root=document["root"]))
    path = tmp_path / "graph.qg"
    made.write(str(path))
    return str(path)


def written(repository: Repository) -> list[Path]:
    """Give the files at predicted paths; each is whole."""
    files = [path for path in (Path(repository.root) / RUN).rglob("*.yaml") if not path.name.startswith(".")]
    for path in files:
        assert yaml.safe_load(path.read_text())["text"] in TEXTS, path
    return files


def transfer(butler: Butler, graph: str) -> int:
    return butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)


def check(butler: Butler, graph: str) -> None:
    """All outputs of the task are registered, and are what was written."""
    opened = QuantumGraph.open(graph)
    outputs = [ref for quantum in opened.iter_quanta(LABEL) for refs in quantum.outputs.values() for ref in refs]
    assert len(butler.query_all_datasets(RUN)) == len(outputs)
    for ref in outputs:
        assert butler.get(ref)["of"] == str(ref.id)
        assert butler.get(ref)["text"] in TEXTS
    for row in butler.datastore_records(outputs).rows():
        assert checksum_of_file(f"{butler.root.ospath}{row.path}") == row.checksum


@pytest.mark.parametrize("register_first", [False, True], ids=["retried", "registered and retried"])
def test_a_job_that_was_killed_is_run_again(
    repository: Repository, zygote: Zygote, graph: str, register_first: bool
) -> None:
    points = zygote.check(run_job, graph, TEXTS[0])
    assert {"write.renamed", "write.folders_synced"} <= set(points)
    number = len(written(repository))
    kills = 0
    for spot in spots_of(points):
        with repository.open() as butler:
            transfer(butler, graph)
            butler.remove_runs(RUN)
            assert written(repository) == []
            what = f"job killed at {spot}"
            assert zygote.call(run_job, graph, TEXTS[0], spot).killed, what
            kills += 1
            there = len(written(repository))
            if register_first:
                # What is there is whole, and may be registered as it is; the retry writes the same.
                assert transfer(butler, graph) == there, what
                zygote.check(run_job, graph, TEXTS[0])
                assert transfer(butler, graph) == number - there, what
            else:
                zygote.check(run_job, graph, TEXTS[1])
                assert transfer(butler, graph) == number, what
            assert transfer(butler, graph) == 0, what
            check(butler, graph)
            # A file that was being written is left beside; fsck knows it for what it is.
            report = butler.fsck(min_age=0.0, verify="checksum")
            assert report.clean, f"{what}: {report.remaining}"
            assert {finding.kind for finding in report.findings} <= {FindingKind.GRAPH_OUTPUT}, what
            for path in (Path(repository.root) / RUN).rglob("*.part"):
                path.unlink()
    print(f"job of a graph: {kills} kills at {len(set(points))} points, lost 0, wrong 0")


def test_a_transfer_that_was_killed_goes_on(repository: Repository, zygote: Zygote, graph: str) -> None:
    zygote.check(run_job, graph, TEXTS[0])
    files = written(repository)
    # The first transfer alone registers dataset types (`test_changed_definitions` kills there).
    reached = zygote.check(transfer_bit_by_bit, repository.root, graph, 1)
    points = [point for point in reached if not point.startswith("definition.")]
    assert points.count("commit.rows_written") > 2
    half = 0
    for spot in spots_of(points):
        what = f"transfer killed at {spot}"
        with repository.open() as butler:
            butler.remove_runs(RUN)
        zygote.check(run_job, graph, TEXTS[0])
        assert written(repository) == files, what
        assert zygote.call(transfer_bit_by_bit, repository.root, graph, 1, spot).killed, what
        with repository.open() as butler:
            # What was registered is whole, and nothing is half registered.
            there = butler.query_all_datasets(RUN)
            records = butler.datastore_records(there)
            assert {row.dataset_id for row in records.rows()} == {ref.id for ref in there}, what
            assert len(records) == len(there), what
            for ref in there:
                assert butler.get(ref)["of"] == str(ref.id)
            half += 0 < len(there) < len(files)
            assert transfer(butler, graph) == len(files) - len(there), what
            assert transfer(butler, graph) == 0, what
            check(butler, graph)
            # That a writer was killed is all that there is to find.
            report = butler.fsck(min_age=0.0, verify="checksum")
            assert {finding.kind for finding in report.findings} <= {FindingKind.DEAD_WRITER}, what
    assert half > 2
    print(f"transfer: {len(spots_of(points))} kills at {len(set(points))} points, lost 0, twice 0")


def test_two_jobs_write_the_same_outputs(repository: Repository, zygote: Zygote, graph: str) -> None:
    assert zygote.check(run_at_the_same_time, graph, TEXTS, 15) == [0, 0]
    files = written(repository)
    assert list((Path(repository.root) / RUN).rglob("*.part")) == []
    with repository.open() as butler:
        assert transfer(butler, graph) == len(files)
        assert transfer(butler, graph) == 0
        check(butler, graph)
        assert butler.fsck(min_age=0.0, verify="checksum").findings == ()
