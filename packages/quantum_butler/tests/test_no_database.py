# SPDX-License-Identifier: BSD-3-Clause
"""A process that runs quanta from a graph file opens no database, and could not: there is none in it."""

import subprocess
import sys

from pachon.datastore import Datastore
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler import DatastoreSource, QuantumBackedButler
from pachon.quantum_butler.testing import example_graph

JOB = """
import sys, uuid
from pachon.quantum_butler import QuantumBackedButler
with QuantumBackedButler.open(sys.argv[1], quanta=[uuid.UUID(sys.argv[2])]) as butler:
    quantum = butler.graph.quantum(uuid.UUID(sys.argv[2]))
    assert butler.get(quantum.inputs["raw"][0]) == {}
    for refs in quantum.outputs.values():
        for ref in refs:
            butler.put({"written": True}, ref)
    butler.write_receipt()
strangers = [name for name in sys.modules if name.partition(".")[0] in {"sqlalchemy", "sqlite3", "alembic"}]
strangers += [name for name in sys.modules if name.startswith(("pachon.registry", "pachon.butler"))]
assert not strangers, strangers
"""


def test_no_database_in_the_process(tmp_path):
    root = tmp_path / "repo"
    datastore = Datastore.open(None, root=str(root), universe=DimensionUniverse.default())
    graph = example_graph(datastore=DatastoreSource(config=datastore.to_document(), root=str(root)))
    for row in graph.file_records().rows():
        (root / row.path).parent.mkdir(parents=True, exist_ok=True)
        (root / row.path).write_text("{}")
    path = str(tmp_path / "g.qg")
    graph.write(path)
    quantum_id = graph.quanta("isr").uuids()[4]
    subprocess.run([sys.executable, "-c", JOB, path, str(quantum_id)], check=True)
    output = graph.quantum(quantum_id).outputs["post_isr"][0]
    assert QuantumBackedButler.open(path).get(output) == {"written": True}
