# SPDX-License-Identifier: BSD-3-Clause
"""One process at a time runs quanta of a graph into a run: two would do everything twice, and replace each other's outputs.

The lock is the system's lock of a file beside the receipts of the run. So it ends with its process, however that ends. Stores
that are no file system have no locks; there it is an object that its holder renews (`pachon.ctrl_mpexec.run_lease`).
"""

from __future__ import annotations

import contextlib
import datetime
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator

from pachon.base import ConflictError
from pachon.ctrl_mpexec.run_lease import LeaseHeldError, check_lease, run_lease
from pachon.quantum_butler import QuantumGraph, notes_folder
from pachon.resources import ResourcePath

__all__ = ["RunBusyError", "refuse_busy_runs", "run_lock"]

_NAME = "running"


class RunBusyError(ConflictError):
    """Another process runs quanta into the run."""

    kind = "run_busy"

    def __init__(self, run: str, holder: str) -> None:
        super().__init__(run, holder)
        self.run, self.holder = run, holder

    def __str__(self) -> str:
        return f"Run {self.run!r} is being written by another process ({self.holder}); wait for its end, or end it."


def refuse_busy_runs(root: str, runs: Iterable[str]) -> None:
    """Refuse to remove runs into which another process runs quanta at this moment.

    Raises
    ------
    RunBusyError
        It names the process.
    """
    place = ResourcePath(root, force_directory=True)
    if not place.is_local:
        for run in runs:
            try:
                check_lease(_lease_place(place, run))
            except LeaseHeldError as error:
                raise RunBusyError(run, error.holder) from None
        return
    if os.name != "posix":
        return
    import fcntl

    for run in runs:
        path = notes_folder(place, run).join(_NAME).ospath
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # nobody ever ran anything into it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 1000).decode(errors="replace").strip()
            raise RunBusyError(run, holder or "unknown") from None
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def run_lock(graph: QuantumGraph, root: str | None = None) -> Iterator[None]:
    """Keep others from running into the output run of a graph as long as the block lasts.

    Raises
    ------
    RunBusyError
        If somebody does; nothing is waited for.
    """
    if graph.datastore is None:
        yield
        return
    place = ResourcePath(root if root is not None else graph.datastore.root, force_directory=True)
    run = graph.header.output_run
    if not place.is_local:
        with _leased(place, run):
            yield
        return
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        yield
        return
    path = notes_folder(place, run).join(_NAME).ospath
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 1000).decode(errors="replace").strip()
            raise RunBusyError(run, holder or "unknown") from None
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"process {os.getpid()} on {platform.node()} since {now}: {_command()}\n".encode(), 0)
        yield
    finally:
        # Closing gives the lock back. The file stays: one that is removed could be locked by two.
        os.close(descriptor)


@contextlib.contextmanager
def _leased(place: ResourcePath, run: str) -> Iterator[None]:
    try:
        with run_lease(_lease_place(place, run), command=_command()):
            yield
    except LeaseHeldError as error:
        raise RunBusyError(run, error.holder) from None


def _lease_place(place: ResourcePath, run: str) -> ResourcePath:
    return notes_folder(place, run).join(f"{_NAME}.json")


def _command() -> str:
    return shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])[:300]
