# SPDX-License-Identifier: BSD-3-Clause
"""Rows for what jobs wrote without a database: in batches, and from a graph with its receipts."""

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pachon.base import ConflictError, InvalidInputError
from pachon.butler import Butler, FindingKind, MissingOutputsError, output_files
from pachon.butler.graph_match import GraphMismatchError
from pachon.datasets import CollectionType, DatasetTable, DatasetType
from pachon.datastore import FileRecords, faults
from pachon.datastore.testing.composite import COMPOSITE_CLASSES, Metric
from pachon.dimensions import DataIdValueError
from pachon.quantum_butler import DatastoreSource, QuantumBackedButler, QuantumGraph, find_receipts
from pachon.quantum_butler.testing import example_graph
from pachon.registry import MissingDatasetTypeError
from pachon.resources import ResourcePath

RUN = "u/someone/run"


@pytest.fixture
def graph_butler(tmp_path: Path) -> Iterator[Butler]:
    """A repository for which the graph is built, with records of a sky map only."""
    with Butler.create(str(tmp_path / "repo")) as made:
        insert = made.dimension_records.insert
        insert("skymap", [{"name": "sky", "hash": b"\0\1"}])
        insert("tract", [{"skymap": "sky", "id": 1}])
        insert("patch", [{"skymap": "sky", "tract": 1, "id": n, "cell_x": n, "cell_y": 0} for n in range(2)])
        yield made


@pytest.fixture
def graph(graph_butler: Butler, tmp_path: Path) -> QuantumGraph:
    document = graph_butler.datastore_document()
    graph = example_graph(datastore=DatastoreSource(config=document, root=document["root"]))
    graph.write(str(tmp_path / "g.qg"))
    for row in graph.file_records().rows():
        path = tmp_path / "repo" / row.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    for name in ("CAM/raw", "CAM/bias"):
        graph_butler.collections.register(name)
    return graph


def run_job(graph: QuantumGraph, labels: tuple[str, ...], *, receipt: bool = True, text: str = "x") -> None:
    """Write the outputs of all quanta of some tasks, as one job does."""
    ids = [quantum.id for label in labels for quantum in graph.iter_quanta(label)]
    init = [graph.init_quantum(label).id for label in ("", *(label for label in labels if label in graph.init_labels))]
    with QuantumBackedButler.from_graph(graph, quanta=[*ids, *init]) as job:
        for label in ("", *(label for label in labels if label in graph.init_labels)):
            for ref in job.graph.init_quantum(label).init_outputs.values():
                job.put({"init": label}, ref)
        for number in ids:
            for name, refs in job.graph.quantum(number).outputs.items():
                for ref in refs:
                    job.put({"by": name, "text": text}, ref)
        if receipt:
            job.write_receipt()


ALL = ("isr", "cal", "visit_summary", "warp", "coadd")


def test_everything_is_registered_once(graph_butler: Butler, graph: QuantumGraph, tmp_path: Path) -> None:
    run_job(graph, ALL)
    transfer = graph_butler.transfer_from_graph
    with pytest.raises(MissingDatasetTypeError) as caught:
        transfer(str(tmp_path / "g.qg"))
    assert "register_dataset_types=True" in caught.value.__notes__[0]
    with pytest.raises(DataIdValueError):
        transfer(graph, register_dataset_types=True)
    expected = sum(rows for name, rows in graph.dataset_counts().items() if name not in ("raw", "bias"))
    assert transfer(graph, register_dataset_types=True, dimension_records=True, dry_run=True) == expected
    assert graph_butler.dataset_types.query("calexp") != []
    assert transfer(graph, register_dataset_types=True, dimension_records=True, update_output_chain=True) == expected
    assert transfer(graph) == 0
    found = list(graph_butler.query_all_datasets(RUN))
    assert len(found) == expected
    assert all(graph_butler.exists_many(found, verify=True).values())
    for ref in found:
        assert graph_butler.get(ref)
    chain = graph_butler.collections.get("u/someone")
    assert (chain.type, chain.children) == (CollectionType.CHAINED, (RUN, "CAM/raw", "CAM/bias"))
    data_id = graph.datasets("coadd")[0].data_id
    assert graph_butler.get("coadd", dict(data_id.required), collections="u/someone")["by"] == "coadd"


def content(butler: Butler, name: str) -> set[str]:
    """Give the texts of the datasets of a type; reading compares sizes."""
    return {butler.get(ref)["text"] for ref in butler.query_all_datasets(RUN, name=name)}


@pytest.mark.parametrize(("receipt", "text"), [(True, "longer text"), (True, "y"), (False, "longer text")])
def test_what_a_retry_wrote_after_a_transfer_is_registered_anew(
    graph_butler: Butler, graph: QuantumGraph, receipt: bool, text: str
) -> None:
    run_job(graph, ("isr",))
    assert graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True) > 0
    run_job(graph, ("isr",), receipt=receipt, text=text)
    assert graph_butler.transfer_from_graph(graph, dry_run=True) == 0
    # Nothing is new, but what is there is what the records say.
    assert graph_butler.transfer_from_graph(graph) == 0
    assert content(graph_butler, "post_isr") == {text}
    found = graph_butler.fsck(verify="checksum").findings
    assert [item for item in found if item.path.startswith(f"{RUN}/")] == []
    assert graph_butler.transfer_from_graph(graph) == 0


def test_an_older_receipt_does_not_change_what_was_registered(graph_butler: Butler, graph: QuantumGraph) -> None:
    """So it is when another graph went on with the run: its receipts lie elsewhere."""
    run_job(graph, ("isr",))
    root = ResourcePath(graph_butler.datastore_document()["root"], force_directory=True)
    older = find_receipts(root, RUN, graph.header.graph_id)
    assert graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True) > 0
    run_job(graph, ("isr",), text="y")
    assert graph_butler.transfer_from_graph(graph) == 0
    for path in find_receipts(root, RUN, graph.header.graph_id):
        if path not in older:
            path.remove()
    assert graph_butler.transfer_from_graph(graph) == 0
    assert content(graph_butler, "post_isr") == {"y"}
    found = graph_butler.fsck(verify="checksum").findings
    assert [item for item in found if item.path.startswith(f"{RUN}/")] == []


def test_a_damaged_component_stays_beside_one_that_was_written_anew(tmp_path: Path) -> None:
    """To unstore the dataset would take away what the job has written."""
    settings = {
        "composites": {"disassembled": {"TestMetric": True}},
        "formatters": {"TestDataList": "json", "str": "json"},
    }
    with Butler.create(str(tmp_path / "repo"), datastore=settings, storage_classes=COMPOSITE_CLASSES) as butler:
        document = butler.datastore_document()
        source = DatastoreSource(config=document, root=document["root"], storage_classes=COMPOSITE_CLASSES)
        graph = example_graph(datastore=source, storage_class="TestMetric")
        insert = butler.dimension_records.insert
        insert("skymap", [{"name": "sky", "hash": b"\0\1"}])
        insert("tract", [{"skymap": "sky", "id": 1}])
        insert("patch", [{"skymap": "sky", "tract": 1, "id": n, "cell_x": n, "cell_y": 0} for n in range(2)])
        quantum = next(iter(graph.iter_quanta("isr")))
        (ref,) = quantum.outputs["post_isr"]

        def run(text: str) -> None:
            with QuantumBackedButler.from_graph(graph, quanta=[quantum.id]) as job:
                job.put(Metric(summary={"a": 1.0}, data=[1, 2], note=text), ref)
                job.write_receipt()

        run("first")
        assert butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True) == 1
        run("the second text")
        files = {row.component: tmp_path / "repo" / row.path for row in butler.datastore_records([ref]).rows()}
        (data := files["data"]).write_text("[1")
        found = butler.fsck(repair=True, unstore_damaged=True).findings
        assert [(item.kind, item.mended) for item in found if item.dataset_id == ref.id] == [
            (FindingKind.WRONG_SIZE, False),
            (FindingKind.GRAPH_OUTPUT, False),
        ]
        assert "(component data)" in found[0].explanation
        assert "waits for 'butler transfer-from-graph'" in found[0].explanation
        assert data.exists()
        run("the second text")
        assert butler.transfer_from_graph(graph) == 0
        assert butler.fsck(verify="checksum").findings == ()
        assert butler.get(ref) == Metric(summary={"a": 1.0}, data=[1, 2], note="the second text")


def test_what_was_registered_is_not_hashed_again(
    graph_butler: Butler, graph: QuantumGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_job(graph, ("isr",))
    run_job(graph, ("cal",), receipt=False)
    assert graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True) > 0
    monkeypatch.setattr(output_files, "checksum_of_file", lambda place: pytest.fail(f"{place} is hashed again"))
    assert graph_butler.transfer_from_graph(graph) == 0


def test_a_dataset_that_is_stored_elsewhere_stays_there(
    graph_butler: Butler, graph: QuantumGraph, caplog: pytest.LogCaptureFixture
) -> None:
    run_job(graph, ("isr",))
    graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    ref = next(iter(graph_butler.query_all_datasets(RUN, name="post_isr")))
    files = graph_butler.datastore_records([ref])
    graph_butler.prune([ref])
    root = Path(graph_butler.datastore_document()["root"].removeprefix("file://"))
    (root / "elsewhere.yaml").write_text("{text: mine}\n")
    moved = FileRecords.from_columns(files.columns() | {"path": ["elsewhere.yaml"], "size": [13], "checksum": ["0"]})
    graph_butler.register_graph_outputs([DatasetTable.from_refs(ref.dataset_type, [ref])], moved)
    run_job(graph, ("isr",), text="again")
    assert graph_butler.transfer_from_graph(graph) == 0
    assert graph_butler.get(ref) == {"text": "mine"}
    assert any("is stored in elsewhere.yaml" in record.getMessage() for record in caplog.records)


def test_receipts_spare_the_hashing(graph_butler: Butler, graph: QuantumGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    plain = output_files.checksum_of_file
    monkeypatch.setattr(output_files, "checksum_of_file", lambda place: (hashed.append(str(place)), plain(place))[1])
    run_job(graph, ("isr",))
    run_job(graph, ("cal",), receipt=False)
    # A retry that wrote something else, with a receipt of its own: the two receipts disagree.
    run_job(graph, ("visit_summary",))
    run_job(graph, ("visit_summary",), text="longer text")
    number = graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    assert number > 0
    assert not any("post_isr" in path for path in hashed)
    assert sum("calexp" in path for path in hashed) == 12
    assert any("visit_summary" in path for path in hashed)
    found = list(graph_butler.query_all_datasets(RUN))
    assert len(found) == number
    assert all(graph_butler.get(ref) for ref in found)
    records = graph_butler.datastore_records(found)
    assert all(len(text) == 128 for text in records.checksum)
    # What was not written is not registered; it comes with the next call.
    assert graph_butler.query_all_datasets(RUN, name="warp").first() is None
    run_job(graph, ("warp", "coadd"))
    assert graph_butler.transfer_from_graph(graph, dataset_types=["warp*"]) == 3 * len(graph.datasets("warp"))
    assert graph_butler.transfer_from_graph(graph) == 3 * len(graph.datasets("coadd"))


def test_a_damaged_receipt_does_not_stop_a_transfer(
    graph_butler: Butler, graph: QuantumGraph, caplog: pytest.LogCaptureFixture
) -> None:
    run_job(graph, ("isr",))
    run_job(graph, ("cal",))
    root = ResourcePath(graph_butler.datastore_document()["root"], force_directory=True)
    damaged = find_receipts(root, RUN, graph.header.graph_id)[0]
    damaged.write(damaged.read()[:-40], overwrite=True)
    assert graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True) > 0
    assert damaged.basename() in caplog.text
    assert len(content(graph_butler, "post_isr")) == len(content(graph_butler, "calexp")) == 1
    found = graph_butler.fsck(verify="checksum").findings
    assert [item for item in found if item.path.startswith(f"{RUN}/post_isr")] == []


def files_of(butler: Butler, name: str) -> list[Path]:
    """Give the files of a dataset type in the output run."""
    root = Path(ResourcePath(butler.datastore_document()["root"], force_directory=True).ospath)
    return sorted(path for path in (root / RUN).rglob("*") if path.is_file() and path.parts[-1].startswith(name))


@pytest.mark.parametrize("lost", [4, 1000])
def test_an_output_that_was_cut_short_is_not_registered(
    graph_butler: Butler, graph: QuantumGraph, caplog: pytest.LogCaptureFixture, lost: int
) -> None:
    """Its receipt says how long it was, and what is left cannot be read."""
    run_job(graph, ("isr",), text="a: b")
    cut, *others = files_of(graph_butler, "post_isr")
    cut.write_bytes(cut.read_bytes()[:-lost])
    graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    assert len(list(graph_butler.query_all_datasets(RUN, name="post_isr"))) == len(others)
    assert content(graph_butler, "post_isr") == {"a: b"}
    assert re.search(f"1 outputs are not registered.*{cut.name}.*run the quantum again", caplog.text)
    # When it was made again it is registered.
    run_job(graph, ("isr",), text="a: b")
    assert graph_butler.transfer_from_graph(graph) == 1
    assert len(list(graph_butler.query_all_datasets(RUN, name="post_isr"))) == len(others) + 1


def test_an_empty_file_without_any_receipt_is_not_registered(graph_butler: Butler, graph: QuantumGraph) -> None:
    run_job(graph, ("isr",), receipt=False)
    cut, *others = files_of(graph_butler, "post_isr")
    cut.write_bytes(b"")
    graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    assert len(list(graph_butler.query_all_datasets(RUN, name="post_isr"))) == len(others)


def test_a_registered_output_that_is_cut_short_later_stays_what_it_was(
    graph_butler: Butler, graph: QuantumGraph, caplog: pytest.LogCaptureFixture
) -> None:
    """To register it anew would hide from fsck that it is damaged."""
    run_job(graph, ("isr",), text="a: b")
    graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    cut = files_of(graph_butler, "post_isr")[0]
    cut.write_bytes(cut.read_bytes()[:-4])
    assert graph_butler.transfer_from_graph(graph) == 0
    assert "cannot be read" in caplog.text
    found = [item for item in graph_butler.fsck().findings if item.path.startswith(f"{RUN}/")]
    assert [item.kind for item in found] == [FindingKind.WRONG_SIZE]


def test_what_was_put_after_the_graph_was_built_is_a_conflict_that_says_how_to_go_on(
    graph_butler: Butler, graph: QuantumGraph
) -> None:
    run_job(graph, ("isr",))
    graph_butler.transfer_from_graph(
        graph, dataset_types="isr_log", register_dataset_types=True, dimension_records=True
    )
    graph_butler.dataset_types.register(graph.dataset_types["post_isr"])
    data_id = dict(graph.datasets("post_isr")[0].data_id.required)
    mine = graph_butler.put({"text": "mine"}, "post_isr", data_id, run=RUN)
    with pytest.raises(ConflictError, match="with another id") as caught:
        graph_butler.transfer_from_graph(graph, register_dataset_types=True)
    assert "Remove it ('butler prune-datasets') and transfer again" in caught.value.__notes__[0]
    graph_butler.prune([mine], purge=True)
    assert graph_butler.transfer_from_graph(graph) > 0
    assert content(graph_butler, "post_isr") == {"x"}


def test_a_graph_of_another_repository(graph: QuantumGraph, tmp_path: Path) -> None:
    with Butler.create(str(tmp_path / "other")) as other:
        with pytest.raises(InvalidInputError, match="the repository that it was built for"):
            other.transfer_from_graph(graph)
        with pytest.raises(InvalidInputError, match="without datastore records"):
            other.transfer_from_graph(example_graph())


def test_a_dataset_type_that_was_changed(graph_butler: Butler, graph: QuantumGraph) -> None:
    run_job(graph, ("isr",))
    changed = DatasetType("calexp", ["instrument", "day_obs"], "StructuredDataList", universe=graph_butler.universe)
    graph_butler.dataset_types.register(changed)
    for register in (True, False):
        with pytest.raises(
            GraphMismatchError, match=r"'calexp' has changed since the graph was built: it has dimensions"
        ):
            graph_butler.transfer_from_graph(graph, register_dataset_types=register, dimension_records=True)
    # What has not changed may be had.
    number = graph_butler.transfer_from_graph(
        graph, dataset_types="isr*", register_dataset_types=True, dimension_records=True
    )
    assert number > 0


def test_dimensions_that_were_changed(graph: QuantumGraph, tmp_path: Path) -> None:
    document = json.loads(json.dumps(dict(graph.universe.document)))
    document["version"] += 1
    document["elements"]["instrument"]["doc"] = "Another one."
    with Butler.create(str(tmp_path / "repo"), universe=document, overwrite=True) as other:
        with pytest.raises(GraphMismatchError, match=r"built with dimensions \S+ version \d+ .* repository has"):
            other.transfer_from_graph(graph, register_dataset_types=True)
        assert other.dataset_types.query("calexp") == []


class TestBatches:
    """What `pipetask run` does while quanta run."""

    @pytest.fixture
    def written(self, graph_butler: Butler, graph: QuantumGraph) -> tuple[DatasetTable, QuantumBackedButler]:
        graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
        butler = QuantumBackedButler.from_graph(graph)
        table = graph.datasets("post_isr")
        butler.put_many([({"n": n}, ref) for n, ref in enumerate(graph.refs("post_isr", np.arange(len(table))))])
        return table, butler

    def test_a_batch_is_registered_and_may_be_repeated(
        self, graph_butler: Butler, written: tuple[DatasetTable, QuantumBackedButler]
    ) -> None:
        table, job = written
        files = job.take_written()
        assert graph_butler.register_graph_outputs([table], files) == len(table)
        assert graph_butler.register_graph_outputs([table], files) == 0
        assert graph_butler.register_graph_outputs([], files) == 0
        assert [graph_butler.get(ref) for ref in table] == [{"n": n} for n in range(len(table))]

    def test_a_retry_renews_size_and_checksum(
        self, graph_butler: Butler, graph: QuantumGraph, written: tuple[DatasetTable, QuantumBackedButler]
    ) -> None:
        table, job = written
        graph_butler.register_graph_outputs([table], job.take_written())
        ref = graph.refs("post_isr", np.array([0]))[0]
        job.put({"n": "something longer"}, ref)
        assert graph_butler.register_graph_outputs([table.take(np.array([0]))], job.take_written()) == 0
        assert graph_butler.get(table[0]) == {"n": "something longer"}

    def test_nothing_without_files(
        self, graph_butler: Butler, written: tuple[DatasetTable, QuantumBackedButler]
    ) -> None:
        table, job = written
        files = job.take_written()
        with pytest.raises(InvalidInputError, match="no file record"):
            graph_butler.register_graph_outputs([table], files.take(np.arange(3)))
        Path(graph_butler.datastore_document()["root"].removeprefix("file://"), files.path[2]).unlink()
        with pytest.raises(MissingOutputsError, match="1 outputs have no file"):
            graph_butler.register_graph_outputs([table], files)
        assert len(graph_butler.get_many_datasets(table.ids)) == 0

    def test_a_failure_keeps_the_files(
        self, graph_butler: Butler, written: tuple[DatasetTable, QuantumBackedButler]
    ) -> None:
        table, job = written
        files = job.take_written()

        def fail(point: str) -> None:
            if point == "commit.rows_written":
                raise KeyError(point)

        with faults.install(fail), pytest.raises(KeyError):
            graph_butler.register_graph_outputs([table], files)
        assert len(graph_butler.get_many_datasets(table.ids)) == 0
        assert graph_butler.register_graph_outputs([table], files) == len(table)

    def test_the_trash_of_these_ids_is_emptied_first(
        self, graph_butler: Butler, graph: QuantumGraph, written: tuple[DatasetTable, QuantumBackedButler]
    ) -> None:
        table, job = written
        graph_butler.register_graph_outputs([table], job.take_written())
        graph_butler.trash(list(table))
        # The quanta run again, in the paths that are in the trash: those files must not get rows and then vanish.
        job.put_many([({"n": 7}, ref) for ref in graph.refs("post_isr", np.arange(len(table)))])
        with pytest.raises(MissingOutputsError):
            graph_butler.register_graph_outputs([table], job.take_written())
        assert graph_butler.empty_trash() == []
        job.put_many([({"n": 8}, ref) for ref in graph.refs("post_isr", np.arange(len(table)))])
        assert graph_butler.register_graph_outputs([table], job.take_written()) == 0
        assert graph_butler.empty_trash() == []
        assert graph_butler.get(table[0]) == {"n": 8}

    @pytest.mark.parametrize("stop", ["remove.begin", "remove.looked"])
    def test_a_sweeper_that_is_late_takes_nothing_that_was_written_again(
        self, graph_butler: Butler, graph: QuantumGraph, written: tuple[DatasetTable, QuantumBackedButler], stop: str
    ) -> None:
        table, job = written
        graph_butler.register_graph_outputs([table], job.take_written())
        graph_butler.trash(list(table))
        stopped, go_on = threading.Event(), threading.Event()

        def hook(point: str) -> None:
            if point == stop and threading.current_thread() is sweeper:
                stopped.set()
                assert go_on.wait(30)

        def sweep() -> None:
            with Butler.open(graph_butler.root, writeable=True) as late:
                late.empty_trash()

        sweeper = threading.Thread(target=sweep)
        with faults.install(hook):
            sweeper.start()
            assert stopped.wait(30)
            assert len(graph_butler.empty_trash()) == len(table)
            job.put_many([({"n": 8}, ref) for ref in graph.refs("post_isr", np.arange(len(table)))])
            threading.Timer(0.5, go_on.set).start()
            # It waits for the sweeper, who takes these files away: they get no rows.
            with pytest.raises(MissingOutputsError):
                graph_butler.register_graph_outputs([table], job.take_written())
            sweeper.join(30)
        job.put_many([({"n": 9}, ref) for ref in graph.refs("post_isr", np.arange(len(table)))])
        assert graph_butler.register_graph_outputs([table], job.take_written()) == 0
        assert [graph_butler.get(ref) for ref in table] == [{"n": 9}] * len(table)

    def test_trash_that_cannot_be_emptied_stops_it(
        self,
        graph_butler: Butler,
        graph: QuantumGraph,
        written: tuple[DatasetTable, QuantumBackedButler],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from pachon.base import StorageError
        from pachon.datastore.file_store import FileStore

        def fail(self: FileStore, path: str, known: set[str] | None = None) -> bool:
            raise StorageError("busy")

        table, job = written
        files = job.take_written()
        graph_butler.register_graph_outputs([table], files)
        graph_butler.trash(list(table))
        monkeypatch.setattr(FileStore, "remove", fail)
        with pytest.raises(StorageError, match="still in the trash"):
            graph_butler.register_graph_outputs([table], files)

    def test_another_dataset_of_the_same_data_id_is_a_conflict(
        self, graph_butler: Butler, graph: QuantumGraph, written: tuple[DatasetTable, QuantumBackedButler]
    ) -> None:
        table, job = written
        graph_butler.put({"other": 1}, "post_isr", table[0].data_id, run=RUN)
        with pytest.raises(ConflictError):
            graph_butler.register_graph_outputs([table], job.take_written())
        assert len(graph_butler.get_many_datasets(table.ids)) == 0
