# SPDX-License-Identifier: BSD-3-Clause
"""Lists of collections as ``butler query-collections`` shows them; pure functions of what is known of each."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence

from pachon.datasets import CollectionInfo, CollectionType

__all__ = ["ChainForm", "list_collections", "prune_dataset_types"]

Infos = Mapping[str, CollectionInfo]
Columns = dict[str, list[object]]


class ChainForm(enum.Enum):
    """How chains are shown."""

    TABLE = "table"
    """Each collection with its children."""
    INVERSE_TABLE = "inverse-table"
    """Each collection with its parents."""
    TREE = "tree"
    """Children below their chain, two blanks a level."""
    INVERSE_TREE = "inverse-tree"
    """Parents below their children."""
    FLATTEN = "flatten"
    """What is in chains, in search order, without the chains."""
    NO_CHILDREN = "no-children"
    """Chains as such."""


def list_collections(
    infos: Infos, names: Sequence[str], form: ChainForm, *, show_dataset_types: bool = False
) -> Columns:
    """Make the columns of the list.

    Parameters
    ----------
    infos
        All collections that can occur, with parents for the inverse forms.
    names
        The collections asked for; flattened and in search order already for `ChainForm.FLATTEN`.
    form
        How chains are shown.
    show_dataset_types
        Add the dataset types that each has held.
    """
    ordered = list(names) if form is ChainForm.FLATTEN else sorted(names)
    if form in (ChainForm.TREE, ChainForm.INVERSE_TREE):
        below = _children if form is ChainForm.TREE else _parents
        rows = [(level, infos[name]) for top in ordered for level, name in _descend(infos, top, below)]
    else:
        rows = [(0, infos[name]) for name in ordered]
    columns: Columns = {
        "Name": ["  " * level + info.name for level, info in rows],
        "Type": [info.type.name for _, info in rows],
    }
    if form is ChainForm.TABLE and any(info.children for _, info in rows):
        columns["Children"] = [list(info.children) for _, info in rows]
    if form is ChainForm.INVERSE_TABLE and any(info.parents for _, info in rows):
        columns["Parents"] = [list(info.parents) for _, info in rows]
    if show_dataset_types:
        columns["Dataset Types"] = [list(info.dataset_types or ()) for _, info in rows]
    return columns


def prune_dataset_types(info: CollectionInfo, excluded: Callable[[str], bool]) -> CollectionInfo:
    """Leave dataset types out of what is known of a collection."""
    kept = tuple(name for name in info.dataset_types or () if not excluded(name))
    return CollectionInfo(
        name=info.name,
        type=info.type,
        doc=info.doc,
        children=info.children,
        parents=info.parents,
        dataset_types=kept,
    )


def _children(info: CollectionInfo) -> Sequence[str]:
    return info.children if info.type is CollectionType.CHAINED else ()


def _parents(info: CollectionInfo) -> Sequence[str]:
    return info.parents


def _descend(
    infos: Infos, top: str, below: Callable[[CollectionInfo], Sequence[str]], level: int = 0
) -> Iterator[tuple[int, str]]:
    yield level, top
    for name in below(infos[top]):
        yield from _descend(infos, name, below, level + 1)
