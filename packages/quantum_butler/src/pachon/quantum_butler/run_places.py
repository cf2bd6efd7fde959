# SPDX-License-Identifier: BSD-3-Clause
"""Where a run has its files below the root of the datastore, and what executions keep there that no row names."""

from __future__ import annotations

from urllib.parse import quote

from pachon.datastore.final_path import check_stored_path
from pachon.resources import ResourcePath, ResourcePathExpression

__all__ = ["RECEIPT_FOLDER", "graphs_folder", "notes_folder", "run_folder"]

RECEIPT_FOLDER = ".receipts"
"""Name of the folder, within that of the run, of what is kept: receipts, graphs, the lock."""


def run_folder(root: ResourcePathExpression, run: str) -> ResourcePath:
    """Give the folder of a run.

    Raises
    ------
    PathOutsideRootError
        If the run, which a graph file may name, leads out of the root.
    """
    check_stored_path(run)
    # Characters of a run that mean something in a URI are plain ones here.
    place = ResourcePath(root, force_directory=True).geturl()
    return ResourcePath(f"{place}{quote(run)}/", force_directory=True)


def notes_folder(root: ResourcePathExpression, run: str) -> ResourcePath:
    """Give the folder of what is kept of the executions of a run; see `run_folder`."""
    return run_folder(root, run).join(f"{RECEIPT_FOLDER}/")


def graphs_folder(root: ResourcePathExpression, run: str) -> ResourcePath:
    """Give the folder of the graphs that were run; see `run_folder`."""
    return notes_folder(root, run).join("graphs/")
