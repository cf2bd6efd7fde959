# SPDX-License-Identifier: BSD-3-Clause
"""Repositories, warm processes, and how much is tested."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults.repositories import Repository
from faults.write_shim import compile_shim
from faults.zygote import Zygote
from pachon.registry.testing.postgresql import PostgresServer, postgres_server

__all__ = ["postgres_server"]

NIGHTLY = os.environ.get("PACHON_FAULTS", "") == "nightly"
"""Whether much is tested, rather than some in every test run."""
SEED = int(os.environ.get("PACHON_FAULTS_SEED") or (random.SystemRandom().getrandbits(32) if NIGHTLY else 20261128))
"""Of all that is drawn; the nightly form draws anew each time."""


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """A warm process that forks children to be killed."""
    with Zygote() as warm:
        yield warm


@pytest.fixture(scope="session")
def shim_zygote(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """A warm process whose changes of files are counted, made to fail or recorded."""
    if not sys.platform.startswith("linux"):
        pytest.skip("System calls are intercepted on Linux only.")
    library = compile_shim(tmp_path_factory.mktemp("shim"))
    if library is None:
        pytest.skip("There is no C compiler (cc, gcc, clang) for the library that intercepts system calls.")
    with Zygote({"LD_PRELOAD": str(library)}) as warm:
        yield warm


@pytest.fixture(params=["sqlite", "postgresql"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    """A repository on each database."""
    if request.param == "sqlite":
        yield Repository.make(tmp_path)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield Repository.make(tmp_path, database=url)


@pytest.fixture
def sqlite_repository(tmp_path: Path) -> Repository:
    """A repository on SQLite."""
    return Repository.make(tmp_path)
