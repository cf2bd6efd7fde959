# SPDX-License-Identifier: BSD-3-Clause
import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError, PachonError, StorageError
from pachon.registry import DatabaseBusyError, DatabaseError, SchemaVersionError, SqlRegistry
from pachon.registry.database.database import Database
from pachon.registry.schema.guard import SCHEMA_VERSION
from pachon.registry.testing.sample_data import SampleData


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/registry.sqlite3"


def _execute(url: str, statement: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute(statement)
    connection.close()


def test_durable_settings(url: str) -> None:
    SqlRegistry.create(url).close()
    with Database.open(url) as database, database.read() as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        assert modes == ["wal", 2]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_create_twice(url: str) -> None:
    SqlRegistry.create(url).close()
    with pytest.raises(ConflictError, match="exists"):
        SqlRegistry.create(url)
    SqlRegistry.open(url).close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "nonsense", "sqlite:/x", ""])
def test_bad_urls(url: str) -> None:
    with pytest.raises(InvalidInputError):
        SqlRegistry.open(url)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        SqlRegistry.open(f"sqlite:///{tmp_path}/nope.sqlite3")
    with pytest.raises(StorageError):
        SqlRegistry.create(f"sqlite:///{tmp_path}/nope/registry.sqlite3")
    assert list(tmp_path.iterdir()) == []


def test_no_registry(tmp_path: Path) -> None:
    for name, content in (("text", b"just a text file of some length" * 10), ("empty", b"")):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(FormatError, match=name):
            SqlRegistry.open(f"sqlite:///{path}")
        assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("version", "word"), [(str(SCHEMA_VERSION + 1), "newer"), ("1", "migrate"), ("x", "no schema version")]
)
def test_other_schema_versions(url: str, version: str, word: str) -> None:
    SqlRegistry.create(url).close()
    _execute(url, f"UPDATE attribute SET value = '{version}' WHERE name = 'schema_version'")
    with pytest.raises(FormatError, match=word) as caught:
        SqlRegistry.open(url)
    assert isinstance(caught.value, SchemaVersionError) == (version != "x")


def _use(url: str) -> None:
    """Do a little of everything with a registry of the sample data."""
    with SqlRegistry.open(url, writeable=True) as registry:
        registry.collections.query("*")
        registry.query.data_ids(["exposure", "detector"])
        for run in ("one", "two"):
            registry.datasets.get_by_run(run)
        registry.collections.register("new", doc="x" * 5000)
        registry.dimension_records.insert(
            "detector", [{"instrument": "Cam", "id": i, "full_name": f"N{i}"} for i in range(100, 600)]
        )
        registry.collections.set_chain("chain", ["new", "one"])


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a registry with the sample data."""
    path = tmp_path_factory.mktemp("healthy") / "registry.sqlite3"
    with SqlRegistry.create(f"sqlite:///{path}") as registry:
        sample = SampleData(registry)
        for detector in range(4):
            sample.put(sample.bias, "one", detector=detector)
    return path.read_bytes()


def _damage(kind: str, content: bytes) -> bytes:
    damaged = bytearray(content)
    rng = random.Random(kind)
    match kind.split(":"):
        case ["cut", share]:
            return bytes(damaged[: int(len(damaged) * float(share))])
        case ["noise", start]:
            damaged[int(start) :] = rng.randbytes(len(damaged) - int(start))
        case ["ones", start]:
            damaged[int(start) :] = b"\xff" * (len(damaged) - int(start))
        case ["page", number]:
            begin = 4096 * int(number)
            damaged[begin : begin + 4096] = bytes(255 - byte for byte in damaged[begin : begin + 4096])
        case ["bits", count]:
            for _ in range(int(count)):
                damaged[rng.randrange(100, len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


_DAMAGES = [
    *(f"cut:{share}" for share in (0.001, 0.01, 0.3, 0.7, 0.99)),
    *(f"noise:{start}" for start in (0, 16, 100, 4096, 40_000)),
    *("ones:0", "ones:8192"),
    *(f"page:{number}" for number in range(0, 60, 4)),
    *(f"bits:{count}" for count in (200, 2_000, 20_000)),
]


@pytest.mark.parametrize("kind", _DAMAGES)
def test_corrupt_files(kind: str, healthy: bytes, tmp_path: Path) -> None:
    """Whatever is wrong with the file, the error is ours and names it; damage that no call meets may go unseen."""
    path = tmp_path / "registry.sqlite3"
    path.write_bytes(_damage(kind, healthy))
    with contextlib.suppress(PachonError):
        try:
            _use(f"sqlite:///{path}")
        except (DatabaseError, FormatError) as error:
            assert str(path) in str(error)  # noqa: PT017  # not every damage is met
            raise
    if kind in ("ones:8192", "noise:0", "noise:4096", "cut:0.3"):
        path.write_bytes(_damage(kind, healthy))
        with pytest.raises((DatabaseError, FormatError)):
            _use(f"sqlite:///{path}")


@pytest.mark.parametrize("change", ["SET value = '{' || value", "SET value = ''", "SET name = 'other'"])
def test_a_universe_that_cannot_be_read(url: str, change: str) -> None:
    SqlRegistry.create(url).close()
    _execute(url, f"UPDATE attribute {change} WHERE name = 'universe'")
    with pytest.raises(FormatError, match="damaged"):
        SqlRegistry.open(url)


def test_a_healthy_file_is_used_without_an_error(healthy: bytes, tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite3"
    path.write_bytes(healthy)
    _use(f"sqlite:///{path}")


def test_busy(url: str) -> None:
    SqlRegistry.create(url).close()
    holder = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with Database.open(url) as database:
        database.lock_timeout = 0.3
        started = time.monotonic()
        with pytest.raises(DatabaseBusyError), database.write():
            pass
        assert time.monotonic() - started < 5
        with database.read() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM collection")).scalar() == 0
        holder.execute("ROLLBACK")
        with database.write() as connection:
            connection.execute(sa.text("UPDATE attribute SET value = value"))
    holder.close()


def test_errors_of_the_database_are_ours(url: str) -> None:
    with SqlRegistry.create(url):
        pass
    with Database.open(url) as database:
        with pytest.raises(DatabaseError, match="no such table"), database.read() as connection:
            connection.execute(sa.text("SELECT * FROM nope"))
        with pytest.raises(DatabaseError, match="refused"), database.write() as connection:
            connection.execute(sa.text("INSERT INTO attribute (name, value) VALUES ('schema_version', 'x')"))
        with database.write() as connection:
            connection.execute(sa.text("INSERT INTO attribute (name, value) VALUES ('new', 'x')"))


_REGISTER = """
import sys, time
from pachon.registry import SqlRegistry
url, start, index = sys.argv[1], float(sys.argv[2]), sys.argv[3]
time.sleep(max(0.0, start - time.time()))
with SqlRegistry.open(url, writeable=True) as registry:
    for i in range(10):
        registry.collections.register(f"shared{i}")
        registry.collections.register(f"own{index}_{i}")
"""


def test_processes_that_write_at_once(url: str) -> None:
    SqlRegistry.create(url).close()
    start = str(time.time() + 2)
    workers = [subprocess.Popen([sys.executable, "-c", _REGISTER, url, start, str(i)]) for i in range(3)]
    assert [worker.wait(60) for worker in workers] == [0] * 3
    with SqlRegistry.open(url) as registry:
        assert len(registry.collections.query("*")) == 40


def test_a_killed_writer_leaves_nothing(url: str) -> None:
    SqlRegistry.create(url).close()
    program = f"""
import os
from pachon.registry import SqlRegistry
registry = SqlRegistry.open({url!r}, writeable=True)
registry.collections.register("before")
with registry.write():
    registry.collections.register("during")
    os.kill(os.getpid(), 9)
"""
    finished = subprocess.run([sys.executable, "-c", program], check=False, timeout=60)
    assert finished.returncode == -9
    with SqlRegistry.open(url, writeable=True) as registry:
        assert registry.collections.query() == ["before"]
        registry.collections.register("after")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_its_own_connections(url: str) -> None:
    with SqlRegistry.create(url) as registry:
        registry.collections.register("before")
        child = os.fork()
        if child == 0:
            try:
                registry.collections.register("child")
                os._exit(0 if registry.collections.query() == ["before", "child"] else 1)
            except BaseException:  # noqa: BLE001  # the child must not run the rest of the tests
                os._exit(2)
        assert os.waitpid(child, 0)[1] == 0
        assert registry.collections.query() == ["before", "child"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_unchangeable_folder(url: str, tmp_path: Path) -> None:
    SqlRegistry.create(url).close()
    tmp_path.chmod(0o555)
    try:
        with SqlRegistry.open(url) as registry:
            assert registry.collections.query() == []
    finally:
        tmp_path.chmod(0o755)


def test_a_file_that_cannot_change_is_opened_without_locks(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    SqlRegistry.create(url).close()
    monkeypatch.setattr(os, "access", lambda *_: False)
    with SqlRegistry.open(url) as registry:
        assert registry.collections.query() == []
    assert not Path(f"{url.removeprefix('sqlite:///')}-shm").exists()


def test_the_mark_of_outside_changes(url: str) -> None:
    with SqlRegistry.create(url) as registry, SqlRegistry.open(url, writeable=True) as other:
        before = registry.outside_changes()
        registry.collections.register("mine")
        list(registry.collections.query())
        assert registry.outside_changes() == before
        with registry.write():
            registry.collections.register("mine/too")
            assert registry.outside_changes() == before
        other.collections.register("other")
        assert registry.outside_changes() != before


def test_universe_is_kept(url: str) -> None:
    from pachon.registry.testing.universes import library_universe

    SqlRegistry.create(url, library_universe()).close()
    with SqlRegistry.open(url) as registry:
        assert registry.universe == library_universe()


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("UPDATE attribute SET value = '999' WHERE name = 'schema_version'", "Use a newer pachon"),
        ("UPDATE attribute SET value = 'other' WHERE name = 'universe_digest'", "universe .* open it again"),
        ("INSERT INTO attribute VALUES ('moved_to', 'postgresql://there/db')", "moved to postgresql://there/db"),
    ],
)
def test_a_writer_that_is_open_notices_that_the_tables_changed(url: str, statement: str, word: str) -> None:
    with SqlRegistry.create(url) as registry:
        sample = SampleData(registry)
        _execute(url, statement)
        with pytest.raises(SchemaVersionError, match=word):
            registry.collections.register("new")
        with pytest.raises(SchemaVersionError, match=word), registry.write():
            pytest.fail("the block must not begin")
        assert sample.find(sample.bias, "one", detector=1) is None  # readers are left in peace


def test_a_connection_that_is_given_up_leaves_no_lock(url: str) -> None:
    """What an interrupt stops between its steps: a statement is still being read, in a transaction that wrote, and it is nobody's."""
    SqlRegistry.create(url).close()
    with Database.open(url) as database:
        database.lock_timeout = 1
        kept = []
        with contextlib.suppress(KeyboardInterrupt), database.write() as connection:
            driver = connection.connection.dbapi_connection
            assert isinstance(driver, sqlite3.Connection)
            driver.execute("INSERT INTO attribute VALUES ('lost', '')")
            kept.append(driver.execute("SELECT name FROM attribute"))
            assert kept[0].fetchone()
            connection.invalidate()
            raise KeyboardInterrupt
        with database.write() as connection:
            found = connection.exec_driver_sql("SELECT count(*) FROM attribute WHERE name = 'lost'").scalar()
        assert found == 0
