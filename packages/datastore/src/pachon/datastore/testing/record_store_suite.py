# SPDX-License-Identifier: BSD-3-Clause
"""What every record store must do."""

from __future__ import annotations

from uuid import UUID

import pytest

from pachon.base import ConflictError, InvalidInputError
from pachon.datasets import ids_from_uuids, new_id
from pachon.datastore.record_store import RecordStore
from pachon.datastore.records import FileRecords, StoredFile

__all__ = ["RecordStoreSuite"]


def _row(
    dataset_id: UUID | None = None, *, path: str = "run/type/file-w1.yaml", component: str | None = None
) -> StoredFile:
    return StoredFile(
        dataset_id=dataset_id or new_id(),
        path=path,
        formatter="yaml",
        storage_class="StructuredDataDict",
        component=component,
        size=12,
        checksum="ab" * 64,
        datastore="file",
    )


def _keys(table: FileRecords) -> set[tuple[UUID, str | None, str]]:
    return {(row.dataset_id, row.component, row.path) for row in table.rows()}


class RecordStoreSuite:
    """Subclass it, give the fixture ``store``, and pytest runs everything below.

    A store that needs its datasets to exist first overrides `prepare`.
    """

    @pytest.fixture
    def store(self) -> RecordStore:
        """Give an empty store."""
        raise NotImplementedError

    def prepare(self, store: RecordStore, ids: list[UUID]) -> None:
        """Make datasets with these ids known, where the store asks for that."""

    def _add(self, store: RecordStore, *rows: StoredFile) -> FileRecords:
        self.prepare(store, list(dict.fromkeys(row.dataset_id for row in rows)))
        table = FileRecords.from_rows(rows)
        store.add(table)
        return table

    def test_is_a_record_store(self, store: RecordStore) -> None:
        assert isinstance(store, RecordStore)

    def test_added_rows_come_back_whole(self, store: RecordStore) -> None:
        row = _row()
        self._add(store, row)
        assert list(store.fetch(ids_from_uuids([row.dataset_id])).rows()) == [row]

    def test_unknown_size_and_checksum_stay_unknown(self, store: RecordStore) -> None:
        row = StoredFile(dataset_id=new_id(), path="a/b.json", formatter="json", storage_class="int", datastore="file")
        self._add(store, row)
        assert list(store.fetch(ids_from_uuids([row.dataset_id])).rows()) == [row]

    def test_fetch_of_many(self, store: RecordStore) -> None:
        rows = [_row(path=f"a/{i}.yaml") for i in range(1200)]
        self._add(store, *rows)
        wanted = rows[::2]
        found = store.fetch(ids_from_uuids([*(row.dataset_id for row in wanted), new_id(), wanted[0].dataset_id]))
        assert _keys(found) == _keys(FileRecords.from_rows(wanted))
        assert len(found) == len(wanted)

    def test_fetch_of_nothing(self, store: RecordStore) -> None:
        assert len(store.fetch(ids_from_uuids([]))) == 0
        assert len(store.fetch(ids_from_uuids([new_id()]))) == 0

    def test_components_are_rows_of_one_dataset(self, store: RecordStore) -> None:
        id_ = new_id()
        rows = [_row(id_, component=name, path=f"a/{name}.fits") for name in ("image", "mask")]
        self._add(store, *rows)
        assert _keys(store.fetch(ids_from_uuids([id_]))) == _keys(FileRecords.from_rows(rows))

    def test_the_same_key_twice_is_a_conflict_and_adds_nothing(self, store: RecordStore) -> None:
        first, second = _row(path="a/1.yaml"), _row(path="a/2.yaml")
        self._add(store, first)
        self.prepare(store, [second.dataset_id])
        with pytest.raises(ConflictError):
            store.add(FileRecords.from_rows([second, _row(first.dataset_id, path="a/3.yaml")]))
        assert len(store.fetch(ids_from_uuids([second.dataset_id]))) == 0
        assert list(store.fetch(ids_from_uuids([first.dataset_id])).rows()) == [first]

    def test_too_long_text_is_refused(self, store: RecordStore) -> None:
        row = _row(path="a" * 1100)
        self.prepare(store, [row.dataset_id])
        with pytest.raises(InvalidInputError, match="at most 1024"):
            store.add(FileRecords.from_rows([row]))

    def test_find_paths(self, store: RecordStore) -> None:
        shared = [_row(path="raw/multi.fits") for _ in range(3)]
        member = _row(path="zips/a.zip#zip-path=01-x.yaml")
        other = _row(path="raw/multi.fits.gz")
        self._add(store, *shared, member, other)
        assert _keys(store.find_paths(["raw/multi.fits"])) == _keys(FileRecords.from_rows(shared))
        assert _keys(store.find_paths(["zips/a.zip", "nowhere"])) == _keys(FileRecords.from_rows([member]))
        assert len(store.find_paths([])) == 0

    def test_find_paths_takes_wildcards_as_plain_characters(self, store: RecordStore) -> None:
        self._add(store, _row(path="a/x.yaml"))
        assert len(store.find_paths(["a/%.yaml", "a/_.yaml", "a/*.yaml"])) == 0

    def test_trash_hides_rows(self, store: RecordStore) -> None:
        kept, gone = _row(path="a/1.yaml"), _row(path="a/2.yaml")
        self._add(store, kept, gone)
        store.move_to_trash(ids_from_uuids([gone.dataset_id, new_id()]))
        assert len(store.fetch(ids_from_uuids([gone.dataset_id]))) == 0
        assert len(store.find_paths(["a/2.yaml"])) == 0
        assert list(store.list_trash().rows()) == [gone]
        assert list(store.fetch(ids_from_uuids([kept.dataset_id])).rows()) == [kept]

    def test_a_dataset_can_be_stored_again_while_its_old_file_is_in_the_trash(self, store: RecordStore) -> None:
        old = _row(path="a/old.yaml")
        self._add(store, old)
        store.move_to_trash(ids_from_uuids([old.dataset_id]))
        new = _row(old.dataset_id, path="a/new.yaml")
        store.add(FileRecords.from_rows([new]))
        assert list(store.fetch(ids_from_uuids([old.dataset_id])).rows()) == [new]
        store.move_to_trash(ids_from_uuids([old.dataset_id]))
        assert _keys(store.list_trash()) == _keys(FileRecords.from_rows([old, new]))
        store.drop_trash(FileRecords.from_rows([old]))
        assert list(store.list_trash().rows()) == [new]

    def test_drop_trash(self, store: RecordStore) -> None:
        rows = [_row(path=f"a/{i}.yaml") for i in range(3)]
        self._add(store, *rows)
        store.move_to_trash(ids_from_uuids([row.dataset_id for row in rows]))
        store.drop_trash(FileRecords.from_rows([rows[0], _row(path="never/there.yaml")]))
        assert _keys(store.list_trash()) == _keys(FileRecords.from_rows(rows[1:]))

    def test_drop_trash_leaves_live_rows(self, store: RecordStore) -> None:
        row = _row()
        self._add(store, row)
        store.drop_trash(FileRecords.from_rows([row]))
        assert len(store.fetch(ids_from_uuids([row.dataset_id]))) == 1

    def test_failed_removals_go_to_the_end_of_the_trash(self, store: RecordStore) -> None:
        rows = [_row(path=f"a/{i}.yaml") for i in range(3)]
        self._add(store, *rows)
        for row in rows:
            store.move_to_trash(ids_from_uuids([row.dataset_id]))
        assert list(store.list_trash(limit=1).rows()) == rows[:1]
        store.note_trash_failures(FileRecords.from_rows(rows[:1]), ["permission denied"])
        assert list(store.list_trash().rows()) == [*rows[1:], rows[0]]
        assert list(store.list_trash(limit=2).rows()) == rows[1:]

    def test_forget(self, store: RecordStore) -> None:
        row = _row()
        self._add(store, row)
        store.forget(ids_from_uuids([row.dataset_id, new_id()]))
        assert len(store.fetch(ids_from_uuids([row.dataset_id]))) == 0
        assert len(store.list_trash()) == 0
