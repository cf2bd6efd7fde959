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
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pachon.base import PachonError, StorageError
from pachon.datasets import ids_from_uuids
from pachon.datastore.faults import reach
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.file_store import FileStore, checksum_of_bytes, checksum_of_file
from pachon.datastore.final_path import cut_name
from pachon.datastore.records import NewFileRecords, text_array
from pachon.datastore.write_plan import PlannedFile
from pachon.datastore.write_token import unique_token
from pachon.resources import ResourcePath
from pachon.resources.folder_sync import sync_folder

__all__ = ["remove_created", "write_files"]


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
    unsynced: list[str] = []
    plain: set[str] = set()
    sizes: list[int] = []
    checksums: list[str] = []
    try:
        for planned, place in zip(plan, places, strict=True):
            # One file is synced while it is open; many are synced together, faster than one after the other.
            written = _write_file(setup, planned, place, created, plain, replace=predicted, sync=len(plan) == 1)
            sizes.append(written.size)
            checksums.append(written.checksum)
            if not written.synced:
                unsynced.append(place)
        reach("write.all_written")
        # What is renamed has its name brought to the medium after that.
        store.sync(unsynced, sync_names=not beside)
        reach("write.files_synced")
        if beside:
            for position, (planned, place) in enumerate(zip(plan, places, strict=True)):
                _rename(store, place, planned.path)
                created[position] = planned.path
                reach("write.renamed")
            _sync_folders(store, [planned.path for planned in plan])
            reach("write.folders_synced")
        return _records(setup, plan, sizes, checksums)
    except BaseException as error:
        remove_created(store, created, error)
        raise


def remove_created(store: FileStore, created: Sequence[str], error: BaseException) -> None:
    """Remove the files that a failing call created; what cannot be removed is noted on the error."""
    for path in created:
        try:
            store.remove(path)
        except (PachonError, OSError) as failure:
            error.add_note(f"The file {path} was created, is in no record and could not be removed: {failure}")


@dataclass(frozen=True, slots=True)
class _Written:
    """A file that was written."""

    size: int
    checksum: str
    synced: bool
    """Whether it is on the medium already."""


def _write_file(
    setup: FileSetup,
    planned: PlannedFile,
    place: str,
    created: list[str],
    plain: set[str],
    *,
    replace: bool,
    sync: bool,
) -> _Written:
    """Write one file and note its path as created; ``plain`` is that of `check_inside`."""
    try:
        data = planned.formatter.to_bytes(planned.obj)
    except StorageError:
        raise
    except Exception as error:
        raise _own_error(planned, error) from error
    if data is NotImplemented:
        return _Written(*_write_by_formatter(setup, planned, place, created, replace=replace), synced=False)
    if replace and setup.store.local_root is None:
        setup.store.replace(place, data)
    else:
        setup.store.create(place, data, sync=sync, sync_name=not replace, plain=plain)
    created.append(place)
    reach("write.written")
    # The length of a view counts its elements, which need not be bytes.
    return _Written(memoryview(data).nbytes, checksum_of_bytes(data) if setup.checksum else "", synced=sync)


def _write_by_formatter(
    setup: FileSetup, planned: PlannedFile, place: str, created: list[str], *, replace: bool
) -> tuple[int, str]:
    store = setup.store
    local = store.local_path(place)
    if local is not None:
        store.create(place, b"")
        created.append(place)
        reach("write.created")
        size, checksum = _fill(setup, planned, local)
    else:
        with ResourcePath.temporary(suffix=planned.formatter.write_extension(planned.obj)) as temporary:
            temporary.write(b"", sync=False)
            size, checksum = _fill(setup, planned, temporary.ospath)
            store.upload(temporary.ospath, place, overwrite=replace)
        created.append(place)
    reach("write.written")
    return size, checksum


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


def _sync_folders(store: FileStore, paths: Sequence[str]) -> None:
    try:
        for folder in sorted({os.path.dirname(f"{store.local_root}/{path}") for path in paths}):
            sync_folder(folder)
    except OSError as error:
        raise StorageError(f"Folders below {store.root} cannot be brought to the medium: {error}") from error


def _records(
    setup: FileSetup, plan: Sequence[PlannedFile], sizes: Sequence[int], checksums: Sequence[str]
) -> NewFileRecords:
    count = len(plan)
    records = NewFileRecords(
        dataset_id=ids_from_uuids([planned.ref.id for planned in plan]),
        component=text_array([planned.component or "" for planned in plan]),
        path=text_array([planned.path for planned in plan]),
        formatter=text_array([planned.formatter_name for planned in plan]),
        storage_class=text_array([planned.storage_class for planned in plan]),
        size=np.array(sizes, dtype=np.int64),
        checksum=text_array(checksums),
        datastore=text_array([setup.name] * count),
        created=np.ones(count, dtype=np.bool_),
    )
    records.check_lengths()
    return records
