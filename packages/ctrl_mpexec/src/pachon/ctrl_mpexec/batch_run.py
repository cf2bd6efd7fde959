# SPDX-License-Identifier: BSD-3-Clause
"""Running quanta of a graph file without a repository: outputs are files, and one receipt says what they are."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from dataclasses import fields, replace
from urllib.parse import quote

from pachon.base import NotFoundError
from pachon.ctrl_mpexec.commit import remove_leftovers
from pachon.ctrl_mpexec.progress.reporter import ProgressReporter
from pachon.ctrl_mpexec.run_graph import check_options, initialize_graph, run_with_sink
from pachon.ctrl_mpexec.run_options import RunOptions
from pachon.ctrl_mpexec.run_report import RunReport
from pachon.ctrl_mpexec.worker import QuantumResult
from pachon.datasets import uuids_from_ids
from pachon.datastore import FileRecords, file_part
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.quantum_butler import QuantumGraph, QuantumProvenance, Receipt, write_receipt
from pachon.quantum_butler.errors import GraphMismatchError
from pachon.resources import ResourcePath, exist_many

__all__ = ["ReceiptCollector", "initialize_batch", "run_batch"]

_LOOKED_AT = 20
"""Inputs of each dataset type that are looked for in a repository that was moved."""


class ReceiptCollector:
    """Takes the results of quanta and makes one receipt of them."""

    def __init__(self, graph: QuantumGraph, root: str | None = None) -> None:
        self._graph = graph
        self._root = root
        self._files: list[FileRecords] = []
        self._provenance: list[QuantumProvenance] = []

    def take(self, result: QuantumResult) -> None:
        """Take what one quantum gave."""
        if result.leftovers:
            remove_leftovers(self._graph, result, root=self._root)
        self._files.append(result.files)
        if result.provenance is not None:
            self._provenance.append(result.provenance)

    def commit_if_due(self) -> None:
        """Nothing is written before the end."""

    def commit(self) -> None:
        """Nothing is written before the end."""

    def receipt(self, quanta: Iterable[uuid.UUID]) -> Receipt:
        """Make the receipt of all that was taken."""
        merged = {
            item.name: frozenset().union(*(getattr(p, item.name) for p in self._provenance))
            for item in fields(QuantumProvenance)
        }
        return Receipt(
            graph_id=self._graph.header.graph_id,
            run=self._graph.header.output_run,
            quanta=tuple(quanta),
            records=FileRecords.concat(self._files) if self._files else FileRecords.empty(),
            provenance=QuantumProvenance(**merged),
        )


def run_batch(
    graph_uri: str,
    quanta: Iterable[uuid.UUID] | None,
    options: RunOptions,
    *,
    no_existing_outputs: bool = False,
    root: str | None = None,
    reporter: ProgressReporter | None = None,
) -> RunReport:
    """Run quanta of a graph file; no database is opened.

    Parameters
    ----------
    graph_uri
        The graph file.
    quanta
        Ids of the quanta; all if left out.
    options
        How they are run.
    no_existing_outputs
        Assume that nothing was written before, and check nothing.
    root
        The repository: another place for the datastore's files than the graph says, if it was moved.
    reporter
        Is told how it goes.
    """
    whole = QuantumGraph.open(graph_uri)
    graph = whole if quanta is None else whole.subset(quanta)
    check_options(graph, options)
    place = _other_root(whole, root)
    execution = replace(options.execution, assume_no_existing_outputs=no_existing_outputs)
    collector = ReceiptCollector(whole, place)
    report = run_with_sink(graph, graph_uri, replace(options, execution=execution, root=place), collector, reporter)
    receipt = collector.receipt(uuids_from_ids(graph.ids))
    if len(receipt.records):
        write_receipt(_receipt_root(whole, place), receipt)
    return report


def initialize_batch(graph_uri: str, *, versions: bool = True, root: str | None = None) -> int:
    """Write the init datasets of a graph file, with a receipt; give their number."""
    graph = QuantumGraph.open(graph_uri)
    place = _other_root(graph, root)
    tasks = GraphTasks(graph.pipeline, graph.universe)
    files = initialize_graph(graph_uri, tasks, versions=versions, root=place)
    if len(files):
        receipt = Receipt(
            graph_id=graph.header.graph_id,
            run=graph.header.output_run,
            quanta=tuple(entry.id for entry in graph.structure.init.values()),
            records=files,
        )
        write_receipt(_receipt_root(graph, place), receipt)
    return len(files)


def _other_root(graph: QuantumGraph, repo: str | None) -> str | None:
    """Give the place of the repository if it differs from what the graph says.

    Raises
    ------
    NotFoundError
        There is no such folder: a typo must not make one.
    GraphMismatchError
        It is another repository: none of the files that the graph reads is there.
    """
    if repo is not None and "://" not in repo and not os.path.isdir(repo):
        meant = "" if graph.datastore is None else f" The graph was made for {graph.datastore.root}."
        raise NotFoundError(f"There is no folder {repo!r}, so it is no place of a repository.{meant}")
    if repo is None or graph.datastore is None:
        return repo
    known = ResourcePath(graph.datastore.root, force_directory=True)
    asked = ResourcePath(repo, force_directory=True)
    if str(known) == str(asked) or known.relative_to(asked) is not None:
        return None
    _check_inputs(graph, asked)
    return repo


def _check_inputs(graph: QuantumGraph, place: ResourcePath) -> None:
    """Refuse a place where nothing is of what the graph reads: a repository that was moved has its files."""
    inputs = graph.some_file_records(_LOOKED_AT)
    paths = [file_part(path) for path in inputs.path[inputs.owned()].tolist()]
    if paths and not any(exist_many(place.join_inside(quote(path)) for path in paths).values()):
        assert graph.datastore is not None
        raise GraphMismatchError(
            f"The graph was built for the repository {graph.datastore.root}, and {place} is another one: of the inputs of the "
            f"graph none is there, not {paths[0]!r} for one."
        )


def _receipt_root(graph: QuantumGraph, place: str | None) -> ResourcePath:
    assert graph.datastore is not None
    return ResourcePath(place if place is not None else graph.datastore.root, force_directory=True)
