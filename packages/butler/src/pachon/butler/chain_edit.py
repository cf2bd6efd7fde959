# SPDX-License-Identifier: BSD-3-Clause
"""Editing chains the way ``butler collection-chain`` does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pachon.base import InvalidInputError
from pachon.datasets import CollectionType

if TYPE_CHECKING:
    from pachon.butler.collections_api import ButlerCollections

__all__ = ["edit_chain"]

_NEEDS_CHILDREN = ("extend", "prepend", "remove")


def edit_chain(
    collections: ButlerCollections,
    parent: str,
    children: Sequence[str],
    *,
    mode: str = "redefine",
    flatten: bool = False,
    doc: str = "",
) -> tuple[str, ...]:
    """Change a chain and give its children.

    Parameters
    ----------
    collections
        The collections of a butler.
    parent
        The chain; made by ``redefine``, ``extend`` and ``prepend`` if it does not exist.
    children
        Collections; for ``pop`` positions in the chain (default 0, negative ones count from the end).
    mode
        ``redefine``, ``extend``, ``prepend``, ``remove`` or ``pop``.
    flatten
        Put the members of chains among the children, not the chains.
    doc
        Documentation of a chain that is made now.

    Raises
    ------
    InvalidInputError
        If the arguments do not go together.
    """
    if flatten and mode in ("remove", "pop"):
        raise InvalidInputError(f"--flatten makes no sense with --mode {mode}.")
    if mode in _NEEDS_CHILDREN and not children:
        raise InvalidInputError(f"--mode {mode} needs at least one child.")
    if mode == "pop":
        return _pop(collections, parent, children)
    if mode == "remove":
        collections.remove_from(parent, children)
        return collections.get(parent).children
    given = collections.query(children, flatten_chains=True) if flatten and children else tuple(children)
    edit = {"redefine": collections.set_chain, "extend": collections.extend, "prepend": collections.prepend}[mode]
    with collections.together():
        collections.register(parent, CollectionType.CHAINED, doc=doc or None)
        edit(parent, given)
    return collections.get(parent).children


def _pop(collections: ButlerCollections, parent: str, positions: Sequence[str]) -> tuple[str, ...]:
    present = collections.get(parent).children
    chosen = set()
    for text in positions or ("0",):
        try:
            chosen.add(present[int(text)])
        except ValueError:
            raise InvalidInputError(f"--mode pop takes positions in the chain; {text!r} is no number.") from None
        except IndexError:
            raise InvalidInputError(
                f"Chain {parent!r} has {len(present)} child{'' if len(present) == 1 else 'ren'}, none at position {text}."
            ) from None
    collections.remove_from(parent, sorted(chosen))
    return collections.get(parent).children
