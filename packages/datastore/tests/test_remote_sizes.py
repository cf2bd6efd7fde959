# SPDX-License-Identifier: BSD-3-Clause
"""Sizes of files that are not of this machine: of many in a folder by listing it, of few one by one."""

import uuid
from collections.abc import Iterator

import pytest

from pachon.base import StorageError
from pachon.datastore.file_store import FileStore
from pachon.resources import ResourcePath


@pytest.fixture
def store() -> FileStore:
    return FileStore(ResourcePath(f"memory:///sizes-{uuid.uuid4()}/a b/", force_directory=True))


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that are listed."""
    folders: list[str] = []
    plain = ResourcePath.list_files

    def list_files(self: ResourcePath) -> Iterator[object]:
        folders.append(self.unquoted_path)
        return plain(self)

    monkeypatch.setattr(ResourcePath, "list_files", list_files)
    return folders


def test_folders_of_many_files_are_listed(store: FileStore, listed: list[str]) -> None:
    many = [f"run/raw #1/{n:03d} 100%.yaml" for n in range(40)]
    spread = [f"run/warp/{n // 3}/{n}/x.yaml" for n in range(18)]
    few = ["other/run/deep/er/a.yaml", "b.yaml"]
    paths = [*many, *spread, *few]
    for n, path in enumerate(paths):
        store.replace(path, b"x" * n)
    missing = ["run/raw #1/none.yaml", "run/warp/0/77/x.yaml", "nowhere/a/b/c/d.yaml", "run/raw #1"]
    asked = [*paths, *missing, "b.yaml"]
    assert store.sizes(asked) == [*range(len(paths)), None, None, None, None, len(paths) - 1]
    assert sorted(folder.rpartition("a b/")[2] for folder in listed) == ["run/raw #1/", "run/warp/"]


def test_what_may_not_be_listed_is_asked_for(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [f"run/raw/{n}.yaml" for n in range(20)]
    for path in paths[:-1]:
        store.replace(path, b"abc")

    def refuse(self: ResourcePath) -> Iterator[object]:
        raise StorageError(f"{self} may not be listed.")

    monkeypatch.setattr(ResourcePath, "list_files", refuse)
    assert store.sizes(paths) == [3] * 19 + [None]
