# SPDX-License-Identifier: BSD-3-Clause
"""Mending what a check found. Each step is safe by itself, and a sweep that is killed can be repeated.

A writer is ended by a committed transaction before any file of it is removed: from then on it cannot register anything. A file
without a row is removed only if the database, asked again after that, still does not name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from pachon.base import NotFoundError, PachonError
from pachon.base.process_identity import this_process
from pachon.butler.fsck.findings import mended
from pachon.butler.fsck.report import Finding, FindingKind
from pachon.butler.fsck.unnamed_files import Verdict
from pachon.butler.prune import remove_trash
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.butler.writer_table import WriterRecord, WriterTable
from pachon.datasets import ids_from_uuids, uuids_from_ids
from pachon.datastore import FileRecords
from pachon.datastore.errors import PathOutsideRootError
from pachon.datastore.faults import reach
from pachon.datastore.file_check import FileKeeper
from pachon.datastore.records import absolute_paths, file_part, path_below
from pachon.datastore.stored_listing import LOST_FOLDER

__all__ = [
    "FAULT_POINTS",
    "clear_files",
    "drop_records",
    "empty_listed_trash",
    "end_writers",
    "forget_writers",
    "unstore_damaged",
]

FAULT_POINTS: Final = (
    "fsck.writer_ended",
    "fsck.record_dropped",
    "fsck.unstored",
    "fsck.looked",
    "fsck.removed",
    "fsck.set_aside",
)
"""Points of this module at which a test can make something go wrong."""

_BATCH: Final = 1000
"""Files that are removed under one lock."""
_FORGET_AFTER_NS: Final = int(30 * 86400e9)
"""Writers that ended so long ago, and left nothing, are forgotten."""


def end_writers(table: WriterTable, writers: Iterable[WriterRecord], now_ns: int) -> set[str]:
    """End writers that are gone; give the tokens of those that this ended."""
    who = this_process()
    ended = set()
    for writer in writers:
        if table.end(writer.token, now_ns, f"declared dead by {who.user} on {who.machine.partition(' ')[0]}"):
            ended.add(writer.token)
        reach("fsck.writer_ended")
    return ended


def forget_writers(table: WriterTable, writers: Iterable[WriterRecord], still_named: set[str], now_ns: int) -> None:
    """Delete the rows of writers that ended long ago and of which no file is left to be explained."""
    table.forget(
        writer.token
        for writer in writers
        if writer.ended_ns and now_ns - writer.ended_ns > _FORGET_AFTER_NS and writer.token not in still_named
    )


def drop_records(session: Session, rows: FileRecords) -> None:
    """Drop the rows of files whose datasets are not registered; the files are left to the comparison that follows."""
    with session.registry.write():
        session.records.forget(rows.dataset_id)
    reach("fsck.record_dropped")


def unstore_damaged(session: Session, keeper: FileKeeper, findings: Sequence[Finding]) -> list[Finding]:
    """Put the files of datasets aside of which one is missing or damaged, and take away their rows; the datasets stay registered.

    The files go first: a sweep that is killed in between leaves rows of missing files, for the next one.
    """
    ids = ids_from_uuids({finding.dataset_id for finding in findings if finding.dataset_id is not None})
    folder = _new_folder()
    failures = _put_aside(session, keeper, session.records.fetch(ids), folder)
    ids = ids_from_uuids({uuid for uuid in uuids_from_ids(ids) if uuid not in failures})
    with session.registry.write():
        session.records.move_to_trash(ids)
    reach("fsck.unstored")
    remove_trash(session, session.records.fetch_trash(ids))
    left = {row.dataset_id for row in session.records.fetch_trash(ids).rows()}
    done = []
    for finding in findings:
        assert finding.dataset_id is not None
        if finding.dataset_id in failures:
            text = f"{finding.explanation} It could not be unstored: {failures[finding.dataset_id]}"
            done.append(replace(finding, explanation=text))
        elif finding.dataset_id in left:
            done.append(finding)
        elif finding.kind is FindingKind.MISSING_FILE:
            done.append(mended(finding, "The dataset was unstored."))
        else:
            done.append(mended(finding, f"The dataset was unstored; its file is in {LOST_FOLDER}/{folder}."))
    return done


def _put_aside(session: Session, keeper: FileKeeper, rows: FileRecords, folder: str) -> dict[UUID, str]:
    """Put aside the files of rows that no other dataset has, and give what failed, by dataset."""
    mine = {row.dataset_id for row in rows.rows()}
    owners: dict[str, set[UUID]] = {}
    for row in rows.rows():
        if row.owned:
            owners.setdefault(file_part(row.path), set()).add(row.dataset_id)
    paths = list(owners)
    failures: dict[UUID, str] = {}
    for start in range(0, len(paths), _BATCH):
        part = paths[start : start + _BATCH]
        with _removing(session):
            named = session.records.find_paths([*part, *absolute_paths(keeper.root_urls, part)]).rows()
            shared = {path_below(keeper.root_urls, file_part(row.path)) for row in named if row.dataset_id not in mine}
            reach("fsck.looked")
            for path in part:
                if path in shared:
                    continue
                try:
                    keeper.set_aside(path, folder)
                    reach("fsck.set_aside")
                except (FileNotFoundError, NotFoundError, PathOutsideRootError):
                    pass  # nothing is there, or it is none of ours: only the row goes
                except PachonError as error:
                    failures.update(dict.fromkeys(owners[path], str(error)))
    return failures


@contextmanager
def _removing(session: Session) -> Iterator[None]:
    """Remove files in the block that no row names, or those that will not be named any more.

    Nothing in the database says so, as it does of the trash. So a commit without rows is counted: an ingest of such a file where it
    lies sees by that that it has to look at the file again.
    """
    with session.records.removing():
        session.writer.commit(Change(write_rows=lambda: None))
        yield


def empty_listed_trash(session: Session, findings: Sequence[Finding]) -> list[Finding]:
    """Delete the files of the trash; what cannot be deleted stays there, and is said with the reason."""
    ids = ids_from_uuids({finding.dataset_id for finding in findings if finding.dataset_id is not None})
    remove_trash(session, session.records.fetch_trash(ids))
    left = {(row.file.dataset_id, row.file.path): row for row in session.records.describe_trash()}
    done = []
    for finding in findings:
        row = left.get((finding.dataset_id, finding.path)) if finding.dataset_id is not None else None
        if row is None:
            done.append(mended(finding, "It was deleted."))
        else:
            done.append(replace(finding, explanation=f"It cannot be deleted: {row.last_error}"))
    return done


def clear_files(session: Session, keeper: FileKeeper, verdicts: Sequence[Verdict]) -> list[Finding]:
    """Remove, or put aside, files that no row names, as their verdicts allow."""
    findings: list[Finding] = []
    folder = _new_folder()
    # Of what is only reported, nothing is removed.
    removable = [verdict for verdict in verdicts if verdict.remove or verdict.set_aside]
    findings.extend(verdict.finding for verdict in verdicts if not (verdict.remove or verdict.set_aside))
    for start in range(0, len(removable), _BATCH):
        part = removable[start : start + _BATCH]
        with _removing(session):
            named = session.records.find_named([verdict.finding.path for verdict in part], keeper.root_urls)
            reach("fsck.looked")
            findings.extend(_clear(keeper, verdict, folder) for verdict in part if verdict.finding.path not in named)
    return findings


def _new_folder() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")


def _clear(keeper: FileKeeper, verdict: Verdict, folder: str) -> Finding:
    finding = verdict.finding
    try:
        if verdict.remove:
            keeper.remove_unnamed(finding.path)
            reach("fsck.removed")
            return replace(finding, mended=True, explanation=f"{finding.explanation} It was removed.")
        if verdict.set_aside:
            keeper.set_aside(finding.path, folder)
            reach("fsck.set_aside")
            where = f"{LOST_FOLDER}/{folder}"
            return replace(finding, mended=True, explanation=f"{finding.explanation} It was moved to {where}.")
    except (FileNotFoundError, NotFoundError):
        return replace(finding, mended=True, explanation=f"{finding.explanation} It is gone.")
    except PachonError as error:
        return replace(finding, explanation=f"{finding.explanation} It could not be cleared away: {error}")
    return finding
