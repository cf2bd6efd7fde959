# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.registry import SqlRegistry
from pachon.registry.testing.pgbouncer import PgBouncer, find_pgbouncer
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.registry_suite import RegistrySuite


class TestSqlite(RegistrySuite):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/registry.sqlite3"


class TestPostgresql(RegistrySuite):
    @pytest.fixture
    def url(self, postgres_server: PostgresServer) -> Iterator[str]:
        template = postgres_server.template("registry", lambda url: SqlRegistry.create(url).close())
        with postgres_server.database(template) as url:
            yield url

    @pytest.fixture
    def registry(self, url: str) -> Iterator[SqlRegistry]:
        """Open a copy, which takes a quarter of the time of making the tables."""
        with SqlRegistry.open(url, writeable=True) as registry:
            yield registry


@pytest.fixture(scope="module")
def pgbouncer(postgres_server: PostgresServer) -> Iterator[PgBouncer]:
    if find_pgbouncer() is None:
        pytest.skip("there is no PgBouncer here; install Debian's package 'pgbouncer'")
    with PgBouncer(postgres_server) as pooler:
        yield pooler


class TestPgBouncer(RegistrySuite):
    """Every rule holds where each transaction may run on another connection."""

    @pytest.fixture
    def url(self, postgres_server: PostgresServer, pgbouncer: PgBouncer) -> Iterator[str]:
        template = postgres_server.template("registry", lambda url: SqlRegistry.create(url).close())
        name = postgres_server.create_database(template)
        yield pgbouncer.url(name)
        postgres_server.drop_database(name)

    @pytest.fixture
    def registry(self, url: str) -> Iterator[SqlRegistry]:
        with SqlRegistry.open(url, writeable=True) as registry:
            yield registry
