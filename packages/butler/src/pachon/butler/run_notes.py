# SPDX-License-Identifier: BSD-3-Clause
"""What executions keep beside the datasets of a run, and no row names: receipts, graphs, the lock, and the folders themselves."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable
from urllib.parse import quote

from pachon.base import PachonError
from pachon.butler.session import Session
from pachon.datasets import CollectionType
from pachon.datastore.file_check import FileKeeper
from pachon.datastore.template import folder_of_run
from pachon.quantum_butler import notes_folder, run_folder
from pachon.quantum_butler.run_lock import refuse_busy_runs
from pachon.resources import ResourcePath

__all__ = ["refuse_busy", "remove_run_notes"]

_log = logging.getLogger(__name__)


def remove_run_notes(session: Session, run: str) -> None:
    """Remove receipts, graphs and empty folders of a run that is gone.

    What cannot be removed is left, and does no harm: nothing names it, and `fsck` does not take it for data.

    Parameters
    ----------
    session
        The open butler.
    run
        The run; folders of other runs stay, empty or not.
    """
    root = _root(session)
    folder = run_folder(root, run)
    try:
        for place, _, names in notes_folder(root, run).walk():
            for name in names:
                ResourcePath(f"{place.geturl()}{quote(name)}").remove(missing_ok=True)
        if folder.is_local:
            top = root.ospath.rstrip("/")
            _remove_empty_folders(top, run, session.registry.collections.query(f"{run}/*"))
            if (of_files := folder_of_run(run)) != run:
                # Blanks, say, are no part of paths of files. Another run may have the same folder.
                runs = session.registry.collections.query("*", types={CollectionType.RUN})
                _remove_empty_folders(
                    top, of_files, [folder for name in runs for folder in (name, folder_of_run(name))]
                )
    except (PachonError, OSError) as error:
        _log.warning("Receipts and folders of run %s were not all removed: %s", run, error)


def refuse_busy(session: Session, runs: Iterable[str]) -> None:
    """Refuse to remove something of runs into which another process runs quanta at this moment.

    Raises
    ------
    RunBusyError
        It names the process.
    """
    refuse_busy_runs(_root(session).geturl(), runs)


def _root(session: Session) -> ResourcePath:
    # One that keeps no files has no locks of runs either.
    root = session.datastore.root if isinstance(session.datastore, FileKeeper) else session.root
    return ResourcePath(root, force_directory=True)


def _remove_empty_folders(root: str, run: str, others: Collection[str]) -> None:
    """Remove the folder of a run as far as it holds nothing, and those above it, up to the root."""
    if run in others:
        return
    kept = {f"{root}/{name}" for name in others if name.startswith(f"{run}/")}
    for place, _, _ in os.walk(f"{root}/{run}", topdown=False):
        if not any(place == other or place.startswith(f"{other}/") for other in kept):
            _remove_if_empty(place)
    above = os.path.dirname(run)
    while above and _remove_if_empty(f"{root}/{above}"):
        above = os.path.dirname(above)


def _remove_if_empty(folder: str) -> bool:
    try:
        os.rmdir(folder)
    except OSError:
        return False
    return True
