# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from pachon.registry import SqlRegistry
from pachon.registry.testing.example import fill_example
from pachon.registry.testing.postgresql import new_database, postgres_server, postgres_url

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[SqlRegistry]:
    """An empty registry of the default universe."""
    with SqlRegistry.create(f"sqlite:///{tmp_path}/registry.sqlite3") as registry:
        yield registry


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlRegistry]:
    """The small repository of the query language's examples, on each database; not to be changed."""
    with SqlRegistry.create(new_database(request.param, tmp_path_factory.mktemp("example"))) as registry:
        fill_example(registry, Path(__file__).parent / "data" / "example")
        yield registry


@pytest.fixture(params=["sqlite", "postgresql"])
def any_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database that holds nothing yet, of each kind."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path}/registry.sqlite3"
