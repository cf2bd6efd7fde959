# SPDX-License-Identifier: BSD-3-Clause
"""Write objects as files: step 1 of the write protocol (``docs/formats/datastore.md``). No rows are written here.

Invariants. A file is created exclusively at a path that was never used, and is never changed afterwards. When
`write_files` returns, every file and the folders that name them are on the medium. When it raises, the files that it
created are removed; one that cannot be removed is named by no row, so a sweep may have it.

Outputs of a quantum graph (``predicted``) differ in one way: they are written beside, synced, and renamed to a path that
follows from the dataset id, so that what is there is always whole and a retry replaces it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from pachon.base import PachonError, StorageError
from pachon.datasets import ids_from_uuids
from pachon.datastore.faults import reach
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.file_store import FileStore, checksum_of_bytes, checksum_of_file
from pachon.datastore.final_path import cut_name
from pachon.datastore.records import NewFileRecords
from pachon.datastore.write_plan import PlannedFile
from pachon.datastore.write_token import unique_token
from pachon.resources import ResourcePath
from pachon.resources.bulk import worker_count
from pachon.resources.errors import ResourceExistsError
from pachon.resources.folder_sync import FolderSync
from pachon.resources.threaded_calls import ThreadedCalls

__all__ = ["making", "remove_created", "write_files"]

Bytes = bytes | memoryview

_LOCAL_WRITERS = 16
"""Local files that are written and fsynced at a time."""


def write_files(setup: FileSetup, plan: Sequence[PlannedFile], *, predicted: bool) -> NewFileRecords:
    """Write planned files, bring them to the medium together, and give their records.

    Raises
    ------
    DatasetWriteError
        If a formatter cannot write an object.
    StorageError
        If the storage fails.
    """
    reach("write.begin")
    store = setup.store
    beside = predicted and store.local_root is not None
    places = [_beside(planned.path) if beside else planned.path for planned in plan]
    created: list[str] = []
    try:
        written = _write_all(setup, plan, places, created, replace=predicted)
        reach("write.all_written")
        # It takes about as long as what it need not wait for: the folder of a single file is on its way to the medium.
        records = _records(setup, plan, written)
        if unsynced := [place for place, one in zip(places, written, strict=True) if not one.synced]:
            store.sync(unsynced)
        unnamed: list[str] = []
        for place, one in zip(places, written, strict=True):
            if one.naming is None:
                unnamed.append(place)
            else:
                store.wait_for_name(place, one.naming)
        if unnamed and not beside:
            # What is renamed has its name brought to the medium after that.
            store.sync_names(unnamed)
        reach("write.files_synced")
        if beside:
            created[:] = places
            for position, (planned, place) in enumerate(zip(plan, places, strict=True)):
                _rename(store, place, planned.path)
                created[position] = planned.path
                reach("write.renamed")
            store.sync_names([planned.path for planned in plan])
            reach("write.folders_synced")
        return records
    except BaseException as error:
        remove_created(store, created, error)
        raise


def remove_created(store: FileStore, created: Sequence[str], error: BaseException) -> None:
    """Remove the files that a failing call created, or was about to; what cannot be removed is noted on the error."""
    for path in created:
        try:
            store.remove(path)
        except (PachonError, OSError) as failure:
            if store.local_root is None or os.path.lexists(f"{store.local_root}/{path}"):
                error.add_note(f"The file {path} is in no record and could not be removed: {failure}")


@contextmanager
def making(created: list[str], path: str) -> Iterator[None]:
    """Make a file at a path that is nobody else's: it counts as created from before it is there.

    An interrupt may come at any moment, also when a file has just been made and nobody has been told of it.
    """
    created.append(path)
    try:
        yield
    except ResourceExistsError:
        # Whoever has the path got there first.
        created.remove(path)
        raise


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A file that was written."""

    size: int
    checksum: str
    synced: bool = False
    """Whether it is on the medium already."""
    naming: FolderSync | None = None
    """What brings its name there meanwhile; None if that is owed."""


def _write_all(
    setup: FileSetup,
    plan: Sequence[PlannedFile],
    places: Sequence[str],
    created: list[str],
    *,
    replace: bool,
) -> list[_Written]:
    """Write files and note their paths as created; the names of several are owed to the medium."""
    store = setup.store
    written: list[_Written | None] = [None] * len(plan)
    # The folder of one file is synced at the same time, those of many once, when all files are there.
    alone = len(plan) == 1 and not replace

    def write(file: tuple[int, str | None, Bytes]) -> None:
        position, local, data = file
        place = places[position]
        naming: FolderSync | None = None
        if replace and local is None:
            # What is at a predicted path is not only this write's: it is not removed before it was replaced.
            store.replace(place, data)
            created.append(place)
        else:
            with making(created, place):
                if alone and local is not None:
                    naming = store.begin(local, data)
                else:
                    store.fill(place, local, data, sync=True, sync_name=False)
        reach("write.written")
        # The length of a view counts its elements, which need not be bytes.
        size = memoryview(data).nbytes
        checksum = checksum_of_bytes(data) if setup.checksum else ""
        written[position] = _Written(size=size, checksum=checksum, synced=True, naming=naming)

    rooms: list[str | None] = []
    threads = _LOCAL_WRITERS if store.local_root is not None else worker_count()
    with ThreadedCalls(write, len(plan), threads) as writes:
        for position, (planned, place) in enumerate(zip(plan, places, strict=True)):
            data = _bytes_of(planned)
            if not rooms:  # an object that cannot be written has left no folders
                rooms = store.make_room(places, set() if len(places) > 1 else None)
            if data is None:
                written[position] = _write_by_formatter(setup, planned, place, created, replace=replace)
            else:
                writes.add((position, rooms[position], data), memoryview(data).nbytes)
    return [one for one in written if one is not None]


def _bytes_of(planned: PlannedFile) -> Bytes | None:
    """Give the content of a file, or None if the formatter writes to files only."""
    try:
        data = planned.formatter.to_bytes(planned.obj)
    except StorageError:
        raise
    except Exception as error:
        raise _own_error(planned, error) from error
    return None if data is NotImplemented else data


def _write_by_formatter(
    setup: FileSetup, planned: PlannedFile, place: str, created: list[str], *, replace: bool
) -> _Written:
    store = setup.store
    local = store.local_path(place)
    if local is not None:
        with making(created, place):
            store.create(place, b"")
        reach("write.created")
        size, checksum = _fill(setup, planned, local)
    else:
        with ResourcePath.temporary(suffix=planned.formatter.write_extension(planned.obj)) as temporary:
            temporary.write(b"", sync=False)
            size, checksum = _fill(setup, planned, temporary.ospath)
            if replace:
                store.upload(temporary.ospath, place, overwrite=True)
                created.append(place)
            else:
                with making(created, place):
                    store.upload(temporary.ospath, place, overwrite=False)
    reach("write.written")
    return _Written(size=size, checksum=checksum)


def _fill(setup: FileSetup, planned: PlannedFile, local: str) -> tuple[int, str]:
    # The open file keeps its inode from being used again, should the formatter replace it.
    try:
        with open(local, "rb") as made:
            if planned.formatter.write_local_file(planned.obj, local) is NotImplemented:
                raise TypeError("it can only read")
            status = os.fstat(made.fileno())
            if not os.path.samestat(status, os.stat(local)):
                raise TypeError("it replaced the file instead of writing into it")
    except StorageError:
        raise
    except Exception as error:
        raise _own_error(planned, error) from error
    return status.st_size, checksum_of_file(local) if setup.checksum else ""


def _own_error(planned: PlannedFile, error: Exception) -> Exception:
    """Give the error of ours for what a formatter raised; it is anybody's code and may raise anything."""
    if isinstance(error, OSError):
        return StorageError(f"{planned.path} cannot be written: {error}")
    return planned.failed(error)


def _beside(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}.{cut_name(name, 220)}-{unique_token()}.part"


def _rename(store: FileStore, place: str, path: str) -> None:
    try:
        os.replace(f"{store.local_root}/{place}", f"{store.local_root}/{path}")
    except OSError as error:
        raise StorageError(f"{path} below {store.root} cannot be put in place: {error.strerror or error}") from error


def _records(setup: FileSetup, plan: Sequence[PlannedFile], written: Sequence[_Written]) -> NewFileRecords:
    rows = [
        (planned.component or "", planned.path, planned.formatter_name, planned.storage_class, one.checksum, setup.name)
        for planned, one in zip(plan, written, strict=True)
    ]
    texts = np.empty((len(rows), 6), dtype=object)
    if rows:
        texts[:] = rows
    component, path, formatter, storage_class, checksum, datastore = texts.T
    created = np.empty(len(plan), dtype=np.bool_)
    created.fill(True)
    records = NewFileRecords(
        dataset_id=ids_from_uuids([planned.ref.id for planned in plan]),
        component=component,
        path=path,
        formatter=formatter,
        storage_class=storage_class,
        size=np.array([one.size for one in written], dtype=np.int64),
        checksum=checksum,
        datastore=datastore,
        created=created,
    )
    records.check_lengths()
    return records
