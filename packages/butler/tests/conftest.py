# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.butler.testing import add_example_records, make_example_repository
from pachon.datasets import DatasetType
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


@pytest.fixture(params=["sqlite", "postgresql"])
def root(request: pytest.FixtureRequest, tmp_path: Path, repository: Path) -> Iterator[Path]:
    """An example repository on each database."""
    if request.param == "sqlite":
        yield repository
        return
    url = request.getfixturevalue("postgres_url")
    place = tmp_path / "on-postgresql"
    with Butler.create(str(place), database=url) as butler:
        add_example_records(butler)
        if not butler.dataset_types.query("gain"):
            butler.dataset_types.register(
                DatasetType("gain", ("detector",), "StructuredDataDict", universe=butler.universe)
            )
    yield place
