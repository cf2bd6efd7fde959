# SPDX-License-Identifier: BSD-3-Clause
import itertools
import uuid
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pachon.base import InvalidInputError, NotFoundError
from pachon.datasets import ids_from_uuids, uuids_from_ids
from pachon.dimensions import Categorical, DataIdTable
from pachon.quantum_butler import DatasetState, GraphFileError, QuantumGraph, QuantumTable
from pachon.quantum_butler.testing import example_graph
from pachon.resources import ResourceExistsError, ResourcePath

SIZES = st.fixed_dictionaries(
    {
        "visits": st.integers(1, 5),
        "detectors": st.integers(1, 4),
        "patches": st.integers(1, 3),
        "overlaps": st.integers(1, 2),
    }
)


def test_sizes(any_graph):
    assert len(any_graph) == 42
    assert any_graph.task_counts() == {"isr": 12, "cal": 12, "visit_summary": 4, "warp": 8, "coadd": 6}
    assert any_graph.dataset_counts()["bias"] == 3
    assert any_graph.task_labels == ("isr", "cal", "visit_summary", "warp", "coadd")
    assert any_graph.header.output_run == "u/someone/run"
    assert "42 quanta" in repr(any_graph)
    assert "42 quanta" in any_graph._repr_html_()


def test_what_a_graph_holds_is_no_html():
    graph = example_graph(run="u/<script>")
    assert "u/&lt;script&gt;" in graph._repr_html_()
    part = graph.quanta("isr").parts[0]
    names = np.full(len(part.ids), "<b>x</b>", dtype=object)
    columns = {**part.data_ids.columns, "physical_filter": Categorical.encode(names)}
    table = DataIdTable(part.data_ids.group, columns, len(part.ids))
    shown = QuantumTable((replace(part, data_ids=table),))._repr_html_()
    assert "&lt;b&gt;x&lt;/b&gt;" in shown
    assert "<b>" not in shown


def test_opening_reads_the_directory_only(graph, tmp_path):
    graph.write(str(tmp_path / "g.qg"))
    opened = QuantumGraph.open(str(tmp_path / "g.qg"))
    assert len(opened) == 42
    assert opened.columns.requests == 1


def test_quantum(any_graph):
    quantum_id = next(iter(any_graph.quanta("warp").uuids()))
    quantum = any_graph.quantum(quantum_id)
    assert quantum.id == quantum_id
    assert quantum.task_label == "warp"
    assert quantum.data_id.full["band"] in "gri"
    assert quantum.inputs.keys() == {"images", "summary"}
    assert quantum.outputs.keys() == {"warp", "_metadata", "_log"}
    (summary,) = quantum.inputs["summary"]
    assert summary.data_id["visit"] == quantum.data_id["visit"]
    for ref in itertools.chain(*quantum.inputs.values()):
        assert ref.run == "u/someone/run"
        assert ref.data_id["visit"] == quantum.data_id["visit"]


def test_data_ids_are_expanded(any_graph):
    quantum = any_graph.quantum(any_graph.quanta("cal").uuids()[5])
    records = quantum.data_id.records
    assert records["visit"].exposure_time is None
    assert records["visit"].name == f"visit_{quantum.data_id['visit']}"
    assert records["detector"].full_name == f"D{quantum.data_id['detector']:03d}"
    assert records["physical_filter"].band == quantum.data_id["band"]
    assert records["instrument"].detector_max == 3
    assert records["band"] is None
    assert quantum.data_id.region is not None
    assert quantum.data_id.timespan is not None
    assert set(records) == set(quantum.data_id.group.elements)
    with pytest.raises(KeyError):
        records["patch"]
    post_isr = quantum.inputs["image"][0]
    assert post_isr.data_id.records["exposure"].obs_id == f"obs_{post_isr.data_id['exposure']}"


def test_init_quanta(any_graph):
    assert any_graph.init_labels == ("isr", "cal", "visit_summary", "warp", "coadd", "")
    written = any_graph.init_quantum("cal").init_outputs["schema"]
    read = any_graph.init_quantum("coadd").init_inputs["schema"]
    assert written == read
    assert any_graph.init_quantum("").init_outputs["packages"].dataset_type.name == "packages"
    assert any_graph.quantum(any_graph.quanta("coadd").uuids()[0]).init_inputs == {"schema": read}
    with pytest.raises(NotFoundError, match="coad"):
        any_graph.init_quantum("coad")


def test_unknown_names(any_graph):
    with pytest.raises(NotFoundError, match="Did you mean 'warp'"):
        any_graph.quanta("wrap")
    with pytest.raises(NotFoundError, match="Did you mean 'calexp'"):
        any_graph.datasets("calxp")
    with pytest.raises(NotFoundError, match="has no quantum"):
        any_graph.quantum(uuid.uuid4())
    with pytest.raises(NotFoundError, match="no records of 'subfilter'"):
        any_graph.records("subfilter")
    assert uuid.uuid4() not in any_graph
    assert "text" not in any_graph
    assert next(iter(any_graph)) in any_graph


def test_datasets(any_graph):
    raws = any_graph.datasets("raw")
    assert len(raws) == 12
    assert raws[0].run == "CAM/raw"
    assert set(any_graph.dataset_states("raw").tolist()) == {DatasetState.EXISTING}
    assert set(any_graph.dataset_states("calexp").tolist()) == {DatasetState.PREDICTED}
    assert any_graph.dataset_types["bias"].is_calibration
    assert len(any_graph.file_records("raw")) == 12
    assert len(any_graph.file_records()) == 15
    assert len(any_graph.file_records("calexp")) == 0
    assert any_graph.refs("raw", np.array([3]))[0] == raws[3]


def test_some_file_records(any_graph):
    for count in (0, 1, 5, 100):
        some = any_graph.some_file_records(count)
        expected = [list(any_graph.file_records(name).rows())[:count] for name in ("raw", "bias")]
        assert sorted(row.path for row in some.rows()) == sorted(row.path for rows in expected for row in rows)
        assert {(row.dataset_id, row.path) for row in some.rows()} == {
            (row.dataset_id, row.path) for rows in expected for row in rows
        }


def test_datasets_by_id(any_graph):
    ids = np.concatenate([any_graph.datasets("bias").ids[[2, 0]], any_graph.datasets("warp").ids[5:6]])
    bias, warp = any_graph.dataset_tables(ids)
    assert (bias.dataset_type.name, warp.dataset_type.name) == ("bias", "warp")
    assert bias.ids.tolist() == ids[:2].tolist()
    with pytest.raises(NotFoundError, match="1 of 4 datasets"):
        any_graph.dataset_tables(np.concatenate([ids, ids_from_uuids([uuid.uuid4()])]))


@settings(max_examples=15, deadline=None)
@given(SIZES)
def test_neighbours_agree_with_the_datasets(sizes):
    graph = example_graph(**sizes)
    quanta = list(graph.iter_quanta())
    assert [quantum.id for quantum in quanta] == list(graph) == uuids_from_ids(graph.ids)
    made = {ref.id: quantum.id for quantum in quanta for refs in quantum.outputs.values() for ref in refs}
    upstream = {
        quantum.id: {made[ref.id] for refs in quantum.inputs.values() for ref in refs if ref.id in made}
        for quantum in quanta
    }
    numbers = {quantum.id: number for number, quantum in enumerate(quanta)}
    assert {tuple(pair) for pair in graph.quantum_edges.tolist()} == {
        (numbers[above], numbers[below]) for below, found in upstream.items() for above in found
    }
    for quantum in quanta:
        assert set(graph.upstream(quantum.id)) == upstream[quantum.id]
        assert set(graph.downstream(quantum.id)) == {q for q, found in upstream.items() if quantum.id in found}
        _, rows = graph.upstream_rows.of(np.array([numbers[quantum.id]]))
        assert {quanta[row].id for row in rows} == upstream[quantum.id]
        # Topological: whatever is read was written by an earlier quantum.
        assert all(numbers[above] < numbers[quantum.id] for above in upstream[quantum.id])


@settings(max_examples=15, deadline=None)
@given(SIZES)
def test_a_file_holds_the_graph(tmp_path_factory, sizes):
    graph = example_graph(**sizes)
    path = str(tmp_path_factory.mktemp("graph") / "g.qg")
    graph.write(path)
    opened = QuantumGraph.open(path)
    assert opened.header == graph.header
    assert opened.structure == graph.structure
    assert opened.pipeline == graph.pipeline
    assert opened.universe == graph.universe
    assert opened.loaded().to_bytes() == graph.to_bytes() == opened.to_bytes()
    for quantum in graph.iter_quanta():
        assert opened.quantum(quantum.id) == quantum
        assert dict(opened.quantum(quantum.id).data_id.records) == dict(quantum.data_id.records)


def test_quantum_table(any_graph):
    table = any_graph.quanta()
    assert len(table) == 42
    assert table.labels == any_graph.task_labels
    columns = table.to_columns()
    assert columns["task"][0] == "isr"
    assert columns["id"][0] == str(table.uuids()[0])
    assert columns["patch"][0] is None
    assert columns["detector"][0] == 0
    assert "42 quanta" in table._repr_html_()
    assert next(iter(table))[1] == "isr"
    with pytest.raises(InvalidInputError, match="5 tasks"):
        _ = table.data_ids
    isr = any_graph.quanta("isr")
    assert isr.data_ids.is_full
    assert list(isr.data_ids) == sorted(isr.data_ids)
    assert "isr 12" in repr(isr)


def test_write_once(graph, tmp_path):
    path = str(tmp_path / "g.qg")
    graph.write(path)
    with pytest.raises(ResourceExistsError):
        graph.write(path)
    graph.write(path, overwrite=True)
    with pytest.raises(InvalidInputError, match=r"extension \.qg"):
        graph.write(str(tmp_path / "g.qgraph"))
    with pytest.raises(InvalidInputError, match="only whole graphs"):
        graph.subset([next(iter(graph))]).write(str(tmp_path / "part.qg"))


def test_a_remote_file(graph):
    path = ResourcePath("memory://graphs/example.qg")
    graph.write(path)
    try:
        opened = QuantumGraph.open(path)
        quantum_id = opened.quanta("coadd").uuids()[2]
        assert opened.quantum(quantum_id) == graph.quantum(quantum_id)
    finally:
        path.remove()


def test_a_missing_file(tmp_path):
    with pytest.raises(NotFoundError, match="nothing"):
        QuantumGraph.open(str(tmp_path / "nothing.qg"))


def test_summary(any_graph):
    summary = any_graph.summary()
    assert summary["outputRun"] == "u/someone/run"
    assert summary["inputCollection"] == ["CAM/raw", "CAM/bias"]
    isr = summary["qgraphTaskSummaries"]["isr"]
    assert isr["numQuanta"] == 12
    assert isr["numInputs"] == {"raw": 12, "bias": 12}
    assert isr["numOutputs"] == {"post_isr": 12, "isr_metadata": 12, "isr_log": 12}


def test_other_extensions(tmp_path):
    for name, words in (("x.qgraph", "LSST"), ("x.pickle", r"does not end in \.qg")):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(GraphFileError, match=words):
            QuantumGraph.open(str(tmp_path / name))


def test_edges_of_a_connection(any_graph):
    quanta, rows = any_graph.connection_rows("isr", "bias")
    biases = any_graph.datasets("bias")
    data_ids = any_graph.quanta("isr").data_ids
    assert len(quanta) == 12
    assert all(data_ids[q]["detector"] == biases[r].data_id["detector"] for q, r in zip(quanta, rows, strict=True))
    with pytest.raises(NotFoundError, match="Did you mean 'bias'"):
        any_graph.connection_rows("isr", "bais")
