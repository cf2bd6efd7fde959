# SPDX-License-Identifier: BSD-3-Clause
"""Where the graphs of a run are kept beside its receipts, so that what it made can be traced."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from pachon.quantum_butler import QuantumGraph, graphs_folder
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from pachon.butler import Butler

__all__ = ["PROVENANCE_SUFFIX", "graph_files", "keep_graph", "provenance_path"]

_log = logging.getLogger("pachon.ctrl_mpexec")

PROVENANCE_SUFFIX: Final = ".provenance.qg"


def keep_graph(graph: QuantumGraph, root: str | None = None) -> ResourcePath | None:
    """Write a graph beside the receipts of its run, before its first quantum runs; one that is there stays.

    A graph that is a part of another one, or that does not know its datastore, is not kept.
    """
    if graph.datastore is None or graph.is_partial or not len(graph):
        return None
    folder = graphs_folder(root if root is not None else graph.datastore.root, graph.header.output_run)
    path = folder.join(f"{graph.header.graph_id}.qg")
    try:
        if not path.exists():
            folder.mkdir()
            graph.write(path, overwrite=True)
    except OSError as error:
        _log.warning("The graph could not be kept for provenance: %s", error)
        return None
    return path


def provenance_path(graph: QuantumGraph) -> ResourcePath:
    """Give where the provenance graph of a graph is kept, if the user names no other place."""
    assert graph.datastore is not None
    folder = graphs_folder(graph.datastore.root, graph.header.output_run)
    folder.mkdir()
    return folder.join(f"{graph.header.graph_id}{PROVENANCE_SUFFIX}")


def graph_files(butler: Butler, run: str) -> list[ResourcePath]:
    """List the graphs that are kept of a run."""
    folder = graphs_folder(str(butler.datastore_document()["root"]), run)
    if not folder.exists():
        return []
    return sorted(
        (
            ResourcePath(f"{place.geturl()}{name}")
            for place, _, names in folder.walk()
            for name in names
            if name.endswith(".qg")
        ),
        key=str,
    )
