# SPDX-License-Identifier: BSD-3-Clause
"""A real PostgreSQL server on the loopback interface, for tests: started in a temporary folder, gone afterwards."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, Self

import pytest

from pachon.registry.testing.postgresql_programs import PostgresPrograms, find_programs

__all__ = ["PostgresServer", "free_port", "new_database", "postgres_server", "postgres_url", "shared_server"]

USER = "pachon"
_START_S = 60.0
_SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_LONGEST_SOCKET_FOLDER = 80
"""The kernel's limit is 107 bytes with the name."""

# Stops a server and removes its folder when the process that started it was killed.
_WATCHER = """
while [ -d "$2" ]; do
  if ! kill -0 "$1" 2>/dev/null; then
    pid=$(head -n 1 "$2/data/postmaster.pid" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null && sleep 1
    rm -rf "$2" "$3"
    exit
  fi
  sleep 1
done
"""


class PostgresServer:
    """A PostgreSQL server of our own; a context manager.

    It listens on 127.0.0.1 and on a socket, trusts everybody, and runs as an unprivileged user if we are root.

    Parameters
    ----------
    durable
        Keep what was committed when the server is killed; otherwise nothing is synced, which is faster.
    folder
        Where to put its files; a temporary folder if left out.
    settings
        Further settings of the server.
    password
        Ask for this password on 127.0.0.1; the URLs then hold it.
    """

    def __init__(
        self,
        *,
        durable: bool = False,
        folder: Path | None = None,
        settings: Mapping[str, str] | None = None,
        password: str | None = None,
    ) -> None:
        self.durable = durable
        self.password = password
        self.programs: PostgresPrograms = find_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="pachon-pg-", dir=folder or self.programs.temporary_folder()))
        short = len(bytes(self.folder)) <= _LONGEST_SOCKET_FOLDER
        self.socket_folder = self.folder if short else Path(tempfile.mkdtemp(prefix="pachon-pg-", dir="/tmp"))
        self.port = 0
        self._settings = dict(settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self._watched = False
        self._templates: dict[str, str] = {}
        for owned in {self.folder, self.socket_folder}:
            self.programs.give(owned)
        self.programs = self.programs.made_runnable(self.folder)

    @property
    def pid(self) -> int | None:
        """The process of the server, while it runs."""
        return None if self._process is None else self._process.pid

    @property
    def data(self) -> Path:
        """The folder of the cluster."""
        return self.folder / "data"

    @property
    def log(self) -> str:
        """What the server has said."""
        path = self.folder / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def start(self) -> Self:
        """Start the server and wait until it answers."""
        if not self.data.exists():
            self.programs.initialize(self.data, USER, self._locales())
            if self.password is not None:
                self._ask_for_password(self.password)
        if not self._watched:
            self._watched = True
            nothing = subprocess.DEVNULL
            watcher = [
                "/bin/sh",
                "-c",
                _WATCHER,
                "sh",
                str(os.getpid()),
                str(self.folder),
                str(self.socket_folder),
            ]
            subprocess.Popen(watcher, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True)
            atexit.register(self.stop)
        for _ in range(5):
            self.port = self.port or free_port()
            if self._start_once():
                return self
            self.port = 0  # somebody else was quicker
        raise RuntimeError(f"PostgreSQL does not start:\n{self.log[-4000:]}")

    def stop(self) -> None:
        """Stop the server and remove its files."""
        self.halt("immediate")
        for folder in (self.folder, self.socket_folder):
            shutil.rmtree(folder, ignore_errors=True)
        atexit.unregister(self.stop)

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server, cutting all connections, and start it again at the same port."""
        self.halt(mode)
        self.start()

    def halt(self, mode: Literal["smart", "fast", "immediate"] = "fast") -> None:
        """Stop the server; `start` starts it again with what it held."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(_SIGNALS[mode])
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
        self._process = None

    def kill(self) -> None:
        """Kill the server as a crash would; `start` recovers it, if it was ``durable``."""
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._process = None

    def url(self, database: str = "postgres") -> str:
        """Give the SQLAlchemy URL of a database."""
        secret = "" if self.password is None else f":{self.password}"
        return f"postgresql+psycopg://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def create_database(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of another one; give its name."""
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))
        return name

    def new_url(self, template: str | None = None) -> str:
        """Make a database, empty or a copy of another one; give its URL."""
        return self.url(self.create_database(template))

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever uses it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def template(self, name: str, fill: Callable[[str], object]) -> str:
        """Give the name of a database to copy; ``fill`` is called with its URL on first use, and must disconnect."""
        if name not in self._templates:
            self._templates[name] = self.create_database()
            fill(self.url(self._templates[name]))
        return self._templates[name]

    @contextmanager
    def database(self, template: str | None = None) -> Iterator[str]:
        """Give the URL of a new database, which is removed afterwards."""
        name = self.create_database(template)
        try:
            yield self.url(name)
        finally:
            self.drop_database(name)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Execute a statement outside of any transaction; give its rows."""
        import psycopg

        with psycopg.connect(
            host=str(self.socket_folder), port=self.port, user=USER, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def start_replica(self) -> PostgresServer:
        """Start a server that follows this one, with some delay; stop it before this one."""
        follower = PostgresServer(durable=self.durable, settings=self._settings, password=self.password)
        follower.programs.run(
            "pg_basebackup", "-D", str(follower.data), "-R", "-X", "stream", "-c", "fast",
            "-h", str(self.socket_folder), "-p", str(self.port), "-U", USER,
        )  # fmt: skip
        return follower.start()

    def dump(self, database: str) -> list[str]:
        """Give the SQL that makes a database again, a line each, without settings of the session."""
        options = ("--inserts", "--no-owner", "--no-privileges", "-h", str(self.socket_folder), "-p", str(self.port))
        text = self.programs.run("pg_dump", *options, "-U", USER, database).stdout
        skipped = ("--", "\\", "SET ", "SELECT pg_catalog.set_config")
        return [line for line in text.splitlines() if line and not line.startswith(skipped)]

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start_once(self) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_folder),
            "max_connections": "200",
            "max_locks_per_transaction": "256",
            **({} if self.durable else _FAST),
            **self._settings,
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.folder / "log", "ab") as log:
            self._process = self.programs.spawn("postgres", "-D", str(self.data), *options, output=log)
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                self._process = None
                return False
            if _is_ready(self.data / "postmaster.pid", self._process.pid):
                return True
            time.sleep(0.01)
        self.halt("immediate")
        return False

    def _ask_for_password(self, password: str) -> None:
        """Set the password while nobody can connect, then ask for it."""
        statement = f"ALTER USER {USER} PASSWORD '{password}';\n"
        self.programs.run("postgres", "--single", "-D", str(self.data), "postgres", input=statement)
        rules = "local all all trust\nlocal replication all trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(rules, encoding="ascii")

    def _locales(self) -> list[list[str]]:
        """Give options of initdb, best first: an order of words unlike that of code points shows what depends on it."""
        icu = ["--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US"]
        return [icu, ["--locale=C.UTF-8"], ["--locale=C"]]


def _is_ready(pid_file: Path, pid: int) -> bool:
    """Whether the server has written that it accepts connections; the file may be that of the one before."""
    with suppress(OSError):
        lines = pid_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"
    return False


def free_port() -> int:
    """Give a port of 127.0.0.1 that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@functools.cache
def shared_server() -> PostgresServer:
    """Give the server that all tests of this process share; it is started on first use and stopped at exit."""
    return PostgresServer().start()


def new_database(kind: str, folder: Path) -> str:
    """Give the URL of an empty database of a kind, ``sqlite`` or ``postgresql``, for fixtures that many tests share.

    Parameters
    ----------
    kind
        Of the database; one on PostgreSQL goes with the server that all tests share.
    folder
        Of the file of an SQLite database.
    """
    if kind == "postgresql":
        return shared_server().url(shared_server().create_database())
    return f"sqlite:///{folder}/registry.sqlite3"


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """Give the running server that all tests share: import this fixture, and ``postgres_url``, into a conftest."""
    return shared_server()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the URL of an empty PostgreSQL database, which is removed after the test."""
    with postgres_server.database() as url:
        yield url
