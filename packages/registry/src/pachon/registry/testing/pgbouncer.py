# SPDX-License-Identifier: BSD-3-Clause
"""A real PgBouncer in front of a test's PostgreSQL server, which lends connections by the transaction."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Self

from pachon.registry.testing.postgresql import USER, PostgresServer, free_port

__all__ = ["PgBouncer", "find_pgbouncer"]


def find_pgbouncer() -> str | None:
    """Give the path of the program; None if the machine has none (Debian: ``pgbouncer``)."""
    return shutil.which(
        "pgbouncer", path=f"{os.environ.get('PATH', '')}{os.pathsep}/usr/sbin{os.pathsep}/usr/local/sbin"
    )


class PgBouncer:
    """A pooler on 127.0.0.1 in transaction mode; a context manager.

    Parameters
    ----------
    server
        A running server.
    connections
        How many connections of the server each database has; clients that want more wait.
    """

    def __init__(self, server: PostgresServer, *, connections: int = 8) -> None:
        self._server = server
        self._connections = connections
        self._folder = Path(tempfile.mkdtemp(prefix="pachon-pgbouncer-", dir=server.programs.temporary_folder()))
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        """Give the SQLAlchemy URL of a database, through the pooler."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        """Start it and wait until it listens."""
        program = find_pgbouncer()
        if program is None:
            raise RuntimeError("There is no PgBouncer; install Debian's package 'pgbouncer'.")
        configuration = self._folder / "pgbouncer.ini"
        configuration.write_text(
            f"""[databases]
* = host=127.0.0.1 port={self._server.port} user={USER}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {self._connections}
max_client_conn = 500
server_reset_query =
""",
            encoding="utf-8",
        )
        self._server.programs.give(self._folder)
        with open(self._folder / "log", "ab") as log:
            self._process = self._server.programs.spawn(program, str(configuration), output=log)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.02)
        said = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        self.stop()
        raise RuntimeError(f"PgBouncer does not start:\n{said[-2000:]}")

    def stop(self) -> None:
        """Stop it and remove its files."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()
