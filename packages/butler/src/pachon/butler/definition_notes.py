# SPDX-License-Identifier: BSD-3-Clause
"""Jobs see no database: what of its definitions is not as before is noted beside the files (`pachon.quantum_butler.definition_marks`).

A mark may say less than the database for a moment, or after a process was killed, but nothing that is wrong:

* Before a dataset type is removed its mark is written; it says that there is no such type, and jobs compare nothing. Whoever
  registers a type that was not there before looks for its mark after the commit, and brings it up to date. Without a mark nobody ever
  removed such a type, and registering it costs one look.
* Before the dimensions are changed their mark is written; it says that they may be changing, of which jobs warn.

Of those who bring a mark up to date at the same time the last one to write it looks at the database again afterwards, and so it
says what that does. What a killed process left unsaid `fsck` finds, and its repair says it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

from pachon.base import FormatError, NotFoundError, PachonError
from pachon.datastore.faults import reach
from pachon.datastore.file_check import FileKeeper
from pachon.quantum_butler.definition_marks import (
    Definition,
    TypeDefinition,
    UniverseDefinition,
    list_marks,
    read_type_mark,
    read_universe_mark,
    type_mark,
    universe_mark,
    write_marks,
)
from pachon.registry import SqlRegistry

if TYPE_CHECKING:
    from pachon.butler.session import Session
    from pachon.datasets import DatasetType
    from pachon.dimensions import DimensionUniverse
    from pachon.resources import ResourcePath

__all__ = [
    "FAULT_POINTS",
    "changing_universe",
    "find_stale_marks",
    "register_dataset_type",
    "remove_dataset_types",
    "renew_marks",
    "renew_marks_of_another",
]

FAULT_POINTS: Final = ("definition.noted", "definition.changed", "definition.said")
"""Points of this module at which a test can make something go wrong."""

_ATTEMPTS: Final = 20
_log = logging.getLogger(__name__)

_UNIVERSE: Final = ""
"""Stands for the dimensions where others have the name of a dataset type."""


def register_dataset_type(session: Session, dataset_type: DatasetType) -> bool:
    """Register a dataset type unless it is; true if it was not. Raises as the registry does."""
    made = session.registry.dataset_types.register(dataset_type.conform(session.universe))
    root = _root(session)
    if made and root is not None:
        reach("definition.changed")
        with _failure_is_told():
            if _is_marked(root, dataset_type.name):
                _say_types(session, root, [dataset_type.name])
    return made


def remove_dataset_types(session: Session, expression: str | Iterable[str]) -> list[str]:
    """Remove the dataset types that names and globs match; give their names. Raises as the registry does.

    Raises
    ------
    StorageError
        If nothing can be written beside the files; then none is removed.
    """
    root = _root(session)
    names = [dataset_type.name for dataset_type in session.registry.dataset_types.query(expression)]
    if root is None or not names:
        return session.registry.dataset_types.remove(names)
    none: dict[ResourcePath, Definition] = {type_mark(root, name): None for name in names}
    write_marks(none, group_writable=session.repository.config.group_writable)
    reach("definition.noted")
    try:
        removed = session.registry.dataset_types.remove(names)
        reach("definition.changed")
    finally:
        with _failure_is_told():
            _say_types(session, root, names)
    return removed


@contextmanager
def changing_universe(
    root: ResourcePath, fetch_universe: Callable[[], DimensionUniverse], *, group_writable: bool
) -> Iterator[None]:
    """Note that the dimensions of a repository may be changing in the block, and at its end what they are.

    Parameters
    ----------
    root
        Root of the datastore.
    fetch_universe
        Asks the database.
    group_writable
        Whether the group writes to the repository too.

    Raises
    ------
    StorageError
        If nothing can be written beside the files; then the block is not entered.
    """
    place = universe_mark(root)
    write_marks({place: None}, group_writable=group_writable)
    reach("definition.noted")
    try:
        yield
        reach("definition.changed")
    finally:
        with _failure_is_told():
            _say(
                {_UNIVERSE: place},
                lambda _: {_UNIVERSE: UniverseDefinition.of(fetch_universe())},
                group_writable=group_writable,
            )


def renew_marks_of_another(root: ResourcePath, universe: DimensionUniverse, *, group_writable: bool) -> None:
    """Have marks that another repository left in the place of a new one say what that has: its dimensions, and no dataset types."""
    with _failure_is_told():
        has_universe, names = list_marks(root)
        marks: dict[ResourcePath, Definition] = {type_mark(root, name): None for name in names}
        if has_universe:
            marks[universe_mark(root)] = UniverseDefinition.of(universe)
        write_marks(marks, group_writable=group_writable)


def find_stale_marks(session: Session) -> list[ResourcePath]:
    """Give the marks that do not say what the database does, or cannot be read."""
    root = _root(session)
    if root is None:
        return []
    has_universe, names = list_marks(root)
    stale: list[ResourcePath] = []
    if has_universe and not _says(partial(read_universe_mark, root), UniverseDefinition.of(session.universe)):
        stale.append(universe_mark(root))
    known = session.registry.dataset_types.find(names)
    wrong = (name for name in names if not _says(partial(read_type_mark, root, name), _definition(known.get(name))))
    return [*stale, *(type_mark(root, name) for name in wrong)]


def renew_marks(session: Session) -> None:
    """Bring all marks of a repository up to date."""
    root = _root(session)
    if root is None:
        return
    has_universe, names = list_marks(root)
    if has_universe:
        _say(
            {_UNIVERSE: universe_mark(root)},
            lambda _: {_UNIVERSE: _fetch_universe(session)},
            group_writable=session.repository.config.group_writable,
        )
    _say_types(session, root, names)


def _root(session: Session) -> ResourcePath | None:
    """Give the folder of the files; what keeps none has no jobs elsewhere."""
    return session.datastore.root if isinstance(session.datastore, FileKeeper) else None


def _is_marked(root: ResourcePath, name: str) -> bool:
    try:
        # An object store is asked once for this, and twice whether something exists.
        read_type_mark(root, name)
    except NotFoundError:
        return False
    except FormatError:
        return True
    return True


def _say_types(session: Session, root: ResourcePath, names: Iterable[str]) -> None:
    _say(
        {name: type_mark(root, name) for name in names},
        partial(_fetch_definitions, session),
        group_writable=session.repository.config.group_writable,
    )


def _fetch_universe(session: Session) -> UniverseDefinition:
    # A registry that is open keeps the universe that it was opened with.
    with SqlRegistry.open(session.repository.database_url, writeable=False) as registry:
        return UniverseDefinition.of(registry.universe)


def _fetch_definitions(session: Session, names: Collection[str]) -> dict[str, Definition]:
    # What a transaction has written that is still open may be undone.
    known = {} if session.registry.is_writing else session.registry.dataset_types.find(names)
    return {name: _definition(known.get(name)) for name in names}


def _definition(dataset_type: DatasetType | None) -> TypeDefinition | None:
    return None if dataset_type is None else TypeDefinition.of(dataset_type)


def _say(
    places: Mapping[str, ResourcePath],
    fetch: Callable[[Collection[str]], Mapping[str, Definition]],
    *,
    group_writable: bool,
) -> None:
    """Write marks that say what the database does, until that is so: another process may change it meanwhile."""
    left = dict(places)
    for _ in range(_ATTEMPTS):
        if not left:
            return
        now = fetch(left.keys())
        write_marks({place: now[name] for name, place in left.items()}, group_writable=group_writable)
        reach("definition.said")
        then = fetch(left.keys())
        left = {name: place for name, place in left.items() if then[name] != now[name]}


def _says(read: Callable[[], Definition], expected: Definition) -> bool:
    try:
        return read() == expected
    except NotFoundError:
        return True  # nothing is said at all
    except FormatError:
        return False


@contextmanager
def _failure_is_told() -> Iterator[None]:
    """The change is committed: it has not failed because jobs do not hear of it."""
    try:
        yield
    except PachonError as error:
        _log.warning(
            "Jobs of graphs that were built before may not notice the change: %s 'butler fsck --repair' makes good for it.",
            error,
        )
