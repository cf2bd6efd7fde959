# SPDX-License-Identifier: BSD-3-Clause
"""The order of tasks: topological, with names to break ties; cycles are named."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from pachon.pipe_base.pipeline_graph.errors import DuplicateOutputError, PipelineDataCycleError
from pachon.pipe_base.pipeline_graph.nodes import GraphEdge, GraphStep, GraphSubset, TaskNode

__all__ = ["bound_edges", "find_writers", "sort_tasks", "task_links"]


def bound_edges(tasks: Iterable[TaskNode]) -> list[GraphEdge]:
    """Give all connections except those whose binding is deferred."""
    return [edge for task in tasks for edge in task.edges if not edge.defer_binding]


def find_writers(edges: Iterable[GraphEdge]) -> dict[str, GraphEdge]:
    """Give the edge that writes each dataset type, by its name.

    Raises
    ------
    DuplicateOutputError
        Two tasks write one dataset type.
    """
    found: dict[str, GraphEdge] = {}
    for edge in edges:
        if not edge.is_input:
            first = found.setdefault(edge.dataset_type_name, edge)
            if first is not edge:
                labels = (first.task_label, edge.task_label)
                raise DuplicateOutputError(edge.dataset_type_name, str(first), str(edge), labels)
    return found


def task_links(tasks: Iterable[TaskNode]) -> dict[str, dict[str, str]]:
    """Give for each label the labels of the tasks that read its outputs, and one such dataset type each."""
    tasks = list(tasks)
    edges = bound_edges(tasks)
    writers = {name: edge.task_label for name, edge in find_writers(edges).items()}
    links: dict[str, dict[str, str]] = {task.label: {} for task in tasks}
    for edge in edges:
        if edge.is_input and edge.dataset_type_name in writers:
            links[writers[edge.dataset_type_name]].setdefault(edge.task_label, edge.dataset_type_name)
    return links


def sort_tasks(
    tasks: Iterable[TaskNode], steps: Sequence[GraphStep] = (), subsets: Mapping[str, GraphSubset] | None = None
) -> tuple[TaskNode, ...]:
    """Sort tasks so that writers come before readers; step by step if there are steps.

    Raises
    ------
    DuplicateOutputError
        Two tasks write one dataset type.
    PipelineDataCycleError
        Tasks wait for each other; the shortest path round is named.
    """
    by_label = {task.label: task for task in tasks}
    links = task_links(by_label.values())
    waiting = dict.fromkeys(by_label, 0)
    for readers in links.values():
        for reader in readers:
            waiting[reader] += 1
    rank = _step_ranks(by_label, steps, subsets or {})
    ready = [(rank[label], label) for label, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    found: list[TaskNode] = []
    while ready:
        _, label = heapq.heappop(ready)
        found.append(by_label[label])
        for reader in links[label]:
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, (rank[reader], reader))
    if len(found) < len(by_label):
        raise PipelineDataCycleError(_shortest_cycle({label for label, count in waiting.items() if count}, links))
    return tuple(found)


def _step_ranks(
    labels: Iterable[str], steps: Sequence[GraphStep], subsets: Mapping[str, GraphSubset]
) -> dict[str, int]:
    rank = dict.fromkeys(labels, len(steps))
    for index, step in reversed(list(enumerate(steps))):
        if step.label in subsets:
            rank.update((label, index) for label in subsets[step.label].labels if label in rank)
    return rank


def _shortest_cycle(labels: set[str], links: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """Give a shortest cycle among labels, beginning with its smallest label."""
    best: tuple[str, ...] = ()
    for start in sorted(labels):
        path = _shortest_path(start, labels, links)
        if path and (not best or len(path) < len(best)):
            best = path
    named: list[str] = []
    for label, following in zip(best, (*best[1:], best[0]), strict=True):
        named += [label, links[label][following]]
    return (*named, best[0])


def _shortest_path(start: str, labels: set[str], links: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    front: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    while front:
        further: list[tuple[str, ...]] = []
        for path in front:
            for reader in sorted(links[path[-1]]):
                if reader == start:
                    return path
                if reader in labels and reader not in seen:
                    seen.add(reader)
                    further.append((*path, reader))
        front = further
    return ()
