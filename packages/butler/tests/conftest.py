# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.butler.testing import make_example_repository
from pachon.registry.testing.postgresql import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example repository, made once; tests copy it."""
    root = tmp_path_factory.mktemp("example") / "repo"
    make_example_repository(root).close()
    return root


@pytest.fixture
def repository(empty_repository: Path, tmp_path: Path) -> Path:
    """A copy of the example repository."""
    import shutil

    target = tmp_path / "repo"
    shutil.copytree(empty_repository, target)
    return target


@pytest.fixture
def butler(repository: Path) -> Iterator[Butler]:
    """A writeable butler whose run is ``run``, for the one instrument there is."""
    with Butler.open(str(repository), run="run", instrument="Cam") as opened:
        yield opened
