# SPDX-License-Identifier: BSD-3-Clause
import importlib.util
import math
import uuid
from pathlib import Path

import numpy as np
import pytest

from pachon.base import FormatError, NotFoundError
from pachon.datasets import uuids_from_ids
from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.provenance_graph import ProvenanceGraph, QuantumRecord
from pachon.quantum_butler.testing.example import example_graph

_spec = importlib.util.spec_from_file_location("quantum_butler_samples", Path(__file__).parent / "samples.py")
samples = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(samples)


def test_what_became_of_quanta_is_written_and_read(tmp_path):
    before = samples.example_provenance()
    before.write(tmp_path / "p.qg")
    found = ProvenanceGraph.open(tmp_path / "p.qg")
    assert found.graph.header.graph_type == "provenance"
    for label in before.graph.task_counts():
        for old, new in zip(before.records(label), found.records(label), strict=True):
            assert old.to_document() == new.to_document()
        ids = uuids_from_ids(found.graph.quanta(label).parts[0].ids)
        assert found.record(ids[-1]).to_document() == found.records(label)[-1].to_document()
        assert found.made(f"{label}_metadata").tolist() == before.made(f"{label}_metadata").tolist()
    assert found.made("raw").all()
    assert set(found.kept_types) == {f"{label}_metadata" for label in before.graph.task_counts()}
    (ref,) = found.graph.refs("isr_metadata", np.array([1]))
    assert found.content(ref.id) == {"scalars": {"label": "isr", "row": 1}}


def test_what_is_not_known_is_left_out():
    document = QuantumRecord(status=0).to_document()
    assert document == {"status": 0, "attempts": 0}
    assert math.isnan(QuantumRecord(status=0).start)


def test_what_is_not_there_is_said_so(tmp_path):
    found = samples.example_provenance()
    (missing,) = found.graph.refs("isr_metadata", np.array([0]))
    with pytest.raises(NotFoundError, match="was not there"):
        found.content(missing.id)
    (image,) = found.graph.refs("post_isr", np.array([0])) if "post_isr" in found.graph.dataset_types else [missing]
    for other in (uuid.uuid4(), image.id):
        with pytest.raises(NotFoundError):
            found.content(other)
    with pytest.raises(NotFoundError, match="no quantum"):
        found.record(uuid.uuid4())
    example_graph(visits=2, detectors=3).write(tmp_path / "g.qg")
    with pytest.raises(FormatError, match="no provenance graph"):
        ProvenanceGraph.open(tmp_path / "g.qg")
    assert isinstance(QuantumGraph.open(tmp_path / "g.qg"), QuantumGraph)
