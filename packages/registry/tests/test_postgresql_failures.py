# SPDX-License-Identifier: BSD-3-Clause
"""A PostgreSQL server that goes away, deadlocks, and what messages must not tell."""

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import sqlalchemy as sa

from pachon.base import InvalidInputError, PachonError
from pachon.datasets import CollectionType, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable
from pachon.registry import DatabaseError, SqlRegistry, TransactionConflictError
from pachon.registry.database.database import Database
from pachon.registry.database.retries import retried
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.sample_data import SampleData

SECRET = "hunter2-is-secret"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of our own: what was committed survives its death, and it asks for a password."""
    with PostgresServer(durable=True, password=SECRET) as server:
        yield server


@pytest.fixture
def url(server: PostgresServer) -> Iterator[str]:
    name = server.create_database()
    yield server.url(name)
    if server.pid is None:
        server.start()
    server.drop_database(name)


@pytest.fixture
def sample(url: str) -> Iterator[SampleData]:
    with SqlRegistry.create(url) as registry:
        yield SampleData(registry)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_between_calls_is_not_noticed(sample: SampleData, server: PostgresServer, mode: str) -> None:
    ref = sample.put(sample.bias, "one", detector=1)
    server.restart(mode)
    assert sample.find(sample.bias, "one", detector=1) == ref
    server.restart(mode)
    other = sample.put(sample.bias, "one", detector=2)
    assert sample.find(sample.bias, "one", detector=2) == other


def test_a_server_that_is_down(sample: SampleData, server: PostgresServer, url: str) -> None:
    server.kill()
    for act in (
        sample.registry.collections.query,
        lambda: sample.put(sample.bias, "one", detector=1),
        lambda: SqlRegistry.open(url),
    ):
        started = time.monotonic()
        with pytest.raises(DatabaseError, match=r"127\.0\.0\.1"):
            act()
        assert time.monotonic() - started < 20
    server.start()
    assert sample.registry.collections.query() == ["calib", "chain", "one", "tag", "two"]
    assert sample.registry.datasets.get_by_run("one") == []
    sample.put(sample.bias, "one", detector=1)


@pytest.mark.parametrize("stop", ["kill", "restart", "terminate"])
def test_a_server_that_goes_in_the_middle_of_a_transaction(
    sample: SampleData, server: PostgresServer, url: str, stop: str
) -> None:
    registry = sample.registry
    kept = sample.put(sample.bias, "one", detector=0)

    def work() -> None:
        with registry.write():
            registry.collections.register("new")
            sample.put(sample.bias, "one", detector=1)
            if stop == "kill":
                server.kill()
            elif stop == "restart":
                server.restart("immediate")
            else:
                name = url.rsplit("/", 1)[1]
                server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            sample.put(sample.bias, "one", detector=2)

    with pytest.raises(DatabaseError):
        work()
    if stop == "kill":
        server.start()
    assert "new" not in registry.collections.query()
    assert sample.find(sample.bias, "one", detector=0) == kept
    assert sample.find(sample.bias, "one", detector=1) is None
    assert registry.collections.register("new")
    sample.put(sample.bias, "one", detector=1)
    with SqlRegistry.open(url) as again:
        assert len(again.datasets.get_by_run("one")[0]) == 2


def test_going_on_after_the_connection_was_lost(sample: SampleData, server: PostgresServer, url: str) -> None:
    registry, name = sample.registry, url.rsplit("/", 1)[1]

    def catch_it() -> None:
        with registry.write():
            registry.collections.register("new")
            server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            with pytest.raises(DatabaseError, match="was lost"):
                registry.collections.register("newer")
            with pytest.raises(DatabaseError, match="undid the whole transaction"):
                registry.collections.register("newest")

    with pytest.raises(DatabaseError, match="undid the whole transaction; nothing of it is written"):
        catch_it()
    assert registry.collections.query("new*") == []
    assert registry.collections.register("new")


def test_a_server_that_goes_while_rows_are_copied(sample: SampleData, server: PostgresServer) -> None:
    registry = sample.registry
    count = 60_000
    registry.dimension_records.insert(
        "detector", [{"instrument": "Cam", "id": i, "full_name": f"X{i}"} for i in range(100, 100 + count)]
    )
    columns = {"instrument": np.array(["Cam"] * count, dtype=object), "detector": np.arange(100, 100 + count)}
    table = DatasetTable(sample.bias, DataIdTable.from_arrays(sample.bias.dimensions, columns), new_ids(count), "one")
    failed = []
    for pause in (0.05, 0.2, 0.35):
        killer = threading.Timer(pause, server.kill)
        killer.start()
        try:
            registry.datasets.insert(table)
        except DatabaseError as error:
            failed.append(error)
            killer.join()
            server.start()
            assert registry.datasets.get_by_run("one") == []
        else:
            killer.join()
            server.start()
            assert registry.datasets.remove(table.ids) == count
    assert failed
    registry.datasets.insert(table)
    assert len(registry.datasets.get_by_run("one")[0]) == count


def _raised(act: Callable[[], object]) -> BaseException:
    with pytest.raises(PachonError) as caught:
        act()
    return caught.value


def test_passwords_are_told_to_nobody(
    sample: SampleData, url: str, server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    errors = []
    port, database = server.port, url.rsplit("/", 1)[1]
    wrong = url.replace(SECRET, f"{SECRET}-wrong")
    asked = f"postgresql://pachon@127.0.0.1:{port}/{database}?password={SECRET}"
    for bad in (
        wrong,
        f"postgresql://pachon@127.0.0.1:{port}/{database}?password={SECRET}-wrong",
        url.replace(database, "nope"),
        url.replace(str(port), "1"),
        url.replace(f":{port}/", f":x{port}/"),
        url.replace("@127", "/@127"),
        url.replace("pachon:", "nobody:"),
        url.replace("+psycopg", "+nonsense"),
        f"{url}?sslmode=nonsense",
        f"{url}?connect_timeout=x",
    ):
        errors.append(_raised(lambda bad=bad: SqlRegistry.open(bad)))
        errors.append(_raised(lambda bad=bad: SqlRegistry.create(bad)))
    with SqlRegistry.open(asked, writeable=True) as registry:
        registry.collections.register("by password among the options")
        shown = [repr(registry), repr(registry._state), repr(registry._state.database.engine)]
        errors.append(_raised(lambda: SampleData(registry).put(sample.bias, "one", detector=99)))
    database_of_sample = sample.registry._state.database

    def fail() -> None:
        with database_of_sample.write() as connection:
            connection.execute(sa.text(f"SELECT '{SECRET}'::integer"))

    errors.append(_raised(fail))
    shown += [repr(sample.registry._state), repr(database_of_sample.engine), repr(database_of_sample.engine.pool)]
    for error in errors:
        shown += ["".join(traceback.format_exception(error)), repr(error), str(error)]
    shown.append(caplog.text)
    assert [text for text in shown if SECRET in text] == []


def test_texts_that_cannot_be_stored(sample: SampleData) -> None:
    insert = sample.registry.dimension_records.insert
    for bad in ("a\0b", "half \ud800"):
        for count in (1, 50):
            rows = [{"instrument": "Cam", "id": 100 + i, "full_name": f"{bad}{i}"} for i in range(count)]
            with pytest.raises(InvalidInputError):
                insert("detector", rows)
    assert len(sample.registry.dimension_records.fetch("detector")) == 4


@pytest.mark.parametrize(
    "text", ["a\tb", "a\nb\r", "\\N", "\\", "a\\.b", "'\"", "é" * 30_000, "x" * 65_536, "", "%s :x"]
)
def test_odd_texts_are_data_in_copies_too(sample: SampleData, text: str) -> None:
    columns = {"dataset_id": new_ids(40), "part": [f"{i}" for i in range(40)], "note": [text] * 39 + [None]}
    from pachon.registry import OpaqueColumn

    table = sample.registry.opaque(
        "notes",
        (
            OpaqueColumn(name="dataset_id", type="uuid", key=True),
            OpaqueColumn(name="part", type="text", length=16),
            OpaqueColumn(name="note", type="text", nullable=True),
        ),
    )
    table.insert(columns)
    assert table.fetch(order_by=["dataset_id"])["note"] == [text] * 39 + [None]


def test_deadlocks(url: str, sample: SampleData) -> None:
    """Two transactions that lock two rows in opposite orders: one is told to try again; a verb tries again itself."""
    state = sample.registry._state
    table = state.schema.static.collection
    barrier = threading.Barrier(2, timeout=30)
    outcomes: list[str] = []

    def work(first: str, second: str, *, again: bool) -> None:
        waits = [True]

        def verb(state: object) -> None:
            with sample.registry._state.database.write() as connection:
                connection.execute(sa.update(table).where(table.c.name == first), {"doc": "x"})
                if waits.pop() if waits else False:
                    barrier.wait()
                connection.execute(sa.update(table).where(table.c.name == second), {"doc": "y"})

        try:
            (retried(verb) if again else verb)(state)
            outcomes.append("done")
        except TransactionConflictError:
            outcomes.append("conflict")

    for again in (False, True):
        outcomes.clear()
        threads = [
            threading.Thread(target=work, args=names, kwargs={"again": again})
            for names in (("one", "two"), ("two", "one"))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == (["done", "done"] if again else ["conflict", "done"])


def test_values_that_are_too_large(sample: SampleData) -> None:
    with pytest.raises(PachonError):
        sample.registry.dimension_records.insert(
            "detector", [{"instrument": "Cam", "id": 2**63, "full_name": "too large"}]
        )
    assert len(sample.registry.dimension_records.fetch("detector")) == 4


def test_readers_do_not_wait_for_a_writer(url: str, sample: SampleData) -> None:
    ref = sample.put(sample.bias, "one", detector=1)
    with SqlRegistry.open(url) as reader, sample.registry.write():
        sample.registry.collections.set_chain("chain", ["one", "two"])
        sample.registry.collections.seal("one")
        sample.registry.datasets.remove([ref.id])
        started = time.monotonic()
        assert reader.datasets.find_one("bias", ref.data_id, "one") == ref
        assert reader.collections.get("chain").children == ()
        assert len(reader.query.datasets("bias", "one")) == 1
        assert time.monotonic() - started < 5


def test_a_writer_waits_for_a_lock_only_so_long(url: str, sample: SampleData, monkeypatch: pytest.MonkeyPatch) -> None:
    from pachon.registry import DatabaseBusyError
    from pachon.registry.database import transactions

    monkeypatch.setitem(transactions.WRITE, "postgresql", "BEGIN; SET LOCAL lock_timeout = '300ms'")
    with SqlRegistry.open(url, writeable=True) as other, sample.registry.write():
        sample.registry.collections.seal("one")
        with pytest.raises(DatabaseBusyError, match="try again"):
            other.collections.seal("one")


def test_a_type_is_registered_once_more_after_a_failure(sample: SampleData) -> None:
    flat = DatasetType("flat", ["detector"], "Table", universe=sample.registry.universe)

    class _StopError(Exception):
        pass

    def stopped() -> None:
        with sample.registry.write():
            sample.registry.dataset_types.register(flat)
            sample.registry.collections.register("later", CollectionType.TAGGED)
            raise _StopError

    with pytest.raises(_StopError):
        stopped()
    assert sample.registry.dataset_types.register(flat)
    assert sample.registry.collections.register("later")


def test_a_closed_database_says_so(url: str, sample: SampleData) -> None:
    database = Database.open(url)
    database.close()
    with pytest.raises(InvalidInputError, match="closed"), database.read():
        pass
