# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.datasets import ids_from_uuids
from pachon.datastore.testing import MemoryRecordStore
from pachon.datastore.testing.record_store_suite import RecordStoreSuite, _row


class TestMemoryRecordStore(RecordStoreSuite):
    @pytest.fixture
    def store(self):
        return MemoryRecordStore()

    def test_failures_are_remembered(self, store):
        row = _row()
        table = self._add(store, row)
        store.move_to_trash(ids_from_uuids([row.dataset_id]))
        store.note_trash_failures(table, ["disk on fire"])
        assert store.trash_failures(row) == ("disk on fire",)
