# SPDX-License-Identifier: BSD-3-Clause
"""How many requests an object store gets when parts of a quantum graph are read, and when its outputs are registered."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from s3_server import Requests, noted_requests, running_server, temporary_bucket

from pachon.butler import Butler
from pachon.quantum_butler import DatastoreSource, QuantumBackedButler, QuantumGraph
from pachon.quantum_butler.testing import example_graph

CLUSTER = 300


@pytest.fixture
def requests() -> Iterator[Requests]:
    with noted_requests() as noted:
        yield noted


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, requests: Requests) -> Iterator[str]:
    with running_server(verbose=True) as address, temporary_bucket(address, "graphs", monkeypatch) as uri:
        yield f"{uri}graphs/"


def test_few_requests(folder: str, requests: Requests) -> None:
    # Ids that do not compress make a file of more than a megabyte of few quanta.
    random = np.random.default_rng(7).integers(0, 256, (450_000, 16), dtype=np.uint8)
    graph = example_graph(visits=240, detectors=60, patches=40, ids=np.sort(random.view("S16"), axis=0).view(np.uint8))
    assert len(graph.to_bytes()) > 1_500_000
    ids = list(graph)
    middle = len(ids) // 2
    cluster = ids[middle : middle + CLUSTER]
    uri = f"{folder}g.qg"
    graph.write(uri, slices={"a cluster": cluster})

    def count(work: object) -> int:
        requests.take()
        assert work
        work()  # type: ignore[operator]
        seen = requests.take()
        assert all(entry.split()[0] in ("GET", "HEAD") for entry in seen), seen
        return len(seen)

    counts = {
        "open": count(lambda: QuantumGraph.open(uri)),
        "counts": count(lambda: QuantumGraph.open(uri).task_counts()),
        "a quantum": count(lambda: QuantumGraph.open(uri).quantum(ids[7])),
        "another quantum": count(lambda: QuantumGraph.open(uri).quantum(ids[-1])),
        "a cluster": count(lambda: QuantumGraph.open(uri).subset(cluster)),
        "a slice": count(lambda: list(QuantumGraph.open(uri).slice("a cluster").iter_quanta())),
    }
    print(counts)
    # One request for the size and one for the end of the file, which holds its directory.
    assert counts["open"] == counts["counts"] == 2
    assert counts["a quantum"] <= 8
    assert counts["another quantum"] <= 8
    assert counts["a cluster"] <= 10
    assert counts["a slice"] <= 4
    assert list(QuantumGraph.open(uri).slice("a cluster")) == cluster


@pytest.fixture
def bucket_butler(folder: str, tmp_path: Path) -> Iterator[Butler]:
    """A repository whose files are in the object store."""
    datastore = {"type": "file", "root": folder}
    with Butler.create(str(tmp_path / "repo"), datastore=datastore) as made:
        insert = made.dimension_records.insert
        insert("skymap", [{"name": "sky", "hash": b"\0\1"}])
        insert("tract", [{"skymap": "sky", "id": 1}])
        insert("patch", [{"skymap": "sky", "tract": 1, "id": n, "cell_x": n, "cell_y": 0} for n in range(3)])
        for name in ("CAM/raw", "CAM/bias"):
            made.collections.register(name)
        yield made


def test_outputs_in_an_object_store_are_found_by_listing(bucket_butler: Butler, requests: Requests) -> None:
    document = bucket_butler.datastore_document()
    graph = example_graph(
        visits=2, detectors=25, patches=3, datastore=DatastoreSource(config=document, root=document["root"])
    )
    quanta = {label: [quantum.id for quantum in graph.iter_quanta(label)] for label in graph.task_counts()}
    lost = quanta["isr"][3]
    for number, ids in enumerate((quanta["isr"][:30], quanta["isr"][30:])):
        with QuantumBackedButler.from_graph(graph, quanta=ids) as job:
            for id_ in ids:
                for refs in job.graph.quantum(id_).outputs.values() if id_ != lost else ():
                    for ref in refs:
                        job.put({"by": str(id_)}, ref)
            if number == 0:
                job.write_receipt()
    requests.take()
    written = bucket_butler.transfer_from_graph(graph, register_dataset_types=True, dimension_records=True)
    # What other tasks would have written is not there; few files of many folders are asked for one by one.
    seen = [entry for entry in requests.take() if "isr" in entry or ".receipt" in entry]
    each = len(graph.quantum(lost).outputs)
    assert written == each * (len(quanta["isr"]) - 1) > 100
    # What jobs left with a receipt is neither read nor asked for; the twenty quanta without one are read to be hashed.
    unknown = each * len(quanta["isr"][30:])
    heads = [entry for entry in seen if entry.startswith("HEAD")]
    reads = [
        entry for entry in seen if entry.startswith("GET") and "list-type" not in entry and ".receipt" not in entry
    ]
    listings = [entry for entry in seen if "list-type" in entry]
    print({"heads": len(heads), "reads": len(reads), "listings": len(listings), "datasets": written})
    assert len(reads) <= 2 * unknown
    assert len(heads) < unknown + 20
    assert len(listings) < 60
    records = bucket_butler.datastore_records(list(bucket_butler.query_all_datasets(graph.header.output_run)))
    assert len(records) == written
    assert all(len(checksum) == 128 for checksum in records.checksum)
    assert bucket_butler.transfer_from_graph(graph) == 0
    # The one that came later is all that is added.
    with QuantumBackedButler.from_graph(graph, quanta=[lost]) as job:
        for refs in job.graph.quantum(lost).outputs.values():
            for ref in refs:
                job.put({"by": "late"}, ref)
    assert bucket_butler.transfer_from_graph(graph) == each
    assert len(list(bucket_butler.query_all_datasets(graph.header.output_run))) == written + each
