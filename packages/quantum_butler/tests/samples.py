# SPDX-License-Identifier: BSD-3-Clause
"""The samples in ``data``: one graph file and one receipt for each format version that was ever released.

Run this file to write those of the present version, beside a JSON description of what they hold; files that are there
are never written again.
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import numpy as np

from pachon.quantum_butler import DatasetState, DatastoreSource, QuantumGraph, QuantumProvenance, Receipt
from pachon.quantum_butler.column_file.layout import MAJOR_VERSION, MINOR_VERSION
from pachon.quantum_butler.provenance_graph import ProvenanceGraph, QuantumRecord, packed_content
from pachon.quantum_butler.testing import example_tables
from pachon.quantum_butler.testing.example import example_graph

DATA = Path(__file__).parent / "data"


def describe_graph(graph):
    """Give all that a graph says, as JSON, without numbers of rows."""
    header = graph.header.to_document()
    slices = {name: [str(item) for item in graph.slice(name)] for name in graph.slice_names}
    return {
        **({"slices": slices} if slices else {}),
        "header": header,
        "pipeline": dict(graph.pipeline),
        "universe": [graph.universe.namespace, graph.universe.version, len(graph.universe.elements)],
        "datastore": graph.datastore.to_document(),
        "quanta": {
            str(quantum.id): {
                "task": quantum.task_label,
                "data_id": quantum.data_id.full,
                "inputs": _connections(quantum.inputs),
                "outputs": _connections(quantum.outputs),
                "init_inputs": {name: str(ref.id) for name, ref in quantum.init_inputs.items()},
                "init_outputs": {name: str(ref.id) for name, ref in quantum.init_outputs.items()},
            }
            for quantum in graph.iter_quanta()
        },
        "init": {label: str(graph.init_quantum(label).id) for label in graph.init_labels},
        "datasets": {
            name: {
                "storage_class": graph.dataset_types[name].storage_class,
                "is_calibration": graph.dataset_types[name].is_calibration,
                "states": graph.dataset_states(name).tolist(),
                "refs": [[str(ref.id), ref.run, ref.data_id.full] for ref in graph.datasets(name)],
            }
            for name in graph.dataset_types
        },
        "records": {
            element: [_plain_record(record) for record in graph.records(element)] for element in graph.structure.records
        },
        "files": [_plain_row(row) for row in graph.file_records().rows()],
        "dropped": [
            [task.label, int(reason), detail, count]
            for task in graph.explain().tasks
            for (reason, detail), count in task.dropped.items()
        ],
    }


def describe_receipt(receipt):
    """Give all that a receipt says, as JSON."""
    return {
        "receipt_id": str(receipt.receipt_id),
        "graph_id": str(receipt.graph_id),
        "run": receipt.run,
        "created": receipt.created,
        "host": receipt.host,
        "quanta": [str(quantum) for quantum in receipt.quanta],
        "records": [_plain_row(row) for row in receipt.records.rows()],
        "provenance": {
            name: sorted(str(item) for item in getattr(receipt.provenance, name))
            for name in QuantumProvenance.__slots__
        },
    }


def describe_provenance(provenance):
    """Give all that a provenance graph says beside the graph, as JSON."""
    graph = provenance.graph
    contents = {}
    for name in provenance.kept_types:
        for ref in graph.refs(name, np.flatnonzero(provenance.made(name))):
            contents[str(ref.id)] = provenance.content(ref.id)
    return {
        "records": {label: [r.to_document() for r in provenance.records(label)] for label in graph.task_counts()},
        "made": {name: provenance.made(name).tolist() for name in graph.dataset_types},
        "contents": contents,
    }


def example_provenance(graph=None):
    """Give a small graph of which every third quantum failed; of the others there is metadata."""
    graph = graph or example_graph(visits=2, detectors=3)
    records, contents = {}, {}
    for label, count in graph.task_counts().items():
        records[label] = [
            QuantumRecord(status=-1, attempts=2, exception="builtins.ValueError", message="bäd", node="here")
            if row % 3 == 0
            else QuantumRecord(
                status=1, caveats=row % 7, attempts=1, start=1.7e9 + row, run_time=0.5, memory=2**33 + row
            )
            for row in range(count)
        ]
        quanta, datasets = graph.connection_rows(label, "_metadata")
        items = [None] * len(graph.datasets(f"{label}_metadata"))
        for quantum, dataset in zip(quanta.tolist(), datasets.tolist(), strict=True):
            if quantum % 3:
                items[dataset] = packed_content(json.dumps({"scalars": {"label": label, "row": quantum}}).encode())
        contents[f"{label}_metadata"] = items
    made = {name: graph.dataset_states(name) == DatasetState.EXISTING for name in graph.dataset_types}
    made |= {name: np.array([item is not None for item in items]) for name, items in contents.items()}
    return ProvenanceGraph.from_records(graph, records, made, contents)


def _connections(refs):
    return {
        name: [[ref.dataset_type.name, ref.dataset_type.storage_class, str(ref.id)] for ref in found]
        for name, found in refs.items()
    }


def _plain_record(record):
    stored = record.as_stored()
    return {name: value.hex() if isinstance(value, bytes) else _plain(value) for name, value in stored.items()}


def _plain(value):
    return [value.begin_ns, value.end_ns] if hasattr(value, "begin_ns") else value


def _plain_row(row):
    return [
        str(row.dataset_id),
        row.component,
        row.path,
        row.formatter,
        row.storage_class,
        row.size,
        row.checksum,
        row.datastore,
    ]


def make_graph():
    words = np.empty((1000, 2), dtype=">u8")
    words[:, 0] = 0x0197C0DE00007000
    words[:, 1] = 0x8000000000000000 + 17 * np.arange(1000, dtype=np.uint64)
    source = DatastoreSource(config={"type": "file", "name": "main"}, root="file:///data/repo/")
    ids = words.view(np.uint8).reshape(-1, 16)
    return QuantumGraph.from_tables(example_tables(visits=3, detectors=2, patches=2, datastore=source, ids=ids))


def make_receipt(graph):
    return Receipt(
        receipt_id=uuid.UUID("0197c0de-0000-7000-8000-0000000000aa"),
        graph_id=graph.header.graph_id,
        run=graph.header.output_run,
        created="2026-11-23T00:00:00.000+00:00",
        host="node1",
        quanta=(next(iter(graph)),),
        records=graph.file_records("bias"),
        provenance=QuantumProvenance(actual_inputs=frozenset(graph.datasets("raw").uuids()[:2])),
    )


def main():
    graph = make_graph()
    ids = list(graph)
    whole = graph.to_bytes({"first": ids[:3], "second half": ids[len(ids) // 2 :]})
    slices = {"first": [str(i) for i in ids[:3]], "second half": [str(i) for i in ids[len(ids) // 2 :]]}
    receipt = make_receipt(graph)
    provenance = example_provenance(graph)
    for name, content, description in (
        (f"graph-{MAJOR_VERSION}.{MINOR_VERSION}.qg", whole, {**describe_graph(graph), "slices": slices}),
        (
            f"graph-{MAJOR_VERSION}.{MINOR_VERSION}.provenance",
            provenance.graph.to_bytes(),
            describe_graph(provenance.graph) | {"provenance": describe_provenance(provenance)},
        ),
        ("receipt-1.receipt", receipt.to_bytes(), describe_receipt(receipt)),
    ):
        path = DATA / name
        if not path.exists():
            path.write_bytes(content)
            path.with_suffix(path.suffix + ".json").write_text(json.dumps(description, indent=1) + "\n")


if __name__ == "__main__":
    main()
