# SPDX-License-Identifier: BSD-3-Clause
"""Whether a repository still has the dimensions and dataset types with which a quantum graph was built."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pachon.base import NotFoundError, closest
from pachon.quantum_butler.definition_marks import TypeDefinition
from pachon.quantum_butler.errors import GraphMismatchError

if TYPE_CHECKING:
    from pachon.datasets import DatasetType
    from pachon.dimensions import DimensionUniverse

__all__ = ["GraphMismatchError", "check_dataset_types", "check_universe", "chosen_names"]


def chosen_names(names: Iterable[str], patterns: str | Iterable[str], *, whose: str) -> list[str]:
    """Give the names of dataset types that one of some patterns fits, in their order.

    Parameters
    ----------
    names
        Those that there are.
    patterns
        Names, or globs of them.
    whose
        Whose dataset types they are, for the error.

    Raises
    ------
    NotFoundError
        If a pattern other than ``*`` fits none: it may be misspelled, and nothing would be done about it.
    """
    known = list(names)
    chosen: set[str] = set()
    for pattern in (patterns,) if isinstance(patterns, str) else patterns:
        fitting = fnmatch.filter(known, pattern)
        if not fitting and pattern != "*":
            raise NotFoundError(f"{whose} no dataset type {pattern!r}.{closest(pattern, known)}")
        chosen.update(fitting)
    return [name for name in known if name in chosen]


def check_universe(ours: DimensionUniverse, theirs: DimensionUniverse) -> None:
    """Compare the dimensions of a graph with those of a repository.

    Raises
    ------
    GraphMismatchError
        If they differ.
    """
    if ours != theirs:
        raise GraphMismatchError(
            f"The graph was built with dimensions {ours.namespace} version {ours.version} ({len(ours.elements)} elements), and "
            f"the repository has {theirs.namespace} version {theirs.version} ({len(theirs.elements)} elements)."
        )


def check_dataset_types(wanted: Iterable[DatasetType], registered: Mapping[str, DatasetType]) -> None:
    """Compare the dataset types of a graph with the registered ones of the same names; others are left alone.

    Raises
    ------
    GraphMismatchError
        If one differs.
    """
    for dataset_type in wanted:
        if dataset_type.name not in registered:
            continue
        stored = TypeDefinition.of(registered[dataset_type.name])
        if words := TypeDefinition.of(dataset_type).differences(stored):
            raise GraphMismatchError(
                f"Dataset type {dataset_type.name!r} has changed since the graph was built: it has {words}."
            )
