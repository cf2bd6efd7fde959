# SPDX-License-Identifier: BSD-3-Clause
"""Running quanta of a graph file without a repository: outputs are files, and one receipt says what they are."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any
from urllib.parse import quote

from pachon.base import NotFoundError
from pachon.base.plain_yaml import load_plain_yaml
from pachon.base.utf8 import decode_text
from pachon.ctrl_mpexec.commit import remove_leftovers
from pachon.ctrl_mpexec.graph_store import keep_graph
from pachon.ctrl_mpexec.progress.reporter import ProgressReporter
from pachon.ctrl_mpexec.run_graph import check_options, initialize_graph, run_with_sink
from pachon.ctrl_mpexec.run_options import RunOptions
from pachon.ctrl_mpexec.run_report import RunReport
from pachon.ctrl_mpexec.task_checks import check_tasks
from pachon.ctrl_mpexec.worker import QuantumResult
from pachon.datasets import uuids_from_ids
from pachon.datastore import FileRecords, file_part
from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.quantum_butler import QuantumGraph, QuantumProvenance, Receipt, write_receipt
from pachon.quantum_butler.definition_marks import check_definitions
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

    @property
    def waiting(self) -> int:
        """How many files were taken."""
        return sum(map(len, self._files))

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
    _check_definitions(whole, place)
    check_tasks(graph)
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
    _check_definitions(graph, place)
    check_tasks(graph)
    tasks = GraphTasks(graph.pipeline, graph.universe)
    # Whoever asks later where an output comes from need not know where the file of the graph was.
    keep_graph(graph, place)
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
    """Give the place of the repository's files if it differs from what the graph says; look whether it is still that repository.

    Parameters
    ----------
    graph
        It says where the files were when it was built.
    repo
        A repository, whose configuration says where its files are; or that place itself, such as a bucket.

    Raises
    ------
    NotFoundError
        There is no such folder: a typo must not make one.
    GraphMismatchError
        It is another repository, or what was made in its place since: none of the files that the graph reads is there, or a storage
        class is defined otherwise.
    """
    if repo is None:
        return None
    known = None if graph.datastore is None else ResourcePath(graph.datastore.root, force_directory=True)
    is_place = "://" in repo or os.path.isdir(repo)
    place = repo if is_place and _is_in(known, repo) else _place_of_files(repo) or repo
    if not is_place and place == repo:
        meant = "" if known is None else f" The graph was made for {known}."
        raise NotFoundError(f"There is no folder {repo!r}, so it is no place of a repository.{meant}")
    if known is None:
        return place
    is_the_same = _is_in(known, place)
    asked = ResourcePath(place, force_directory=True)
    if is_place and "://" not in repo:
        _check_storage_classes(graph, ResourcePath(repo, force_directory=True))
    if asked.is_local or not is_the_same:
        # In an object store each look is a request, which many jobs would repeat.
        _check_inputs(graph, known if is_the_same else asked)
    return None if is_the_same else place


def _is_in(known: ResourcePath | None, place: str) -> bool:
    asked = ResourcePath(place, force_directory=True)
    return known is not None and (str(known) == str(asked) or known.relative_to(asked) is not None)


def _place_of_files(repo: str) -> str | None:
    """Give the root of the datastore of a repository, from its configuration; `None` if it has none. No database is opened."""
    # Who names the folder of the files needs none of this, and is to start quickly.
    from pachon.butler.files_root import files_root
    from pachon.butler.repository_config import RepositoryConfig
    from pachon.butler.repository_location import folder_text, has_repository, locate_repository

    if not has_repository(repo):
        return None
    location = locate_repository(repo)
    config = RepositoryConfig.from_text(decode_text(location.config.read(), str(location.config)), str(location.config))
    return folder_text(files_root(location, config))


def _check_inputs(graph: QuantumGraph, place: ResourcePath) -> None:
    """Refuse a place where nothing is of what the graph reads: a repository that was moved has its files."""
    inputs = graph.some_file_records(_LOOKED_AT)
    paths = [file_part(path) for path in inputs.path[inputs.owned()].tolist()]
    if paths and not any(exist_many(place.join_inside(quote(path)) for path in paths).values()):
        assert graph.datastore is not None
        built = f"The graph was built for the repository {graph.datastore.root}"
        what = "that was made anew" if str(place) == str(graph.datastore.root) else f"and {place} is another one"
        raise GraphMismatchError(
            f"{built}, {what}: of the inputs of the graph none is there, not {paths[0]!r} for one."
        )


def _check_storage_classes(graph: QuantumGraph, place: ResourcePath) -> None:
    """Compare the storage classes that the graph uses with what the configuration file of a repository says, if it has one."""
    config = place.join("butler.yaml")
    if graph.datastore is None or not config.exists():
        return
    document = load_plain_yaml(config.read(), str(config))
    known = document.get("storage_classes") if isinstance(document, dict) else None
    now: Mapping[str, Any] = known if isinstance(known, dict) else {}
    then = graph.datastore.storage_classes
    used = {dataset_type.storage_class.partition(".")[0] for dataset_type in graph.dataset_types.values()}
    # A definition that says nothing is null in one of them and empty in the other.
    changed = sorted(name for name in used if (now.get(name) or {}) != (then.get(name) or {}))
    if changed:
        raise GraphMismatchError(
            f"The repository's configuration ({config}) defines storage class {', '.join(changed)} otherwise than when the graph was built."
        )


def _check_definitions(graph: QuantumGraph, place: str | None) -> None:
    if graph.datastore is not None and (place is not None or graph.datastore.root):
        check_definitions(graph, _receipt_root(graph, place))


def _receipt_root(graph: QuantumGraph, place: str | None) -> ResourcePath:
    assert graph.datastore is not None
    return ResourcePath(place if place is not None else graph.datastore.root, force_directory=True)
