# SPDX-License-Identifier: BSD-3-Clause
"""Folders that a repair has emptied. An object store has none.

A process that writes brings the name of a folder to the medium once, and then relies on it. So a folder is removed only where nobody
can: nobody is at work who could write there, and for a while nobody has. Whoever begins just now makes a folder anew that is gone, or
fails, having acknowledged nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from pachon.butler.fsck.unnamed_files import Circumstances
from pachon.butler.session import Session
from pachon.butler.writer_table import WriterTable
from pachon.datasets import CollectionType
from pachon.datastore.file_check import FileKeeper
from pachon.quantum_butler.run_lock import RunBusyError, refuse_busy_runs

__all__ = ["old_folders", "remove_emptied"]


def old_folders(root: str, paths: Iterable[str], *, before_ns: int) -> list[str]:
    """Give the folders of files, and those above them, in which nothing was made or removed since a time.

    Ask before the files are removed, which changes the folders.

    Parameters
    ----------
    root
        A local folder; it is none of those that are given.
    paths
        The files, below the root.
    before_ns
        Unix time, ns.

    Returns
    -------
    list of str
        Below the root, what lies in another before that.
    """
    folders: set[str] = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    return sorted((folder for folder in folders if _changed_ns(f"{root}/{folder}") <= before_ns), reverse=True)


def remove_emptied(
    session: Session, keeper: FileKeeper, table: WriterTable, folders: Sequence[str], now_ns: int
) -> None:
    """Remove those of some folders that hold nothing, unless they may be wanted; those of runs stay, as long as there is the run."""
    if not folders:
        return
    writers = Circumstances.of(table.fetch_all(), now_ns=now_ns, min_age_s=0.0)
    if writers.alive - {session.repository.files.lease.hold()}:
        return
    root = keeper.root.ospath.rstrip("/")
    runs = session.registry.collections.query("*", types={CollectionType.RUN})
    wanted = {run[:end] for run in runs for end in (*_slashes(run), len(run))}
    for folder in folders:
        if folder not in wanted and not _is_busy(keeper, folder):
            try:
                os.rmdir(f"{root}/{folder}")
            except OSError:
                continue  # it holds something, or is gone


def _is_busy(keeper: FileKeeper, folder: str) -> bool:
    """Tell whether quanta are run into the run of a folder: such processes are no writers that the database knows."""
    try:
        refuse_busy_runs(keeper.root.geturl(), [folder[:end] for end in (*_slashes(folder), len(folder))])
    except RunBusyError:
        return True
    return False


def _slashes(path: str) -> list[int]:
    return [place for place, letter in enumerate(path) if letter == "/"]


def _changed_ns(folder: str) -> int:
    try:
        status = os.stat(folder)
    except OSError:
        return 0  # it is gone, or cannot be removed either
    return max(status.st_mtime_ns, status.st_ctime_ns)
