# SPDX-License-Identifier: BSD-3-Clause
"""Rows for what the jobs of a quantum graph wrote.

The paths of a graph's outputs follow from their ids, so they are the one kind of file that can meet the trash of an earlier
dataset of the same id. Therefore the trash of these ids is emptied first, removals that are going on in other processes are
waited for, and a file gets its rows only if it is there afterwards: a removal that begins then finds its rows of the trash gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from pachon.base import InvalidInputError, StorageError
from pachon.butler.own_places import register_collection
from pachon.butler.prune import remove_trash
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.datasets import CollectionType, DatasetTable, id_keys
from pachon.datastore import FileRecords
from pachon.datastore.records import IdArray
from pachon.dimensions import RecordTable

__all__ = [
    "MissingOutputsError",
    "empty_trash_of",
    "insert_missing_records",
    "register_files_that_are_there",
    "register_graph_outputs",
]


class MissingOutputsError(InvalidInputError):
    """Outputs of a graph were to be registered whose files are not there."""

    kind = "missing_outputs"

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(paths)
        self.paths = paths

    def __str__(self) -> str:
        return f"{len(self.paths)} outputs have no file, {self.paths[0]!r} for one; none was registered."


def register_graph_outputs(session: Session, datasets: Iterable[DatasetTable], files: FileRecords) -> int:
    """Write the rows of outputs whose files are safe; give the number of new datasets.

    Repeating it changes nothing, so that a batch can be tried again after any failure. A file that a retry of its quantum
    replaced gets its new size and checksum.

    Parameters
    ----------
    session
        The open butler.
    datasets
        The outputs with their predicted ids, a table a dataset type or several.
    files
        The records of their files; every dataset must have one.

    Raises
    ------
    MissingOutputsError
        If a file is not there.
    ConflictingDefinitionError
        If an id means another dataset, or a run holds another dataset of that type and data ID.
    """
    session.check_writeable()
    session.check_no_block("register_graph_outputs")
    tables = [table for table in datasets if len(table)]
    if not tables:
        return 0
    empty_trash_of(session, files.dataset_id)
    _check_files(session, tables, files)
    return register_files_that_are_there(session, tables, files)


def register_files_that_are_there(session: Session, tables: Sequence[DatasetTable], files: FileRecords) -> int:
    """Do the same when the trash of these ids was emptied and the files were looked for after that."""
    for run in {run for table in tables for run in table.runs.compacted().values.tolist()}:
        register_collection(session, run, CollectionType.RUN)
    new = 0

    def write_rows() -> None:
        nonlocal new
        new = sum(session.registry.datasets.import_(table) for table in tables)
        session.records.add_or_renew(files)

    def follow() -> None:
        for table in tables:
            session.note_written(table.data_ids)

    # The files are not this change's to remove: a retry writes them again in the same place.
    session.writer.commit(Change(write_rows=write_rows, follow=follow))
    return new


def empty_trash_of(session: Session, ids: IdArray) -> None:
    """Remove what is in the trash of datasets that are going to be registered.

    Raises
    ------
    StorageError
        If a file stays in the trash: a later sweep would remove the new one.
    """
    remove_trash(session, session.records.fetch_trash(ids))
    # Another sweeper may have seen the rows that this one, or a third, has just dropped.
    session.records.wait_for_removals()
    left = session.records.fetch_trash(ids)
    if len(left):
        raise StorageError(
            f"{left.path[0]} was removed before and is still in the trash; 'butler empty-trash' must succeed first."
        )


def insert_missing_records(session: Session, records: Mapping[str, RecordTable]) -> None:
    """Insert dimension records that the repository lacks, in the order in which they depend on each other."""
    for name in session.universe.sorted(records):
        if session.universe[name].has_table and len(records[name]):
            session.registry.dimension_records.insert(records[name], skip_existing=True)


def _check_files(session: Session, tables: Iterable[DatasetTable], files: FileRecords) -> None:
    have_files = id_keys(files.dataset_id)
    for table in tables:
        without = ~np.isin(id_keys(table.ids), have_files)
        if without.any():
            raise InvalidInputError(
                f"{table[int(np.flatnonzero(without)[0])]} has no file record; none was registered."
            )
    there = session.datastore.exists(files)
    if not there.all():
        raise MissingOutputsError(tuple(files.path[~there].tolist()))
