# SPDX-License-Identifier: BSD-3-Clause
"""Ordered lists of collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa

from pachon.datasets import CollectionType
from pachon.registry.collection_names import refuse_globs
from pachon.registry.collections.locks import lock_collection
from pachon.registry.database.retries import retried
from pachon.registry.definitions import Collection, View
from pachon.registry.errors import CollectionCycleError, CollectionTypeError
from pachon.registry.state import State

__all__ = ["extend", "prepend", "remove_from", "set_chain"]

_Change = Callable[[Sequence[str], Sequence[str]], Iterable[str]]


def set_chain(state: State, parent: str, children: str | Iterable[str]) -> None:
    """Replace the children of a chain; duplicates keep their first place."""
    _change(state, parent, children, lambda _old, new: new)


def extend(state: State, parent: str, children: str | Iterable[str]) -> None:
    """Add children at the end; one that is there already moves."""
    _change(state, parent, children, lambda old, new: [*_without(old, new), *new])


def prepend(state: State, parent: str, children: str | Iterable[str]) -> None:
    """Add children at the beginning; one that is there already moves."""
    _change(state, parent, children, lambda old, new: [*new, *_without(old, new)])


def remove_from(state: State, parent: str, children: str | Iterable[str]) -> None:
    """Take children out; those that are not there are ignored."""
    _change(state, parent, children, _without)


def _without(old: Sequence[str], gone: Sequence[str]) -> list[str]:
    absent = set(gone)
    return [name for name in old if name not in absent]


@retried
def _change(state: State, parent: str, children: str | Iterable[str], change: _Change) -> None:
    names = refuse_globs(children, "the definition of a chain")
    static = state.schema.static
    with state.database.write() as connection:
        view = state.view(connection)
        chain = view.get_collection(parent)
        if chain.type is not CollectionType.CHAINED:
            raise CollectionTypeError(f"Collection {parent!r} is of type {chain.type.name} and has no children.")
        # Changes of chains follow each other, whichever chains they are: two could make one cycle together.
        state.definitions.lock(connection)
        lock_collection(state, connection, chain)
        view = state.view(connection)
        found = view.find_collections(names)
        for name in names:
            if name not in found:
                view.get_collection(name)
        # Read now, not from a cache: another process may just have changed them.
        old = [child.name for child in view.children([chain])[chain.id]]
        new = list(dict.fromkeys(change(old, names)))
        if new == old:
            return
        known = view.find_collections(new)
        members = [known[name] for name in new]
        _refuse_cycle(view, chain, members)
        state.definitions.changed(connection)
        table = static.collection_child
        connection.execute(sa.delete(table).where(table.c.parent_id == chain.id))
        if members:
            connection.execute(
                sa.insert(table),
                [
                    {"parent_id": chain.id, "position": position, "child_id": member.id}
                    for position, member in enumerate(members)
                ],
            )


def _refuse_cycle(view: View, chain: Collection, members: Sequence[Collection]) -> None:
    pending: list[tuple[Collection, tuple[str, ...]]] = [(member, (chain.name, member.name)) for member in members]
    seen: set[int] = set()
    while pending:
        member, path = pending.pop()
        if member.id == chain.id:
            raise CollectionCycleError(f"Chain {chain.name!r} would contain itself: {' -> '.join(path)}.")
        if member.type is CollectionType.CHAINED and member.id not in seen:
            seen.add(member.id)
            pending.extend((child, (*path, child.name)) for child in view.children([member])[member.id])
