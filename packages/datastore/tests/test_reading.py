# SPDX-License-Identifier: BSD-3-Clause
"""The reading cases of docs/formats/datastore.md, and what can go wrong."""

from dataclasses import replace
from pathlib import Path

import pytest

from pachon.base import InvalidInputError, NotFoundError, StorageError
from pachon.datasets import UnknownComponentError
from pachon.datastore import (
    DatasetFileNotFoundError,
    DatasetReadError,
    FileIntegrityError,
    FileRecords,
    PathOutsideRootError,
    UnknownParameterError,
)
from pachon.datastore.testing.composite import Metric, OldMetric

METRIC = Metric(summary={"mean": 2.0}, data=[1, 2, 3, 4], note="n")


@pytest.fixture(params=["local", "remote"])
def place(request, root):
    from uuid import uuid4

    return root if request.param == "local" else f"memory://reading-{uuid4()}/repo"


@pytest.fixture
def ref(example):
    return example.ref(example.dataset_type("metric", ("visit", "detector"), "TestMetric"))


@pytest.fixture
def part(classes):
    return lambda ref, name: ref.with_dataset_type(ref.dataset_type.component_type(name, classes))


@pytest.fixture
def whole(open_files, place, ref):
    datastore = open_files(place=place)
    return datastore, datastore.write_many([(METRIC, ref)])


@pytest.fixture
def apart(open_files, place, ref):
    datastore = open_files(place=place, composites={"default": True})
    return datastore, datastore.write_many([(METRIC, ref)])


def test_case_1_whole(whole, ref):
    datastore, written = whole
    assert datastore.get(ref, records=written) == METRIC
    assert datastore.get(ref, records=written, parameters={"first": 2}).data == [1, 2]
    with pytest.raises(UnknownParameterError, match="'last'; it has first"):
        datastore.get(ref, records=written, parameters={"last": 2})


def test_case_2_component(whole, ref, part):
    datastore, written = whole
    assert datastore.get(part(ref, "data"), records=written) == [1, 2, 3, 4]
    assert datastore.get(part(ref, "data"), records=written, parameters={"first": 2}) == [1, 2]
    assert datastore.get(part(ref, "count"), records=written) == 4
    assert datastore.get(part(ref, "count"), records=written, storage_class="float") == 4.0


def test_case_2_component_that_is_none(open_files, ref, part):
    datastore = open_files()
    written = datastore.write_many([(Metric(data=[1]), ref)])
    assert datastore.get(part(ref, "note"), records=written) is None


def test_case_3_put_together(apart, ref):
    datastore, written = apart
    assert set(written.component) == {"summary", "data", "note"}
    assert datastore.get(ref, records=written) == METRIC
    assert datastore.get(ref, records=written, parameters={"first": 3}).data == [1, 2, 3]
    with pytest.raises(UnknownParameterError):
        datastore.get(ref, records=written, parameters={"last": 2})


def test_case_4_stored_component(apart, ref, part):
    datastore, written = apart
    assert datastore.get(part(ref, "data"), records=written) == [1, 2, 3, 4]
    assert datastore.get(part(ref, "data"), records=written, parameters={"first": 1}) == [1]
    only_data = written.take(written.component == "data")
    assert datastore.get(part(ref, "data"), records=only_data) == [1, 2, 3, 4]
    assert datastore.get(part(ref, "summary"), records=written, parameters={"first": 1}) == {"mean": 2.0}
    with pytest.raises(UnknownParameterError):
        datastore.get(part(ref, "summary"), records=written, parameters={"last": 1})


def test_case_5_derived_component(apart, ref, part):
    datastore, written = apart
    assert datastore.get(part(ref, "count"), records=written) == 4
    assert datastore.get(part(ref, "count"), records=written, parameters={"first": 3}) == 3
    without_data = written.take(written.component != "data")
    with pytest.raises(NotFoundError, match="count"):
        datastore.get(part(ref, "count"), records=without_data)


def test_case_6_type_has_changed_since(open_files, example, ref, part, caplog):
    datastore = open_files()
    old = example.ref(example.dataset_type("metric", ("visit", "detector"), "TestOldMetric"), id=ref.id)
    written = datastore.write_many([(OldMetric(values=[1, 2]), old)])
    assert datastore.get(ref, records=written) == Metric(summary={"sum": 3.0}, data=[1, 2], note="converted")
    assert datastore.get(part(ref, "summary"), records=written) == {"sum": 3.0}
    assert "was no component" in caplog.text
    unknown = ref.with_dataset_type(
        example.dataset_type("metric.nothing", ("visit", "detector"), "int", parent_storage_class="TestMetric")
    )
    with pytest.raises(UnknownComponentError, match="nothing"):
        datastore.get(unknown, records=written)


def test_case_7_a_composite_of_which_one_component_was_written(open_files, place, ref, part):
    datastore = open_files(place=place, composites={"default": True})
    written = datastore.write_many([(Metric(data=[5, 6]), ref)])
    assert list(written.component) == ["data"]
    assert datastore.get(ref, records=written) == Metric(data=[5, 6])
    assert datastore.get(part(ref, "data"), records=written) == [5, 6]
    assert datastore.get(part(ref, "note"), records=written) is None
    assert datastore.get(part(ref, "count"), records=written) == 2


def test_configuration_is_not_asked(open_files, ref, apart, place):
    _, written = apart
    other = open_files(
        place=place, formatters={"TestMetric": "yaml", "TestDataList": "yaml"}, templates={"metric": "{run}/{id}"}
    )
    assert other.get(ref, records=written) == METRIC


def test_composites_of_unknown_components(apart, ref):
    datastore, written = apart
    strange = FileRecords.from_rows(replace(row, component="x" + (row.component or "")) for row in written.rows())
    with pytest.raises(NotFoundError, match="cannot be put together"):
        datastore.get(ref, records=strange)


def test_nothing_to_put_together(open_files, example, classes):
    datastore = open_files(composites={"default": True})
    ref = example.ref(example.dataset_type("metric", ("visit", "detector"), "TestMetric"))
    with pytest.raises(InvalidInputError, match="no component to store"):
        datastore.write_many([(Metric(), ref)])
    with pytest.raises(DatasetFileNotFoundError):
        datastore.get(ref, records=datastore.predicted_records([ref]))


def test_other_storage_class(whole, ref):
    datastore, written = whole
    with pytest.raises(InvalidInputError, match="cannot be converted") as caught:
        datastore.get(ref, records=written, storage_class="int")
    assert str(ref.id) in caught.value.__notes__[0]


def test_only_own_records_count(whole, ref):
    datastore, written = whole
    other = FileRecords.from_rows(replace(row, datastore="other") for row in written.rows())
    with pytest.raises(DatasetFileNotFoundError, match="'file' holds no file"):
        datastore.get(ref, records=other)
    assert datastore.get(ref, records=FileRecords.concat([other, FileRecords(**written.columns())])) == METRIC


def test_missing_file(whole, ref):
    datastore, written = whole
    datastore.uri(written.row(0)).remove()
    with pytest.raises(DatasetFileNotFoundError, match="is missing") as caught:
        datastore.get(ref, records=written)
    assert caught.value.uri == str(datastore.uri(written.row(0)))
    assert caught.value.dataset_id == ref.id
    assert not datastore.exists(written).any()


def test_changed_size(whole, ref, part):
    datastore, written = whole
    datastore.uri(written.row(0)).write(b"{}", overwrite=True)
    with pytest.raises(FileIntegrityError, match=r"its size is 2, recorded was \d+") as caught:
        datastore.get(ref, records=written)
    assert (caught.value.dataset_id, caught.value.quantity, caught.value.found) == (ref.id, "size", 2)
    with pytest.raises(FileIntegrityError):
        datastore.get(part(ref, "data"), records=written)


def test_changed_bytes_of_the_same_size(open_files, whole, ref, part, place):
    datastore, written = whole
    uri = datastore.uri(written.row(0))
    uri.write(uri.read().replace(b"2.0", b"3.0"), overwrite=True)
    assert datastore.get(ref, records=written).summary == {"mean": 3.0}
    strict = open_files(place=place, verify_checksum=True)
    with pytest.raises(FileIntegrityError, match="its checksum is"):
        strict.get(ref, records=written)
    with pytest.raises(FileIntegrityError, match="its checksum is"):
        strict.get(part(ref, "data"), records=written)


def test_unknown_size_and_checksum_are_not_compared(open_files, whole, ref, place):
    _, written = whole
    unknown = FileRecords.from_rows(replace(row, size=None, checksum=None) for row in written.rows())
    assert open_files(place=place, verify_checksum=True).get(ref, records=unknown) == METRIC


def test_a_file_of_nothing(open_files, example):
    datastore = open_files()
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredData"))
    written = datastore.write_many([({}, ref)])
    Path(datastore.uri(written.row(0)).ospath).write_bytes(b"null")
    unknown = FileRecords.from_rows(replace(row, size=None) for row in written.rows())
    with pytest.raises(DatasetReadError, match="holds nothing"):
        datastore.get(ref, records=unknown)


@pytest.mark.parametrize("path", ["../outside.json", "/etc/passwd", "a/../../x.json"])
def test_records_cannot_lead_out_of_the_root(open_files, whole, ref, path):
    _, written = whole
    datastore = open_files()
    evil = FileRecords.from_rows(replace(row, path=path, size=None) for row in written.rows())
    if path.startswith("/"):
        # An absolute path is a file that is not owned: it may be read, and is never removed.
        with pytest.raises((DatasetReadError, DatasetFileNotFoundError)):
            datastore.get(ref, records=evil)
        assert not evil.owned().any()
        return
    with pytest.raises(PathOutsideRootError):
        datastore.get(ref, records=evil)
    assert not datastore.exists(evil).any()


def test_unknown_formatter_and_storage_class(whole, ref):
    datastore, written = whole
    strange = FileRecords.from_rows(replace(row, formatter="my.module.Formatter") for row in written.rows())
    with pytest.raises(NotFoundError, match=r"my\.module\.Formatter"):
        datastore.get(ref, records=strange)
    strange = FileRecords.from_rows(replace(row, storage_class="TestMetrik") for row in written.rows())
    with pytest.raises(NotFoundError, match="Did you mean 'TestMetric'"):
        datastore.get(ref, records=strange)


def test_whatever_a_formatter_raises_is_ours(whole, ref, monkeypatch):
    from pachon.datastore.formatters.json import JsonFormatter

    datastore, written = whole
    for raised, expected in [
        (RuntimeError("bang"), DatasetReadError),
        (KeyError("x"), DatasetReadError),
        (StorageError("disk"), StorageError),
        (InvalidInputError("bad parameter"), InvalidInputError),
        (MemoryError(), DatasetReadError),
    ]:

        def fail(self, stream, *, component, expected_size, raised=raised):
            raise raised

        monkeypatch.setattr(JsonFormatter, "read_from_stream", fail)
        with pytest.raises(expected) as caught:
            datastore.get(ref, records=written)
        text = str(caught.value) + "".join(getattr(caught.value, "__notes__", ()))
        assert str(ref.id) in text
        assert str(datastore.uri(written.row(0))) in text


def test_formatters_hand_over(open_files, place, example, monkeypatch):
    import numpy as np

    from pachon.datastore.formatters.numpy import NumpyFormatter

    datastore = open_files(place=place)
    ref = example.ref(example.dataset_type("array", ("visit",), "NumpyArray"))
    written = datastore.write_many([(np.arange(3), ref)])
    tried = []

    def read(kind, result=NotImplemented):
        def method(self, where, *, component, expected_size):
            tried.append(kind)
            assert expected_size == written.row(0).size
            return result if result is NotImplemented else np.load(where)

        return method

    monkeypatch.setattr(NumpyFormatter, "can_read_from_uri", True)
    monkeypatch.setattr(NumpyFormatter, "can_read_from_stream", False)
    monkeypatch.setattr(NumpyFormatter, "can_read_from_local_file", True)
    monkeypatch.setattr(NumpyFormatter, "read_from_uri", read("uri"))
    monkeypatch.setattr(NumpyFormatter, "read_from_local_file", read("file", result=True))
    assert list(datastore.get(ref, records=written)) == [0, 1, 2]
    assert tried == ["uri", "file"]
    monkeypatch.setattr(NumpyFormatter, "read_from_local_file", read("file"))
    with pytest.raises(DatasetReadError, match="'numpy' cannot read it"):
        datastore.get(ref, records=written)
