# SPDX-License-Identifier: BSD-3-Clause
"""Calls that wait for a storage, several at a time.

A journalling file system commits the fsyncs that wait together, and a store answers many requests at a time. In memory nothing
waits, and threads would only stand in each other's way: the quickest of the first calls tells.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

from pachon.base import StorageError

__all__ = ["ThreadedCalls"]

Item = TypeVar("Item")

_TRIED = 4
"""Calls that are made by the thread of the caller, to see how long they take."""
QUICK_S = 100e-6
"""Seconds for a call that no thread is worth: handing it over takes as long."""
_SHARE = 64
"""Calls that are handed over together at most."""
_SHARE_BYTES = 1 << 20
_MOST_BYTES = 1 << 26
"""Bytes that wait for their calls at most; more make the caller wait."""


class ThreadedCalls(Generic[Item]):
    """Calls a function for many items, in threads if they are many and take their time.

    ``with ThreadedCalls(function, count, threads) as calls: calls.add(item)``: all calls have been made when the block ends without
    an error. When it raises no thread is at work any more, and what was not begun is not done.

    Parameters
    ----------
    function
        What is called with each item, by several threads.
    count
        How many items there will be, about.
    threads
        How many calls are made at a time.
    """

    def __init__(self, function: Callable[[Item], object], count: int, threads: int) -> None:
        self._function = function
        self._tried = 0
        self._quickest = float("inf")
        self._alone = count <= _TRIED
        self._share = max(1, min(_SHARE, -(-count // threads)))
        self._most_threads = threads
        self._threads: ThreadPoolExecutor | None = None
        self._stopped = False
        self._collected: list[Item] = []
        self._collected_bytes = 0
        self._waiting: deque[tuple[Future[None], int]] = deque()
        self._waiting_bytes = 0

    def __enter__(self) -> ThreadedCalls[Item]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if self._tried < _TRIED or self._alone:
            return  # nothing was handed over
        try:
            if kind is None:
                self._hand_over()
                self._wait(0)
        except BaseException:
            self._stopped = True
            raise
        finally:
            if kind is not None:
                self._stopped = True
            if self._threads is not None:
                self._threads.shutdown(wait=True, cancel_futures=True)

    def add(self, item: Item, size: int = 0) -> None:
        """Call the function, now or later.

        Parameters
        ----------
        item
            What it is called with.
        size
            Bytes of memory that are held until then.

        Raises
        ------
        Exception
            What this call raised, or another one of the block.
        """
        if self._alone:
            self._function(item)
            return
        if self._tried < _TRIED:
            self._try(item)
            return
        if self._stopped:
            self._wait(0)
        self._collected.append(item)
        self._collected_bytes += size
        if len(self._collected) >= self._share or self._collected_bytes >= _SHARE_BYTES:
            self._hand_over()
            self._wait(_MOST_BYTES)

    def _try(self, item: Item) -> None:
        """Make one of the first calls, and see whether threads are worth it."""
        start = time.perf_counter()
        self._function(item)
        # The quickest, since a busy machine interrupts any of them.
        self._quickest = min(self._quickest, time.perf_counter() - start)
        self._tried += 1
        self._alone = self._tried == _TRIED and self._quickest < QUICK_S

    def _hand_over(self) -> None:
        if not self._collected:
            return
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._most_threads)
        try:
            future = self._threads.submit(self._call_each, self._collected)
        except RuntimeError as error:  # no more threads for this process, or Python is about to end
            raise StorageError(f"No thread can be started to work with files: {error}") from error
        self._waiting.append((future, self._collected_bytes))
        self._waiting_bytes += self._collected_bytes
        self._collected, self._collected_bytes = [], 0

    def _wait(self, most: int) -> None:
        """Wait until no more than so many bytes wait for their calls; for all calls, if that is none."""
        while self._waiting and (self._waiting_bytes > most or not most):
            future, size = self._waiting.popleft()
            future.result()
            self._waiting_bytes -= size

    def _call_each(self, share: Sequence[Item]) -> None:
        try:
            for item in share:
                if self._stopped:
                    return
                self._function(item)
        except BaseException:
            self._stopped = True
            raise
