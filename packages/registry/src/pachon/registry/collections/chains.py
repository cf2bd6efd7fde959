# SPDX-License-Identifier: BSD-3-Clause
"""Ordered lists of collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa

from pachon.datasets import CollectionType
from pachon.registry.collection_names import refuse_globs
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
    _change(state, parent, children, lambda old, new: [*(name for name in old if name not in new), *new])


def prepend(state: State, parent: str, children: str | Iterable[str]) -> None:
    """Add children at the beginning; one that is there already moves."""
    _change(state, parent, children, lambda old, new: [*new, *(name for name in old if name not in new)])


def remove_from(state: State, parent: str, children: str | Iterable[str]) -> None:
    """Take children out; those that are not there are ignored."""
    _change(state, parent, children, lambda old, gone: [name for name in old if name not in gone])


def _change(state: State, parent: str, children: str | Iterable[str], change: _Change) -> None:
    names = refuse_globs(children, "the definition of a chain")
    static = state.schema.static
    with state.database.write() as connection:
        view = state.view(connection)
        chain = view.get_collection(parent)
        if chain.type is not CollectionType.CHAINED:
            raise CollectionTypeError(f"Collection {parent!r} is of type {chain.type.name} and has no children.")
        # On PostgreSQL two changes of one chain must follow each other; SQLite has one writer anyhow.
        connection.execute(
            sa.select(static.collection.c.name).where(static.collection.c.collection_id == chain.id).with_for_update()
        )
        for name in names:
            view.get_collection(name)
        old = [child.name for child in _stored_children(connection, state, view, chain)]
        new = list(dict.fromkeys(change(old, names)))
        if new == old:
            return
        members = [view.get_collection(name) for name in new]
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


def _stored_children(connection: sa.Connection, state: State, view: View, chain: Collection) -> list[Collection]:
    """Read the children now, not from a cache: another process may just have changed them."""
    table = state.schema.static.collection_child
    ids = connection.execute(
        sa.select(table.c.child_id).where(table.c.parent_id == chain.id).order_by(table.c.position)
    ).scalars()
    numbers = list(ids)
    known = view.collections_by_id(numbers)
    return [known[number] for number in numbers]


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
