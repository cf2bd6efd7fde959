# SPDX-License-Identifier: BSD-3-Clause
"""A job that dies at any step of a write leaves what was there before, or all of what it wrote; a retry mends all."""

import os
import resource
import signal
import uuid

import pytest

from pachon.datasets import new_id
from pachon.datastore import Datastore, FileRecords, StoredFile
from pachon.datastore.faults import FAULT_POINTS, install
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler import (
    DatastoreSource,
    QuantumBackedButler,
    Receipt,
    find_receipts,
    read_receipt,
    write_receipt,
)
from pachon.quantum_butler.testing import example_graph
from pachon.resources import ResourcePath

POINTS = [point for point in FAULT_POINTS if point.startswith("write.")]

KILLED = 9


def run_job(path, quantum_id, point):
    """Run a job in a child process that dies when it reaches a point; give the exit status."""
    child = os.fork()
    if child == 0:
        try:
            butler = QuantumBackedButler.open(path, quanta=[quantum_id])
            (ref,) = butler.graph.quantum(quantum_id).outputs["post_isr"]
            with install(lambda reached: os._exit(KILLED) if reached == point else None):
                butler.put({"attempt": 2}, ref)
                butler.write_receipt()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
def test_a_job_that_is_killed_while_it_writes_its_receipt_leaves_none(tmp_path):
    root = ResourcePath(str(tmp_path), force_directory=True)
    rows = [
        StoredFile(dataset_id=new_id(), path=f"r/{n}.yaml", formatter="yaml", storage_class="Dict", size=1)
        for n in range(500)
    ]
    receipt = Receipt(graph_id=uuid.uuid4(), run="r", quanta=(), records=FileRecords.from_rows(rows))
    child = os.fork()
    if child == 0:
        # The operating system kills it in the middle of the file.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(receipt.to_bytes()) // 2,) * 2)
        write_receipt(root, receipt)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGXFSZ
    assert find_receipts(root, "r", receipt.graph_id) == []
    path = write_receipt(root, receipt)
    assert find_receipts(root, "r", receipt.graph_id) == [path]
    assert read_receipt(path) == receipt


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
@pytest.mark.parametrize("retried", [False, True], ids=["first", "retry"])
@pytest.mark.parametrize("point", POINTS)
def test_a_killed_job(tmp_path, point, retried):
    datastore = Datastore.open(None, root=str(tmp_path / "repo"), universe=DimensionUniverse.default())
    graph = example_graph(datastore=DatastoreSource(config=datastore.to_document(), root=str(tmp_path / "repo")))
    path = str(tmp_path / "g.qg")
    graph.write(path)
    quantum = graph.quantum(graph.quanta("isr").uuids()[0])
    (ref,) = quantum.outputs["post_isr"]
    if retried:
        QuantumBackedButler.open(path, quanta=[quantum.id]).put({"attempt": 1}, ref)
    status = run_job(path, quantum.id, point)
    assert status in {0, KILLED}
    killed = status == KILLED
    butler = QuantumBackedButler.open(path, quanta=[quantum.id])
    receipts = find_receipts(butler.root, graph.header.output_run, graph.header.graph_id)
    assert bool(receipts) is not killed
    found = butler.get(ref) if butler.exists(ref) else None
    assert found in ({"attempt": 2}, {"attempt": 1} if retried else None)
    if not killed:
        assert found == {"attempt": 2}
    butler.put({"attempt": 3}, ref)
    assert butler.get(ref) == {"attempt": 3}
    folder = os.path.dirname(butler.get_uri(ref).ospath)
    whole = [name for name in os.listdir(folder) if not name.endswith(".part")]
    assert len(whole) == 1
