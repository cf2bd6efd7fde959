# SPDX-License-Identifier: BSD-3-Clause
"""Files that are ingested where they lie below the root, while somebody removes another dataset of the same file.

All other files have paths of their own, so that a removal never meets a later write. Here it can: whoever removes looks whether
another dataset has the file, and the rows of the new one may be committed just after that. So, after the commit, the removals that are
going on are waited for (`RegistryRecordStore.removing`), and the files are looked at once more. A removal that begins later sees
the rows; of one that did not see them the file is gone, or in the trash because it could not be removed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pachon.base import PachonError
from pachon.butler.errors import FileRemovedMeanwhileError
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.datasets import DatasetTable
from pachon.datastore import NewFileRecords

__all__ = ["confirm_files_in_place", "mark_before"]


def mark_before(session: Session, *, in_place: bool) -> object | None:
    """Give a mark of the database of a time when no removal is going on; None if files were to be looked at anyway.

    Every removal changes the database before it is over, so that while the mark stays the same, no file of the root was removed.
    """
    # Whoever writes already would wait for a removal that waits for the database.
    if not in_place or session.registry.is_writing:
        return None
    mark = session.registry.outside_changes()
    if mark is None:
        return None
    session.records.wait_for_removals()
    return mark


def confirm_files_in_place(
    session: Session, tables: Sequence[DatasetTable], records: NewFileRecords, *, keep_ids: bool, before: object | None
) -> None:
    """Look again at the files of an ingest that lay in the root already; if one is gone, undo the ingest.

    Parameters
    ----------
    session
        The open butler.
    tables, records
        What was committed.
    keep_ids
        Whether some of the datasets may have been registered before. They stay so then, without files.
    before
        `mark_before` of the time before the files were looked at for the first time.

    Raises
    ------
    FileRemovedMeanwhileError
        If a file is gone or going.
    """
    if records.created.all():
        return
    try:
        session.records.wait_for_removals()
    except PachonError as error:
        error.add_note("It may be removing files of this ingest, of which nothing is kept therefore.")
        _take_back(session, tables, records, keep_ids=keep_ids)
        raise
    nobody_else = before is not None and before == session.registry.outside_changes()
    if nobody_else and session.records.is_trash_empty():
        return
    in_place = records.take(~records.created)
    in_place = in_place.take(in_place.owned())
    if not len(in_place):
        return
    going = session.records.are_in_trash(in_place.path.tolist())
    there = np.ones(len(in_place), dtype=np.bool_) if nobody_else else session.datastore.exists(in_place)
    lost = np.flatnonzero(going | ~there)
    if not len(lost):
        return
    _take_back(session, tables, records, keep_ids=keep_ids)
    raise FileRemovedMeanwhileError(in_place.path[lost[0]], bool(there[lost[0]]))


def _take_back(session: Session, tables: Sequence[DatasetTable], records: NewFileRecords, *, keep_ids: bool) -> None:
    def write_rows() -> None:
        session.records.forget(records.dataset_id)
        if not keep_ids:
            for table in tables:
                session.registry.datasets.remove(table.ids)

    session.writer.commit(Change(write_rows=write_rows, follow=lambda: session.datastore.discard(records)))
