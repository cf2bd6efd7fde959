# SPDX-License-Identifier: BSD-3-Clause
"""What is known of a dataset's existence."""

from __future__ import annotations

import enum

__all__ = ["DatasetExistence"]


class DatasetExistence(enum.IntFlag):
    """Where a dataset is known; true only if all that was asked agrees that it exists."""

    UNRECOGNIZED = 0
    RECORDED = 1
    """The registry has it."""
    DATASTORE = 2
    """The datastore has a record of it."""
    ARTIFACT = 4
    """Its file was looked for and is there."""
    ASSUMED = 8
    """Its file was not looked for."""
    KNOWN = RECORDED | DATASTORE | ASSUMED
    VERIFIED = RECORDED | DATASTORE | ARTIFACT

    def __bool__(self) -> bool:
        return self.value in (11, 7)
