# SPDX-License-Identifier: BSD-3-Clause
"""Listing a folder, comparing it with records, and putting files aside."""

import os
import time
from pathlib import Path
from uuid import UUID

import pytest

from pachon.base import StorageError
from pachon.datastore import FileRecords, StoredFile
from pachon.datastore.errors import PathOutsideRootError
from pachon.datastore.file_check import FileState, check_files
from pachon.datastore.file_store import FileStore, checksum_of_bytes
from pachon.datastore.stored_listing import LOST_FOLDER, list_files, set_aside
from pachon.resources import ResourcePath


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FileStore:
    place = str(tmp_path) if request.param == "local" else f"memory://{os.urandom(6).hex()}/files"
    return FileStore(ResourcePath(place, force_directory=True))


def row(path: str, content: bytes, **changes: object) -> StoredFile:
    values = {"size": len(content), "checksum": checksum_of_bytes(content), **changes}
    return StoredFile(dataset_id=UUID(int=1), path=path, formatter="text", storage_class="Text", **values)  # type: ignore[arg-type]


def test_the_list_has_every_file_and_size(store: FileStore) -> None:
    start = time.time_ns()
    names = ["a b.txt", "run/x#1.txt", "run/deep/er/%20.txt"]
    for name in names:
        store.create(name, name.encode())
    listings = list(list_files(store))
    found = dict(zip(listings[0].paths, listings[0].sizes.tolist(), strict=True))
    assert len(listings) == 1
    assert found == {name: len(name) for name in names}
    slack = 2_000_000_000  # clocks of storages tick in seconds
    assert ((listings[0].changed_ns >= start - slack) & (listings[0].changed_ns <= time.time_ns() + slack)).all()


def test_a_missing_root_is_no_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be listed"):
        list(list_files(FileStore(ResourcePath(str(tmp_path / "gone"), force_directory=True))))


def test_states(store: FileStore) -> None:
    store.create("good", b"12345")
    records = FileRecords.from_rows(
        [
            row("good", b"12345"),
            row("good", b"1234"),
            row("good", b"12346"),
            row("good", b"", size=None, checksum=None),
            row("nowhere", b"1"),
            row("../good", b"12345"),
            row("good#zip-path=member", b"1"),
        ]
    )
    quick = check_files(store, records, checksum=False).states
    whole = check_files(store, records, checksum=True).states
    good, missing, outside = FileState.GOOD, FileState.MISSING, FileState.OUTSIDE
    assert quick == (good, FileState.WRONG_SIZE, good, good, missing, outside, good)
    assert whole == (good, FileState.WRONG_SIZE, FileState.WRONG_CHECKSUM, good, missing, outside, good)


def test_links(tmp_path: Path) -> None:
    store = FileStore(ResourcePath(str(tmp_path / "root"), force_directory=True))
    store.create("real/file", b"123")
    (tmp_path / "root" / "linked").symlink_to("real")
    (tmp_path / "root" / "link").symlink_to("real/file")
    (tmp_path / "root" / "dangling").symlink_to("nothing")
    (tmp_path / "root" / "out").symlink_to(tmp_path)
    (listing,) = list_files(store)
    assert dict(zip(listing.paths, listing.sizes.tolist(), strict=True)) == {"real/file": 3, "link": 3, "dangling": -1}
    assert dict(listing.links) == {"linked": "real", "link": "real/file", "dangling": "nothing"}


def test_put_aside(store: FileStore) -> None:
    store.create("run/deep/x", b"123")
    place = set_aside(store, "run/deep/x", "20260101T000000Z")
    assert place == f"{LOST_FOLDER}/20260101T000000Z/run/deep/x"
    assert store.uri(place).read() == b"123"
    assert [path for listing in list_files(store) for path in listing.paths] == []
    with pytest.raises(PathOutsideRootError):
        set_aside(store, "../x", "now")
    with pytest.raises((StorageError, LookupError)):
        set_aside(store, "run/gone", "now")
