# SPDX-License-Identifier: BSD-3-Clause
"""Why a quantum is not in a graph."""

from __future__ import annotations

from collections.abc import Collection
from enum import IntEnum

__all__ = ["DropReason"]


class DropReason(IntEnum):
    """Why a quantum that could have been is not in the graph.

    The numbers are stored in files: none is used again, and new ones are added at the end.
    """

    ALREADY_DONE = 1
    """Its metadata exists in the collections to skip by: nothing to do."""
    NO_INPUTS = 2
    """A regular input has no dataset, or fewer than its minimum."""
    MISSING_PREREQUISITE = 3
    """A prerequisite input was not found."""
    NO_VALID_CALIBRATION = 4
    """Calibrations exist, but none is valid at the time of the quantum."""
    UPSTREAM_DROPPED = 5
    """A quantum that makes its inputs was dropped."""
    NO_WORK = 6
    """The task's `adjust_quantum` found nothing to do."""
    REMOVED_BY_HOOK = 7
    """The task's `adjust_all_quanta` removed it."""
    UNANCHORED = 8
    """No quantum of the anchor task can be reached from it."""
    USER_CONSTRAINT = 9
    """The user's expression or data ID tables exclude it."""
    NO_OVERLAP = 10
    """Its regions or time spans do not overlap."""
    NOT_IN_COLLECTIONS = 11
    """A constraining dataset exists, but not in the input collections."""

    @classmethod
    def leave_nothing_to_do(cls, reasons: Collection[DropReason]) -> bool:
        """Tell whether the quanta of an empty graph were dropped since all is done that there is to do.

        Some are done already, and of the others the task itself says that they want nothing, or what they want was not made.
        """
        return cls.ALREADY_DONE in reasons and _NOTHING_WANTED.issuperset(reasons)

    @property
    def text(self) -> str:
        """The reason in words, to follow a number of quanta."""
        return _TEXTS[self]


_NOTHING_WANTED = frozenset(
    (DropReason.ALREADY_DONE, DropReason.UPSTREAM_DROPPED, DropReason.NO_WORK, DropReason.REMOVED_BY_HOOK)
)
_TEXTS = {
    DropReason.ALREADY_DONE: "already done",
    DropReason.NO_INPUTS: "without inputs",
    DropReason.MISSING_PREREQUISITE: "missing a prerequisite",
    DropReason.NO_VALID_CALIBRATION: "without a calibration that is valid at the time",
    DropReason.UPSTREAM_DROPPED: "dropped since what makes their inputs was dropped",
    DropReason.NO_WORK: "without work (adjust_quantum)",
    DropReason.REMOVED_BY_HOOK: "removed by adjust_all_quanta",
    DropReason.UNANCHORED: "not connected with the anchor task",
    DropReason.USER_CONSTRAINT: "excluded by the user's constraint",
    DropReason.NO_OVERLAP: "without overlap on the sky or in time",
    DropReason.NOT_IN_COLLECTIONS: "without an input in the input collections",
}
