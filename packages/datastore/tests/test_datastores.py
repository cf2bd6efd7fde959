# SPDX-License-Identifier: BSD-3-Clause
"""Every datastore against the conformance suite."""

from typing import Any, ClassVar
from uuid import uuid4

import pytest

from pachon.base import InvalidInputError
from pachon.datasets import FileDataset
from pachon.datastore import Datastore, DatastoreConfigError
from pachon.datastore.testing import ExampleData
from pachon.datastore.testing.datastore_suite import DatastoreSuite
from pachon.resources import UnsupportedOperationError

COMPOSITES = {"TestMetric": "json", "TestDataList": "json"}


class TestLocalFiles(DatastoreSuite):
    config: ClassVar[Any] = {"formatters": COMPOSITES}

    @pytest.fixture
    def location(self, tmp_path):
        return str(tmp_path / "repo")


class TestLocalFilesTakenApart(TestLocalFiles):
    config: ClassVar[Any] = {
        "formatters": COMPOSITES,
        "composites": {"disassembled": {"TestMetric": True}},
        "verify_checksum": True,
    }


class TestFilesInAnObjectStore(DatastoreSuite):
    config: ClassVar[Any] = {"formatters": COMPOSITES, "verify_checksum": True}

    @pytest.fixture
    def location(self):
        return f"memory://datastore-{uuid4()}/repo"


class TestFilesTakenApartInAnObjectStore(TestFilesInAnObjectStore):
    config: ClassVar[Any] = {"formatters": COMPOSITES, "composites": {"default": True}}


class TestMemory(DatastoreSuite):
    config: ClassVar[Any] = {"type": "memory"}

    @pytest.fixture
    def location(self):
        return "memory://nowhere"

    def test_no_ingest(self, datastore, example):
        with pytest.raises(UnsupportedOperationError, match="cannot ingest files"):
            datastore.ingest_files([FileDataset("/x.yaml", refs=self.ref(example))])
        datastore.remove_sources([])


class TestMemoryWithDeepCopies(TestMemory):
    config: ClassVar[Any] = {"type": "memory", "copy_on_get": "deepcopy"}


def test_memory_without_copies():
    example = ExampleData()
    datastore = Datastore.open({"type": "memory", "copy_on_get": "never"}, root="memory://x", universe=example.universe)
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict"))
    given = {"a": 1}
    written = datastore.write_many([(given, ref)])
    assert datastore.get(ref, records=written) is given
    datastore.close()
    assert not datastore.exists(written).any()


def test_get_without_a_record_store(tmp_path):
    example = ExampleData()
    datastore = Datastore.open(root=tmp_path, universe=example.universe)
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict"))
    with pytest.raises(InvalidInputError, match="pass records="):
        datastore.get(ref)


def test_root_is_made_or_must_exist(tmp_path):
    example = ExampleData()
    datastore = Datastore.open({"root": "<butlerRoot>/data"}, root=tmp_path, universe=example.universe)
    assert datastore.to_document()["root"] == f"file://{tmp_path}/data/"
    assert not (tmp_path / "data").exists()
    datastore.write_many([({"a": 1}, example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict")))])
    assert (tmp_path / "data").is_dir()
    with pytest.raises(DatastoreConfigError, match="does not exist"):
        Datastore.open({"root": str(tmp_path / "no"), "create": False}, root=tmp_path, universe=example.universe)
    with pytest.raises(InvalidInputError, match="leads out"):
        Datastore.open({"root": "<butlerRoot>/../x"}, root=tmp_path, universe=example.universe)


def test_a_datastore_opens_elsewhere_from_its_document(tmp_path):
    example = ExampleData()
    first = Datastore.open(root=tmp_path / "repo", universe=example.universe)
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict"))
    written = first.write_many([({"a": 1}, ref)])
    second = Datastore.open(first.to_document(), root=tmp_path / "elsewhere", universe=example.universe)
    assert second.get(ref, records=written) == {"a": 1}
    assert not (tmp_path / "elsewhere").exists()


def test_validate(tmp_path):
    example = ExampleData()
    config = {
        "templates": {"raw": "{run}/{exposure}", "nothing": "{run}/{id}", "instrument<Ca>": {"raw": "{run}/{id}"}},
        "formatters": {"CCDDatta": "json"},
        "constraints": {"accept": ["all"], "reject": ["flt"]},
        "composites": {"disassembled": {"CCDDatta": False}},
    }
    datastore = Datastore.open(config, root=tmp_path, universe=example.universe)
    types = [
        example.dataset_type("raw", ("exposure", "detector"), "CCDData"),
        example.dataset_type("flat", ("detector", "physical_filter"), "Strange"),
    ]
    problems = [str(problem) for problem in datastore.validate(types, instruments=["Cam"])]
    expected = [
        "lacks {instrument}",
        "No formatter is configured for dataset type 'flat'",
        "templates: 'nothing' is neither",
        "'instrument<Ca>:raw' is for an unknown instrument. Did you mean 'Cam'?",
        "formatters: 'CCDDatta' is neither a dataset type nor a storage class. Did you mean 'CCDData'",
        "composites.disassembled: 'CCDDatta'",
        "constraints: 'flt' is neither a dataset type nor a storage class. Did you mean 'flat'",
    ]
    for text in expected:
        assert any(text in problem for problem in problems), text
    assert Datastore.open(root=tmp_path, universe=example.universe).validate(types[:1], instruments=["Cam"]) == []
    memory = Datastore.open({"type": "memory"}, root=tmp_path, universe=example.universe)
    assert memory.validate(types) == []
