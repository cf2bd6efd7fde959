# SPDX-License-Identifier: BSD-3-Clause
"""Bringing the names in a folder to the medium: alone, or while the file that was made in it is on its way there too.

A journalling file system writes both with one entry of its journal. Whoever asks for them one after the other waits for the disk
once more, for nothing.
"""

from __future__ import annotations

import errno
import os
import threading
from contextlib import AbstractContextManager
from queue import Empty, SimpleQueue
from types import TracebackType

__all__ = ["FolderSync", "sync_folder"]

_NO_FOLDER_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


def sync_folder(path: str) -> None:
    """Bring the names in a folder to the medium, where the file system knows how."""
    descriptor = os.open(path or ".", os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


_Answer = SimpleQueue[BaseException | None]
_Request = tuple[str, _Answer]
_User = dict[str, object]
"""Who uses the helper, if anybody does. That is looked up and said in one step, and unlike a lock tells whoever is interrupted whether
it was he."""
_IDLE_S = 0.5
"""Seconds after which the helper ends."""


class FolderSync(AbstractContextManager[None]):
    """Does what `sync_folder` does while its caller does something else; it has come to its end after `wait`.

    As a context manager it waits at the end of the block, whose exception is the one that is raised if both fail.
    """

    __slots__ = ("_answer", "path")

    def __init__(self, path: str) -> None:
        self.path = path
        answer: _Answer = SimpleQueue()
        self._answer = answer if _helper.take(path, answer) else None

    def wait(self) -> None:
        """Wait for the end, once; when the helper was at work for another thread, the folder is synced now.

        Raises
        ------
        OSError
            If it failed.
        """
        if self._answer is None:
            sync_folder(self.path)
        elif (failure := self._answer.get()) is not None:
            raise failure

    def abandon(self) -> None:
        """Wait for the end of what was begun, whatever becomes of it."""
        if self._answer is not None:
            self._answer.get()

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if kind is None:
            self.wait()
        else:
            self.abandon()


class _Helper:
    """A thread that syncs one folder at a time; it is started when it is needed, and ends when it is not for a while.

    So a process that forks some time after its last write has no threads because of this.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Begin anew: a forked child has no threads, and who used the helper in the parent never ends to."""
        self._user: _User = {}
        self._asked: SimpleQueue[_Request] | None = None

    def take(self, path: str, answer: _Answer) -> bool:
        """Begin with a folder, whose outcome the answer will get; tell whether that could be done at once."""
        user = self._user
        try:
            if user.setdefault("", answer) is not answer:
                return False
            asked = self._asked or self._start(user)
        except BaseException as error:
            if user.get("") is answer:
                del user[""]
            if isinstance(error, RuntimeError):  # no more threads for this process, or Python is about to end
                return False
            raise
        # What is asked from here on is no longer this thread's to give back.
        asked.put((path, answer))
        return True

    def _start(self, user: _User) -> SimpleQueue[_Request]:
        asked: SimpleQueue[_Request] = SimpleQueue()
        threading.Thread(target=self._work, args=(asked, user), name="folder sync", daemon=True).start()
        self._asked = asked
        return asked

    def _work(self, asked: SimpleQueue[_Request], user: _User) -> None:
        while True:
            try:
                path, answer = asked.get(timeout=_IDLE_S)
            except Empty:
                if user.setdefault("", asked) is not asked:
                    continue  # somebody is just about to ask
                self._asked = None
                del user[""]
                return
            failure: BaseException | None = None
            try:
                sync_folder(path)
            except BaseException as error:  # noqa: BLE001  # raised in the thread that asked
                failure = error
            del user[""]
            answer.put(failure)


_helper = _Helper()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_helper.reset)
