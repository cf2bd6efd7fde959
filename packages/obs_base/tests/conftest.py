# SPDX-License-Identifier: BSD-3-Clause
"""Real data, where it is; a test that needs what is not there is skipped and says so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from pachon.butler import Butler

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")


def _shared_data() -> Path:
    given = os.environ.get("PACHON_TEST_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[4] / "shared" / "data"


@pytest.fixture(scope="session")
def nickel_data() -> Path:
    """Folder of real Nickel frames."""
    folder = _shared_data() / "nickel"
    if not folder.is_dir():
        pytest.skip("no real Nickel frames: ../shared/data/nickel is not there (PACHON_TEST_DATA names another place)")
    return folder


@pytest.fixture(scope="session")
def header_data() -> Path:
    """Folder of real headers of several instruments, as text."""
    folder = _shared_data() / "headers"
    if not folder.is_dir():
        pytest.skip("no real headers: ../shared/data/headers is not there (PACHON_TEST_DATA names another place)")
    return folder


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw frames of the simulated camera: a file a detector; two nights with bias, flat and science."""
    from pachon.obs_base.simcam.instrument import SimCam
    from pachon.obs_base.simcam.plan import SimulationPlan
    from pachon.obs_base.simcam.simulate import simulate_raws

    folder = tmp_path_factory.mktemp("simulated")
    simulate_raws(folder, SimCam().camera, SimulationPlan(visits=2, biases=1, flats=1))
    return folder


@pytest.fixture(scope="session")
def simulated_together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, a file an exposure."""
    from pachon.obs_base.simcam.instrument import SimCam
    from pachon.obs_base.simcam.plan import SimulationPlan
    from pachon.obs_base.simcam.simulate import simulate_raws

    folder = tmp_path_factory.mktemp("simulated_together")
    simulate_raws(folder, SimCam().camera, SimulationPlan(visits=2, biases=1, flats=1), multi_extension=True)
    return folder


@pytest.fixture
def butler(tmp_path: Path) -> Iterator[Butler]:
    """An empty repository with the simulated camera."""
    from pachon.butler import Butler
    from pachon.obs_base.simcam.instrument import SimCam

    with Butler.create(str(tmp_path / "repo")) as made:
        SimCam().register(made)
        yield made
