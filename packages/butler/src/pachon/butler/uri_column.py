# SPDX-License-Identifier: BSD-3-Clause
"""The places of the files of many datasets, as a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pachon.butler.session import Session

__all__ = ["uri_column"]


def uri_column(session: Session, ids: np.ndarray) -> np.ndarray:
    """Give the URI of each dataset as text; None for one that is not stored, or in a file for each component.

    Parameters
    ----------
    session
        The open butler.
    ids
        Shape (n, 16), uint8.
    """
    found = np.full(len(ids), None, dtype=object)
    if len(ids):
        files = session.records.fetch(ids).rows()
        places = {file.dataset_id.bytes: str(session.datastore.uri(file)) for file in files if not file.component}
        found[:] = [places.get(item.tobytes()) for item in ids]
    return found
