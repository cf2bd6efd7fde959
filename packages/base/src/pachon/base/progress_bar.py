# SPDX-License-Identifier: BSD-3-Clause
"""Progress bars that are silent until a program switches them on."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["ProgressBar", "enable_progress", "progress", "progress_wanted"]


class ProgressBar(Protocol):
    """What `progress` hands out."""

    def advance(self, count: float = 1) -> None:
        """Say that ``count`` more units are done."""

    def describe(self, text: str) -> None:
        """Change the words beside the bar."""


class _Silent:
    def advance(self, count: float = 1) -> None:
        pass

    def describe(self, text: str) -> None:
        pass


class _Drawn:
    def __init__(self, display: "Progress", text: str, total: float | None) -> None:
        self._display = display
        self._task = display.add_task(text, total=total)

    def advance(self, count: float = 1) -> None:
        self._display.advance(self._task, count)

    def describe(self, text: str) -> None:
        self._display.update(self._task, description=text)

    def close(self) -> None:
        self._display.refresh()
        self._display.remove_task(self._task)


_SILENT = _Silent()


class _Screen:
    """The one live display of a process, shared by nested bars and by threads."""

    def __init__(self) -> None:
        self.enabled = False
        self.wanted: bool | None = None
        self._lock = threading.Lock()
        self._display: Progress | None = None
        self._users = 0

    def open(self) -> "Progress":
        with self._lock:
            if self._display is None:
                # rich is wanted only by a program that shows bars.
                from rich.console import Console
                from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

                columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
                self._display = Progress(*columns, console=Console(stderr=True), transient=True)
                self._display.start()
            self._users += 1
            return self._display

    def close(self) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0 and self._display is not None:
                self._display.stop()
                self._display = None


_SCREEN = _Screen()


def enable_progress(enabled: bool | None = True) -> None:
    """Switch progress bars on or off for this process; they show on stderr and only when it is a terminal.

    `None` says that nobody asked: there are no bars, and a program may choose for itself what it shows.
    """
    _SCREEN.wanted = enabled
    _SCREEN.enabled = bool(enabled) and sys.stderr.isatty()


def progress_wanted() -> bool | None:
    """Tell whether progress was asked for or forbidden (`enable_progress`); `None`: neither."""
    return _SCREEN.wanted


@contextmanager
def progress(text: str, *, total: float | None = None) -> Iterator[ProgressBar]:
    """Show a progress bar while the body runs, if the program wants bars.

    Parameters
    ----------
    text
        What is being done, such as ``"Ingesting"``.
    total
        Number of units to be done; unknown if None.

    Yields
    ------
    ProgressBar
        Call ``advance(k)`` on it, from any thread.
    """
    if not _SCREEN.enabled:
        yield _SILENT
        return
    bar = _Drawn(_SCREEN.open(), text, total)
    try:
        yield bar
    finally:
        bar.close()
        _SCREEN.close()
