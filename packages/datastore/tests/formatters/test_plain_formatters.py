# SPDX-License-Identifier: BSD-3-Clause
"""Formatters of plain data: json, yaml, text, config, metadata, log, packages, pickle, file."""

import json
import os
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from pachon.base import InvalidInputError
from pachon.datasets import StorageClasses
from pachon.datastore import DatasetReadError, DatasetWriteError, FileIntegrityError
from pachon.datastore.formatters.json import dump_json
from pachon.datastore.testing.composite import COMPOSITE_CLASSES, Metric
from pachon.datastore.testing.formatter_suite import FormatterSuite
from pachon.dimensions import Timespan


class Point(NamedTuple):
    x: int
    y: int


class Model(BaseModel):
    name: str
    values: list[int] = []


class TestJson(FormatterSuite):
    formatter = "json"
    storage_class = "StructuredData"
    refuses_cut_files = True
    unwritable = ({"a": object()}, {1, 2}, {(1, 2): 3})

    def examples(self):
        return [{"a": [1, 2.5, None, True], "é": "ü\n"}, [1, "two", {"three": []}], "text", 3, 2.5, False]

    def test_text_is_kept_as_it_is(self, datastore, ref):
        written = datastore.write_many([({"é": "ü"}, ref)])
        assert "é".encode() in Path(self.file_of(datastore, written)).read_bytes()

    def test_lone_surrogates_come_back(self, datastore, ref):
        # Names of files that are no UTF-8 have them.
        content = {"name": os.fsdecode(b"a\xff.fits"), "other": "\ud800"}
        written = datastore.write_many([(content, ref)])
        assert datastore.get(ref, records=written) == content

    def test_numbers_of_numpy(self):
        content = {"a": np.float32(1.5), "b": np.int64(3), "c": np.arange(3), "d": np.bool_(True)}
        assert json.loads(dump_json(content)) == {"a": 1.5, "b": 3, "c": [0, 1, 2], "d": True}

    def test_named_tuples_and_dataclasses_are_mappings(self):
        assert json.loads(dump_json(Point(1, 2))) == {"x": 1, "y": 2}
        assert json.loads(dump_json(Metric(data=[1]))) == {"summary": None, "data": [1], "note": None}
        assert json.loads(dump_json({"inner": Metric(data=[1])}))["inner"]["data"] == [1]


class TestJsonOfInt(FormatterSuite):
    formatter = "json"
    storage_class = "int"
    refuses_cut_files = False  # half of a number is a number

    def examples(self):
        return [0, -12345678901234567890]


class TestJsonOfComposite(FormatterSuite):
    formatter = "json"
    storage_class = "TestMetric"
    storage_classes: ClassVar[Any] = COMPOSITE_CLASSES

    def examples(self):
        return [Metric(summary={"a": 1.5}, data=[1, 2], note="n"), Metric()]


class TestJsonOfTimespan(FormatterSuite):
    formatter = "json"
    storage_class = "Timespan"

    def examples(self):
        return [Timespan.from_ns(1, 2), Timespan(None, None)]


class TestYaml(FormatterSuite):
    formatter = "yaml"
    storage_class = "StructuredDataDict"
    unwritable = ({"a": object()}, {"a": 1j})

    def examples(self):
        return [{"b": [1, 2.5, None, True], "a": {"é": "ü\n"}, "date": "2025-03-01"}]

    def test_keys_stay_in_order(self, datastore, ref):
        written = datastore.write_many([({"b": 1, "a": 2}, ref)])
        assert list(datastore.get(ref, records=written)) == ["b", "a"]

    def test_tags_of_python_are_refused(self, datastore, ref):
        written = datastore.write_many([({"aaaa": "bbbb"}, ref)])
        path = Path(self.file_of(datastore, written))
        path.write_bytes(b"!!python/name:os.system ''"[: path.stat().st_size].ljust(path.stat().st_size))
        with pytest.raises(DatasetReadError):
            datastore.get(ref, records=written)


class TestYamlUnsafeDump(FormatterSuite):
    formatter = "yaml"
    storage_class = "StructuredDataDict"
    write_parameters: ClassVar[Any] = {"unsafe_dump": True}
    refuses_cut_files = False

    def examples(self):
        return [{"a": 1}]

    def test_objects_are_written_and_safely_refused(self, datastore, ref):
        written = datastore.write_many([({"a": Point(1, 2)}, ref)])
        with pytest.raises(DatasetReadError, match="no safe YAML"):
            datastore.get(ref, records=written)


class TestText(FormatterSuite):
    formatter = "text"
    storage_class = "Text"
    refuses_cut_files = False  # half of a text is a text

    def examples(self):
        return ["one line", "", "ünï\r\ncode\n"]


class TestConfig(FormatterSuite):
    formatter = "config"
    storage_class = "Config"

    def examples(self):
        return [{"threshold": 5.0, "names": ["a"]}]

    def test_models_come_back_as_plain_data(self, datastore, ref):
        written = datastore.write_many([(Model(name="m", values=[1]), ref)])
        assert datastore.get(ref, records=written) == {"name": "m", "values": [1]}
        assert Path(self.file_of(datastore, written)).read_text().startswith('{\n  "name"')


class TestMetadata(FormatterSuite):
    formatter = "metadata"
    storage_class = "TaskMetadata"

    def examples(self):
        return [{"quantum": {"start": "2025-03-01", "memory": 12}}]


class TestLog(FormatterSuite):
    formatter = "log"
    storage_class = "ButlerLogRecords"

    def examples(self):
        return [[], [{"levelno": 20, "message": "é"}], [{"message": "a"}, {"message": "b\nc"}]]

    def test_a_record_on_each_line(self, datastore, ref):
        written = datastore.write_many([([{"a": 1}, {"a": 2}], ref)])
        lines = Path(self.file_of(datastore, written)).read_text().splitlines()
        assert lines == ["[", '{"a": 1},', '{"a": 2}', "]"]

    def test_files_of_running_programs(self, tmp_path, datastore, ref):
        from pachon.datasets import FileDataset

        (tmp_path / "job.log").write_text('{"a": 1}\n\n{"a": 2}\n')
        records = datastore.ingest_files([FileDataset("job.log", refs=ref)], transfer=None)
        assert datastore.get(ref, records=records) == [{"a": 1}, {"a": 2}]

    def test_models_are_written_as_they_say(self, datastore, ref):
        written = datastore.write_many([(Model(name="m"), ref)])
        assert datastore.get(ref, records=written) == {"name": "m", "values": []}
        written = datastore.write_many([([Model(name="m")], ref)])
        assert datastore.get(ref, records=written) == [{"name": "m", "values": []}]


class TestPackages(FormatterSuite):
    formatter = "packages"
    storage_class = "Packages"
    refuses_cut_files = False  # half of a YAML mapping is one

    def examples(self):
        return [{"python": "3.11.7", "numpy": "2.4", "weird": "1"}]

    def test_sorted(self, datastore, ref):
        written = datastore.write_many([({"b": "1", "a": "2"}, ref)])
        assert list(datastore.get(ref, records=written)) == ["a", "b"]


class TestPackagesAsJson(TestPackages):
    write_parameters: ClassVar[Any] = {"format": "json"}
    refuses_cut_files = True

    def test_extension(self, datastore, ref):
        assert datastore.write_many([({}, ref)]).path[0].endswith(".json")


class TestPickle(FormatterSuite):
    formatter = "pickle"
    storage_class = "StructuredData"
    config: ClassVar[Any] = {"allow_pickle": True}

    def examples(self):
        return [{"a": {1, 2}}, Point(1, 2)]

    def test_never_read_unless_allowed(self, tmp_path, example_data, datastore, ref):
        written = datastore.write_many([({1}, ref)])
        strict = self.open(tmp_path, example_data, allow_pickle=False)
        with pytest.raises(InvalidInputError, match="allow_pickle"):
            strict.get(ref, records=written)
        with pytest.raises(InvalidInputError, match="allow_pickle"):
            strict.write_many([({1}, ref)])


class TestFileOfBytes(FormatterSuite):
    formatter = "file"
    storage_class = "Bytes"
    refuses_garbage = False
    refuses_cut_files = False

    def examples(self):
        return [b"some bytes", bytes(range(256)) * 100]


class TestFileOfPath(FormatterSuite):
    formatter = "file"
    storage_class = "File"
    refuses_garbage = False
    refuses_cut_files = False

    @pytest.fixture(autouse=True)
    def source(self, tmp_path_factory):
        self.path = tmp_path_factory.mktemp("source") / "data.tar.gz"
        self.path.write_bytes(b"opaque" * 1000)

    def examples(self):
        return [self.path, str(self.path)]

    def is_same(self, found, given):
        content = found if isinstance(found, bytes) else found.read_bytes()
        return content == Path(given).read_bytes()

    def test_round_trip_in_an_object_store(self, example_data, ref):
        datastore = self.open("memory://files-of-paths/root", example_data)
        written = datastore.write_many([(self.path, ref)])
        assert datastore.get(ref, records=written, storage_class="Bytes") == self.path.read_bytes()

    def test_it_is_a_copy_with_its_extension(self, datastore, ref):
        written = datastore.write_many([(self.path, ref)])
        stored = datastore.get(ref, records=written)
        assert stored != self.path
        assert stored.name.endswith(".tar.gz")
        assert self.path.exists()

    def test_missing_source(self, tmp_path, datastore, ref):
        with pytest.raises(OSError, match=r"nothing\.dat"):
            datastore.write_many([(tmp_path / "nothing.dat", ref)])
        assert not list(tmp_path.rglob("*-w*"))


WORDS = st.one_of(
    st.sampled_from(
        ["yes", "No", "ON", "off", "True", "null", "Null", "y", "n", "e3", "_", "_1", "x" * 61, "x" * 62, "inf"]
    ),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True),
    st.text(max_size=8),
)


@given(st.dictionaries(WORDS, st.one_of(WORDS, st.integers(), st.floats(), st.booleans(), st.none()), max_size=5))
def test_small_tables_are_written_as_by_the_dumper(data):
    from pachon.datastore.formatters.yaml import dump_yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    written = dump_yaml(data)
    assert written == yaml.dump(data, Dumper=dumper, sort_keys=False, allow_unicode=True, encoding="utf-8")


def test_numbers_of_numpy():
    from pachon.datastore.formatters.yaml import dump_yaml, load_yaml

    data = {"n": np.int64(3), "x": np.float32(0.5), "y": np.float64(1.5), "ok": np.bool_(True), "a": np.arange(2)}
    found = load_yaml(dump_yaml(data))
    assert found == {"n": 3, "x": 0.5, "y": 1.5, "ok": True, "a": [0, 1]}
    assert type(found["n"]) is int


def test_pydantic_storage_class(tmp_path):
    from pachon.datastore import Datastore, DatastoreConfig
    from pachon.datastore.testing import ExampleData

    example = ExampleData()
    classes = StorageClasses.default().with_definitions(
        {"Column": {"pytype": "pachon.datastore.config_document.FormatterDocument"}}, allowed=None
    )
    for formatter in ("json", "yaml"):
        config = DatastoreConfig.from_document({"formatters": {"Column": formatter}})
        datastore = Datastore.open(config, root=tmp_path, universe=example.universe, storage_classes=classes)
        ref = example.ref(example.dataset_type("entry", ("instrument",), "Column"))
        model = classes.get("Column").pytype(formatter="json", parameters={"a": 1})
        written = datastore.write_many([(model, ref)])
        assert datastore.get(ref, records=written) == model
        path = Path(datastore.uri(written.row(0)).ospath)
        path.write_bytes(path.read_bytes().replace(b"formatter", b"formattre"))
        with pytest.raises(DatasetReadError, match=r"Column|formattre"):
            datastore.get(ref, records=written)


def test_errors_name_dataset_and_file(tmp_path):
    from pachon.datastore import Datastore
    from pachon.datastore.testing import ExampleData

    example = ExampleData()
    datastore = Datastore.open(None, root=tmp_path, universe=example.universe)
    ref = example.ref(example.dataset_type("entry", ("instrument",), "StructuredDataDict"))
    with pytest.raises(DatasetWriteError, match=rf"'entry' \({ref.id}\).*'yaml': .*type object"):
        datastore.write_many([({"a": object()}, ref)])
    written = datastore.write_many([({"a": 1}, ref)])
    path = Path(datastore.uri(written.row(0)).ospath)
    path.write_bytes(b"{a: [")
    with pytest.raises(DatasetReadError, match=rf"'entry' \({ref.id}\) cannot be read from file://{path}"):
        datastore.get(ref, records=written)
    path.write_bytes(b"{a: 1, b: 2}")
    with pytest.raises(FileIntegrityError, match=r"its size is 12, recorded was 5"):
        datastore.get(ref, records=written)
