# SPDX-License-Identifier: BSD-3-Clause
"""Single steps on files; most are tested through those who use them."""

import os
import uuid
from pathlib import Path

import pytest

from pachon.datastore.file_store import FileStore
from pachon.resources import ResourcePath
from pachon.resources.errors import ResourceExistsError


@pytest.fixture
def elsewhere() -> FileStore:
    """Files that are not local."""
    return FileStore(ResourcePath(f"memory://{uuid.uuid4()}/files/"))


class TestLostAnswer:
    """A file that exists where a new one is made is our own if it holds the same: the answer to a PUT was lost."""

    def test_the_same_bytes(self, elsewhere: FileStore) -> None:
        elsewhere.create("a-w1.json", b"content")
        elsewhere.create("a-w1.json", b"content")
        assert elsewhere.uri("a-w1.json").read() == b"content"

    @pytest.mark.parametrize("other", [b"Content", b"contents", b""])
    def test_other_bytes(self, elsewhere: FileStore, other: bytes) -> None:
        elsewhere.create("a-w1.json", b"content")
        with pytest.raises(ResourceExistsError):
            elsewhere.create("a-w1.json", other)
        assert elsewhere.uri("a-w1.json").read() == b"content"

    def test_an_upload(self, elsewhere: FileStore, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"content")
        for _ in range(2):
            elsewhere.upload(str(source), "a-w1.json", overwrite=False)
        source.write_bytes(b"Content")
        with pytest.raises(ResourceExistsError):
            elsewhere.upload(str(source), "a-w1.json", overwrite=False)

    def test_local_files_have_no_answers_to_lose(self, tmp_path: Path) -> None:
        files = FileStore(ResourcePath(tmp_path))
        files.create("a-w1.json", b"content")
        with pytest.raises(ResourceExistsError):
            files.create("a-w1.json", b"content")


def test_sizes_of_many_files(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    (root / "run").mkdir(parents=True)
    outside.mkdir()
    for folder in (root / "run", outside):
        (folder / "a.txt").write_text("12345")
        (folder / "b.txt").write_text("")
    (root / "link").symlink_to(outside)
    (root / "run" / "folder").mkdir()
    store = FileStore(ResourcePath(str(root), force_directory=True))
    paths = [
        "run/a.txt",
        "run/b.txt",
        "run/c.txt",
        "run/a.txt",
        "run/folder",
        "run/..",
        "link/a.txt",
        "../outside/a.txt",
    ]
    sizes = [5, 0, None, 5, None, None, None, None]
    assert store.sizes(paths) == sizes
    assert store.exist(paths) == [size is not None for size in sizes]
    assert store.sizes([f"file://{outside}/a.txt", f"file://{outside}/c.txt"]) == [5, None]


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to see what is synced")
def test_names_of_folders_that_another_process_made_are_synced_once(tmp_path, monkeypatch):
    """That process may be just between making them and syncing them: who writes into them must not rely on it."""
    synced = []
    real = os.fsync

    def record(descriptor):
        synced.append(os.path.relpath(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    store = FileStore(ResourcePath(tmp_path, force_directory=True))
    (tmp_path / "a" / "b").mkdir(parents=True)
    store.create("a/b/c/one.txt", b"x", sync=True)
    # A file and its folder are synced at the same time, so in either order.
    assert synced[:3] == [".", "a", "a/b"]
    assert sorted(synced[3:]) == ["a/b/c", "a/b/c/one.txt"]
    synced.clear()
    store.create("a/b/c/two.txt", b"x", sync=True)
    assert sorted(synced) == ["a/b/c", "a/b/c/two.txt"]
    synced.clear()
    store.create("a/d/three.txt", b"x")
    assert synced == ["a"]
    synced.clear()
    store.create("four.txt", b"x", sync=True)
    assert sorted(synced) == [".", "four.txt"]
