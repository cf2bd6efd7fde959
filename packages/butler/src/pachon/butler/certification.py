# SPDX-License-Identifier: BSD-3-Clause
"""Certifying all calibrations of a collection, as ``butler certify-calibrations`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pachon.base import NotFoundError
from pachon.datasets import CollectionType

if TYPE_CHECKING:
    from pachon.butler.butler import Butler
    from pachon.dimensions import Timespan

__all__ = ["certify_collection"]


def certify_collection(
    butler: Butler,
    source: str,
    target: str,
    dataset_type: str,
    timespan: Timespan,
    *,
    search_all_inputs: bool = False,
) -> int:
    """Certify the datasets of one type and give their number.

    Parameters
    ----------
    butler
        A writeable butler.
    source
        The collection that holds them. Of a chain only the first child is searched: the run that was made last.
    target
        The CALIBRATION collection; made if it does not exist.
    dataset_type
        The type of calibration.
    timespan
        For which time they are valid.
    search_all_inputs
        Search the whole chain.

    Raises
    ------
    NotFoundError
        If there is nothing to certify.
    """
    butler.dataset_types.get(dataset_type)
    info = butler.collections.get(source)
    searched: tuple[str, ...] = (source,)
    if info.type is CollectionType.CHAINED and not search_all_inputs:
        if not info.children:
            raise NotFoundError(f"Chain {source!r} has no children, so there is nothing to certify.")
        searched = info.children[:1]
    (table,) = butler.query_datasets(dataset_type, collections=searched).tables
    if not len(table):
        raise NotFoundError(f"There are no datasets of type {dataset_type!r} in {', '.join(searched)} to certify.")
    # A certification that fails leaves no empty collection.
    with butler.collections.together():
        butler.collections.register(target, CollectionType.CALIBRATION)
        butler.collections.certify(target, table, timespan)
    return len(table)
