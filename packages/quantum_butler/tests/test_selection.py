# SPDX-License-Identifier: BSD-3-Clause
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pachon.base import NotFoundError
from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.testing import example_graph


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    path = str(tmp_path_factory.mktemp("selection") / "g.qg")
    example_graph(visits=5, detectors=4, patches=3).write(path)
    return QuantumGraph.open(path)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_part_says_the_same_of_its_quanta(opened, data):
    everything = list(opened)
    chosen = data.draw(st.lists(st.sampled_from(everything), unique=True, max_size=12))
    part = opened.subset(chosen)
    assert part.is_partial
    assert set(part) == set(chosen)
    assert [q for q in everything if q in set(chosen)] == list(part)
    for quantum_id in chosen:
        mine, whole = part.quantum(quantum_id), opened.quantum(quantum_id)
        assert mine == whole
        assert dict(mine.data_id.records) == dict(whole.data_id.records)
        for name, refs in mine.inputs.items():
            for ref, other in zip(refs, whole.inputs[name], strict=True):
                assert dict(ref.data_id.records) == dict(other.data_id.records)
                assert ref.data_id.full == other.data_id.full
        assert set(part.upstream(quantum_id)) == set(opened.upstream(quantum_id)) & set(chosen)
    wanted = {ref.id for q in part.iter_quanta() for refs in q.inputs.values() for ref in refs}
    for row in part.file_records().rows():
        assert row.dataset_id in wanted
        assert opened.file_records().of_dataset(row.dataset_id).row(0) == row


def test_init_quanta_come_along(opened):
    part = opened.subset([opened.quanta("coadd").uuids()[0]])
    assert part.init_labels == ("coadd",)
    assert part.init_quantum("coadd").init_inputs == opened.init_quantum("coadd").init_inputs


def test_init_quanta_alone(opened):
    wanted = [opened.init_quantum("cal"), opened.init_quantum("")]
    part = opened.subset([quantum.id for quantum in wanted])
    assert len(part) == 0
    assert part.init_labels == ("cal", "")
    assert part.init_quantum("cal").init_outputs == wanted[0].init_outputs
    assert part.init_quantum("").id == wanted[1].id


def test_unknown_quanta(opened):
    with pytest.raises(NotFoundError, match="and 1 more"):
        opened.subset([uuid.uuid4(), uuid.uuid4(), next(iter(opened))])


def test_few_reads(opened):
    fresh = QuantumGraph.open(opened.columns.uri)
    fresh.subset([opened.quanta("warp").uuids()[3]])
    assert fresh.columns.requests < 25
