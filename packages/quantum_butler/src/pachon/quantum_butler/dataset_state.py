# SPDX-License-Identifier: BSD-3-Clause
"""What was known of a dataset when the graph was built."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["DatasetState"]


class DatasetState(IntEnum):
    """Whether a dataset existed when the graph was built."""

    PREDICTED = 0
    """To be written by the graph, under a new id."""
    EXISTING = 1
    """An overall input: it existed, and the graph does not write it."""
    REPLACED = 2
    """To be written by the graph under the id of a dataset that lies in the way in the output run."""
