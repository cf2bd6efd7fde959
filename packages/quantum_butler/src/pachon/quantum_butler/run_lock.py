# SPDX-License-Identifier: BSD-3-Clause
"""One process at a time runs quanta of a graph into a run: two would do everything twice, and replace each other's outputs.

The lock is the system's lock of a file beside the receipts of the run. So it ends with its process, however that ends. Stores
that are no file system have no locks; there it is an object that its holder renews (`pachon.quantum_butler.run_lease`).
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
from pachon.datastore import PathOutsideRootError
from pachon.datastore.final_path import check_stored_path
from pachon.quantum_butler.graph import QuantumGraph
from pachon.quantum_butler.run_journal import LockContent, RunJournal, read_lock_content
from pachon.quantum_butler.run_lease import LeaseHeldError, check_lease, run_lease
from pachon.quantum_butler.run_places import notes_folder
from pachon.resources import ResourcePath

__all__ = ["RunBusyError", "interrupted_quanta", "lock_run", "refuse_busy_runs", "run_lock", "was_cut_off"]

_NAME = "running"
_held: set[str] = set()
"""Folders of the runs whose locks this process holds: it may remove outputs of its own."""


class RunBusyError(ConflictError):
    """Another process runs quanta into the run."""

    kind = "run_busy"

    def __init__(self, run: str, holder: str) -> None:
        super().__init__(run, holder)
        self.run, self.holder = run, holder

    def __str__(self) -> str:
        return f"Run {self.run!r} is being written by another process ({self.holder}); wait for its end, or end it."


def refuse_busy_runs(root: str, runs: Iterable[str]) -> None:
    """Refuse to remove runs, or datasets of them, into which another process runs quanta at this moment.

    Parameters
    ----------
    root
        Root of the datastore.
    runs
        Names of the runs.

    Raises
    ------
    RunBusyError
        It names the process.
    """
    place = ResourcePath(root, force_directory=True)
    others = [run for run in runs if _may_have_lock(run) and _key(place, run) not in _held]
    if not place.is_local:
        for run in others:
            try:
                check_lease(_lease_place(place, run))
            except LeaseHeldError as error:
                raise RunBusyError(run, error.holder) from None
        return
    if os.name != "posix":
        return
    import fcntl

    for run in others:
        path = notes_folder(place, run).join(_NAME).ospath
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            continue  # nobody ever ran anything into it
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunBusyError(run, _holder(descriptor)) from None
        finally:
            os.close(descriptor)


def was_cut_off(root: str, run: str) -> bool:
    """Tell whether the last process that ran quanta into a run ended without an end of its work: it was killed, say.

    One that still runs was not.

    Parameters
    ----------
    root
        Root of the datastore.
    run
        Name of the run.
    """
    if not _has_notes(ResourcePath(root, force_directory=True), run):
        return False
    try:
        refuse_busy_runs(root, [run])
    except RunBusyError:
        return False
    return True


def _has_notes(place: ResourcePath, run: str) -> bool:
    """Tell whether a process that runs quanta into a run, or ran some, has not taken its notes away, as it does at its end."""
    if not place.is_local:
        return _lease_place(place, run).exists()
    try:
        return os.path.getsize(notes_folder(place, run).join(_NAME).ospath) > 0
    except OSError:
        return False


def interrupted_quanta(root: str, run: str) -> LockContent | None:
    """Say which quanta ran when the last execution of a run was cut off; `None` if it was not, or nobody knows.

    Parameters
    ----------
    root
        Root of the datastore; in an object store nothing is noted.
    run
        Name of the run.
    """
    place = ResourcePath(root, force_directory=True)
    if not place.is_local or not was_cut_off(root, run):
        return None
    try:
        with open(notes_folder(place, run).join(_NAME).ospath, encoding="utf-8", errors="replace") as stream:
            return read_lock_content(stream.read())
    except OSError:
        return None


@contextlib.contextmanager
def run_lock(graph: QuantumGraph, root: str | None = None) -> Iterator[RunJournal]:
    """Keep others from running into the output run of a graph as long as the block lasts; give where quanta are noted.

    Raises
    ------
    RunBusyError
        If somebody does; nothing is waited for.
    """
    if graph.datastore is None:
        yield RunJournal(None)
        return
    with lock_run(root if root is not None else graph.datastore.root, graph.header.output_run) as journal:
        yield journal


@contextlib.contextmanager
def lock_run(root: str, run: str) -> Iterator[RunJournal]:
    """Do what `run_lock` does for a run below the root of a datastore."""
    place = ResourcePath(root, force_directory=True)
    with _leased(place, run) if not place.is_local else _locked(place, run) as journal:
        _held.add(_key(place, run))
        try:
            yield journal
        finally:
            _held.discard(_key(place, run))


@contextlib.contextmanager
def _locked(place: ResourcePath, run: str) -> Iterator[RunJournal]:
    try:
        import fcntl
    except ImportError:  # not a POSIX system
        yield RunJournal(None)
        return
    path = notes_folder(place, run).join(_NAME).ospath
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunBusyError(run, _holder(descriptor)) from None
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        journal = RunJournal(descriptor, f"process {os.getpid()} on {platform.node()} since {now}: {_command()}")
        try:
            yield journal
        except BaseException:
            journal.give_up()
            raise
        # Who finds something here, and no lock, knows that the execution did not come to its end.
        journal.close()
    finally:
        # Closing gives the lock back. The file stays: one that is removed could be locked by two.
        os.close(descriptor)


@contextlib.contextmanager
def _leased(place: ResourcePath, run: str) -> Iterator[RunJournal]:
    try:
        with run_lease(_lease_place(place, run), command=_command()):
            yield RunJournal(None)
    except LeaseHeldError as error:
        raise RunBusyError(run, error.holder) from None


def _holder(descriptor: int) -> str:
    return os.read(descriptor, 1000).decode(errors="replace").partition("\n")[0].strip() or "unknown"


def _key(place: ResourcePath, run: str) -> str:
    return notes_folder(place, run).geturl()


def _may_have_lock(run: str) -> bool:
    try:
        check_stored_path(run)
    except PathOutsideRootError:
        return False  # nothing can be run into it
    return True


def _lease_place(place: ResourcePath, run: str) -> ResourcePath:
    return notes_folder(place, run).join(f"{_NAME}.json")


def _command() -> str:
    return " ".join(shlex.join([os.path.basename(sys.argv[0]), *sys.argv[1:]])[:300].split())
