# SPDX-License-Identifier: BSD-3-Clause
"""Registered outputs of quantum graphs that a job wrote anew since: their files are ahead of their rows, and not damaged.

A retry writes an output again in the same place, and its receipt says what is there now. The row follows only with the next
``transfer-from-graph``.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from pachon.butler.fsck.facts import BadRow
from pachon.datasets import DatasetRef
from pachon.datastore import FileRecords, StoredFile
from pachon.datastore.file_check import FileKeeper, FileState
from pachon.datastore.records import file_part, is_owned
from pachon.quantum_butler import find_receipts_of_run, graphs_folder, read_receipt
from pachon.quantum_butler.errors import ReceiptError

__all__ = ["find_newer_outputs"]

_log = logging.getLogger(__name__)


def find_newer_outputs(
    keeper: FileKeeper, bad_rows: Iterable[BadRow], refs: Mapping[UUID, DatasetRef]
) -> dict[StoredFile, str]:
    """Give the rows whose files are as a receipt says that is newer than the row; of each the graph, for people.

    The receipt of a row is the last one that says of the file what the row says. A row without one was registered by the file
    itself, so that every receipt counts as newer.

    Parameters
    ----------
    keeper
        The datastore.
    bad_rows
        What was found.
    refs
        Their datasets, as far as they are registered.
    """
    suspects: dict[str, list[StoredFile]] = {}
    for bad in bad_rows:
        row, ref = bad.row, refs.get(bad.row.dataset_id)
        changed = bad.state in (FileState.WRONG_SIZE, FileState.WRONG_CHECKSUM)
        if changed and ref is not None and is_owned(row.path) and file_part(row.path) == row.path:
            suspects.setdefault(ref.run, []).append(row)
    found: dict[StoredFile, str] = {}
    for run, rows in suspects.items():
        said = _said_later(_receipts(keeper, run, rows), rows)
        graphs: dict[UUID, str] = {}
        for row, graph_id in _agreeing(keeper, said):
            if graph_id not in graphs:
                graphs[graph_id] = _graph_text(keeper, run, graph_id)
            found[row] = graphs[graph_id]
    return found


def _receipts(keeper: FileKeeper, run: str, rows: Sequence[StoredFile]) -> Iterable[tuple[UUID, FileRecords]]:
    """Give of each receipt of a run, oldest first, its graph and what it says of the datasets of some rows."""
    wanted = {row.dataset_id for row in rows}
    for place in find_receipts_of_run(keeper.root, run):
        try:
            receipt = read_receipt(place)
        except ReceiptError as error:
            # It vouches for nothing; whoever transfers is told of it too.
            _log.warning("A receipt cannot be read: %s", error)
            continue
        yield (
            receipt.graph_id,
            FileRecords.from_rows(row for row in receipt.records.rows() if row.dataset_id in wanted),
        )


def _said_later(
    receipts: Iterable[tuple[UUID, FileRecords]], rows: Sequence[StoredFile]
) -> list[tuple[StoredFile, StoredFile, UUID]]:
    """Give for each row what receipts say of its file that are later than the row's own; with their graphs, latest first."""
    by_file = {_file(row): row for row in rows}
    later: dict[StoredFile, list[tuple[StoredFile, UUID]]] = {row: [] for row in rows}
    for graph_id, records in receipts:
        for said in records.rows():
            row = by_file.get(_file(said))
            if row is None or said.size is None or not said.checksum:
                continue
            if (said.size, said.checksum) == (row.size, row.checksum):
                later[row].clear()
            else:
                later[row].append((said, graph_id))
    return [(row, said, graph_id) for row, group in later.items() for said, graph_id in reversed(group)]


def _agreeing(
    keeper: FileKeeper, candidates: Sequence[tuple[StoredFile, StoredFile, UUID]]
) -> Iterable[tuple[StoredFile, UUID]]:
    """Give the rows whose file is, byte for byte, what a receipt says, once each."""
    if not candidates:
        return
    checked = keeper.check_files(FileRecords.from_rows(said for _, said, _ in candidates), checksum=True)
    done: set[StoredFile] = set()
    for (row, _, graph_id), state in zip(candidates, checked.states, strict=True):
        if state is FileState.GOOD and row not in done:
            done.add(row)
            yield row, graph_id


def _file(row: StoredFile) -> tuple[UUID, str, str]:
    return row.dataset_id, row.component or "", row.path


def _graph_text(keeper: FileKeeper, run: str, graph_id: UUID) -> str:
    """Name a graph by the file that is kept of it, or else by its id."""
    kept = graphs_folder(keeper.root, run).join(f"{graph_id}.qg")
    if not kept.exists():
        return str(graph_id)
    return kept.ospath if kept.is_local else str(kept)
