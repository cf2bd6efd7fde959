# SPDX-License-Identifier: BSD-3-Clause
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pachon.base import ConflictError
from pachon.butler import record_store
from pachon.butler.record_store import RegistryRecordStore
from pachon.datasets import new_id
from pachon.datastore import FileRecords, StoredFile
from pachon.datastore.testing.record_store_suite import RecordStoreSuite
from pachon.registry import SqlRegistry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[SqlRegistry]:
    with SqlRegistry.create(f"sqlite:///{tmp_path}/registry.sqlite3") as made:
        yield made


class TestRegistryRecordStore(RecordStoreSuite):
    @pytest.fixture
    def store(self, registry: SqlRegistry) -> RegistryRecordStore:
        return RegistryRecordStore(registry)


def row(**changes: object) -> StoredFile:
    plain: dict[str, object] = {
        "dataset_id": new_id(), "path": "run/a.yaml", "formatter": "yaml", "storage_class": "StructuredDataDict",
        "size": 3, "checksum": "00", "datastore": "file",
    }  # fmt: skip
    return StoredFile(**(plain | changes))  # type: ignore[arg-type]  # fields by name


def test_rows_belong_to_the_transaction(registry: SqlRegistry) -> None:
    store = RegistryRecordStore(registry)
    records = FileRecords.from_rows([row()])
    with pytest.raises(KeyError), registry.write():  # noqa: PT012 (a transaction that fails)
        store.add(records)
        assert len(store.fetch(records.dataset_id)) == 1
        raise KeyError("x")
    assert len(store.fetch(records.dataset_id)) == 0


def test_folders_elsewhere_are_all_told_of(registry: SqlRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_store, "_READ_TOGETHER", 2)
    monkeypatch.setattr(record_store, "_MOST_FOLDERS", 3)
    store = RegistryRecordStore(registry)
    nights = [f"file:///archive/{night}/a.yaml" for night in range(20)]
    paths = [*nights, "s3://bucket/x/y.yaml", "file:///archive/more/b.yaml", "file:///other/c.yaml", "run/own.yaml"]
    store.add(FileRecords.from_rows([row(path=path) for path in paths]))
    rows, elsewhere, folders = store.relocate(["/gone"], ["/new"], dry_run=True)
    assert (rows, elsewhere) == (0, 23)
    assert len(folders) <= 3
    tops = [path.split("/")[:4] for path in paths if "://" in path]
    assert all(any(folder.split("/")[:4] == top[: len(folder.split("/"))] for folder in folders) for top in tops)


def test_outputs_of_a_graph_are_renewed(registry: SqlRegistry) -> None:
    store = RegistryRecordStore(registry)
    first, second = row(), row(path="run/b.yaml")
    store.add_or_renew(FileRecords.from_rows([first]))
    again = row(dataset_id=first.dataset_id, size=4, checksum="11")
    store.add_or_renew(FileRecords.from_rows([again, second]))
    store.add_or_renew(FileRecords.from_rows([again, second]))
    ids = np.concatenate([FileRecords.from_rows([item]).dataset_id for item in (first, second)])
    assert sorted(store.fetch(ids).rows(), key=lambda r: r.path) == [again, second]
    with pytest.raises(ConflictError, match=r"stored already, in 'run/a.yaml'"):
        store.add_or_renew(FileRecords.from_rows([row(dataset_id=first.dataset_id, path="elsewhere")]))


def test_components_that_are_gone_have_no_rows(registry: SqlRegistry) -> None:
    store = RegistryRecordStore(registry)
    image, mask = row(component="image"), row(component="mask", path="run/b.yaml")
    mask = dataclasses.replace(mask, dataset_id=image.dataset_id)
    other = row(component="mask", path="run/c.yaml")
    store.add_or_renew(FileRecords.from_rows([image, mask, other]))
    store.add_or_renew(FileRecords.from_rows([image]))
    assert list(store.fetch(FileRecords.from_rows([image]).dataset_id).rows()) == [image]
    assert list(store.fetch(FileRecords.from_rows([other]).dataset_id).rows()) == [other]


def test_a_path_may_be_in_the_trash_already(registry: SqlRegistry) -> None:
    store = RegistryRecordStore(registry)
    records = FileRecords.from_rows([row()])
    for _ in range(2):
        store.add(records)
        store.move_to_trash(records.dataset_id)
        store.note_trash_failures(store.list_trash(), ["busy"])
    assert len(store.list_trash()) == 1


def test_trash_of_some_datasets(registry: SqlRegistry) -> None:
    store = RegistryRecordStore(registry)
    records = FileRecords.from_rows([row(), row(path="run/b.yaml")])
    store.add(records)
    store.move_to_trash(records.dataset_id)
    assert store.fetch_trash(records.dataset_id[:1]).path.tolist() == ["run/a.yaml"]
    assert len(store.list_trash()) == 2
