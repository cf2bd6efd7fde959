# SPDX-License-Identifier: BSD-3-Clause
"""How lists of collections and of dataset types were made, and why one is empty, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence, Sized
from typing import TYPE_CHECKING

from pachon.base import closest

if TYPE_CHECKING:
    from pachon.butler.butler import Butler
    from pachon.datasets import CollectionType

__all__ = ["explain_collections", "explain_dataset_types"]

_MOST_NAMES = 5


def explain_collections(
    butler: Butler, globs: Sequence[str], *, types: Collection[CollectionType] | None = None, flatten: bool = False
) -> list[str]:
    """Say how many collections match names and globs, of which types they are, and what left none.

    Parameters
    ----------
    butler
        Where they are.
    globs
        Names and globs; a name that does not exist is an error when they are listed.
    types
        Only these are listed.
    flatten
        Whether what is in chains is listed rather than the chains.
    """
    names = butler.collections.query()
    if not names:
        return ["There are no collections."]
    matching = butler.collections.query(globs, flatten_chains=flatten)
    said = [_matched(len(matching), len(names), "collection", globs, flatten=flatten)]
    said += _unmatched(globs, "collection", names, butler.collections.query)
    if types is None or not matching:
        return said
    kinds = Counter(info.type for info in butler.collections.query_info(matching))
    wanted = " or ".join(kind.name for kind in sorted(types, key=lambda kind: kind.name))
    count = sum(kinds[kind] for kind in types)
    others = ", ".join(f"{number} {kind.name}" for kind, number in sorted(kinds.items(), key=lambda item: item[0].name))
    return [*said, f"{_number(count)} of them {_is(count)} of type {wanted} (they are {others})."]


def explain_dataset_types(butler: Butler, globs: Sequence[str], *, collections: Sequence[str] = ()) -> list[str]:
    """Say how many dataset types match names and globs, how many of them collections have held, and what left none."""
    names = [item.name for item in butler.dataset_types.query()]
    if not names:
        return ["There are no dataset types."]
    matching = [item.name for item in butler.dataset_types.query(globs)]
    said = [_matched(len(matching), len(names), "dataset type", globs)]
    said += _unmatched(globs, "dataset type", names, butler.dataset_types.query)
    if not collections or not matching:
        return said
    held = butler.dataset_types.query(globs, collections=collections)
    searched = butler.collections.query(collections, flatten_chains=True)
    had = "has" if len(held) < 2 else "have"
    said.append(f"{_number(len(held))} of them {had} ever had datasets in {_listed(searched)}.")
    if not held:
        infos = butler.collections.query_info(dataset_types=True)
        others = [info.name for info in infos if set(info.dataset_types or ()) & set(matching)]
        said.append(f"They had some in {_listed(others)}." if others else "No collection ever had any.")
    return said


def _matched(count: int, known: int, what: str, globs: Sequence[str], *, flatten: bool = False) -> str:
    chains = ", those in chains instead of the chains" if flatten else ""
    return f"{_number(count)} of {known} {what}s match{'es' if count == 1 else ''} {_listed(globs)}{chains}."


def _unmatched(globs: Sequence[str], what: str, names: Iterable[str], find: Callable[[str], Sized]) -> list[str]:
    if len(globs) == 1:
        # That none match was said already.
        hint = "" if find(globs[0]) else closest(globs[0].strip("*?"), names)
        return [hint.strip()] if hint else []
    return [f"No {what} matches {glob!r}.{closest(glob.strip('*?'), names)}" for glob in globs if not find(glob)]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:_MOST_NAMES]))
    return f"{shown} and {len(names) - _MOST_NAMES} others" if len(names) > _MOST_NAMES else shown


def _number(count: int) -> str:
    return str(count) if count else "None"


def _is(count: int) -> str:
    return "is" if count < 2 else "are"
