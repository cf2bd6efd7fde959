# SPDX-License-Identifier: BSD-3-Clause
"""What the repository has already of the datasets that an ingest takes in: they are left out, or said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from pachon.base import ConflictError
from pachon.base.counting import counted
from pachon.butler.ingest_batch import Batch, OnConflict, Options
from pachon.butler.put import prepare_run
from pachon.butler.session import Session
from pachon.datasets import DatasetRef, DatasetTable, IdMode, id_keys
from pachon.registry import ConflictingDefinitionError

__all__ = ["again_without_known", "are_stored"]


def are_stored(session: Session, ids: np.ndarray) -> np.ndarray:
    """Tell which datasets have files."""
    return np.isin(id_keys(ids), id_keys(session.records.fetch(ids).dataset_id))


def again_without_known(
    session: Session,
    batches: Sequence[Batch],
    tables: Sequence[DatasetTable],
    options: Options,
    take_in: Callable[[list[np.ndarray]], Sequence[DatasetRef]],
) -> Sequence[DatasetRef]:
    """Take in what is not known; and if somebody else was faster with some of it and that is to be skipped, the rest."""
    known = _known(session, batches, tables, options.id_mode, options.on_conflict)
    while True:
        try:
            return take_in(known)
        except ConflictError as error:
            if options.on_conflict != "skip" or session.registry.is_writing:
                _say_what_is_known(session, batches, tables, options, error)
                raise
            # What this call made is removed again. Another conflict than a lost race leaves the same unknown, and is raised.
            for run in {batch.run for batch in batches}:
                session.new_runs.discard(run)
                prepare_run(session, run)
            before, known = known, _known(session, batches, tables, options.id_mode, options.on_conflict)
            if all(np.array_equal(old, new) for old, new in zip(before, known, strict=True)):
                raise


def _say_what_is_known(
    session: Session,
    batches: Sequence[Batch],
    tables: Sequence[DatasetTable],
    options: Options,
    error: ConflictError,
) -> None:
    """Note on an error how many datasets the repository has already, if an ingest that leaves them out would go on."""
    if session.registry.is_writing or not isinstance(error, ConflictingDefinitionError):
        return
    for batch in batches:
        # A run that is not there holds nothing; it may have been made since.
        session.new_runs.discard(batch.run)
        prepare_run(session, batch.run)
    known = sum(int(mask.sum()) for mask in _known(session, batches, tables, options.id_mode, "skip"))
    if known:
        total = sum(map(len, tables))
        error.add_note(
            f"{known} of {counted(total, 'dataset is', 'datasets are')} in the run already; nothing was ingested. "
            "Say on_conflict='skip' to leave them out."
        )


def _known(
    session: Session,
    batches: Sequence[Batch],
    tables: Sequence[DatasetTable],
    id_mode: IdMode,
    on_conflict: OnConflict,
) -> list[np.ndarray]:
    """Tell which datasets the repository has already.

    Raises
    ------
    ConflictError
        If there are any and they are not to be left out.
    """
    masks = []
    for batch, table in zip(batches, tables, strict=True):
        mask = np.zeros(len(table), dtype=bool)
        if batch.has_ids or id_mode is not IdMode.UNIQUE:
            mask = are_stored(session, table.ids)
        elif on_conflict == "skip" and batch.run not in session.new_runs:
            rows, found = session.registry.datasets.find(table.dataset_type, table.data_ids, [batch.run])
            mask = rows >= 0
            if batch.adopts:
                same = np.flatnonzero(mask)
                same = same[(found.ids[rows[same]] == table.ids[same]).all(axis=1)]
                mask[same] = are_stored(session, table.ids[same])
        if mask.any() and on_conflict == "error":
            first = table[int(np.flatnonzero(mask)[0])]
            raise ConflictError(
                f"{int(mask.sum())} of {len(table)} datasets are in the repository already, {first} for one; "
                "nothing was ingested. Say on_conflict='skip' to leave them out."
            )
        masks.append(mask)
    return masks
