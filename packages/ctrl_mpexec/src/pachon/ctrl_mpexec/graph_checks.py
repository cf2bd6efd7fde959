# SPDX-License-Identifier: BSD-3-Clause
"""Whether a repository, and the code at hand, are still those that a quantum graph was built with."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.butler.graph_match import GraphMismatchError, check_dataset_types, check_universe
from pachon.dimensions import match_rows
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from pachon.butler import Butler
    from pachon.pipe_base.pipeline_graph import PipelineGraph
    from pachon.quantum_butler import QuantumGraph

__all__ = [
    "VERSIONS",
    "GraphMismatchError",
    "check_configs_of_done_tasks",
    "check_graph",
    "check_outputs_of_others",
    "task_versions",
]

VERSIONS = "task_versions"
"""Key of the header's metadata: versions of the packages of the tasks, by name."""

_log = logging.getLogger(__name__)


def task_versions(pipeline: PipelineGraph) -> dict[str, str]:
    """Give the versions of the packages that the tasks of a pipeline come from; those without a version are left out."""
    return _versions(node.class_name for node in pipeline.tasks.values())


def check_graph(butler: Butler, graph: QuantumGraph) -> None:
    """Compare a graph with the repository in which it is to run; changed versions of tasks are warned of.

    Raises
    ------
    GraphMismatchError
        If the files of the graph are in another repository, its dimensions are others, or a dataset type was changed.
    InvalidInputError
        If dataset types are not registered.
    """
    _check_place(butler, graph)
    check_universe(graph.universe, butler.universe)
    _check_dataset_types(butler, graph)
    _warn_of_versions(graph)


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
                    f"{own[int(others[0])].data_id} for one. Build a new graph of what is missing, with --extend-run."
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


def _warn_of_versions(graph: QuantumGraph) -> None:
    built: Mapping[str, str] = graph.header.metadata.get(VERSIONS) or {}
    if not built:
        return
    now = _versions(str(task.get("class", "")) for task in _task_documents(graph.pipeline))
    for name, before in built.items():
        if now.get(name) != before:
            _log.warning(
                "The graph was built with %s %s, and its tasks will run with %s.",
                name,
                before,
                now.get(name) or "a version that is not known",
            )


def _task_documents(pipeline: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    tasks = pipeline.get("tasks", ())
    return tasks.values() if isinstance(tasks, Mapping) else tasks


def _versions(class_names: Iterable[str]) -> dict[str, str]:
    """Give versions by the name of the distribution, or of the module that says ``__version__``."""
    found: dict[str, str] = {}
    modules = dict.fromkeys(name.rpartition(".")[0] for name in class_names)
    for module in modules:
        parts = module.split(".")
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            known = found.get(name) or _version_of(name)
            if known:
                found[name] = known
                break
    return found


def _version_of(package: str) -> str | None:
    own = getattr(sys.modules.get(package), "__version__", None)
    if isinstance(own, str):
        return own
    try:
        # The distribution of ``observatory.tasks`` is called ``observatory-tasks``.
        return version(package.replace(".", "-").replace("_", "-"))
    except (PackageNotFoundError, ValueError):
        return None
