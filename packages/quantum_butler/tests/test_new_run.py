# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace

import numpy as np
import pytest

from pachon.base import InvalidInputError
from pachon.datasets import DatasetTable, DatasetType
from pachon.quantum_butler import DatasetState, QuantumGraph
from pachon.quantum_butler.testing import example_tables


def test_everything_that_is_made_is_new(any_graph):
    other = any_graph.with_output_run("u/else/run", output="u/else")
    assert other.header.output_run == "u/else/run"
    assert other.header.output == "u/else"
    assert other.header.graph_id != any_graph.header.graph_id
    assert other.header.input_collections == any_graph.header.input_collections
    assert set(other).isdisjoint(any_graph)
    assert other.task_counts() == any_graph.task_counts()
    assert {other.init_quantum(label).id for label in other.init_labels}.isdisjoint(
        {any_graph.init_quantum(label).id for label in any_graph.init_labels}
    )
    for mine, theirs in zip(other.iter_quanta(), any_graph.iter_quanta(), strict=True):
        assert mine.data_id == theirs.data_id
        for name, refs in mine.outputs.items():
            assert [ref.data_id for ref in refs] == [ref.data_id for ref in theirs.outputs[name]]
            assert {ref.run for ref in refs} == {"u/else/run"}
            assert {ref.id for ref in refs}.isdisjoint({ref.id for ref in theirs.outputs[name]})
    assert (other.quantum_edges == any_graph.quantum_edges).all()
    assert (other.datasets("raw").ids == any_graph.datasets("raw").ids).all()
    assert other.file_records() == any_graph.file_records()


def test_what_lies_in_the_old_run_stays_there():
    tables = example_tables()
    states = np.array([DatasetState.EXISTING, DatasetState.REPLACED] + [DatasetState.PREDICTED] * 10, dtype=np.uint8)
    nodes = tuple(
        replace(item, states=states) if item.datasets.dataset_type.name == "calexp" else item
        for item in tables.datasets
    )
    graph = QuantumGraph.from_tables(replace(tables, datasets=nodes))
    other = graph.with_output_run("new")
    calexps = other.datasets("calexp")
    assert [ref.run for ref in calexps][:3] == ["u/someone/run", "new", "new"]
    assert calexps[0] == graph.datasets("calexp")[0]
    assert calexps[1].id != graph.datasets("calexp")[1].id
    assert other.dataset_states("calexp").tolist() == [DatasetState.EXISTING] + [DatasetState.PREDICTED] * 11
    assert other.structure.datasets["warp"].runs == ("new",)


def test_ids_that_did_not_ascend(tmp_path):
    tables = example_tables()
    quanta = (replace(tables.quanta[0], ids=tables.quanta[0].ids[::-1]), *tables.quanta[1:])
    graph = QuantumGraph.from_tables(replace(tables, quanta=quanta)).with_output_run("new")
    graph.write(str(tmp_path / "g.qg"))
    opened = QuantumGraph.open(str(tmp_path / "g.qg"))
    assert all(opened.quantum(item).task_label == "isr" for item in opened.quanta("isr").uuids())


def test_only_whole_graphs(graph):
    with pytest.raises(InvalidInputError, match="whole graphs"):
        graph.subset([next(iter(graph))]).with_output_run("new")


@pytest.mark.parametrize("names", [{"run": "me run/*"}, {"run": "/run"}, {"run": "run", "output": "me?"}])
def test_no_name_that_no_collection_can_have(graph, names):
    with pytest.raises(InvalidInputError, match="is no name for a collection"):
        graph.with_output_run(**names)


def test_a_dataset_type_may_have_the_name_of_a_kind_of_column(tmp_path):
    tables = example_tables()
    nodes = []
    for item in tables.datasets:
        table = item.datasets
        if table.dataset_type.name == "post_isr":
            kind = DatasetType("codes", table.dataset_type.dimensions, table.dataset_type.storage_class)
            item = replace(item, datasets=DatasetTable(kind, table.data_ids, table.ids, table.runs))
        nodes.append(item)
    edges = tuple(replace(e, dataset_type="codes") if e.dataset_type == "post_isr" else e for e in tables.edges)
    path = str(tmp_path / "g.qg")
    QuantumGraph.from_tables(replace(tables, datasets=tuple(nodes), edges=edges)).write(path)
    other = QuantumGraph.open(path).with_output_run("u/else/run")
    assert {ref.run for quantum in other.iter_quanta("isr") for ref in quantum.outputs["post_isr"]} == {"u/else/run"}
