# SPDX-License-Identifier: BSD-3-Clause
"""Whether the tasks at hand are those that a quantum graph was built with: known before any quantum runs, and without a repository."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from pachon.pipe_base.execution.graph_tasks import GraphTasks
from pachon.pipe_base.pipeline_graph.errors import PipelineGraphError

if TYPE_CHECKING:
    from pachon.pipe_base.pipeline_graph import PipelineGraph
    from pachon.quantum_butler import QuantumGraph

__all__ = ["VERSIONS", "check_tasks", "task_versions"]

VERSIONS = "task_versions"
"""Key of the header's metadata: versions of the packages of the tasks, by name."""

_log = logging.getLogger(__name__)


def task_versions(pipeline: PipelineGraph) -> dict[str, str]:
    """Give the versions of the packages that the tasks of a pipeline come from; those without a version are left out."""
    return _versions(node.class_name for node in pipeline.tasks.values())


def check_tasks(graph: QuantumGraph) -> None:
    """Import the tasks that have quanta, and compare them with the graph; changed versions are warned of.

    Raises
    ------
    PipelineGraphError
        If a class cannot be imported, its configuration does not fit any more, or its connections are others.
    """
    tasks = GraphTasks(graph.pipeline, graph.universe)
    problems: list[PipelineGraphError] = []
    for label, count in graph.task_counts().items():
        if not count:
            continue
        try:
            tasks.node(label)
        except PipelineGraphError as error:
            problems.append(error)
    if problems:
        first, *others = problems
        for other in others:
            first.add_note(str(other))
        raise first
    _warn_of_versions(graph)


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
