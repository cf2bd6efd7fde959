# SPDX-License-Identifier: BSD-3-Clause
"""Finding datasets by type and data ID along a search path of collections."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np

from pachon.base import InvalidInputError
from pachon.butler.errors import DatasetNotFoundError
from pachon.butler.lookup import DataId, Request, data_id_table, resolve_collections, resolve_request, resolve_type
from pachon.butler.session import Session
from pachon.datasets import DatasetRef, DatasetType, ids_from_uuids
from pachon.dimensions import DataIdTable, Timespan

__all__ = ["find_dataset", "find_datasets", "get_dataset", "get_many_datasets", "require_dataset"]


def find_dataset(
    session: Session,
    dataset_type: DatasetType | str,
    data_id: DataId | None = None,
    *,
    collections: str | Iterable[str] | None = None,
    timespan: Timespan | None = None,
    dims: Mapping[str, Any],
) -> DatasetRef | None:
    """Give the dataset of the first collection that has one, or None."""
    request = resolve_request(session, dataset_type, data_id, dims, timespan)
    return _find(session, request, resolve_collections(session, collections), request.timespan)


def require_dataset(
    session: Session,
    dataset_type: DatasetType | str,
    data_id: DataId | None = None,
    *,
    collections: str | Iterable[str] | None = None,
    timespan: Timespan | None = None,
    dims: Mapping[str, Any],
) -> DatasetRef:
    """Give the dataset of the first collection that has one; calibrations of any time if the data ID names none.

    Raises
    ------
    DatasetNotFoundError
        If there is none; a note says in which other collections there is.
    """
    request = resolve_request(session, dataset_type, data_id, dims, timespan)
    searched = resolve_collections(session, collections)
    is_any_time = request.registered.is_calibration and request.timespan is None and not request.time_unknown
    when = Timespan() if is_any_time else request.timespan
    found = _find(session, request, searched, when)
    if found is None:
        raise _not_found(session, request, searched)
    return found


def find_datasets(
    session: Session,
    dataset_type: DatasetType | str,
    data_ids: DataIdTable | Iterable[DataId],
    *,
    collections: str | Iterable[str] | None = None,
) -> list[DatasetRef | None]:
    """Give for each data ID the dataset of the first collection that has one; one query for all."""
    registered, wanted = resolve_type(session, dataset_type)
    searched = resolve_collections(session, collections)
    table = data_id_table(session, registered, data_ids)
    places, found = session.registry.datasets.find(registered.name, table, searched)
    refs = [ref.with_dataset_type(wanted) for ref in found]
    return [refs[place] if place >= 0 else None for place in places.tolist()]


def get_dataset(session: Session, dataset_id: UUID) -> DatasetRef | None:
    """Give the dataset of an id, or None."""
    return next(iter(get_many_datasets(session, [dataset_id])), None)


def get_many_datasets(session: Session, dataset_ids: Sequence[UUID] | np.ndarray) -> list[DatasetRef]:
    """Give the datasets of ids, in no order; unknown ids are left out."""
    ids = dataset_ids if isinstance(dataset_ids, np.ndarray) else ids_from_uuids(_listed_uuids(dataset_ids))
    return [ref for table in session.registry.datasets.get_by_ids(ids) for ref in table]


def _listed_uuids(dataset_ids: Iterable[UUID]) -> list[UUID]:
    """Make a list of ids: of an iterator nobody can tell afterwards what was wrong in it."""
    listed: list[Any] = list(dataset_ids)
    for one in listed:
        if not isinstance(one, UUID):
            raise InvalidInputError(f"Ids of datasets (UUID) are needed, not {one!r}.")
    return listed


def _find(
    session: Session, request: Request, collections: Sequence[str], timespan: Timespan | None
) -> DatasetRef | None:
    found = session.registry.datasets.find_one(request.registered.name, request.data_id, collections, timespan=timespan)
    if found is None or request.wanted is request.registered:
        return found
    return found.with_dataset_type(request.wanted)


def _not_found(session: Session, request: Request, searched: Sequence[str]) -> DatasetNotFoundError:
    error = DatasetNotFoundError(request.wanted.name, str(request.data_id), searched)
    everywhere = session.registry.collections.query("*")
    elsewhere = [
        name
        for name in everywhere
        if name not in searched
        and session.registry.datasets.find_one(
            request.registered.name, request.data_id, [name], timespan=request.timespan
        )
    ]
    if elsewhere:
        error.add_note(f"There is one in {', '.join(elsewhere[:3])}; add that to the collections.")
    if request.registered.is_calibration and request.timespan is not None:
        error.add_note(f"A calibration must be valid within {request.timespan} (TAI).")
    if request.time_unknown:
        error.add_note(
            "The records of the data ID do not say at what time a calibration must be valid; give timespan=..."
        )
    if session.in_block:
        error.add_note(
            "What this transaction() block has put is found when it ends; a reference that put gave can be read."
        )
    return error
