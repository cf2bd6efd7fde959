# SPDX-License-Identifier: BSD-3-Clause
"""Registering what a made-up graph, or made-up receipts of a real one, say: nothing of it gets into the repository."""

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest

from pachon.base import PachonError
from pachon.butler import Butler
from pachon.datastore import FileRecords, StoredFile
from pachon.quantum_butler import (
    DatastoreSource,
    QuantumBackedButler,
    QuantumGraph,
    Receipt,
    find_receipts,
    read_receipt,
    write_receipt,
)
from pachon.quantum_butler.documents import MemoryDocuments
from pachon.quantum_butler.testing import example_graph, example_tables
from pachon.resources import ResourcePath

RUN = "u/someone/run"
SECRET = '{"a": "secret"}'


@pytest.fixture
def graph_butler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Butler]:
    """A repository beside a folder that must stay as it is and a module that nobody may import."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.json").write_text(SECRET)
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "evil_module.py").write_text("class Formatter(dict): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    with Butler.create(str(tmp_path / "repo")) as made:
        insert = made.dimension_records.insert
        insert("skymap", [{"name": "sky", "hash": b"\0\1"}])
        insert("tract", [{"skymap": "sky", "id": 1}])
        insert("patch", [{"skymap": "sky", "tract": 1, "id": n, "cell_x": n, "cell_y": 0} for n in range(2)])
        (tmp_path / "repo" / "link").symlink_to(tmp_path / "outside")
        yield made
    assert "evil_module" not in sys.modules
    assert {path.name: path.read_text() for path in (tmp_path / "outside").iterdir()} == {"secret.json": SECRET}


def source_of(butler: Butler) -> DatastoreSource:
    document = butler.datastore_document()
    return DatastoreSource(config=document, root=document["root"])


def run_isr(graph: QuantumGraph) -> FileRecords:
    """Write all outputs of one task with the butler of a job, and a receipt; give the records of their files."""
    for row in graph.file_records().rows():
        assert graph.datastore is not None
        path = Path(graph.datastore.root.removeprefix("file://")) / row.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    with QuantumBackedButler.from_graph(graph, quanta=[quantum.id for quantum in graph.iter_quanta("isr")]) as job:
        for quantum in job.graph.iter_quanta():
            for refs in quantum.outputs.values():
                job.put_many([({"n": 1}, ref) for ref in refs])
        written = job.take_written()
        job.write_receipt()
    return written


def rows_of(root: Path) -> list[tuple[object, ...]]:
    """Give what the repository knows about files."""
    (path,) = root.glob("*.sqlite3")
    database = sqlite3.connect(path)
    try:
        return database.execute(
            "SELECT dataset_id, component, path, formatter, storage_class, size, checksum FROM records_file_record"
        ).fetchall()
    finally:
        database.close()


LIES: dict[str, Callable[[StoredFile], StoredFile]] = {
    "path upwards": lambda row: replace(row, path="../outside/secret.json", size=len(SECRET)),
    "path through a link": lambda row: replace(row, path="link/secret.json", size=len(SECRET)),
    "absolute path": lambda row: replace(row, path="file:///etc/passwd"),
    "NUL": lambda row: replace(row, path="..\0/secret.json"),
    "path upwards, same size": lambda row: replace(row, path=f"link/../{row.path}"),
    "formatter of a module": lambda row: replace(row, formatter="evil_module.Formatter"),
    "formatter by entry": lambda row: replace(row, formatter="evil_module:Formatter"),
    "unsafe formatter": lambda row: replace(row, formatter="pickle"),
    "storage class of a module": lambda row: replace(row, storage_class="evil_module.Formatter"),
    "component": lambda row: replace(row, component="../x"),
    "another datastore": lambda row: replace(row, datastore="../x"),
    "size": lambda row: replace(row, size=2**62),
}


@pytest.mark.parametrize("lie", LIES)
def test_receipts_that_lie(graph_butler: Butler, tmp_path: Path, lie: str) -> None:
    """What a receipt says and what is there differ: the file is looked at, and its true record is written."""
    graph = example_graph(datastore=source_of(graph_butler), visits=2, detectors=1)
    written = run_isr(graph)
    (uri,) = find_receipts(root_of(graph_butler), RUN, graph.header.graph_id)
    honest = read_receipt(uri)
    uri.remove()
    lying = Receipt(
        graph_id=honest.graph_id,
        run=RUN,
        quanta=honest.quanta,
        records=FileRecords.from_rows(LIES[lie](row) for row in honest.records.rows()),
    )
    write_receipt(root_of(graph_butler), lying)
    count = graph_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    assert count == len(written)
    expected = {
        (row.dataset_id.bytes, row.path, row.formatter, row.storage_class, row.size, row.checksum)
        for row in written.rows()
    }
    assert len(rows_of(tmp_path / "repo")) == count
    assert {(_bytes(row[0]), *row[2:]) for row in rows_of(tmp_path / "repo")} == expected
    assert all(graph_butler.get(ref) == {"n": 1} for ref in graph_butler.query_all_datasets(RUN))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else UUID(str(value)).bytes


def root_of(butler: Butler) -> ResourcePath:
    return ResourcePath(butler.datastore_document()["root"], force_directory=True)


@pytest.mark.parametrize("run", ["../outside", "u/../../outside", "/outside", "a\0b", "..", ""])
def test_graphs_of_runs_that_lead_out(graph_butler: Butler, tmp_path: Path, run: str) -> None:
    graph = QuantumGraph.from_tables(example_tables(datastore=source_of(graph_butler), run=RUN))
    graph = QuantumGraph(
        replace(graph.header, output_run=run), graph.structure, graph.columns, _documents_of(graph), is_partial=False
    )
    file = tmp_path / "g.qg"
    graph.write(str(file))
    before = sorted(tmp_path.rglob("*")), rows_of(tmp_path / "repo")
    with pytest.raises(PachonError):
        graph_butler.transfer_from_graph(str(file), register_dataset_types=True, dry_run=True)
    assert (sorted(tmp_path.rglob("*")), rows_of(tmp_path / "repo")) == before


def _documents_of(graph: QuantumGraph) -> MemoryDocuments:
    assert graph.datastore is not None
    return MemoryDocuments(
        {
            "universe": dict(graph.universe.document),
            "pipeline": dict(graph.pipeline),
            "datastore": graph.datastore.to_document(),
        }
    )


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\0b", "evil_module.Class", "", "x; DROP TABLE dataset", "'", "a" * 5000]
)
def test_graphs_with_dataset_types_of_odd_names(graph_butler: Butler, tmp_path: Path, name: str) -> None:
    graph = example_graph(datastore=source_of(graph_butler))
    content = json.loads(json.dumps(graph.structure.to_document()))
    for entry in content["datasets"]:
        if entry["name"] == "post_isr":
            entry["name"] = name
    structure = type(graph.structure).from_document(content)
    changed = QuantumGraph(graph.header, structure, graph.columns, _documents_of(graph))
    file = tmp_path / "g.qg"
    changed.write(str(file))
    before = sorted(tmp_path.rglob("*")), rows_of(tmp_path / "repo"), graph_butler.dataset_types.query("*")
    with pytest.raises(PachonError):
        graph_butler.transfer_from_graph(str(file), dataset_types=["post*", name], register_dataset_types=True)
    after = sorted(tmp_path.rglob("*")), rows_of(tmp_path / "repo"), graph_butler.dataset_types.query("*")
    assert after == before


def test_a_graph_with_files_elsewhere(graph_butler: Butler, tmp_path: Path) -> None:
    source = replace(source_of(graph_butler), root=f"file://{tmp_path}/outside/")
    with pytest.raises(PachonError, match="repository"):
        graph_butler.transfer_from_graph(example_graph(datastore=source), register_dataset_types=True)
