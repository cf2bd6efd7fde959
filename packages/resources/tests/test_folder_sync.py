# SPDX-License-Identifier: BSD-3-Clause
"""Folders are brought to the medium beside their files, and what fails there is told to whoever asked."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from pachon.resources import folder_sync
from pachon.resources.folder_sync import FolderSync, sync_folder
from pachon.resources.local_files import create_file


def fail_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sync of one folder fail."""
    real = os.fsync

    def refuse(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), os.stat(folder)):
            raise OSError(errno.EIO, "the disk is broken")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)


def test_both_are_synced_once_when_the_block_ends(tmp_path: Path, synced: list[str]) -> None:
    for number in range(20):
        synced.clear()
        create_file(str(tmp_path / str(number)), b"x")
        assert sorted(synced) == [str(tmp_path), str(tmp_path / str(number))]


def test_many_threads_each_get_their_own_folder_synced(tmp_path: Path, synced: list[str]) -> None:
    folders = [tmp_path / f"folder{number}" for number in range(8)]
    for folder in folders:
        folder.mkdir()
    begin = threading.Barrier(len(folders))

    def work(folder: Path) -> None:
        begin.wait(timeout=60)
        for number in range(20):
            create_file(str(folder / str(number)), b"x")

    with ThreadPoolExecutor(len(folders)) as threads:
        list(threads.map(work, folders))
    assert len(synced) == 8 * 20 * 2
    assert all(synced.count(str(folder)) == 20 for folder in folders)


def test_a_folder_that_cannot_be_synced_fails_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        fail_for(tmp_path, patch)
        with pytest.raises(OSError, match="the disk is broken"):
            create_file(str(tmp_path / "a"), b"x")
    assert not list(tmp_path.iterdir())
    create_file(str(tmp_path / "a"), b"x")


def test_the_failure_of_the_block_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_for(tmp_path, monkeypatch)
    with pytest.raises(ValueError, match="mine"), FolderSync(str(tmp_path)):
        raise ValueError("mine")


def test_while_the_helper_is_busy_a_folder_is_synced_after_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = tmp_path / "slow", tmp_path / "other"
    slow.mkdir()
    other.mkdir()
    release = threading.Event()
    real = os.fsync
    synced: list[str] = []

    def wait_for_release(descriptor: int) -> None:
        if os.path.samestat(os.fstat(descriptor), os.stat(slow)):
            assert release.wait(60)
        else:
            synced.append("other")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", wait_for_release)
    with FolderSync(str(slow)):
        with FolderSync(str(other)):
            assert not synced
        assert synced == ["other"]
        release.set()


def test_the_helper_ends_when_it_is_idle_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Longer than a busy machine lets a test wait between two lines.
    monkeypatch.setattr(folder_sync, "_IDLE_S", 3.0)

    def helpers() -> list[threading.Thread]:
        return [thread for thread in threading.enumerate() if thread.name == "folder sync"]

    for number in range(2):
        create_file(str(tmp_path / str(number)), b"x")
        (helper,) = helpers()
        helper.join(60)
        assert not helpers()


def test_an_interrupt_while_the_helper_starts_keeps_nobody_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_sync, "_helper", helper := folder_sync._Helper())
    real = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        real(thread)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            create_file(str(tmp_path / "a"), b"x")
    assert not list(tmp_path.iterdir())
    answer: SimpleQueue[BaseException | None] = SimpleQueue()
    assert helper.take(str(tmp_path), answer)
    assert answer.get(timeout=60) is None


def test_an_interrupt_just_when_the_helper_is_had_gives_it_back(tmp_path: Path) -> None:
    class Interrupted(dict[str, object]):
        def setdefault(self, *arguments: Any) -> Any:
            super().setdefault(*arguments)
            raise KeyboardInterrupt

    helper = folder_sync._Helper()
    answer: SimpleQueue[BaseException | None] = SimpleQueue()
    users = helper._user
    helper._user = Interrupted(users)
    with pytest.raises(KeyboardInterrupt):
        helper.take(str(tmp_path), answer)
    assert not helper._user
    helper._user = users
    assert helper.take(str(tmp_path), answer)
    assert answer.get(timeout=60) is None


def test_a_forked_child_has_a_helper_of_its_own(tmp_path: Path) -> None:
    create_file(str(tmp_path / "before"), b"x")
    with FolderSync(str(tmp_path)):
        child = os.fork()
        if child == 0:
            try:
                create_file(str(tmp_path / "child"), b"x")
                with FolderSync(str(tmp_path)):
                    pass
                os._exit(0)
            except BaseException:  # noqa: BLE001  # the parent sees the exit code
                os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
    create_file(str(tmp_path / "after"), b"x")
    sync_folder(str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"before", "child", "after"}
