# SPDX-License-Identifier: BSD-3-Clause
"""A client that found datasets before finds the right ones after another client changed what its caches hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event

from pachon.base import PachonError
from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import DataCoordinate
from pachon.registry import MissingCollectionError, MissingDatasetTypeError, SqlRegistry
from pachon.registry.testing.sample_data import SampleData


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/registry.sqlite3"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def sample(url: str) -> Iterator[SampleData]:
    """Biases of detector 1 in two runs, and a chain that has the first of these."""
    with SqlRegistry.create(url) as registry:
        sample = SampleData(registry)
        for run in ("first", "second"):
            registry.collections.register(run, CollectionType.RUN)
            sample.put(sample.bias, run, detector=1)
        registry.collections.register("path", CollectionType.CHAINED)
        registry.collections.set_chain("path", ["first"])
        yield sample


@pytest.fixture
def other(sample: SampleData, url: str) -> Iterator[SqlRegistry]:
    """A second client, which has found each dataset once."""
    with SqlRegistry.open(url, writeable=True) as registry:
        for name in ("path", "first", "second"):
            assert found(registry, sample, name) is not None
        yield registry


def found(registry: SqlRegistry, sample: SampleData, *collections: str, detector: int = 1) -> DatasetRef | None:
    return registry.datasets.find_one("bias", sample.data_id(sample.bias, detector=detector), collections)


def test_a_changed_chain(sample: SampleData, other: SqlRegistry) -> None:
    sample.registry.collections.set_chain("path", ["second", "first"])
    assert found(other, sample, "path") == sample.find(sample.bias, "second", detector=1)
    sample.registry.collections.set_chain("path", [])
    assert found(other, sample, "path") is None


def test_a_dataset_that_came_and_went(sample: SampleData, other: SqlRegistry) -> None:
    assert found(other, sample, "path", detector=2) is None
    new = sample.put(sample.bias, "first", detector=2)
    assert found(other, sample, "path", detector=2) == new
    sample.registry.datasets.remove([new.id])
    assert found(other, sample, "path", detector=2) is None


def test_a_removed_collection(sample: SampleData, other: SqlRegistry) -> None:
    (second,) = sample.registry.datasets.get_by_run("second")
    sample.registry.datasets.remove(second.ids)
    sample.registry.collections.remove("second")
    with pytest.raises(MissingCollectionError):
        found(other, sample, "second")
    sample.registry.collections.register("second", CollectionType.CHAINED)
    sample.registry.collections.set_chain("second", ["first"])
    assert found(other, sample, "second") == sample.find(sample.bias, "first", detector=1)


def test_a_run_that_is_removed_between_two_statements(sample: SampleData, other: SqlRegistry, url: str) -> None:
    """Of a tagged dataset the run is looked up after it was found."""
    registry, first = sample.registry, sample.find(sample.bias, "first", detector=1)
    assert first is not None
    registry.collections.associate("tag", [first])
    removed: list[str] = []

    def remove(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "FROM collection" in statement and "collection_id IN" in statement and not removed:
            removed.append(statement)
            registry.datasets.remove([first.id])
            registry.collections.remove_from("path", ["first"])
            registry.collections.remove("first")

    with SqlRegistry.open(url) as third:
        # All that is asked before, so that only the run is not known yet.
        assert third.collections.flatten("tag") == ("tag",)
        assert found(third, sample, "tag", detector=3) is None
        engine = third._state.database.engine
        event.listen(engine, "before_cursor_execute", remove)
        assert found(third, sample, "tag") is None
        assert removed


def test_a_dataset_that_is_imported_while_it_is_removed(postgres_url: str) -> None:
    """SQLite has one writer at a time."""
    with SqlRegistry.create(postgres_url) as registry, SqlRegistry.open(postgres_url, writeable=True) as third:
        sample = SampleData(registry)
        ref = sample.put(sample.bias, "one", detector=1)
        removed: list[str] = []

        def remove(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
            if "FROM collection" in statement and "collection_id IN" in statement and not removed:
                removed.append(statement)
                registry.datasets.remove([ref.id])
                registry.collections.remove("one")

        event.listen(third._state.database.engine, "before_cursor_execute", remove)
        with pytest.raises(MissingCollectionError, match="one"):
            third.datasets.import_([ref])
        assert removed


def test_a_removed_dataset_type(sample: SampleData, other: SqlRegistry) -> None:
    for run in ("first", "second"):
        for table in sample.registry.datasets.get_by_run(run):
            sample.registry.datasets.remove(table.ids)
    sample.registry.dataset_types.remove("bias")
    with pytest.raises(MissingDatasetTypeError):
        found(other, sample, "first")
    again = DatasetType("bias", ("exposure", "detector"), "StructuredDataDict", universe=sample.registry.universe)
    sample.registry.dataset_types.register(again)
    data_id = sample.data_id(again, exposure=1, detector=1)
    assert other.datasets.find_one("bias", data_id, "first") is None
    with pytest.raises(PachonError, match="exposure"):
        found(other, sample, "first")


def test_inside_a_transaction_that_changes_a_chain(sample: SampleData, other: SqlRegistry) -> None:
    second = sample.find(sample.bias, "second", detector=1)
    with other.write():
        other.collections.set_chain("path", ["second"])
        assert found(other, sample, "path") == second
    assert found(other, sample, "path") == second


def test_inside_a_snapshot(sample: SampleData, other: SqlRegistry) -> None:
    first = sample.find(sample.bias, "first", detector=1)
    with other.snapshot():
        assert found(other, sample, "path") == first
        sample.registry.collections.set_chain("path", ["second"])
        assert found(other, sample, "path") == first
    assert found(other, sample, "path") == sample.find(sample.bias, "second", detector=1)


def test_a_snapshot_that_begins_with_what_is_known(sample: SampleData, other: SqlRegistry) -> None:
    first = sample.find(sample.bias, "first", detector=1)
    assert first is not None
    with other.snapshot():
        assert other.collections.flatten("path") == ("first",)
    with other.snapshot():
        # Nothing need be read for this: the snapshot begins with it all the same.
        assert other.collections.flatten("path") == ("first",)
        with sample.registry.write():
            sample.registry.collections.set_chain("path", ["second"])
            sample.registry.datasets.remove([first.id])
        assert found(other, sample, "path") == first
    assert found(other, sample, "path") == sample.find(sample.bias, "second", detector=1)


def test_a_data_id_of_more_dimensions(sample: SampleData, other: SqlRegistry) -> None:
    more = DataCoordinate.standardize(
        {"instrument": "Cam", "detector": 1, "exposure": 1},
        dimensions=sample.registry.universe.conform(["exposure", "detector"]),
    )
    assert other.datasets.find_one("bias", more, "path") == sample.find(sample.bias, "path", detector=1)
