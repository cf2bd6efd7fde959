# SPDX-License-Identifier: BSD-3-Clause
"""Reads from a real streaming replica, of which the delay is ours to choose."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from pachon.base import InvalidInputError
from pachon.datasets import DatasetRef
from pachon.registry import SqlRegistry
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.sample_data import SampleData


@pytest.fixture(scope="module")
def primary() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="module")
def follower(primary: PostgresServer) -> Iterator[PostgresServer]:
    follower = primary.start_replica()
    yield follower
    follower.stop()


class Pair:
    """A registry on the primary, and its copy."""

    def __init__(self, primary: PostgresServer, follower: PostgresServer) -> None:
        self.primary, self.follower = primary, follower
        name = primary.create_database()
        self.url, self.replica_url = primary.url(name), follower.url(name)
        with SqlRegistry.create(self.url) as registry:
            self.sample = SampleData(registry)
            self.first = self.sample.put(self.sample.bias, "one", detector=1)
        self.writer = SqlRegistry.open(self.url, writeable=True)

    def catch_up(self) -> None:
        self.follower.execute("SELECT pg_wal_replay_resume()")
        ((place,),) = self.primary.execute("SELECT pg_current_wal_insert_lsn()")
        deadline = time.monotonic() + 30
        while not self.follower.execute(f"SELECT pg_last_wal_replay_lsn() >= '{place}'")[0][0]:
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def fall_behind(self) -> DatasetRef:
        """Hold the copy, and write something that it does not have."""
        self.catch_up()
        self.follower.execute("SELECT pg_wal_replay_pause()")
        ref = DatasetRef(self.sample.bias, {"instrument": "Cam", "detector": 2}, "one")
        self.writer.collections.register("new")
        self.writer.datasets.insert([ref])
        return ref


@pytest.fixture
def pair(primary: PostgresServer, follower: PostgresServer) -> Iterator[Pair]:
    pair = Pair(primary, follower)
    pair.catch_up()
    yield pair
    pair.catch_up()
    pair.writer.close()


def test_a_reader_reads_from_the_copy(pair: Pair) -> None:
    late = pair.fall_behind()
    with SqlRegistry.open(pair.url, replica_url=pair.replica_url) as reader, SqlRegistry.open(pair.url) as direct:
        assert reader.datasets.find_one("bias", pair.first.data_id, "one") == pair.first
        assert reader.datasets.find_one("bias", late.data_id, "one") is None
        assert direct.datasets.find_one("bias", late.data_id, "one") == late
        assert "new" not in reader.collections.query()
        assert len(reader.query.datasets("bias", "one")) == 1
        pair.catch_up()
        assert reader.datasets.find_one("bias", late.data_id, "one") == late
        assert "new" in reader.collections.query()
        assert len(reader.query.datasets("bias", "one")) == 2


def test_a_writer_sees_what_it_wrote(pair: Pair) -> None:
    late = pair.fall_behind()
    with SqlRegistry.open(pair.url, writeable=True, replica_url=pair.replica_url) as client:
        assert client.datasets.find_one("bias", late.data_id, "one") is None
        assert len(client.query.datasets("bias", "one")) == 1
        # What decides on a change is never read from the copy.
        assert not client.collections.register("new")
        assert client.datasets.import_([late]) == 0
        assert client.datasets.find_one("bias", late.data_id, "one") == late
        own = DatasetRef(pair.sample.bias, {"instrument": "Cam", "detector": 3}, "one")
        client.datasets.insert([own])
        assert client.datasets.find_one("bias", own.data_id, "one") == own
        assert len(client.query.datasets("bias", "one")) == 3


def test_queries_with_many_values_need_no_right_to_make_tables(pair: Pair) -> None:
    with SqlRegistry.open(pair.url, replica_url=pair.replica_url) as reader:
        data_ids = reader.query.data_ids(["exposure", "detector"])
        assert len(data_ids) > 4
        rows, found = reader.datasets.find("bias", data_ids, ["one"])
        assert len(rows) == len(data_ids)
        assert set(found) == {pair.first}
        joined = reader.query.data_ids(["exposure", "detector"], tables=[data_ids.take(np.arange(5))])
        assert len(joined) == 5


def test_a_copy_that_is_gone_is_done_without(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = pair.replica_url.replace(str(pair.follower.port), "1")
    with SqlRegistry.open(pair.url, replica_url=nowhere) as reader:
        assert reader.datasets.find_one("bias", pair.first.data_id, "one") == pair.first
        assert len(reader.query.datasets("bias", "one")) == 1
    assert caplog.text.count("cannot be reached") == 1
    with SqlRegistry.open(pair.url, replica_url=pair.replica_url) as reader:
        assert reader.collections.query("one") == ["one"]
        pair.follower.halt("immediate")
        try:
            assert reader.collections.query("one") == ["one"]
            assert reader.datasets.find_one("bias", pair.first.data_id, "one") == pair.first
        finally:
            pair.follower.start()


@pytest.mark.parametrize("replica", ["sqlite:////tmp/nothing.sqlite3", "mysql://x/y", "nonsense"])
def test_bad_copies(pair: Pair, replica: str) -> None:
    from pachon.base import PachonError

    with pytest.raises(PachonError):
        SqlRegistry.open(pair.url, replica_url=replica)
    with pytest.raises(InvalidInputError):
        SqlRegistry.open(pair.url, replica_url="nonsense")
