# SPDX-License-Identifier: BSD-3-Clause
"""``--graph-fixup``: code of the user that makes quanta wait for others that they do not read from.

An object with ``fixup_graph(graph, quanta_by_task)`` gets a networkx graph whose nodes are the ids of quanta, and may add
edges to it. `OrderedQuanta` is one: it runs the quanta of a task in the order of some dimensions.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pachon.base import InvalidInputError
from pachon.datasets import uuids_from_ids
from pachon.pipe_base import import_object
from pachon.quantum_butler import QuantumGraph

if TYPE_CHECKING:
    import networkx

_log = logging.getLogger("pachon.ctrl_mpexec")

__all__ = ["GraphFixup", "OrderedQuanta", "fixed_edges"]

QuantaByTask = Mapping[str, Mapping[uuid.UUID, Mapping[str, Any]]]
"""By label and id: the data ID of each quantum, with implied dimensions."""


class GraphFixup(Protocol):
    """What ``--graph-fixup`` names, or what a function without arguments that it names returns."""

    def fixup_graph(self, graph: networkx.DiGraph[uuid.UUID], quanta_by_task: QuantaByTask) -> Any:
        """Add edges, from a quantum to those that wait for it; give the graph, or nothing if it was changed in place."""
        ...


class OrderedQuanta:
    """Runs the quanta of a task by the values of some dimensions: each group waits for all of the one before.

    Parameters
    ----------
    label
        The task.
    dimensions
        What they are ordered by.
    reverse
        Whether the greatest values come first.
    """

    def __init__(self, label: str, dimensions: Sequence[str], *, reverse: bool = False) -> None:
        self.label, self.dimensions, self.reverse = label, tuple(dimensions), reverse

    def fixup_graph(self, graph: networkx.DiGraph[uuid.UUID], quanta_by_task: QuantaByTask) -> None:
        """Add the edges; a task without quanta is told, as its label may be misspelled."""
        if not quanta_by_task.get(self.label):
            _log.warning(
                "--graph-fixup: the graph has no quanta of task %r to order; it has some of %s.",
                self.label,
                ", ".join(label for label, quanta in quanta_by_task.items() if quanta),
            )
        groups: dict[tuple[Any, ...], list[uuid.UUID]] = {}
        for quantum, data_id in quanta_by_task.get(self.label, {}).items():
            try:
                key = tuple(data_id[name] for name in self.dimensions)
            except KeyError as error:
                raise InvalidInputError(f"Quanta of task {self.label!r} have no dimension {error}.") from None
            groups.setdefault(key, []).append(quantum)
        ordered = [groups[key] for key in sorted(groups, reverse=self.reverse)]
        for before, after in pairwise(ordered):
            graph.add_edges_from((one, other) for one in before for other in after)


def fixed_edges(graph: QuantumGraph, name: str) -> np.ndarray:
    """Give the pairs of numbers of quanta of which the second waits for the first, with those that a fix-up adds.

    Parameters
    ----------
    graph
        The quanta.
    name
        Full name of a class or function without arguments.

    Raises
    ------
    InvalidInputError
        If it gives no fix-up, takes edges away, names quanta that are not there, or makes quanta wait for each other.
    """
    import networkx

    fixup = import_object(name)
    if not hasattr(fixup, "fixup_graph") or isinstance(fixup, type):
        try:
            fixup = fixup()
        except TypeError as error:
            raise InvalidInputError(f"--graph-fixup: {name} cannot be called without arguments: {error}.") from error
    if not hasattr(fixup, "fixup_graph"):
        raise InvalidInputError(f"--graph-fixup: {name} gives no object with a method 'fixup_graph'.")
    ids = uuids_from_ids(graph.ids)
    numbers = {quantum: number for number, quantum in enumerate(ids)}
    before = graph.quantum_edges.tolist()
    directed: networkx.DiGraph[uuid.UUID] = networkx.DiGraph()
    directed.add_nodes_from(ids)
    directed.add_edges_from((ids[a], ids[b]) for a, b in before)
    by_task = {
        part.label: {
            quantum: dict(data_id.mapping)
            for quantum, data_id in zip(uuids_from_ids(part.ids), part.data_ids, strict=True)
        }
        for part in graph.quanta().parts
    }
    changed = fixup.fixup_graph(directed, by_task)
    directed = directed if changed is None else changed
    if not all(node in numbers for node in directed) or len(directed) != len(ids):
        raise InvalidInputError(f"--graph-fixup: {name} added or removed quanta; it may add edges only.")
    after = np.array([(numbers[a], numbers[b]) for a, b in directed.edges], dtype=np.int64).reshape(-1, 2)
    if not {tuple(pair) for pair in before} <= {tuple(pair) for pair in after.tolist()}:
        raise InvalidInputError(f"--graph-fixup: {name} removed edges; a quantum must wait for what it reads.")
    if not networkx.is_directed_acyclic_graph(directed):
        circle = " -> ".join(str(edge[0]) for edge in networkx.find_cycle(directed))
        raise InvalidInputError(f"--graph-fixup: {name} makes quanta wait for each other: {circle}.")
    return after
