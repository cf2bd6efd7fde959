# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace

import numpy as np
import pytest

from pachon.base import InvalidInputError
from pachon.datasets import ids_from_uuids
from pachon.dimensions import DataIdTable
from pachon.quantum_butler import DroppedQuanta, InitConnection, QuantumGraph
from pachon.quantum_butler.testing import example_tables


@pytest.fixture
def tables():
    return example_tables()


def with_edge(tables, number, **changes):
    edges = list(tables.edges)
    edges[number] = replace(edges[number], **changes)
    return replace(tables, edges=tuple(edges))


def with_quanta(tables, number, **changes):
    quanta = list(tables.quanta)
    quanta[number] = replace(quanta[number], **changes)
    return replace(tables, quanta=tuple(quanta))


def described(graph):
    """Everything that a graph says of each quantum, without row numbers."""
    return {
        quantum_id: (
            str(graph.quantum(quantum_id)),
            {name: sorted(ref.id for ref in refs) for name, refs in graph.inputs_of(quantum_id).items()},
            {name: sorted(ref.id for ref in refs) for name, refs in graph.outputs_of(quantum_id).items()},
        )
        for quantum_id in graph
    }


def test_same_tables_same_graph(tables):
    assert QuantumGraph.from_tables(tables).to_bytes() == QuantumGraph.from_tables(tables).to_bytes()


def test_quanta_are_sorted_by_data_id_and_edges_follow(tables):
    sorted_graph = QuantumGraph.from_tables(tables)
    order = np.random.default_rng(2).permutation(len(tables.quanta[0].ids))
    position = np.argsort(order)
    isr = tables.quanta[0]
    shuffled = with_quanta(tables, 0, data_ids=isr.data_ids.take(order), ids=isr.ids[order])
    edges = []
    for edge in shuffled.edges:
        if edge.label == "isr":
            quanta = np.arange(len(order)) if edge.quantum_rows is None else edge.quantum_rows
            rows = np.arange(len(order)) if edge.dataset_rows is None else edge.dataset_rows
            edge = replace(edge, quantum_rows=position[quanta], dataset_rows=rows)
        edges.append(edge)
    graph = QuantumGraph.from_tables(replace(shuffled, edges=tuple(edges)))
    data_ids = list(graph.quanta("isr").data_ids)
    assert data_ids == sorted(data_ids)
    assert described(graph) == described(sorted_graph)


def test_equal_row_edges_follow_moved_quanta(tables):
    order = np.arange(len(tables.quanta[0].ids))[::-1]
    isr = tables.quanta[0]
    backwards = with_quanta(tables, 0, data_ids=isr.data_ids.take(order))
    graph = QuantumGraph.from_tables(backwards)
    for row, quantum_id in enumerate(ids_list(isr.ids)):
        (raw,) = graph.inputs_of(quantum_id)["raw"]
        assert raw.id == ids_list(tables.datasets[0].datasets.ids)[row]
    assert not graph.structure.tasks["isr"].ascending_ids


def ids_list(ids):
    from pachon.datasets import uuids_from_ids

    return uuids_from_ids(ids)


def test_ids_in_any_order_are_found(tables):
    order = np.random.default_rng(3).permutation(len(tables.quanta[1].ids))
    ids = tables.quanta[1].ids[order]
    graph = QuantumGraph.from_tables(with_quanta(tables, 1, ids=ids))
    for row, quantum_id in enumerate(ids_list(ids)):
        assert graph.quantum(quantum_id).data_id == tables.quanta[1].data_ids[row]


def test_explicit_equal_rows_are_recognised(tables):
    rows = np.arange(len(tables.quanta[0].ids))
    graph = QuantumGraph.from_tables(with_edge(tables, 0, quantum_rows=rows, dataset_rows=rows))
    assert graph.structure.edges[0].identity


def test_records_that_nothing_needs_are_left_out(tables):
    graph = QuantumGraph.from_tables(tables)
    assert len(graph.records("visit")) == 4
    doubled = replace(tables, records=tuple(table.concat([table, table]) for table in tables.records))
    assert QuantumGraph.from_tables(doubled).to_bytes() == graph.to_bytes()
    fewer = example_tables(visits=2)
    fewer = replace(fewer, records=tables.records)
    assert len(QuantumGraph.from_tables(fewer).records("visit")) == 2


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda t: with_edge(t, 1, label="isrr"), "unknown task label 'isrr'. Did you mean 'isr'"),
        (lambda t: with_edge(t, 1, dataset_type="biass"), "unknown dataset type 'biass'"),
        (lambda t: with_edge(t, 1, quantum_rows=None), "one side only"),
        (lambda t: with_edge(t, 1, dataset_rows=np.array([99] * 12)), "row 99"),
        (lambda t: with_edge(t, 1, dataset_rows=np.array([-1] * 12)), "row -1"),
        (lambda t: with_edge(t, 1, dataset_rows=np.zeros(3, dtype=int)), "different lengths"),
        (lambda t: with_edge(t, 1, dataset_rows=np.zeros(12)), "of type float64"),
        (lambda t: with_edge(t, 0, dataset_type="bias"), "12 quanta and 3 datasets"),
        (lambda t: with_edge(t, 4, dataset_type="post_isr", label="cal", kind="output"), "more than one quantum"),
        (lambda t: with_quanta(t, 0, label="cal"), "have task 'cal' 2 times"),
        (lambda t: with_quanta(t, 0, ids=t.quanta[0].ids[:3]), r"\(12, 16\) is needed"),
        (lambda t: with_quanta(t, 0, ids=np.repeat(t.quanta[0].ids[:1], 12, axis=0)), "11 quanta have the same id"),
        (lambda t: with_quanta(t, 1, ids=t.quanta[0].ids), "12 quanta have the same id"),
        (lambda t: with_quanta(t, 2, data_ids=t.quanta[2].data_ids.take(np.array([0, 0, 1, 2]))), "a data ID twice"),
        (
            lambda t: replace(
                t, init=(InitConnection(label="isr", connection="c", kind="init_input", dataset_type="raw", row=77),)
            ),
            "row 77 of 'raw'",
        ),
        (
            lambda t: replace(
                t, dropped=(DroppedQuanta(label="isr", data_ids=t.quanta[0].data_ids, reasons=np.zeros(1, np.uint8)),)
            ),
            "12 dropped quanta of 'isr' and 1 reasons",
        ),
        (
            lambda t: replace(t, datasets=(replace(t.datasets[0], states=np.zeros(1, np.uint8)), *t.datasets[1:])),
            "1 states",
        ),
    ],
)
def test_contradictions_are_named(tables, spoil, words):
    with pytest.raises(InvalidInputError, match=words):
        QuantumGraph.from_tables(spoil(tables))


def test_data_ids_must_be_full(tables):
    full = tables.quanta[0].data_ids
    minimal = DataIdTable(full.group, {name: full.columns[name] for name in full.group.required})
    with pytest.raises(InvalidInputError, match="lack values of"):
        QuantumGraph.from_tables(with_quanta(tables, 0, data_ids=minimal))


def test_an_empty_graph(tables):
    empty = replace(tables, quanta=(), datasets=(), edges=(), init=(), init_ids={}, file_records=None)
    graph = QuantumGraph.from_tables(empty)
    assert not graph
    assert len(graph) == 0
    assert list(graph) == []
    assert graph.quantum_edges.shape == (0, 2)
    assert graph.ids.shape == (0, 16)
    assert "3 without a calibration" in str(graph.explain())
    assert "0 quanta" in graph.to_svg()


def test_ids_of_several_files_of_one_dataset(tables):
    records = tables.file_records
    parts = replace(records, component=np.array(["image"] * len(records), dtype=object))
    double = records.concat([parts, replace(records, component=np.array(["mask"] * len(records), dtype=object))])
    graph = QuantumGraph.from_tables(replace(tables, file_records=double))
    assert len(graph.file_records("raw")) == 24
    found = graph.file_records().of_dataset(ids_list(graph.datasets("raw").ids)[3])
    assert sorted(found.component) == ["image", "mask"]
    strangers = replace(records, dataset_id=ids_from_uuids([__import__("uuid").uuid4() for _ in range(len(records))]))
    assert len(QuantumGraph.from_tables(replace(tables, file_records=strangers)).file_records()) == 0
