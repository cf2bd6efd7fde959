# SPDX-License-Identifier: BSD-3-Clause
"""How much hypothesis tries: the same few cases in every run of the checks, or many other ones at night."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

__all__ = ["VARIABLE", "volume"]

VARIABLE = "PACHON_TEST_VOLUME"
"""Environment variable: how many times as many cases as usual; with it the cases are new ones each time."""


def volume(examples: int, **more: Any) -> settings:
    """Give settings for a test that usually tries a number of examples.

    Parameters
    ----------
    examples
        Their number when ``PACHON_TEST_VOLUME`` is not set; then they are the same in each run.
    **more
        Further settings of hypothesis.
    """
    factor = float(os.environ.get(VARIABLE, "0") or 0)
    return settings(
        max_examples=max(1, round(examples * (factor or 1))),
        derandomize=not factor,
        # A derandomized run keeps nothing; at night failures are kept to be tried again.
        database=settings().database if factor else None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        **more,
    )
