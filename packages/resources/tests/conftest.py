# SPDX-License-Identifier: BSD-3-Clause
import os
import sys

import pytest
from hypothesis import settings

# Machines are noisy: time is measured by the benchmarks, not by tests.
settings.register_profile("pachon", deadline=None)
settings.load_profile("pachon")

if "pachon.resources.testing" not in sys.modules:  # the doctests of the source may have come first
    pytest.register_assert_rewrite("pachon.resources.testing")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what is fsynced, in order."""
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc to see what is fsynced")
    names: list[str] = []
    real = os.fsync

    def record(descriptor: int) -> None:
        names.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    return names
