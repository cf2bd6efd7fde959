# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest
from hypothesis import settings

from pachon.datasets import StorageClasses
from pachon.datastore import Datastore, DatastoreConfig
from pachon.datastore.testing import ExampleData, MemoryRecordStore
from pachon.datastore.testing.composite import COMPOSITE_CLASSES

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")

JSON_COMPOSITES = {"TestMetric": "json", "TestOldMetric": "json", "TestDataList": "json"}


@pytest.fixture
def example():
    return ExampleData()


@pytest.fixture
def records():
    return MemoryRecordStore()


@pytest.fixture
def classes():
    return StorageClasses.default().with_definitions(COMPOSITE_CLASSES, allowed=None)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "root"


@pytest.fixture
def open_files(root, example, records, classes):
    """Give a function that opens a datastore of files."""

    def open_it(place=root, **config):
        document = {"formatters": JSON_COMPOSITES, **config}
        return Datastore.open(
            DatastoreConfig.from_document(document),
            root=place,
            universe=example.universe,
            storage_classes=classes,
            records=records,
        )

    return open_it


@pytest.fixture
def files_in():
    """Give a function that lists the files in a folder."""

    def list_files(folder):
        return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if not path.is_dir())

    return list_files
