# SPDX-License-Identifier: BSD-3-Clause
"""Removing datasets: their files, their rows, or their place in collections.

In one transaction the rows go, and those of the files move to the trash table; after the commit exactly these files are
removed, and then the rows of the trash. A crash leaves trash, which the next `empty_trash` finishes.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from pachon.base import InvalidInputError
from pachon.butler.argument_kinds import listed_refs
from pachon.butler.errors import NotTransactionalError
from pachon.butler.run_notes import refuse_busy, remove_run_notes
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.datasets import CollectionType, DatasetRef, ids_from_uuids
from pachon.datastore import FileRecords
from pachon.datastore.file_check import FileKeeper
from pachon.datastore.records import absolute_paths, file_part, path_below
from pachon.datastore.removal import Removal
from pachon.registry import CollectionTypeError, OrphanedRecordError

if TYPE_CHECKING:
    from pachon.resources import ResourcePath

__all__ = ["CHUNK", "empty_trash", "prune", "remove_runs", "remove_trash", "trash"]

_log = logging.getLogger(__name__)

CHUNK: Final = 50_000
"""Datasets that one transaction removes; a larger removal is not atomic as a whole."""
_BATCH: Final = 1000
"""Files that are removed under one lock: an ingest of files where they lie may be waiting for it."""


def prune(
    session: Session,
    refs: Iterable[DatasetRef],
    *,
    unstore: bool | None = None,
    purge: bool = False,
    disassociate: Iterable[str] = (),
) -> None:
    """Remove datasets.

    Parameters
    ----------
    session
        The open butler.
    refs
        Which.
    unstore
        Remove the files; the datasets stay known and can be stored again by reference. By default they are removed,
        unless ``disassociate`` is all that was asked for.
    purge
        Remove the rows too, with all tags and validity ranges.
    disassociate
        TAGGED collections from which they are taken.

    Raises
    ------
    InvalidInputError
        If the options do not go together, or a reference is of a component.
    CollectionTypeError
        If a collection to be taken from is not TAGGED.
    RunBusyError
        If another process runs quanta into one of their runs; nothing is removed.
    """
    session.check_writeable()
    tags = (disassociate,) if isinstance(disassociate, str) else tuple(disassociate)
    if unstore is None:
        unstore = purge or not tags
    _check_options(session, unstore=unstore, purge=purge, tags=tags)
    chosen = _checked(refs)
    if unstore or purge:
        refuse_busy(session, {ref.run for ref in chosen})
    for chunk in _chunks(chosen):
        ids = ids_from_uuids(ref.id for ref in chunk)

        def write_rows(chunk: Sequence[DatasetRef] = chunk, ids: np.ndarray = ids) -> None:
            for tag in tags:
                session.registry.collections.disassociate(tag, chunk)
            if unstore:
                session.records.move_to_trash(ids)
            if purge:
                session.registry.datasets.remove(ids)

        def follow(ids: np.ndarray = ids) -> None:
            remove_trash(session, session.records.fetch_trash(ids))

        session.writer.commit(Change(write_rows=write_rows, follow=follow if unstore else None))


def trash(session: Session, refs: Iterable[DatasetRef]) -> None:
    """Take the files of datasets out of sight; `empty_trash` removes them. Raises as `prune` does."""
    session.check_writeable()
    chosen = _checked(refs)
    refuse_busy(session, {ref.run for ref in chosen})
    for chunk in _chunks(chosen):
        ids = ids_from_uuids(ref.id for ref in chunk)

        def write_rows(ids: np.ndarray = ids) -> None:
            session.records.move_to_trash(ids)

        session.writer.commit(Change(write_rows=write_rows))


def empty_trash(
    session: Session, refs: Iterable[DatasetRef] | None = None, *, dry_run: bool = False
) -> list[ResourcePath]:
    """Remove the files of the trash, of all datasets or of some, and say which those were.

    A file that another dataset still has stays; one that cannot be removed stays in the trash, with the reason.
    """
    if dry_run:
        session.check_open()
    else:
        session.check_writeable()
    if refs is not None:
        listed = session.records.fetch_trash(ids_from_uuids(ref.id for ref in listed_refs(refs)))
        return _removable(session, listed) if dry_run else _remove_and_tell(session, listed)
    if dry_run:
        return _removable(session, session.records.list_trash())
    session.check_no_block("empty_trash")
    removed: list[ResourcePath] = []
    tried: set[tuple[bytes, str, str]] = set()
    while True:
        # What failed stays in the trash, behind what was not tried yet.
        listed = session.records.list_trash(CHUNK)
        fresh = listed.take(np.array([_key(listed, i) not in tried for i in range(len(listed))], dtype=bool))
        if not len(fresh):
            return removed
        tried.update(_key(fresh, i) for i in range(len(fresh)))
        removed += _remove_and_tell(session, fresh)


def remove_trash(session: Session, listed: FileRecords) -> set[str]:
    """Remove the files of rows of the trash, then the rows; give the paths of the removed files.

    Raises
    ------
    NotTransactionalError
        If a transaction of the registry is open: if that failed, the rows would come back from the trash without files.
    """
    session.check_writeable()
    if session.registry.is_writing:
        raise NotTransactionalError("Removal of files")
    removed: set[str] = set()
    errors: set[str] = set()
    for start in range(0, len(listed), _BATCH):
        removal = _remove_still_listed(session, listed.take(np.arange(start, min(start + _BATCH, len(listed)))))
        removed.update(removal.removed_paths)
        errors.update(error for error in removal.errors if error)
    for error in sorted(errors):
        _log.warning("A file of a removed dataset stays in the trash: %s", error)
    return removed


def _remove_and_tell(session: Session, listed: FileRecords) -> list[ResourcePath]:
    """Do as `remove_trash`; give the places of the removed files, in the order of the rows."""
    removed = remove_trash(session, listed)
    places = {file_part(row.path): session.datastore.uri(row) for row in listed.rows()}
    return [place for path, place in places.items() if path in removed]


def _remove_still_listed(session: Session, listed: FileRecords) -> Removal:
    """Remove the files of those rows that are in the trash still: another sweeper may have been here, and the file come back."""
    records = session.records
    with records.removing():
        listed = records.fetch_trash_again(listed)
        removal = session.datastore.remove_files(listed)
        done = removal.done
        with session.registry.write():
            records.drop_trash(listed.take(done))
            if not done.all():
                errors = [error for error, is_done in zip(removal.errors, done.tolist(), strict=True) if not is_done]
                records.note_trash_failures(listed.take(~done), errors)
    return removal


def remove_runs(session: Session, names: str | Iterable[str], *, unlink_from_chains: bool = False) -> None:
    """Remove runs with all their datasets and files, with what executions kept of them, and with their folders.

    Raises
    ------
    CollectionTypeError
        If a collection is no run.
    OrphanedRecordError
        If a chain holds one and ``unlink_from_chains`` is not set; then nothing is removed.
    RunBusyError
        If another process runs quanta into one of them; then nothing is removed.
    """
    session.check_writeable()
    session.check_no_block("remove_runs")
    runs = [names] if isinstance(names, str) else list(names)
    infos = {name: session.registry.collections.get(name, parents=True) for name in runs}
    for info in infos.values():
        if info.type is not CollectionType.RUN:
            raise CollectionTypeError(
                f"Collection {info.name!r} is of type {info.type.name}; only runs are removed this way."
            )
        if info.parents and not unlink_from_chains:
            raise OrphanedRecordError(
                f"Run {info.name!r} is a child of {', '.join(info.parents)}; take it out first, or say unlink_from_chains=True."
            )
    refuse_busy(session, runs)
    for name, info in infos.items():
        for table in session.registry.datasets.get_by_run(name):
            for start in range(0, len(table), CHUNK):
                _remove_datasets(session, table.ids[start : start + CHUNK])
        with session.registry.write():
            for parent in info.parents:
                session.registry.collections.remove_from(parent, [name])
            session.registry.collections.remove(name)
        remove_run_notes(session, name)
    session.forget_inferred()


def _remove_datasets(session: Session, ids: np.ndarray) -> None:
    def write_rows() -> None:
        session.records.move_to_trash(ids)
        session.registry.datasets.remove(ids)

    def follow() -> None:
        remove_trash(session, session.records.fetch_trash(ids))

    session.writer.commit(Change(write_rows=write_rows, follow=follow))


def _check_options(session: Session, *, unstore: bool, purge: bool, tags: Sequence[str]) -> None:
    if purge and not unstore:
        raise InvalidInputError("purge removes the files too; it needs unstore=True.")
    if not unstore and not tags:
        raise InvalidInputError("Nothing is to be removed: say unstore, purge, or which collections in disassociate.")
    for tag in tags:
        info = session.registry.collections.get(tag)
        if info.type is not CollectionType.TAGGED:
            raise CollectionTypeError(
                f"Collection {tag!r} is of type {info.type.name}; datasets are taken out of TAGGED ones."
            )


def _checked(refs: Iterable[DatasetRef]) -> list[DatasetRef]:
    wanted = listed_refs(refs)
    for ref in wanted:
        if ref.dataset_type.component is not None:
            raise InvalidInputError(f"{ref} is a component; only whole datasets can be removed.")
    return wanted


def _chunks(refs: Sequence[DatasetRef]) -> Iterator[Sequence[DatasetRef]]:
    return (refs[start : start + CHUNK] for start in range(0, len(refs), CHUNK))


def _removable(session: Session, listed: FileRecords) -> list[ResourcePath]:
    """Give the files that would be removed: those below the root that no row names any more."""
    places = {file_part(row.path): session.datastore.uri(row) for row in listed.rows() if row.owned}
    if not places:
        return []
    roots = session.datastore.root_urls if isinstance(session.datastore, FileKeeper) else ()
    named = session.records.find_paths([*places, *absolute_paths(roots, places)])
    live = {path_below(roots, file_part(path)) for path in named.path.tolist()}
    return [place for path, place in places.items() if path not in live]


def _key(records: FileRecords, index: int) -> tuple[bytes, str, str]:
    return records.dataset_id[index].tobytes(), records.component[index], records.path[index]
