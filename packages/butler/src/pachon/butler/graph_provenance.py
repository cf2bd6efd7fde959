# SPDX-License-Identifier: BSD-3-Clause
"""Letting the small files of a run live inside of its provenance graph.

In one transaction the rows of the files go to the trash and rows that point into the graph take their place; then exactly the
files of the trash are removed. So they can be read at every moment, and a crash leaves trash, which the next call, or
``butler empty-trash``, finishes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from pachon.butler.prune import remove_trash
from pachon.butler.write_protocol import Change
from pachon.datasets import DatasetTable, id_keys, uuids_from_ids
from pachon.datastore import FileRecords, StoredFile

if TYPE_CHECKING:
    from pachon.butler.butler import Butler
    from pachon.butler.session import Session

__all__ = ["back_by_provenance"]

_MEMBER: Final = "provenance_member"
"""Formatter of datasets inside of a provenance graph."""


def back_by_provenance(butler: Butler, datasets: DatasetTable, graph: StoredFile) -> int:
    """Let datasets be read from a provenance graph, and remove their own files; give the number of files.

    Datasets that live there already are passed over; those that are not registered become so.

    Parameters
    ----------
    butler
        The repository.
    datasets
        Datasets that the graph holds.
    graph
        The record of its file.
    """
    session: Session = butler._session
    session.check_writeable()
    session.check_no_block("back_by_provenance")
    known = session.records.fetch(datasets.ids)
    inside = id_keys(known.dataset_id[known.formatter == _MEMBER])
    table = datasets.take(np.flatnonzero(~np.isin(id_keys(datasets.ids), inside)))
    moving = known.take(np.flatnonzero(known.formatter != _MEMBER))
    if len(table):
        rows = FileRecords.from_rows(
            replace(
                graph,
                dataset_id=dataset_id,
                component=None,
                formatter=_MEMBER,
                storage_class=table.dataset_type.storage_class,
                size=None,
                checksum=None,
            )
            for dataset_id in uuids_from_ids(table.ids)
        )

        def write_rows() -> None:
            session.registry.datasets.import_(table)
            session.records.move_to_trash(table.ids)
            session.records.add(rows)

        session.writer.commit(Change(write_rows=write_rows))
    # Also what an earlier call moved there before it was cut off.
    left = session.records.fetch_trash(datasets.ids)
    if len(left):
        remove_trash(session, left)
    return len(moving)
