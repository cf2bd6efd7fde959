# SPDX-License-Identifier: BSD-3-Clause
"""Dropping quanta from which no quantum of another task, the anchor, can be reached, and all that follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pachon.pipe_base.graph_builder.skeleton import Edges

__all__ = ["leads_to", "reached_from"]


def leads_to(
    labels: Sequence[str], edges: Sequence[Edges], start: Mapping[str, np.ndarray], sizes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Say from which quanta a marked one can be reached: one bool a quantum, by label.

    Parameters
    ----------
    labels
        Tasks in topological order.
    edges
        The edges of the quanta that are left.
    start
        By label: which quanta are marked.
    sizes
        By dataset type: the number of rows that edges may name.
    """
    found = {label: marked.copy() for label, marked in start.items()}
    wanted = {name: np.zeros(size, dtype=bool) for name, size in sizes.items()}
    for label in reversed(labels):
        for edge in edges:
            if edge.label == label and edge.is_output:
                read = wanted[edge.connection.dataset_type]
                found[label][edge.quantum[read[edge.dataset]]] = True
        for edge in edges:
            if edge.label == label and not edge.is_output:
                wanted[edge.connection.dataset_type][edge.dataset[found[label][edge.quantum]]] = True
    return found


def reached_from(
    labels: Sequence[str], edges: Sequence[Edges], start: Mapping[str, np.ndarray], sizes: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Say which quanta can be reached from a marked one, itself included; arguments as for `leads_to`."""
    found = {label: marked.copy() for label, marked in start.items()}
    made = {name: np.zeros(size, dtype=bool) for name, size in sizes.items()}
    for label in labels:
        for edge in edges:
            if edge.label == label and not edge.is_output:
                found[label][edge.quantum[made[edge.connection.dataset_type][edge.dataset]]] = True
        for edge in edges:
            if edge.label == label and edge.is_output:
                made[edge.connection.dataset_type][edge.dataset[found[label][edge.quantum]]] = True
    return found
