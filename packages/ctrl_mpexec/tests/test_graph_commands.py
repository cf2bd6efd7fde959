# SPDX-License-Identifier: BSD-3-Clause
"""Graph commands of both programs: merging, provenance, files out of the repository, other runs, removal."""

import csv
import json
import zipfile
from pathlib import Path

import pytest

from pachon.base import ConflictError, InvalidInputError, NotFoundError, PachonError
from pachon.butler import Butler
from pachon.butler.graph_match import GraphMismatchError
from pachon.butler.program import program as butler_program
from pachon.ctrl_mpexec.program import pipetask as pipetask_program
from pachon.datasets import CollectionType, DatasetExistence
from pachon.datastore.file_store import checksum_of_file
from pachon.quantum_butler import QuantumGraph, read_receipt
from pachon.quantum_butler.provenance_graph import ProvenanceGraph
from pachon.quantum_butler.run_lock import RunBusyError
from pachon.quantum_butler.testing import busy_run
from pachon.resources import ResourcePath


def call(program, *arguments, check=0):
    """Run a command in this process; give what it printed."""
    from click.testing import CliRunner

    done = CliRunner().invoke(program, [str(one) for one in arguments], catch_exceptions=True)
    if isinstance(done.exception, PachonError):
        raise done.exception
    assert done.exit_code == check, (done.output, done.exception)
    return done.stdout


def pipetask(*arguments, **options):
    return call(pipetask_program, *arguments, **options)


def butler(*arguments, **options):
    return call(butler_program, *arguments, **options)


@pytest.fixture
def graph(repository, pipeline_file, tmp_path):
    path = tmp_path / "g.qg"
    pipetask(
        "qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--output-run", "me/run", "-q", path,
        "-c", "correct:fail=exception", "-c", "correct:fail_exposure=2",
    )  # fmt: skip
    return path


def run_jobs(repository, graph):
    pipetask("pre-exec-init-qbb", repository, graph)
    with pytest.raises(PachonError, match="2 of 15 quanta failed"):
        pipetask("run-qbb", repository, graph)


def test_from_jobs_to_a_provenance_graph_that_holds_the_small_files(repository, graph, pipeline_file, tmp_path):
    run_jobs(repository, graph)
    output = tmp_path / "provenance.qg"
    printed = butler("aggregate-graph", graph, repository, "-o", output, "-j", 2)
    assert "2 failed" in printed
    assert "3 blocked" in printed
    assert "10 successful" in printed
    again = butler("aggregate-graph", graph, repository, "-o", output)
    assert "Number of datasets registered: 0" in again

    found = ProvenanceGraph.open(output)
    failed = [r for r in found.records("correct") if r.status == -1]
    assert [(r.exception, r.message, r.attempts) for r in failed] == [("ValueError", "told to fail", 1)] * 2
    assert all(r.run_time >= 0 and r.memory > 1e6 and r.start > 1e9 for r in found.records("correct"))
    assert found.made("visit_total").tolist() == [True, False, True]
    first = next(iter(found.graph))
    assert found.record(first) == found.records("correct")[0]

    with Butler.open(str(repository), collections=["me"]) as reader:
        assert reader.get("visit_total", instrument="Cam", visit=3)["value"] == 600
        before = {
            ref.id: reader.get(ref)
            for name in ("correct_log", "correct_metadata", "correct_config", "packages")
            for ref in reader.query_datasets(name, collections=["me/run"])
        }
        files = list(reader.get_uris(list(reader.query_datasets("correct_log"))).values())
    assert "holds" in butler("ingest-graph", repository, output)
    assert not output.exists(), "it was moved"
    assert not any(Path(file.primary.ospath).exists() for file in files)
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        for dataset_id, value in before.items():
            ref = reader.get_dataset(dataset_id)
            assert reader.get(ref) == value
            assert reader.exists(ref, verify=True) == DatasetExistence.VERIFIED
        assert reader.get("run_provenance").graph.header.graph_type == "provenance"
    butler("ingest-graph", repository, "--output-run", "me/run")  # again: nothing is left to do
    with pytest.raises(ConflictError, match="nothing to aggregate"):
        butler("aggregate-graph", graph, repository)
    with pytest.raises(ConflictError, match="nothing can be added"):
        pipetask("run", "-b", repository, "-g", graph)
    with pytest.raises(ConflictError, match="nothing can be added"):
        pipetask(
            "run", "-b", repository, "-p", pipeline_file, "-o", "me", "--extend-run", "-c", "correct:fail=exception",
            "-c", "correct:fail_exposure=2",
        )  # fmt: skip
    butler("fsck", repository)

    table = butler("provenance-report", repository, "me/run", "--data-id-table-dir", tmp_path / "tables",
                   "--status-report", tmp_path / "status.json")  # fmt: skip
    assert "ValueError" in table
    assert (tmp_path / "tables" / "correct-failed-ValueError.csv").read_text().splitlines() == [
        "instrument,detector,exposure", "Cam,0,2", "Cam,1,2",
    ]  # fmt: skip
    only = json.loads(butler("provenance-report", repository, "me/run", "--state", "failed", "--json"))
    assert only["exceptions"]["Count"] == [2]
    with pytest.raises(InvalidInputError, match="Did you mean 'failed'"):
        butler("provenance-report", repository, "me/run", "--state", "faild")


def test_what_is_left_to_ingest_graph_is_ingested_by_it(repository, graph, tmp_path):
    run_jobs(repository, graph)
    output = tmp_path / "provenance.qg"
    butler("aggregate-graph", graph, repository, "-o", output, "--promise-ingest-graph")
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        assert list(reader.query_all_datasets("me/run", name="correct_log")) == []
    butler("ingest-graph", repository, output)
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        assert len([reader.get(ref) for ref in reader.query_datasets("correct_log")]) == 6
        assert len([reader.get(ref) for ref in reader.query_datasets("correct_metadata")]) == 4


def test_incomplete_graphs_are_merged_in_parts(repository, graph, tmp_path):
    pipetask("pre-exec-init-qbb", repository, graph)
    ids = list(QuantumGraph.open(graph))
    pipetask("run-qbb", repository, graph, "--qgraph-node-id", ids[0])
    butler("aggregate-graph", graph, repository, "--incomplete", "--dry-run")
    printed = butler("aggregate-graph", graph, repository, "--incomplete", "-o", tmp_path / "p.qg")
    assert "14 unknown" in printed
    assert not (tmp_path / "p.qg").exists()
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        assert len(list(reader.query_datasets("corrected"))) == 1


def test_a_folder_that_is_no_repository_is_not_made(graph, tmp_path):
    place = tmp_path / "nix"
    for command in ("pre-exec-init-qbb", "run-qbb"):
        with pytest.raises(
            NotFoundError, match=r"There is no folder '.*nix', so it is no place of a repository\. The graph"
        ):
            pipetask(command, place, graph)
    assert not place.exists()


def test_another_repository_is_noticed_and_a_moved_one_is_used(repository, graph, tmp_path):
    pipetask("pre-exec-init-qbb", repository, graph)
    with Butler.create(str(tmp_path / "other")):
        pass
    for command in ("pre-exec-init-qbb", "run-qbb"):
        with pytest.raises(
            GraphMismatchError, match=r"built for the repository .* and .*/other/ is another one: of the inputs"
        ):
            pipetask(command, tmp_path / "other", graph)
    assert not (tmp_path / "other" / "me").exists()
    moved = repository.rename(tmp_path / "moved")
    # One of its tasks is told to fail for exposure 2; the others leave what they wrote, and the receipt, in the new place.
    with pytest.raises(PachonError, match="2 of 15 quanta failed"):
        pipetask("run-qbb", moved, graph)
    assert list((moved / "me" / "run").rglob("*.receipt"))


def test_lineage_goes_from_run_to_run(repository, pipeline_file):
    common = ("-b", repository, "-o", "me", "--register-dataset-types")
    pipetask("run", *common, "-p", f"{pipeline_file}#correct", "-i", "defaults", "--output-run", "me/1")
    pipetask("run", *common, "-p", f"{pipeline_file}#visit,gather", "--output-run", "me/2")
    with Butler.open(str(repository), collections=["me"]) as reader:
        total = reader.find_dataset("visit_total", instrument="Cam", visit=2)
        raw = reader.find_dataset("raw", instrument="Cam", exposure=2, detector=1, collections=["raws"])
        bias = next(iter(reader.query_datasets("bias", collections=["calib/run"])))
    text = butler("provenance", repository, total.id)
    for word in (
        "visit_total", "gather", "visit ", "correct", "raw ", "bias ", "in raws", "in me/1", "successful", "config", str(raw.id),
    ):  # fmt: skip
        assert word in text, word
    (up,) = json.loads(butler("provenance", repository, total.id, "--json"))
    gather = up["next"][0]
    assert gather["status"] == "successful"
    assert gather["user"]
    assert gather["run_time"] >= 0
    assert {"config", "packages", "run", "graph_built"} <= gather.keys()
    down = butler("provenance", repository, bias.id, "--down")
    assert down.count("■ gather") >= 3
    assert butler("provenance", repository, gather["id"]).startswith("■ gather")
    shallow = butler("provenance", repository, total.id, "--depth", 1)
    assert "correct" not in shallow
    # The second time only what failed is run; the report is about the run as a whole.
    fail = ("-c", "correct:fail=exception", "-c", "correct:fail_exposure=2", "--no-versions")
    one = ("run", *common, "-p", f"{pipeline_file}#correct", "-i", "defaults", "--output-run", "me/3", "--rebase")
    with pytest.raises(PachonError, match="2 of 6"):
        pipetask(*one, *fail)
    pipetask(*one, "--extend-run", "--skip-init-writes")
    table = json.loads(butler("provenance-report", repository, "me/3", "--json"))["quanta"]
    assert (table["Task"], table["Successful"], table["TOTAL"]) == (["correct"], [6], [6])
    header, *rows = csv.reader(butler("provenance-report", repository, "me/3", "--format", "csv").splitlines())
    assert [dict(zip(header, row, strict=True))["Successful"] for row in rows] == ["6"]
    with pytest.raises(PachonError, match="knows"):
        butler("provenance", repository, "00000000-0000-7000-8000-000000000000")


def test_files_of_quanta(repository, graph, tmp_path):
    run_jobs(repository, graph)
    first = next(iter(QuantumGraph.open(graph)))
    printed = butler("retrieve-artifacts-for-quanta", graph, repository, tmp_path / "one", "--qgraph-node-id", first)
    index = json.loads((tmp_path / "one" / "butler-artifacts.json").read_text())
    types = sorted(item["dataset_type"] for items in index["files"].values() for item in items)
    assert types == ["bias", "correct_config", "correct_log", "correct_metadata", "corrected", "raw"]
    assert printed.strip().endswith(": 6")
    assert all((tmp_path / "one" / path).is_file() for path in index["files"])
    printed = butler("zip-from-graph", graph, repository, tmp_path / "out.zip", "-d", "corr*ed,visit_total")
    assert "6 datasets" in printed
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        described = json.loads(archive.read("butler-artifacts.json"))["files"]
        assert set(described) | {"butler-artifacts.json"} == set(archive.namelist())


def test_dataset_types_that_no_quantum_writes(repository, graph, tmp_path):
    run_jobs(repository, graph)
    with pytest.raises(PachonError, match=r"write no dataset type 'corected'. Did you mean 'corrected'\?"):
        butler("zip-from-graph", graph, repository, tmp_path / "out.zip", "-d", "visit_total,corected")
    with pytest.raises(PachonError, match="write no dataset type 'raw'"):
        butler("zip-from-graph", graph, repository, tmp_path / "out.zip", "-d", "raw")
    assert not (tmp_path / "out.zip").exists()
    with pytest.raises(PachonError, match=r"The graph has no dataset type 'corected'. Did you mean 'corrected'\?"):
        butler("transfer-from-graph", graph, repository, "--register-dataset-types", "-d", "corected")


def test_a_graph_for_another_run(repository, graph, tmp_path):
    other = tmp_path / "other.qg"
    pipetask("update-graph-run", graph, "you/run", other)
    assert QuantumGraph.open(other).header.output_run == "you/run"
    with pytest.raises(PachonError, match="2 of 15 quanta failed"):
        pipetask("run", "-b", repository, "-g", other, "--register-dataset-types", "--output-run", "you/run")
    with pytest.raises(InvalidInputError, match="cannot be the name"):
        pipetask("update-graph-run", graph, "../up", tmp_path / "third.qg")
    with pytest.raises(InvalidInputError, match="update-graph-run"):
        pipetask("run", "-b", repository, "-g", graph, "--output-run", "else/run")


def test_cleanup_and_purge(repository, pipeline_file):
    common = ("-b", repository, "-p", f"{pipeline_file}#correct", "-o", "me", "--register-dataset-types")
    pipetask("run", *common, "-i", "defaults", "--output-run", "me/1")
    pipetask("run", *common, "--output-run", "me/2", "--replace-run")
    with Butler.open(str(repository), writeable=True) as writer:
        writer.collections.register("me2/other", CollectionType.RUN)
    with pytest.raises(InvalidInputError, match="--no-confirm"):
        pipetask("cleanup", "-b", repository, "me")
    printed = pipetask("cleanup", "-b", repository, "me", "--no-confirm")
    assert "me/1" in printed
    assert "me/2" not in printed
    assert "Nothing to do" in pipetask("cleanup", "-b", repository, "me", "--no-confirm")
    with pytest.raises(ConflictError, match="name of a chain"):
        pipetask("purge", "-b", repository, "me/2", "--no-confirm")
    with Butler.open(str(repository), writeable=True) as writer:
        assert "me2/other" in writer.collections.query("me2/*"), "its name only begins in the same way"
        writer.collections.register("all", CollectionType.CHAINED)
        writer.collections.set_chain("all", ["me/2"])
    with pytest.raises(ConflictError, match="'me/2' is a member of the chain 'all' too"):
        pipetask("purge", "-b", repository, "me", "--no-confirm")
    with Butler.open(str(repository), writeable=True) as writer:
        writer.collections.remove("all")
    printed = pipetask("purge", "-b", repository, "me", "--no-confirm")
    assert "Members that stay:\n  raws\n  calib" in printed
    with Butler.open(str(repository)) as reader:
        left = set(reader.collections.query("*"))
    assert {"raws", "calib", "defaults"} <= left
    assert not {"me", "me/1", "me/2"} & left


def test_cleanup_leaves_chains_within_the_chain(repository):
    with Butler.open(str(repository), writeable=True) as writer:
        for name, children in (("me/a/b", ["raws"]), ("me/a", ["me/a/b"]), ("me", ["me/a"])):
            writer.collections.register(name, CollectionType.CHAINED)
            writer.collections.set_chain(name, children)
        writer.collections.register("me/lost", CollectionType.RUN)
    printed = pipetask("cleanup", "me", "-b", repository, "--no-confirm")
    assert "me/lost" in printed
    with Butler.open(str(repository)) as reader:
        assert {"me", "me/a", "me/a/b"} <= set(reader.collections.query("*"))
        assert "me/lost" not in set(reader.collections.query("*"))


def test_a_run_that_another_chain_holds_is_not_purged(repository, pipeline_file):
    base = ("-b", repository, "-p", f"{pipeline_file}#correct", "-i", "defaults", "-o", "me")
    pipetask("run", *base, "--output-run", "me/1", "--register-dataset-types")
    butler("collection-chain", repository, "other", "me/1")
    with pytest.raises(ConflictError, match="'me/1' is a member of the chain 'other' too"):
        pipetask("run", *base, "--replace-run", "--prune-replaced", "purge")
    with Butler.open(str(repository), collections=["other"]) as reader:
        assert len(list(reader.query_datasets("corrected"))) == 6
        assert list(reader.collections.get("me").children) == ["me/1", "raws", "calib"]
    butler("collection-chain", repository, "other", "--mode", "remove", "me/1")
    pipetask("run", *base, "--replace-run", "--prune-replaced", "purge")


def test_a_run_that_is_being_written_is_not_removed(repository, pipeline_file, tmp_path):
    base = ("-b", repository, "-p", f"{pipeline_file}#correct", "-i", "defaults", "-o", "me")
    pipetask("run", *base, "--output-run", "me/1", "--register-dataset-types", "-q", tmp_path / "g.qg")
    with busy_run(str(repository), "me/1") as holder:
        with pytest.raises(RunBusyError, match=rf"'me/1' is being written by another process \(process {holder} "):
            pipetask("purge", "me", "-b", repository, "--no-confirm")
        with pytest.raises(RunBusyError):
            pipetask("run", *base, "--replace-run", "--prune-replaced", "purge")
        with pytest.raises(RunBusyError):
            pipetask("run", "-b", repository, "-g", tmp_path / "g.qg", "--init-only")
    with Butler.open(str(repository), collections=["me"]) as reader:
        assert len(list(reader.query_datasets("corrected"))) == 6
    pipetask("purge", "me", "-b", repository, "--no-confirm")


def test_init_only_registers_what_was_written_before(repository, pipeline_file, tmp_path):
    graph = tmp_path / "g.qg"
    pipetask(
        "qgraph",
        "-b",
        repository,
        "-p",
        f"{pipeline_file}#correct",
        "-i",
        "defaults",
        "--output-run",
        "me/1",
        "-q",
        graph,
    )
    pipetask("pre-exec-init-qbb", repository, graph)
    pipetask("run", "-b", repository, "-g", graph, "--init-only", "--register-dataset-types")
    with Butler.open(str(repository), collections=["me/1"]) as reader:
        assert [len(list(reader.query_datasets(name))) for name in ("correct_config", "packages")] == [1, 1]


def test_a_quantum_that_failed_twice_counts_once(repository, pipeline_file, tmp_path):
    base = ("-b", repository, "-p", pipeline_file, "-o", "me", "--output-run", "me/1", "--register-dataset-types")
    fail = ("-c", "correct:fail=exception", "-c", "correct:fail_exposure=2")
    one, two = tmp_path / "1.qg", tmp_path / "2.qg"
    for more in (("-i", "defaults", "-q", one), ("--extend-run", "-q", two)):
        with pytest.raises(PachonError, match="2 of"):
            pipetask("run", *base, *fail, *more)
    report = json.loads(pipetask("report", repository, one, two, "--json", check=1))
    assert {name: len(found) for name, found in report["tasks"]["correct"]["exceptions"].items()} == {"ValueError": 2}
    waiting = next(quantum for quantum in QuantumGraph.open(two).iter_quanta() if quantum.task_label == "gather")
    (lineage,) = json.loads(butler("provenance", repository, waiting.id, "--json"))
    assert lineage["status"] == "blocked", "as the report says"


def test_a_run_holds_the_provenance_of_one_graph(repository, pipeline_file, tmp_path):
    """Small files of a second graph must not go for a provenance graph that does not hold them."""
    base = ("-b", repository, "-p", pipeline_file, "-o", "me", "--output-run", "me/1", "--register-dataset-types")
    one, two = tmp_path / "1.qg", tmp_path / "2.qg"
    pipetask("qgraph", *base[:-1], "-i", "defaults", "-d", "instrument='Cam' AND exposure=1 AND visit=1", "-q", one)
    pipetask("run", "-b", repository, "-g", one, "--register-dataset-types")
    pipetask("run", *base, "--extend-run", "-q", two)
    for graph in (one, two):
        butler("aggregate-graph", graph, repository, "-o", graph.with_suffix(".provenance.qg"))
    butler("ingest-graph", repository, one.with_suffix(".provenance.qg"))
    table = json.loads(butler("provenance-report", repository, "me/1", "--json"))
    assert table["quanta"]["Successful"] == table["quanta"]["TOTAL"] == [6, 6, 3], "of both graphs"
    with pytest.raises(ConflictError, match="another of its graphs"):
        butler("ingest-graph", repository, two.with_suffix(".provenance.qg"))
    with Butler.open(str(repository), collections=["me/1"]) as reader:
        logs = list(reader.query_datasets("correct_log"))
        assert len(logs) == 6
        assert all(reader.get(ref)["version"] for ref in logs)


def test_reports_over_several_graphs_and_their_sum(repository, pipeline_file, tmp_path):
    base = ("-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--register-dataset-types")
    fail = ("-c", "correct:fail=exception", "-c", "correct:fail_exposure=2")
    one, two = tmp_path / "1.qg", tmp_path / "2.qg"
    with pytest.raises(PachonError, match="2 of 15"):
        pipetask("run", *base, *fail, "--output-run", "me/1", "-q", one)
    first = tmp_path / "first.json"
    text = pipetask("report", repository, one, "--full-output-filename", first, check=1)
    assert "ValueError" in text
    picture = pipetask("report", repository, one, "--view-graph", "--fail-on", "wonky")
    assert "10" not in picture.splitlines()[0]
    assert "4/6 (67%), 2 failed" in picture
    # Only what is missing, in a run of its own; the first one's outputs are seen through the chain.
    pipetask("run", *base, "--output-run", "me/2", "--skip-existing-in", "me", "-q", two)
    report = json.loads(pipetask("report", repository, one, two, "--json"))
    assert {label: (t["n_successful"], t["n_failed"]) for label, t in report["tasks"].items()} == {
        "correct": (6, 0), "visit": (6, 0), "gather": (3, 0),
    }  # fmt: skip
    assert report["tasks"]["correct"]["exceptions"] == {}
    assert len(report["tasks"]["correct"]["recovered_quanta"]) == 2
    assert report["datasets"]["visit_total"]["n_visible"] == 3
    total = json.loads(pipetask("aggregate-reports", first, first, "--json", check=1))
    assert total["tasks"]["correct"]["n_failed"] == 4
    with pytest.raises(PachonError, match="no status report"):
        pipetask("aggregate-reports", one.with_name("nothing.json")) if one.with_name("nothing.json").write_text(
            "{}"
        ) else 0
    with pytest.raises(InvalidInputError, match="--fail-on"):
        pipetask("report", repository, one, "--fail-on", "bad")


@pytest.fixture(params=["jobs"])
def written_anew(repository, pipeline_file, tmp_path, request):
    """A graph that was transferred with two failed quanta and then run again: their two logs are newer than their rows."""
    path = tmp_path / "anew.qg"
    pipetask(
        "qgraph", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--output-run", "me/run", "-q", path,
    )  # fmt: skip
    with Butler.open(str(repository), collections=["raws"]) as reader:
        raws = [Path(reader.get_uri(ref).ospath) for ref in reader.query_datasets("raw", where="exposure = 2")]
    good = {raw: raw.read_bytes() for raw in raws}
    for raw in raws:
        raw.write_text("{")
    if request.param == "jobs":
        run_jobs(repository, path)
        butler("transfer-from-graph", path, repository, "--register-dataset-types")
    else:
        with pytest.raises(PachonError, match="2 of 15 quanta failed"):
            pipetask("run", "-b", repository, "-g", path, "--register-dataset-types")
    for raw, data in good.items():
        raw.write_bytes(data)
    assert findings(repository) == []
    (tmp_path / "first.json").write_bytes(logs_of_exposure(repository)[0][1].read_bytes())
    pipetask("run-qbb", repository, path)
    return path


def findings(repository, *arguments, check=0):
    found = json.loads(butler("fsck", repository, "--json", *arguments, check=check))["findings"]
    return sorted(found, key=lambda one: (one["kind"], one["path"]))


def of_rows(found, repository):
    """Give those of some findings that are about files with rows."""
    return [one for one in found if one["dataset_id"] is not None]


def logs_of_exposure(repository, number=2):
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        refs = sorted(reader.query_datasets("correct_log", where=f"exposure = {number}"))
        return [(ref, Path(reader.get_uri(ref).ospath)) for ref in refs]


@pytest.mark.parametrize("verify", ["size", "checksum"])
@pytest.mark.parametrize("written_anew", ["jobs", "run"], indirect=True)
def test_outputs_that_a_job_wrote_anew_wait_for_the_transfer(repository, written_anew, verify):
    logs = logs_of_exposure(repository)
    assert len(logs) == 2
    before = {path: path.read_bytes() for _, path in logs}
    # Jobs do not keep their graph beside the receipts; then it has only its id.
    kept = next((repository / "me/run/.receipts/graphs").glob("*.qg"), None)
    name = str(kept or QuantumGraph.open(str(written_anew)).header.graph_id)
    for repair in ((), ("--repair", "--min-age", 0), ("--repair", "--unstore-damaged", "--min-age", 0)):
        found = findings(repository, "--verify", verify, *repair)
        assert {one["kind"] for one in found} == {"graph_output"}
        waiting = of_rows(found, repository)
        assert {one["dataset_id"] for one in waiting} == {str(ref.id) for ref, _ in logs}
        assert all(f"{name};" in one["explanation"] and "transfer-from-graph" in one["explanation"] for one in waiting)
        assert {path: path.read_bytes() for path in before} == before
    butler("transfer-from-graph", kept or written_anew, repository)
    assert findings(repository, "--verify", "checksum") == []
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        assert all("exception" not in reader.get(ref) for ref, _ in logs)
        assert reader.get("visit_total", instrument="Cam", visit=2)


def test_a_log_that_is_as_neither_row_nor_receipt_say_is_damaged(repository, written_anew, caplog):
    _, (ref, second) = logs_of_exposure(repository)
    whole = second.read_bytes()
    second.write_bytes(whole[:-5])
    found = findings(repository, check=1)
    assert [(one["kind"], one["dataset_id"]) for one in found if one["problem"]] == [("wrong_size", str(ref.id))]
    # Of the size that the receipt says, but not what it says.
    second.write_bytes(whole[:-5] + b"#####")
    assert [one["kind"] for one in findings(repository, check=1) if one["problem"]] == ["wrong_size"]
    second.write_bytes(whole)
    assert [one for one in findings(repository) if one["problem"]] == []
    # A receipt that cannot be read vouches for nothing.
    last = max((repository / "me/run/.receipts").rglob("*.receipt"), key=lambda path: path.name)
    last.write_bytes(last.read_bytes()[:-20])
    caplog.clear()
    assert [one["kind"] for one in findings(repository, check=1) if one["problem"]] == ["wrong_size"] * 2
    assert [record.getMessage() for record in caplog.records if str(last) in record.getMessage()] != []


def test_a_log_as_an_earlier_receipt_says_is_damaged(repository, written_anew, tmp_path):
    first = (tmp_path / "first.json").read_bytes()
    (ref, log), _ = logs_of_exposure(repository)
    butler("transfer-from-graph", written_anew, repository)
    folder = next(
        path for path in (repository / "me/run/.receipts").iterdir() if path.name != "graphs" and path.is_dir()
    )
    receipts = [read_receipt(ResourcePath(path)) for path in sorted(folder.glob("*.receipt"))]
    earlier, later = [row for one in receipts for row in one.records.rows() if row.dataset_id == ref.id]
    assert earlier.size == len(first) != later.size == log.stat().st_size
    # The file of the first run is brought back from somewhere.
    log.write_bytes(first)
    assert checksum_of_file(str(log)) == earlier.checksum
    assert [one["kind"] for one in findings(repository, check=1)] == ["wrong_size"]


def test_outputs_that_a_repair_took_away_are_named_when_they_are_transferred(repository, written_anew, caplog):
    logs = logs_of_exposure(repository)
    whole = {path: path.read_bytes() for _, path in logs}
    # Without its receipts nothing says that a job wrote them: they pass for damaged.
    receipts = repository / "me/run/.receipts"
    receipts.rename(repository.parent / "receipts")
    done = findings(repository, "--repair", "--unstore-damaged")
    assert [one["mended"] for one in of_rows(done, repository) if one["problem"]] == [True, True]
    (repository.parent / "receipts").rename(receipts)
    butler("transfer-from-graph", written_anew, repository)
    said = [record.getMessage() for record in caplog.records if ".lost+found" in record.getMessage()]
    assert len(said) == 1
    assert said[0].startswith("2 outputs of the graph were not registered")
    caplog.clear()
    lost = sorted((repository / ".lost+found").rglob("*_log_*.json"))
    assert len(lost) == 2
    for path in lost:
        path.rename(repository.joinpath(*path.relative_to(repository / ".lost+found").parts[1:]))
    butler("transfer-from-graph", written_anew, repository)
    assert not [record for record in caplog.records if ".lost+found" in record.getMessage()]
    assert {path: path.read_bytes() for path in whole} == whole
    assert findings(repository, "--verify", "checksum") == []
    with Butler.open(str(repository), collections=["me/run"]) as reader:
        assert all("exception" not in reader.get(ref) for ref, _ in logs)
