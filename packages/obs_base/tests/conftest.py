# SPDX-License-Identifier: BSD-3-Clause
"""Real data, where it is; a test that needs what is not there is skipped and says so."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


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
