# SPDX-License-Identifier: BSD-3-Clause
import os
import re
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError, StorageError
from pachon.registry import DatabaseBusyError, DatabaseError, SchemaVersionError, SqlRegistry
from pachon.registry.database.database import Database
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


@pytest.mark.parametrize(("version", "word"), [("3", "newer"), ("1", "migrate"), ("x", "no schema version")])
def test_other_schema_versions(url: str, version: str, word: str) -> None:
    SqlRegistry.create(url).close()
    _execute(url, f"UPDATE attribute SET value = '{version}' WHERE name = 'schema_version'")
    with pytest.raises(FormatError, match=word) as caught:
        SqlRegistry.open(url)
    assert isinstance(caught.value, SchemaVersionError) == (version != "x")


def test_corrupt_file(url: str) -> None:
    with SqlRegistry.create(url) as registry:
        SampleData(registry)
    path = Path(url.removeprefix("sqlite:///"))
    damaged = bytearray(path.read_bytes())
    damaged[8192:] = b"\xff" * (len(damaged) - 8192)
    path.write_bytes(damaged)
    with pytest.raises((DatabaseError, FormatError), match=re.escape(str(path))), SqlRegistry.open(url) as registry:
        registry.query.data_ids(["exposure", "detector"])


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
