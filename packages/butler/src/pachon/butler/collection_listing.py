# SPDX-License-Identifier: BSD-3-Clause
"""Lists of collections as ``butler query-collections`` shows them; pure functions of what is known of each."""

from __future__ import annotations

import enum
import fnmatch
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pachon.datasets import CollectionInfo, CollectionType

if TYPE_CHECKING:
    from pachon.butler.collections_api import ButlerCollections

__all__ = ["ChainForm", "fetch_collection_list", "list_collections"]

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
    infos: Infos,
    names: Sequence[str],
    form: ChainForm,
    *,
    show_dataset_types: bool = False,
    indented: bool = True,
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
    indented
        Show levels of trees by blanks before names; else by numbers in a column of their own.
    """
    ordered = list(names) if form is ChainForm.FLATTEN else sorted(names)
    if form in (ChainForm.TREE, ChainForm.INVERSE_TREE):
        below = _children if form is ChainForm.TREE else _parents
        rows = [(level, infos[name]) for top in ordered for level, name in _descend(infos, top, below)]
    else:
        rows = [(0, infos[name]) for name in ordered]
    columns: Columns = {
        "Name": ["  " * level + info.name if indented else info.name for level, info in rows],
        "Type": [info.type.name for _, info in rows],
    }
    if not indented and form in (ChainForm.TREE, ChainForm.INVERSE_TREE):
        columns["Level"] = [level for level, _ in rows]
    if any(info.sealed for _, info in rows):
        columns["Sealed"] = ["yes" if info.sealed else "" for _, info in rows]
    if form is ChainForm.TABLE and any(info.children for _, info in rows):
        columns["Children"] = [list(info.children) for _, info in rows]
    if form is ChainForm.INVERSE_TABLE and any(info.parents for _, info in rows):
        columns["Parents"] = [list(info.parents) for _, info in rows]
    if show_dataset_types:
        columns["Dataset Types"] = [list(info.dataset_types or ()) for _, info in rows]
    return columns


def fetch_collection_list(
    collections: ButlerCollections,
    expression: Sequence[str],
    *,
    types: Collection[CollectionType] | None,
    form: ChainForm,
    show_dataset_types: bool = False,
    exclude_dataset_types: Sequence[str] = (),
    indented: bool = True,
) -> Columns:
    """Make the list of the collections that names and globs match.

    Parameters
    ----------
    collections
        Those of a butler.
    expression
        Names and globs.
    types
        Show collections of these types only.
    form
        How chains are shown.
    show_dataset_types, exclude_dataset_types
        Show which dataset types each has held, but for those that match.
    indented
        As for `list_collections`.
    """
    names = collections.query(expression, types, flatten_chains=form is ChainForm.FLATTEN)
    everything = collections.query_info(dataset_types=show_dataset_types)

    def shown(info: CollectionInfo) -> CollectionInfo:
        held = info.dataset_types or ()
        kept = tuple(name for name in held if not any(fnmatch.fnmatchcase(name, g) for g in exclude_dataset_types))
        return replace(info, dataset_types=kept)

    infos = {info.name: shown(info) for info in everything}
    return list_collections(infos, names, form, show_dataset_types=show_dataset_types, indented=indented)


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
