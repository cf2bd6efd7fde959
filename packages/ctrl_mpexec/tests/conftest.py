# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import settings

from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")


@pytest.fixture(scope="session")
def pristine_repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pristine")
    make_repository(folder / "repo")
    return folder / "repo"


@pytest.fixture
def repository(tmp_path, pristine_repository):
    """A fresh copy of the small repository: it can be moved, as its paths are relative."""
    import shutil

    shutil.copytree(pristine_repository, tmp_path / "repo")
    return tmp_path / "repo"


@pytest.fixture
def pipeline_file(tmp_path):
    path = tmp_path / "pipeline.yaml"
    path.write_text(PIPELINE)
    return path
