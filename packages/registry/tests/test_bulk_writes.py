# SPDX-License-Identifier: BSD-3-Clause
"""Transactions that look up references once a call, on SQLite too, and leave the foreign keys of all others as they were."""

import sqlite3
from collections.abc import Iterator

import pytest

from pachon.datasets import DatasetRef, DatasetType
from pachon.dimensions import DataIdValueError
from pachon.registry import ConflictingDefinitionError, MissingCollectionError, MissingDatasetTypeError, SqlRegistry
from pachon.registry.testing.sample_data import SampleData


@pytest.fixture
def sample(any_url: str) -> Iterator[SampleData]:
    with SqlRegistry.create(any_url) as registry:
        yield SampleData(registry)


def insert(sample: SampleData, refs: list[DatasetRef]) -> None:
    with sample.registry.write(whole=True, bulk=True):
        sample.registry.datasets.insert(refs)


def raws(sample: SampleData, run: str = "one") -> list[DatasetRef]:
    return [sample.ref(sample.raw, run, exposure=e, detector=d) for e in range(6) for d in range(4)]


def test_rows_are_the_same(sample: SampleData) -> None:
    expected = raws(sample)
    insert(sample, expected)
    assert {ref for table in sample.registry.datasets.get_by_run("one") for ref in table} == set(expected)
    found = sample.find(sample.raw, "one", exposure=3, detector=2)
    assert found in expected


@pytest.mark.parametrize("values", [{"exposure": 3, "detector": 9}, {"exposure": 99, "detector": 1}])
def test_a_missing_record_is_told(sample: SampleData, values: dict[str, int]) -> None:
    with pytest.raises(DataIdValueError, match=r"no \w+ record"):
        insert(sample, [*raws(sample), sample.ref(sample.raw, "one", **values)])
    assert list(sample.registry.datasets.get_by_run("one")) == []


def test_a_dataset_that_exists_is_told(sample: SampleData) -> None:
    sample.put(sample.raw, "one", exposure=3, detector=2)
    with pytest.raises(ConflictingDefinitionError, match="exists already"):
        insert(sample, raws(sample))
    assert sum(map(len, sample.registry.datasets.get_by_run("one"))) == 1


def test_a_run_and_a_type_that_do_not_exist_are_told(sample: SampleData) -> None:
    with pytest.raises(MissingCollectionError):
        insert(sample, raws(sample, "nowhere"))
    other = DatasetType("other", ["detector"], "StructuredDataDict", universe=sample.registry.universe)
    with pytest.raises(MissingDatasetTypeError):
        insert(sample, [sample.ref(other, "one", detector=1)])


def test_what_it_wrote_can_be_removed(sample: SampleData) -> None:
    refs = raws(sample)
    insert(sample, refs)
    sample.registry.datasets.remove([ref.id for ref in refs])
    sample.registry.collections.remove("one")
    insert(sample, raws(sample, "two"))


def test_what_it_removes_leaves_nothing(sample: SampleData) -> None:
    refs = raws(sample)
    insert(sample, refs)
    with sample.registry.write(bulk=True):
        sample.registry.datasets.remove([ref.id for ref in refs])
    assert sample.find(sample.raw, "one", exposure=3, detector=2) is None
    insert(sample, raws(sample))


class _StopError(Exception):
    """What a test raises inside a block."""


@pytest.mark.parametrize("fails", [False, True])
def test_foreign_keys_are_back_for_the_next(registry: SqlRegistry, fails: bool) -> None:
    sample = SampleData(registry)
    database = registry._state.database
    try:
        with registry.write(bulk=True):
            assert not database.checks_references
            if fails:
                raise _StopError
    except _StopError:
        pass
    assert database.checks_references
    for _ in range(2):
        with database.write() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, sqlite3.Connection)
            with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
                driver.execute("INSERT INTO summary_dataset_type VALUES (12345, 67890)")
    sample.put(sample.raw, "one", exposure=1, detector=1)


def test_nothing_refers_to_nothing(registry: SqlRegistry) -> None:
    sample = SampleData(registry)
    insert(sample, raws(sample))
    with registry._state.database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
