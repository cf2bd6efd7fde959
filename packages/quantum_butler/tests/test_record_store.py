# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.datastore import FileRecords
from pachon.datastore.testing.record_store_suite import RecordStoreSuite
from pachon.quantum_butler import GraphRecordStore


class TestGraphRecordStore(RecordStoreSuite):
    @pytest.fixture
    def store(self):
        return GraphRecordStore(FileRecords.empty())


def test_starts_with_what_the_graph_knows(graph):
    store = GraphRecordStore(graph.file_records())
    assert len(store.fetch(graph.datasets("raw").ids)) == 12
    assert graph.datasets("raw")[0].id in store
    assert graph.datasets("warp")[0].id not in store
