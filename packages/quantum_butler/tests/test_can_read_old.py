# SPDX-License-Identifier: BSD-3-Clause
"""Every graph file and receipt that a released version wrote can be read, for ever."""

import importlib.util
import json
from pathlib import Path

import pytest

from pachon.quantum_butler import QuantumGraph, Receipt
from pachon.quantum_butler.column_file.layout import MAJOR_VERSION, MINOR_VERSION
from pachon.quantum_butler.provenance_graph import ProvenanceGraph

HERE = Path(__file__).parent
DATA = HERE / "data"

_spec = importlib.util.spec_from_file_location("quantum_butler_samples", HERE / "samples.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)


def description(path):
    return json.loads(path.with_suffix(path.suffix + ".json").read_text())


@pytest.mark.parametrize("path", sorted(DATA.glob("*.qg")), ids=lambda path: path.name)
def test_graphs(path):
    graph = QuantumGraph.open(str(path))
    graph.columns.verify()
    assert json.loads(json.dumps(samples.describe_graph(graph))) == description(path)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.provenance")), ids=lambda path: path.name)
def test_provenance_graphs(path, tmp_path):
    # Their names end in .qg; here they are told apart from other graphs.
    named = tmp_path / "sample.qg"
    named.write_bytes(path.read_bytes())
    provenance = ProvenanceGraph.open(named)
    provenance.graph.columns.verify()
    found = samples.describe_graph(provenance.graph) | {"provenance": samples.describe_provenance(provenance)}
    assert json.loads(json.dumps(found)) == description(path)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.receipt")), ids=lambda path: path.name)
def test_receipts(path):
    receipt = Receipt.from_bytes(path.read_bytes(), path.name)
    assert json.loads(json.dumps(samples.describe_receipt(receipt))) == description(path)


def test_there_are_samples_of_this_version():
    assert (DATA / f"graph-{MAJOR_VERSION}.{MINOR_VERSION}.qg").exists()
    assert (DATA / f"graph-{MAJOR_VERSION}.{MINOR_VERSION}.provenance").exists()
    assert (DATA / "receipt-1.receipt").exists()
