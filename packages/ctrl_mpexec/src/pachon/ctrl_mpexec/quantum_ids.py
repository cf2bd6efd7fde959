# SPDX-License-Identifier: BSD-3-Clause
"""Ids of quanta as users write them."""

from __future__ import annotations

import uuid

from pachon.base import InvalidInputError

__all__ = ["quantum_id"]


def quantum_id(text: str) -> uuid.UUID:
    """Read the id of a quantum or dataset.

    Raises
    ------
    InvalidInputError
        If it is no UUID.
    """
    try:
        return uuid.UUID(text)
    except ValueError:
        raise InvalidInputError(
            f"{text!r} is no UUID; 'pipetask qgraph --show graph' prints those of quanta, and 'butler query-datasets' those "
            "of datasets."
        ) from None
