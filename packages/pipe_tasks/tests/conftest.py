# SPDX-License-Identifier: BSD-3-Clause
"""A night of the simulated detector, made once."""

from __future__ import annotations

import pytest
from hypothesis import settings

from pachon.pipe_tasks.instrument_signature import raw_to_electrons, remove_signature
from pachon.pipe_tasks.master_calibrations import master_bias, master_flat
from pachon.pipe_tasks.testing import SimulatedDetector

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")


@pytest.fixture(scope="session")
def detector():
    return SimulatedDetector()


@pytest.fixture(scope="session")
def bias(detector):
    return master_bias([detector.expose(0.0, seed=i, drift=3.0 * i) for i in range(5)], detector)


@pytest.fixture(scope="session")
def flat(detector, bias):
    frames = [detector.expose(level, seed=100 + i) for i, level in enumerate((20000.0, 25000.0, 30000.0))]
    return master_flat(frames, detector, bias=bias)


@pytest.fixture(scope="session")
def process(detector, bias, flat):
    """Give a function from a raw frame to an image in electrons."""

    def run(raw, **changes):
        return remove_signature(raw_to_electrons(raw, detector, bias=bias), **{"flat": flat, **changes})

    return run
