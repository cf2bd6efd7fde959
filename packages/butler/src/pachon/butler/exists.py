# SPDX-License-Identifier: BSD-3-Clause
"""What is known of the existence of datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pachon.base import ConflictError
from pachon.butler.argument_kinds import listed_refs
from pachon.butler.find import find_dataset, get_many_datasets
from pachon.butler.get import fetch_file_records
from pachon.butler.lookup import DataId
from pachon.butler.session import Session
from pachon.butler.whole_files import find_whole
from pachon.datasets import DatasetExistence, DatasetRef, DatasetType, ids_from_uuids
from pachon.dimensions import Timespan

__all__ = ["exists", "exists_many"]


def exists(
    session: Session,
    target: DatasetRef | DatasetType | str,
    data_id: DataId | None = None,
    *,
    collections: str | Iterable[str] | None = None,
    timespan: Timespan | None = None,
    verify: bool = False,
    dims: Mapping[str, Any],
) -> DatasetExistence:
    """Give the flags of one dataset; one that is not found is unrecognized, which is no error."""
    if isinstance(target, DatasetRef):
        return exists_many(session, [target], verify=verify)[target]
    found = find_dataset(session, target, data_id, collections=collections, timespan=timespan, dims=dims)
    if found is None:
        return DatasetExistence.UNRECOGNIZED
    return exists_many(session, [found], verify=verify)[found]


def exists_many(
    session: Session, refs: Iterable[DatasetRef], *, verify: bool = False
) -> dict[DatasetRef, DatasetExistence]:
    """Give the flags of many datasets: two queries, and with ``verify`` a look at each file, which must have its recorded size.

    Raises
    ------
    ConflictError
        If an id is registered as another dataset.
    """
    wanted = listed_refs(refs)
    recorded = {ref.id: ref for ref in get_many_datasets(session, ids_from_uuids(ref.id for ref in wanted))}
    records = fetch_file_records(session, wanted)
    stored: dict[bytes, bool] = {}
    there = find_whole(session.datastore, records).tolist() if verify else [True] * len(records)
    for row, present in zip(records.dataset_id, there, strict=True):
        key = row.tobytes()
        stored[key] = stored.get(key, True) and present
    return {ref: _flags(ref, recorded.get(ref.id), stored.get(ref.id.bytes), verify=verify) for ref in wanted}


def _flags(ref: DatasetRef, known: DatasetRef | None, stored: bool | None, *, verify: bool) -> DatasetExistence:
    flags = DatasetExistence.UNRECOGNIZED
    if known is not None:
        same = (known.dataset_type.name, known.data_id, known.run) == (
            ref.dataset_type.parent_name,
            ref.data_id,
            ref.run,
        )
        if not same:
            raise ConflictError(f"{ref.id} is registered as {known}, not as {ref}.")
        flags |= DatasetExistence.RECORDED
    if stored is not None:
        flags |= DatasetExistence.DATASTORE
        if verify:
            flags |= DatasetExistence.ARTIFACT if stored else DatasetExistence.UNRECOGNIZED
        else:
            flags |= DatasetExistence.ASSUMED
    return flags
