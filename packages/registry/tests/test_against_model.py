# SPDX-License-Identifier: BSD-3-Clause
"""Random registrations, chains, associations, certifications and removals, compared with plain Python values."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from pachon.dimensions.testing.volume import volume
from pachon.registry import SqlRegistry
from pachon.registry.testing.model_domains import Domain, domains
from pachon.registry.testing.postgresql import shared_server
from pachon.registry.testing.registry_machine import RegistryMachine

STEPS = 30


def make(domain: Domain, url: str) -> None:
    with SqlRegistry.create(url, domain.universe) as registry:
        domain.fill(registry)


class SqliteMachine(RegistryMachine):
    worlds = domains()
    templates: ClassVar[dict[str, Path]] = {}
    numbers: ClassVar[Iterator[int]] = itertools.count()

    def new_database(self, domain: Domain) -> str:
        if domain.name not in self.templates:
            folder = Path(tempfile.mkdtemp())
            make(domain, f"sqlite:///{folder}/template.sqlite3")
            self.templates[domain.name] = folder / "template.sqlite3"
        template = self.templates[domain.name]
        self.file = Path(shutil.copy(template, template.with_name(f"{next(self.numbers)}.sqlite3")))
        return f"sqlite:///{self.file}"

    def drop_database(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)


class PostgresqlMachine(RegistryMachine):
    worlds = domains()

    def new_database(self, domain: Domain) -> str:
        server = shared_server()
        template = server.template(f"model {domain.name}", lambda url: make(domain, url))
        self.database = server.create_database(template)
        return server.url(self.database)

    def drop_database(self) -> None:
        shared_server().drop_database(self.database)


class TestSqlite(SqliteMachine.TestCase):  # type: ignore[name-defined,misc]
    settings = volume(24, stateful_step_count=STEPS)


class TestPostgresql(PostgresqlMachine.TestCase):  # type: ignore[name-defined,misc]
    settings = volume(8, stateful_step_count=STEPS)


@pytest.fixture(scope="module", autouse=True)
def _clean_up():
    yield
    for template in SqliteMachine.templates.values():
        shutil.rmtree(template.parent)
