# SPDX-License-Identifier: BSD-3-Clause
import uuid
from dataclasses import replace

import pytest

from pachon.base import NotFoundError
from pachon.datasets import DatasetProvenance, DatasetRef
from pachon.datastore import DatasetFileNotFoundError, Datastore, FileIntegrityError, FileRecords
from pachon.datastore.testing.composite import COMPOSITE_CLASSES, Metric
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler import (
    DatasetNotInGraphError,
    DatastoreSource,
    NoDatastoreError,
    NotPredictedError,
    QuantumBackedButler,
    QuantumGraph,
    read_receipt,
)
from pachon.quantum_butler.testing import example_graph, example_tables


def write_raws(graph, root):
    for row in graph.file_records().rows():
        path = root / row.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


def source_of(root, **config):
    datastore = Datastore.open(config or None, root=str(root), universe=DimensionUniverse.default())
    return DatastoreSource(config=datastore.to_document(), root=str(root))


@pytest.fixture
def root(tmp_path):
    return tmp_path / "repo"


@pytest.fixture
def stored(root, tmp_path):
    """A graph with a datastore, and its file."""
    graph = example_graph(datastore=source_of(root))
    write_raws(graph, root)
    path = str(tmp_path / "g.qg")
    graph.write(path)
    return graph, path


def first(graph, label):
    return graph.quantum(graph.quanta(label).uuids()[0])


def run(butler, quantum):
    """Read all inputs, write all outputs."""
    for refs in quantum.inputs.values():
        for ref in refs:
            butler.get(ref)
    for name, refs in quantum.outputs.items():
        for ref in refs:
            butler.put({"by": name}, ref)


def test_quanta_of_different_jobs_find_each_others_outputs(stored):
    graph, path = stored
    for quantum_id in graph:
        with QuantumBackedButler.open(path, quanta=[quantum_id]) as butler:
            quantum = butler.graph.quantum(quantum_id)
            assert all(butler.exists(ref) for refs in quantum.inputs.values() for ref in refs)
            assert not any(butler.exists(ref) for refs in quantum.outputs.values() for ref in refs)
            run(butler, quantum)
            assert all(butler.exists(ref) for refs in quantum.outputs.values() for ref in refs)
    with QuantumBackedButler.open(path) as butler:
        quantum = first(graph, "coadd")
        assert butler.get(quantum.outputs["coadd"][0]) == {"by": "coadd"}
        assert butler.get(quantum.inputs["warps"][0]) == {"by": "warp"}


def test_a_butler_moves_to_other_quanta(stored):
    graph, _ = stored
    isr, other = graph.quanta("isr").uuids()[:2]
    butler = QuantumBackedButler.from_graph(graph, quanta=[isr])
    run(butler, graph.quantum(isr))
    moved = butler.moved_to(graph, [other])
    assert moved.datastore is butler.datastore
    assert len(moved.take_written()) == 0
    run(moved, graph.quantum(other))
    written = {ref.id for refs in graph.quantum(other).outputs.values() for ref in refs}
    assert moved.provenance().actual_outputs == written
    # What the quantum before had is no longer known, so that memory does not grow from one to the next.
    strange = next(iter(graph.quantum(isr).outputs.values()))[0]
    with pytest.raises(NotPredictedError):
        moved.put({"x": 1}, strange)
    with pytest.raises(DatasetNotInGraphError):
        moved.get(strange)


def test_only_what_the_graph_says(stored):
    graph, path = stored
    isr, cal = first(graph, "isr"), first(graph, "cal")
    butler = QuantumBackedButler.open(path, quanta=[isr.id])
    with pytest.raises(NotPredictedError, match="raw"):
        butler.put({}, isr.inputs["raw"][0])
    with pytest.raises(NotPredictedError, match="calexp"):
        butler.put({}, cal.outputs["calexp"][0])
    with pytest.raises(DatasetNotInGraphError, match="calexp"):
        butler.get(cal.outputs["calexp"][0])
    with pytest.raises(DatasetNotInGraphError):
        butler.get_deferred(cal.outputs["calexp"][0])
    stranger = DatasetRef(isr.outputs["post_isr"][0].dataset_type, isr.outputs["post_isr"][0].data_id, "run")
    with pytest.raises(NotPredictedError):
        butler.put({}, stranger)
    assert butler.exists_many([stranger, isr.inputs["raw"][0]]) == [False, True]
    renamed = DatasetRef(cal.outputs["calexp"][0].dataset_type, cal.data_id, "run", id=isr.inputs["raw"][0].id)
    assert not butler.exists(renamed)
    with pytest.raises(NotPredictedError):
        butler.put_many([({}, isr.outputs["post_isr"][0]), ({}, stranger)])
    assert not butler.exists(isr.outputs["post_isr"][0])


def test_unknown_quanta(stored):
    with pytest.raises(NotFoundError):
        QuantumBackedButler.open(stored[1], quanta=[uuid.uuid4()])


def test_a_graph_without_a_datastore(tmp_path):
    path = str(tmp_path / "g.qg")
    example_graph().write(path)
    with pytest.raises(NoDatastoreError, match="datastore records"):
        QuantumBackedButler.open(path)


def test_missing_and_changed_inputs(stored, root):
    graph, path = stored
    isr, cal = first(graph, "isr"), first(graph, "cal")
    raw = isr.inputs["raw"][0]
    butler = QuantumBackedButler.open(path, quanta=[isr.id, cal.id])
    (root / butler.get_uri(raw).relative_to(butler.root)).write_text("{ }")
    with pytest.raises(FileIntegrityError):
        butler.get(raw)
    (root / butler.get_uri(raw).relative_to(butler.root)).unlink()
    assert not butler.exists(raw)
    with pytest.raises(DatasetFileNotFoundError):
        butler.get(raw)
    with pytest.raises(DatasetFileNotFoundError):
        butler.get(cal.inputs["image"][0])


def test_a_retry_replaces(stored):
    graph, path = stored
    isr = first(graph, "isr")
    ref = isr.outputs["post_isr"][0]
    one = QuantumBackedButler.open(path, quanta=[isr.id])
    one.put({"attempt": 1}, ref)
    other = QuantumBackedButler.open(path, quanta=[isr.id])
    assert other.exists(ref)
    other.put({"attempt": 2}, ref)
    other.put({"attempt": 3}, ref)
    assert other.get(ref) == {"attempt": 3}
    assert other.get_uri(ref) == one.get_uri(ref)
    assert len(other.take_written()) == 1


def test_outputs_of_an_earlier_attempt_are_removed(stored):
    graph, path = stored
    isr, cal = first(graph, "isr"), first(graph, "cal")
    refs = [ref for refs in isr.outputs.values() for ref in refs]
    QuantumBackedButler.open(path, quanta=[isr.id]).put({}, refs[0])
    butler = QuantumBackedButler.open(path, quanta=[isr.id])
    butler.put({}, refs[1])
    butler.remove(refs)
    assert butler.exists_many(refs) == [False] * len(refs)
    assert len(butler.receipt().records) == 0
    assert len(butler.take_written()) == 0
    with pytest.raises(NotPredictedError):
        butler.remove(cal.outputs["calexp"])


def test_another_root(stored, root, tmp_path):
    graph, path = stored
    moved = tmp_path / "moved"
    root.rename(moved)
    isr = first(graph, "isr")
    butler = QuantumBackedButler.open(path, quanta=[isr.id], root=str(moved))
    run(butler, isr)
    assert str(moved) in str(butler.write_receipt())
    assert not root.exists()


def test_written_records_are_handed_over_once(stored):
    graph, path = stored
    isr = first(graph, "isr")
    butler = QuantumBackedButler.open(path, quanta=[isr.id])
    run(butler, isr)
    written = butler.take_written()
    assert len(written) == 3
    assert (written.size > 0).all()
    assert all(written.checksum)
    assert len(butler.take_written()) == 0
    assert {table.dataset_type.name for table in graph.dataset_tables(written.dataset_id)} == {
        "post_isr",
        "isr_metadata",
        "isr_log",
    }


def test_receipt(stored):
    graph, path = stored
    isr = first(graph, "isr")
    butler = QuantumBackedButler.open(path, quanta=[isr.id])
    run(butler, isr)
    receipt = read_receipt(butler.write_receipt())
    assert receipt.graph_id == graph.header.graph_id
    assert receipt.quanta == (isr.id,)
    assert receipt.run == "u/someone/run"
    assert receipt.records == butler.take_written()
    assert butler.datastore.exists(receipt.records).all()


def test_provenance(stored):
    graph, path = stored
    isr, other = (graph.quantum(item) for item in graph.quanta("isr").uuids()[:2])
    butler = QuantumBackedButler.open(path, quanta=[isr.id, other.id])
    raw, bias = isr.inputs["raw"][0], isr.inputs["bias"][0]
    output = isr.outputs["post_isr"][0]
    butler.exists(raw)
    butler.get_deferred(raw)
    butler.get(bias)
    butler.mark_input_unused(bias)
    butler.put({}, output, provenance=DatasetProvenance(quantum_id=isr.id, inputs=(raw,)))
    butler.exists(other.inputs["raw"][0])
    found = butler.provenance(isr)
    assert found.predicted_inputs == {raw.id, bias.id}
    assert found.available_inputs == {raw.id, bias.id}
    assert found.actual_inputs == {raw.id}
    assert found.predicted_outputs == {ref.id for refs in isr.outputs.values() for ref in refs}
    assert found.actual_outputs == {output.id}
    assert butler.provenance(other).available_inputs == {other.inputs["raw"][0].id, bias.id}
    assert butler.provenance().actual_outputs == {output.id}


def test_missing_inputs_are_noted(stored):
    graph, path = stored
    cal = first(graph, "cal")
    butler = QuantumBackedButler.open(path, quanta=[cal.id])
    image = cal.inputs["image"][0]
    assert not butler.exists(image)
    assert butler.provenance().missing_inputs == {image.id}
    assert butler.provenance().available_inputs == frozenset()


def test_init_outputs(stored):
    graph, path = stored
    wanted = [graph.init_quantum("cal"), graph.init_quantum("")]
    with QuantumBackedButler.open(path, quanta=[quantum.id for quantum in wanted]) as butler:
        for quantum in wanted:
            for ref in quantum.init_outputs.values():
                butler.put({"init": True}, ref)
    coadd = first(graph, "coadd")
    butler = QuantumBackedButler.open(path, quanta=[coadd.id])
    assert butler.get(coadd.init_inputs["schema"]) == {"init": True}
    with pytest.raises(NotPredictedError):
        butler.put({}, coadd.init_inputs["schema"])


def test_other_storage_classes_on_the_way(stored):
    graph, path = stored
    isr = first(graph, "isr")
    butler = QuantumBackedButler.open(path, quanta=[isr.id])
    ref = isr.outputs["post_isr"][0]
    asked = ref.with_dataset_type(ref.dataset_type.with_storage_class("TaskMetadata"))
    butler.put({"a": 1}, asked)
    assert butler.get(ref) == {"a": 1}
    assert butler.take_written().storage_class.tolist() == ["StructuredDataDict"]


def test_existing_datasets_are_not_written(stored, root, tmp_path):
    """A dataset that a skipped quantum made is an input, though its task would have written it."""
    tables = example_tables(datastore=source_of(root))
    nodes = tuple(
        replace(item, states=1) if item.datasets.dataset_type.name == "calexp" else item for item in tables.datasets
    )
    graph = QuantumGraph.from_tables(replace(tables, datasets=nodes))
    cal = first(graph, "cal")
    butler = QuantumBackedButler.from_graph(graph, quanta=[cal.id])
    with pytest.raises(NotPredictedError):
        butler.put({}, cal.outputs["calexp"][0])


def test_components_in_files_of_their_own(root):
    """A retry leaves no component behind that is None now."""
    config = {"type": "file", "name": "file", "composites": {"disassembled": {"TestMetric": True}}}
    config["formatters"] = {"TestDataList": "json", "str": "json"}
    source = replace(source_of(root, **config), storage_classes=COMPOSITE_CLASSES)
    graph = example_graph(datastore=source, storage_class="TestMetric")
    isr, cal = first(graph, "isr"), first(graph, "cal")
    ref = isr.outputs["post_isr"][0]
    butler = QuantumBackedButler.from_graph(graph, quanta=[isr.id, cal.id])
    assert not butler.exists(ref)
    butler.put(Metric(summary={"a": 1.0}, data=[1, 2], note="first"), ref)
    assert sorted(butler.take_written().component) == ["data", "note", "summary"]
    another = QuantumBackedButler.from_graph(graph, quanta=[cal.id])
    assert another.exists(ref)
    assert another.get(ref) == Metric(summary={"a": 1.0}, data=[1, 2], note="first")
    data = ref.dataset_type.component_type("data", butler.datastore.storage_classes)
    assert another.get(ref.with_dataset_type(data)) == [1, 2]
    with pytest.raises(NotPredictedError):
        butler.put([1], ref.with_dataset_type(data))
    again = QuantumBackedButler.from_graph(graph, quanta=[isr.id])
    again.put(Metric(summary={"a": 2.0}, data=[3]), ref)
    assert another.get(ref) == Metric(summary={"a": 2.0}, data=[3])


def test_inputs_without_records(root):
    tables = replace(example_tables(datastore=source_of(root)), file_records=None)
    graph = QuantumGraph.from_tables(tables)
    isr = first(graph, "isr")
    butler = QuantumBackedButler.from_graph(graph, quanta=[isr.id])
    raw = isr.inputs["raw"][0]
    assert not butler.exists(raw)
    for ask in (butler.get, butler.get_uri):
        with pytest.raises(DatasetFileNotFoundError, match="holds no file"):
            ask(raw)


def test_an_input_that_had_no_file_when_the_graph_was_built_is_missing(root):
    """It was found by its row, and its file had been removed: the task may do without it."""
    tables = example_tables(datastore=source_of(root))
    whole = QuantumGraph.from_tables(tables)
    isr = first(whole, "isr")
    (raw,) = isr.inputs["raw"]
    inputs = [ref for refs in isr.inputs.values() for ref in refs]
    # That a file is gone meanwhile is an error of whoever reads it.
    assert QuantumBackedButler.from_graph(whole, quanta=[isr.id]).find_missing(inputs) == set()
    stored = [row for row in tables.file_records.rows() if row.dataset_id != raw.id]
    graph = QuantumGraph.from_tables(replace(tables, file_records=FileRecords.from_rows(stored)))
    butler = QuantumBackedButler.from_graph(graph, quanta=[isr.id])
    assert butler.find_missing(inputs) == {raw.id}
    assert butler.provenance().missing_inputs == {raw.id}
