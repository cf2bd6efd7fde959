# SPDX-License-Identifier: BSD-3-Clause
"""Clusters of quanta that are stored in one piece."""

import pytest

from pachon.base import InvalidInputError, NotFoundError
from pachon.quantum_butler import GraphFileError, QuantumBackedButler, QuantumGraph
from pachon.quantum_butler.testing import example_graph


@pytest.fixture(scope="module")
def clusters():
    graph = example_graph(visits=6, detectors=4, patches=3)
    ids = list(graph)
    return graph, {f"part {n}": ids[n::5] for n in range(5)}


@pytest.fixture
def opened(clusters, tmp_path):
    graph, parts = clusters
    graph.write(str(tmp_path / "g.qg"), slices=parts)
    return QuantumGraph.open(str(tmp_path / "g.qg"))


def test_a_slice_is_the_subset_of_its_quanta(opened, clusters):
    graph, parts = clusters
    assert opened.slice_names == tuple(parts)
    for name, ids in parts.items():
        part, wanted = opened.slice(name), graph.subset(ids)
        assert part.is_partial
        assert list(part) == list(wanted)
        for quantum_id in ids:
            mine, whole = part.quantum(quantum_id), graph.quantum(quantum_id)
            assert mine == whole
            assert dict(mine.data_id.records) == dict(whole.data_id.records)
        assert part.init_labels == wanted.init_labels
        assert sorted(part.file_records().path) == sorted(wanted.file_records().path)
        assert part.header == graph.header
        assert part.pipeline == graph.pipeline
        assert part.universe == graph.universe
        part.columns.verify()


def test_a_slice_is_read_with_one_request(opened):
    opened.universe  # noqa: B018  # it is a document, which is read once
    assert opened.slice_names
    before = opened.columns.requests
    part = opened.slice("part 3")
    for quantum in part.iter_quanta():
        assert quantum.outputs
    assert opened.columns.requests <= before + 1


def test_slices_change_nothing_else(opened, clusters):
    graph, _ = clusters
    assert list(opened) == list(graph)
    assert QuantumGraph.open(opened.columns._ranges.path).loaded().slice_names == ()
    opened.columns.verify()


def test_what_is_not_there(opened, clusters, tmp_path):
    with pytest.raises(NotFoundError, match=r"no slice .prat 3.*part 3"):
        opened.slice("prat 3")
    graph, _ = clusters
    with pytest.raises(NotFoundError, match="no slice 'part 3'"):
        graph.slice("part 3")
    with pytest.raises(InvalidInputError, match="cut out of a larger one"):
        opened.slice("part 3").write(str(tmp_path / "part.qg"))


def test_a_damaged_slice_is_refused_and_the_others_are_read(opened, tmp_path):
    place = opened.columns.slices["part 2"]
    path = tmp_path / "g.qg"
    data = bytearray(path.read_bytes())
    data[place.offset + place.length // 2] ^= 4
    path.write_bytes(data)
    damaged = QuantumGraph.open(str(path))
    assert len(damaged.slice("part 1"))
    with pytest.raises(GraphFileError, match="slice 'part 2'"):
        damaged.slice("part 2")
    with pytest.raises(GraphFileError, match="slice 'part 2'"):
        damaged.columns.verify()


def test_a_job_reads_its_slice(clusters, tmp_path):
    from pachon.quantum_butler import DatastoreSource

    graph = example_graph(datastore=DatastoreSource(config={"type": "file", "name": "main"}, root=str(tmp_path)))
    ids = list(graph)[:4]
    graph.write(str(tmp_path / "g.qg"), slices={"job": ids})
    with QuantumBackedButler.open(str(tmp_path / "g.qg"), slice_name="job") as butler:
        assert list(butler.graph) == ids
    with QuantumBackedButler.open(str(tmp_path / "g.qg"), slice_name="job", quanta=ids[:1]) as butler:
        assert list(butler.graph) == ids[:1]
