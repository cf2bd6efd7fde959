# SPDX-License-Identifier: BSD-3-Clause
"""Which quanta are done and need not run again."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from fnmatch import fnmatchcase

import numpy as np

from pachon.datasets import DatasetTable
from pachon.dimensions import match_rows
from pachon.pipe_base.graph_builder.plan import BuildPlan
from pachon.pipe_base.graph_builder.skeleton import Skeleton

__all__ = ["has_metadata", "quanta_to_skip"]

_log = logging.getLogger(__name__)


def quanta_to_skip(plan: BuildPlan, skeleton: Skeleton, for_skip: Mapping[str, DatasetTable]) -> dict[str, np.ndarray]:
    """Say which quanta of each task are skipped, one bool a quantum.

    A quantum is skipped if its metadata exists. With ``retained_dataset_types``, one that is done runs again if it makes an input,
    not retained, of a quantum that runs.
    """
    done = {label: has_metadata(plan, skeleton, label, for_skip)[0] for label in plan.tasks}
    if plan.retained_dataset_types is None:
        return done
    retained = _retained(plan.retained_dataset_types, [n for n, p in plan.datasets.items() if p.producer])
    # What runs again makes its producers run again, and these come before it.
    for label in reversed(list(plan.tasks)):
        runs = ~done[label]
        for edges in skeleton.edges_of(label, outputs=False):
            name = edges.connection.dataset_type
            producer = plan.datasets[name].producer
            if producer is None or name in retained:
                continue
            wanted = np.zeros(len(skeleton.datasets[name]), dtype=bool)
            wanted[edges.dataset[runs[edges.quantum]]] = True
            for made in skeleton.edges_of(producer, outputs=True):
                if made.connection.dataset_type == name:
                    done[producer][made.quantum[wanted[made.dataset]]] = False
    return done


def has_metadata(
    plan: BuildPlan, skeleton: Skeleton, label: str, found: Mapping[str, DatasetTable]
) -> tuple[np.ndarray, np.ndarray]:
    """Say which quanta of a task succeeded before (one bool each), and the run of the metadata (object, or None)."""
    quanta = skeleton.quanta[label]
    table = found.get(plan.tasks[label].metadata_type)
    if table is None:
        return np.zeros(len(quanta), dtype=bool), np.full(len(quanta), None, dtype=object)
    rows = match_rows(quanta, table.data_ids, quanta.group.required)
    runs = np.full(len(quanta), None, dtype=object)
    here = rows >= 0
    runs[here] = table.runs.decode()[rows[here]]
    return here, runs


def _retained(patterns: Collection[str], names: Collection[str]) -> set[str]:
    retained: set[str] = set()
    for pattern in patterns:
        matching = {name for name in names if fnmatchcase(name, pattern)}
        if not matching:
            _log.warning("The retained dataset type %r is no output of the pipeline.", pattern)
        retained |= matching
    return retained
