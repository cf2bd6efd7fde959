# SPDX-License-Identifier: BSD-3-Clause
"""Reading datasets."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pachon.base import InvalidInputError
from pachon.butler.argument_kinds import listed_refs
from pachon.butler.find import require_dataset
from pachon.butler.lookup import DataId
from pachon.butler.session import Session
from pachon.datasets import DatasetRef, DatasetType, ids_from_uuids
from pachon.datastore import FileRecords
from pachon.dimensions import Timespan

if TYPE_CHECKING:
    from pachon.datastore import DeferredDataset
    from pachon.resources import ResourcePath

__all__ = [
    "DatasetUris",
    "fetch_file_records",
    "get",
    "get_deferred",
    "get_many",
    "get_uri",
    "get_uris",
    "locate",
    "resolve_ref",
]


_MOST_THREADS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetUris:
    """Where the files of a dataset are."""

    primary: ResourcePath | None
    """The file; None if each component has its own."""
    components: Mapping[str, ResourcePath] = field(default_factory=lambda: MappingProxyType({}))


def resolve_ref(
    session: Session,
    target: DatasetRef | DatasetType | str,
    data_id: DataId | None,
    *,
    collections: str | Iterable[str] | None,
    timespan: Timespan | None,
    dims: Mapping[str, Any],
) -> DatasetRef:
    """Give the dataset that is meant. A reference is taken as it is, without a look at the registry.

    Raises
    ------
    InvalidInputError
        If a reference is given together with a data ID.
    DatasetNotFoundError
        If a type and data ID find none.
    """
    if not isinstance(target, DatasetRef):
        return require_dataset(session, target, data_id, collections=collections, timespan=timespan, dims=dims)
    if data_id is not None or dims:
        raise InvalidInputError(
            f"A reference says which dataset is meant; {dict(data_id or {}) | dict(dims)} cannot be given too."
        )
    if collections is not None:
        warnings.warn("A reference says which dataset is meant; the collections are not searched.", stacklevel=5)
    return target


def locate(
    session: Session,
    target: DatasetRef | DatasetType | str,
    data_id: DataId | None,
    *,
    collections: str | Iterable[str] | None,
    timespan: Timespan | None,
    dims: Mapping[str, Any],
) -> tuple[DatasetRef, FileRecords]:
    """Give the dataset that is meant, and the records of its files, as of one moment; raises as `resolve_ref` does."""
    # One connection for all that is looked up.
    with session.registry.snapshot():
        ref = resolve_ref(session, target, data_id, collections=collections, timespan=timespan, dims=dims)
        pending = session.pending_records(ref.id.bytes)
        return ref, session.records.fetch(ids_from_uuids([ref.id])) if pending is None else pending


def get(
    session: Session,
    ref: DatasetRef,
    records: FileRecords,
    *,
    parameters: Mapping[str, Any] | None = None,
    storage_class: str | None = None,
) -> Any:
    """Read a dataset of which `locate` gave the records."""
    return session.datastore.get(ref, records=records, parameters=parameters, storage_class=storage_class)


def get_deferred(
    session: Session,
    ref: DatasetRef,
    *,
    parameters: Mapping[str, Any] | None = None,
    storage_class: str | None = None,
) -> DeferredDataset:
    """Give a handle that reads a dataset when it is needed."""
    pending = session.pending_records(ref.id.bytes)
    return session.datastore.get_deferred(ref, records=pending, parameters=parameters, storage_class=storage_class)


def get_many(
    session: Session, refs: Iterable[DatasetRef], *, parallel: int | None = None
) -> Iterator[tuple[DatasetRef, Any]]:
    """Read datasets, some at a time; the records of all are fetched at once.

    Parameters
    ----------
    session
        The open butler.
    refs
        What to read; the results come in this order.
    parallel
        Number of threads that read; by default one a processor, 4 at most.
    """
    if parallel is not None and (type(parallel) is not int or not 1 <= parallel <= _MOST_THREADS):
        raise InvalidInputError(f"Datasets are read by 1 to {_MOST_THREADS} threads, not {parallel!r}.")
    return _read_many(session, listed_refs(refs), parallel)


def _read_many(session: Session, wanted: list[DatasetRef], parallel: int | None) -> Iterator[tuple[DatasetRef, Any]]:
    records = fetch_file_records(session, wanted)
    places: dict[bytes, list[int]] = {}
    for place, row in enumerate(records.dataset_id):
        places.setdefault(row.tobytes(), []).append(place)

    def read(ref: DatasetRef) -> Any:
        return session.datastore.get(ref, records=records.take(places.get(ref.id.bytes, [])))

    workers = parallel if parallel is not None else min(4, os.cpu_count() or 1)
    if workers <= 1 or len(wanted) < 2:
        for ref in wanted:
            yield ref, read(ref)
        return
    # A few are read ahead, not all: the objects that nobody has taken yet are in memory.
    coming = iter(wanted)
    with ThreadPoolExecutor(workers) as threads:
        running = deque((ref, threads.submit(read, ref)) for ref in islice(coming, 2 * workers))
        try:
            while running:
                ref, found = running.popleft()
                obj = found.result()
                running.extend((following, threads.submit(read, following)) for following in islice(coming, 1))
                yield ref, obj
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def fetch_file_records(session: Session, refs: Sequence[DatasetRef]) -> FileRecords:
    """Give the file records of datasets, those of an open transaction included."""
    ids = ids_from_uuids(ref.id for ref in refs)
    known = session.records.fetch(ids)
    if not session.in_block:
        return known
    pending = [session.pending_records(ref.id.bytes) for ref in refs]
    tables = [known, *(table for table in pending if table is not None)]
    return FileRecords.concat([FileRecords.from_columns(table.columns()) for table in tables])


def get_uri(session: Session, ref: DatasetRef) -> ResourcePath:
    """Give the place of the one file of a dataset.

    Raises
    ------
    NotFoundError
        If it is not stored.
    InvalidInputError
        If it is stored as several files.
    """
    uris = get_uris(session, [ref])[ref]
    if uris.primary is None:
        raise InvalidInputError(
            f"{ref} is stored as a file for each of {', '.join(uris.components)}; ask for get_uris, or for a component."
        )
    return uris.primary


def get_uris(session: Session, refs: Iterable[DatasetRef]) -> dict[DatasetRef, DatasetUris]:
    """Give the places of the files of datasets.

    Raises
    ------
    DatasetFileNotFoundError
        If one is not stored.
    """
    from pachon.datastore import DatasetFileNotFoundError

    wanted = listed_refs(refs)
    records = fetch_file_records(session, wanted)
    by_id: dict[bytes, dict[str, ResourcePath]] = {}
    for row in records.rows():
        by_id.setdefault(row.dataset_id.bytes, {})[row.component or ""] = session.datastore.uri(row)
    found: dict[DatasetRef, DatasetUris] = {}
    for ref in wanted:
        files = by_id.get(ref.id.bytes)
        if not files:
            raise DatasetFileNotFoundError(ref.id, ref.dataset_type.name, None, session.datastore.name)
        component = ref.dataset_type.component
        primary = files.get("") or (files.get(component) if component is not None else None)
        parts = {name: uri for name, uri in files.items() if name}
        found[ref] = DatasetUris(primary=primary, components=MappingProxyType(parts))
    return found
