# SPDX-License-Identifier: BSD-3-Clause
"""What the tests of tasks share: a camera of two detectors and a field over both."""

from __future__ import annotations

import pytest

from pachon.pipe_tasks.testing import SimulatedCamera, SimulatedDetector, SimulatedField, SimulatedPointing


@pytest.fixture(scope="session")
def camera():
    return SimulatedCamera(
        detectors={
            0: SimulatedDetector(width=200, height=220),
            1: SimulatedDetector(width=200, height=220, seed=2, efficiency=0.9),
        }
    )


@pytest.fixture(scope="session")
def field():
    return SimulatedField(stars=80, size=100.0)


@pytest.fixture(scope="session")
def pointings():
    """Visits 1 to 4, of which the second points 95 arcsec away from where it says and the fourth is behind a cloud."""
    return {
        1: SimulatedPointing(seed=1),
        2: SimulatedPointing(east=3.0, north=2.0, error_east=50.0, error_north=-81.0, seed=2),
        3: SimulatedPointing(east=-4.0, north=1.0, error_east=3.0, seed=3),
        4: SimulatedPointing(east=1.0, north=-3.0, throughput=0.6, seed=4),
    }
