# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.registry import SqlRegistry
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
