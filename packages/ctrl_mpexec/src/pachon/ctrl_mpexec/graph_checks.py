# SPDX-License-Identifier: BSD-3-Clause
"""Whether a repository, and the code at hand, are still those that a quantum graph was built with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pachon.base import InvalidInputError
from pachon.butler.graph_match import GraphMismatchError, check_dataset_types, check_universe
from pachon.ctrl_mpexec.task_checks import check_tasks
from pachon.dimensions import match_rows
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from pachon.butler import Butler
    from pachon.quantum_butler import QuantumGraph

__all__ = [
    "GraphMismatchError",
    "check_configs_of_done_tasks",
    "check_graph",
    "check_outputs_of_others",
    "check_repository",
]


def check_graph(butler: Butler, graph: QuantumGraph) -> None:
    """Compare a graph with the repository in which it is to run, and with the tasks at hand.

    Raises
    ------
    GraphMismatchError
        If the files of the graph are in another repository, its dimensions are others, or a dataset type was changed.
    InvalidInputError
        If dataset types are not registered.
    PipelineGraphError
        If the code of a task differs from what the graph was built with.
    """
    _check_place(butler, graph)
    check_universe(graph.universe, butler.universe)
    _check_dataset_types(butler, graph)
    check_tasks(graph)


def check_repository(graph: QuantumGraph, repository: str) -> None:
    """Compare a graph with the database of a repository before its jobs start, which see no database.

    Dataset types that are not registered may still be; ``transfer-from-graph`` says if they are not.

    Raises
    ------
    GraphMismatchError
        If the dimensions are others, a dataset type was changed, or the run holds outputs of another graph in the place of its own.
    """
    from pachon.butler import Butler

    with Butler.open(repository) as butler:
        check_universe(graph.universe, butler.universe)
        wanted = graph.dataset_types
        check_dataset_types(wanted.values(), butler.fetch_dataset_types(wanted))
        check_outputs_of_others(butler, graph)


def check_configs_of_done_tasks(butler: Butler, graph: QuantumGraph) -> None:
    """Compare the configurations of tasks that have no quanta left with those that the run holds.

    Those of the others are compared when init-outputs are written.

    Raises
    ------
    ConfigChangedError
        If a task was run with another configuration.
    """
    from pachon.pipe_base.config import compare_configs
    from pachon.pipe_base.execution.run_init import ConfigChangedError
    from pachon.pipe_base.pipeline_graph import PipelineGraph

    run, counts = graph.header.output_run, graph.task_counts()
    if run not in butler.fetch_collections([run]):
        return
    tasks = PipelineGraph.from_document(graph.pipeline, graph.universe).tasks
    done = {f"{label}_config": (label, task) for label, task in tasks.items() if not counts.get(label)}
    known = butler.fetch_dataset_types(done) if done else {}
    for name in known:
        label, task = done[name]
        ref = butler.find_dataset(name, collections=[run])
        if ref is None or task.config_document is None:
            continue
        differences = tuple(map(str, compare_configs(butler.get(ref), task.config_document)))
        if differences:
            raise ConfigChangedError(run, label, differences)


def check_outputs_of_others(butler: Butler, graph: QuantumGraph) -> None:
    """Refuse a graph that was loaded if its run holds outputs of another one in the place of its own.

    Its quanta would be run again, and the files of the other graph's logs replaced, before the first conflict stops it.

    Raises
    ------
    GraphMismatchError
        If a dataset of the run has the type and data ID of an output of this graph, and another id.
    """
    run = graph.header.output_run
    if run not in butler.fetch_collections([run]):
        return
    # Init-outputs may come from another graph: they are compared when they would be written.
    written = {edge.dataset_type for edge in graph.structure.edges if edge.kind == "output"}
    for name in sorted(butler.fetch_dataset_types(written)):
        table = graph.datasets(name)
        own = table.take(np.flatnonzero(table.runs.decode() == run))
        if not len(own):
            continue
        for known in butler.query_datasets(name, collections=[run], find_first=False).table.tables:
            rows = match_rows(own.data_ids, known.data_ids, own.data_ids.group.required)
            there = np.flatnonzero(rows >= 0)
            others = there[(known.ids[rows[there]] != own.ids[there]).any(axis=1)]
            if len(others):
                raise GraphMismatchError(
                    f"Run {run!r} holds outputs of another graph where this one would write: {len(others)} of {name!r}, "
                    f"{own[int(others[0])].data_id} for one. With --extend-run a graph is built of what is missing."
                )


def _check_place(butler: Butler, graph: QuantumGraph) -> None:
    if graph.datastore is None:
        return
    ours = ResourcePath(graph.datastore.root, force_directory=True)
    theirs = ResourcePath(butler.datastore_document()["root"], force_directory=True)
    if ours != theirs:
        raise GraphMismatchError(
            f"The graph was built for a repository with files below {ours}, and this one has them below {theirs}."
        )


def _check_dataset_types(butler: Butler, graph: QuantumGraph) -> None:
    wanted = graph.dataset_types
    known = butler.fetch_dataset_types(wanted)
    missing = sorted(wanted.keys() - known.keys())
    if missing:
        shown = ", ".join(missing[:8]) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise InvalidInputError(
            f"The repository lacks the dataset types {shown}; add --register-dataset-types to register them."
        )
    check_dataset_types(wanted.values(), known)
