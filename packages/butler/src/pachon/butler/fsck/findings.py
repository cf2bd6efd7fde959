# SPDX-License-Identifier: BSD-3-Clause
"""From facts to findings: what is said of each difference between folder and database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pachon.butler.fsck.facts import BadRow
from pachon.butler.fsck.report import Finding, FindingKind
from pachon.butler.fsck.unnamed_files import describe
from pachon.butler.record_store import TrashRow
from pachon.butler.writer_table import WriterRecord
from pachon.datasets import DatasetRef
from pachon.datastore import StoredFile
from pachon.datastore.file_check import FileState
from pachon.datastore.stored_listing import LOST_FOLDER

__all__ = ["mended", "of_bad_row", "of_dead_writer", "of_newer_output", "of_stale_mark", "of_trash", "of_unregistered"]

_KINDS = {
    FileState.MISSING: FindingKind.MISSING_FILE,
    FileState.WRONG_SIZE: FindingKind.WRONG_SIZE,
    FileState.WRONG_CHECKSUM: FindingKind.WRONG_CHECKSUM,
    FileState.UNREADABLE: FindingKind.UNREADABLE_FILE,
    FileState.OUTSIDE: FindingKind.PATH_OUTSIDE,
}

_BRING_BACK: Final = " Bring the file back from a copy, or say --repair --unstore-damaged, after which the dataset is known but not stored."
_DROP: Final = " --repair drops the row."
_DELETE: Final = " --repair or 'butler empty-trash' deletes the file."
_END: Final = f" --repair ends it, and moves what it left without registering it to {LOST_FOLDER}."
_RENEW: Final = " --repair writes it anew."
_ADVICE: Final = (_BRING_BACK, _DROP, _DELETE, _END, _RENEW)


def mended(finding: Finding, done: str) -> Finding:
    """Give a finding that was mended: in place of what can be done it says what was."""
    text = finding.explanation
    for advice in _ADVICE:
        text = text.removesuffix(advice)
    return replace(finding, mended=True, explanation=f"{text} {done}")


def of_bad_row(bad: BadRow, refs: Mapping[UUID, DatasetRef]) -> Finding:
    """Say what is the matter with the file of a dataset."""
    which = _name(bad.row, refs)
    if bad.state is FileState.MISSING:
        what = f"has no file any more{f': {bad.detail}' if bad.detail else ''}."
    elif bad.state in (FileState.WRONG_SIZE, FileState.WRONG_CHECKSUM):
        what = f"has a file that is not the one that was written: {bad.detail}."
    elif bad.state is FileState.OUTSIDE:
        what = f"has a row with a path that must not be used: {bad.detail}"
    else:
        what = f"has a file that cannot be looked at: {bad.detail.rstrip('.')}."
    return Finding(
        kind=_KINDS[bad.state],
        path=bad.row.path,
        dataset_id=bad.row.dataset_id,
        size=bad.row.size,
        explanation=f"{which} {what}{_BRING_BACK}",
    )


def of_newer_output(row: StoredFile, graph: str, refs: Mapping[UUID, DatasetRef]) -> Finding:
    """Say that a job wrote a registered output anew: the row follows with the next transfer."""
    return Finding(
        kind=FindingKind.GRAPH_OUTPUT,
        path=row.path,
        dataset_id=row.dataset_id,
        size=row.size,
        explanation=(
            f"{_name(row, refs)} was written anew, after it was registered, by a job of the quantum graph {graph}; "
            "'butler transfer-from-graph' with that graph registers it as it is now."
        ),
    )


def of_unregistered(row: StoredFile) -> Finding:
    """Say that a row of a file names no dataset."""
    return Finding(
        kind=FindingKind.UNREGISTERED_RECORD,
        path=row.path,
        dataset_id=row.dataset_id,
        size=row.size,
        explanation=f"The row of this file names dataset {row.dataset_id}, which is not registered.{_DROP}",
    )


def of_trash(row: TrashRow) -> Finding:
    """Say that a removed dataset still has a file."""
    when = datetime.fromtimestamp(row.trashed_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    tried = f" Its deletion failed {row.attempts} times: {row.last_error}" if row.attempts else ""
    return Finding(
        kind=FindingKind.TRASH,
        path=row.file.path,
        dataset_id=row.file.dataset_id,
        size=row.file.size,
        explanation=f"Its dataset was removed at {when} UTC.{tried}{_DELETE}",
    )


def of_dead_writer(writer: WriterRecord) -> Finding:
    """Say that a writer is gone and has not ended its work."""
    return Finding(
        kind=FindingKind.DEAD_WRITER,
        writer=writer.token,
        explanation=(
            f"Writer {writer.token} is gone and never ended its work: {describe(writer)}. "
            f"What it registered is whole.{_END}"
        ),
    )


def _name(row: StoredFile, refs: Mapping[UUID, DatasetRef]) -> str:
    ref = refs.get(row.dataset_id)
    which = str(ref) if ref is not None else f"Dataset {row.dataset_id}"
    return f"{which} (component {row.component})" if row.component else which


def of_stale_mark(path: str) -> Finding:
    """Say what is the matter with a mark that tells jobs otherwise than the database."""
    what = (
        "This file tells jobs of quantum graphs what the dimensions of the repository, or a dataset type, are since they were changed, "
        "and does not say what the database does: a change was cut off, or the database was restored. Jobs may run that do not fit, or "
        "be refused that do."
    )
    return Finding(kind=FindingKind.STALE_MARK, path=path, explanation=f"{what}{_RENEW}")
