# SPDX-License-Identifier: BSD-3-Clause
"""A check of a repository, and its repair: ``butler fsck``."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, get_args
from uuid import UUID

from pachon.base import InvalidInputError, ReadOnlyError
from pachon.butler.definition_notes import find_stale_marks, renew_marks
from pachon.butler.find import get_many_datasets
from pachon.butler.fsck import findings as said
from pachon.butler.fsck import mending
from pachon.butler.fsck.emptied_folders import old_folders, remove_emptied
from pachon.butler.fsck.facts import BadRow, FsckFacts, Verify, fetch_facts
from pachon.butler.fsck.newer_outputs import find_newer_outputs
from pachon.butler.fsck.own_files import OwnFiles
from pachon.butler.fsck.report import Finding, FindingKind, FsckReport
from pachon.butler.fsck.unnamed_files import Circumstances, Verdict, judge
from pachon.butler.repository_location import folder_text
from pachon.butler.session import Session
from pachon.butler.writer_table import WriterRecord, WriterTable
from pachon.datasets import DatasetRef, ids_from_uuids
from pachon.datastore.file_check import FileKeeper

__all__ = ["DEFAULT_MIN_AGE_S", "fsck"]

DEFAULT_MIN_AGE_S: Final = 3600.0
"""Files without rows that are younger are left alone, whoever made them."""


def fsck(
    session: Session,
    *,
    repair: bool = False,
    verify: Verify = "size",
    min_age: float = DEFAULT_MIN_AGE_S,
    unstore_damaged: bool = False,
    ignore: Iterable[str] = (),
) -> FsckReport:
    """Compare the folder of a repository with its database; see `Butler.fsck`."""
    session.check_open()
    session.check_no_block("fsck")
    _check_arguments(session, repair=repair, verify=verify, min_age=min_age, unstore_damaged=unstore_damaged)
    keeper = session.datastore
    if not isinstance(keeper, FileKeeper):
        raise InvalidInputError(f"Datastore {session.datastore.name!r} keeps no files that could be checked.")
    table = _writer_table(session)
    now_ns = time.time_ns()
    # The writers are read before the files are listed: what one that has ended by then left without rows gets none later.
    writers = table.fetch_all() if table is not None else []
    own = OwnFiles.of_session(session, keeper, ignore)
    facts = fetch_facts(keeper, session.records, own, verify=verify)
    circumstances = Circumstances.of(writers, now_ns=now_ns, min_age_s=min_age)
    if facts.unnamed:
        # And once more: one that began meanwhile may have files in the list.
        table = table or _writer_table(session)
        circumstances = circumstances.with_later(table.fetch_all() if table is not None else ())
    verdicts = [judge(file.path, file.size, file.changed_ns, circumstances) for file in facts.unnamed]
    damaged, newer = _describe_damage(session, keeper, facts)
    trash = [said.of_trash(row) for row in facts.trash]
    dead = [said.of_dead_writer(writer) for writer in circumstances.dead()]
    unregistered = [said.of_unregistered(row) for row in facts.unregistered.rows()]
    unnamed = [verdict.finding for verdict in verdicts]
    marks = [said.of_stale_mark(place.relative_to(keeper.root) or "") for place in find_stale_marks(session)]
    if repair:
        assert table is not None
        dead = _end(table, circumstances, dead, now_ns)
        unregistered, verdicts = _drop(session, facts, unregistered, verdicts, circumstances)
        trash = mending.empty_listed_trash(session, trash) if trash else []
        if marks:
            renew_marks(session)
            marks = [said.mended(finding, "It was written anew.") for finding in marks]
        if unstore_damaged:
            damaged = _unstore(session, keeper, damaged, newer)
        unnamed = _clear(session, keeper, table, verdicts, before_ns=now_ns - int(min_age * 1e9))
        left = {finding.writer for finding in unnamed if not finding.mended}
        mending.forget_writers(table, writers, left, now_ns)
    return FsckReport(
        root=folder_text(session.repository.location.folder),
        verify=verify,
        repair=repair,
        files=facts.files,
        records=facts.records,
        findings=(*damaged, *unregistered, *unnamed, *newer, *trash, *marks, *dead),
    )


def _check_arguments(session: Session, *, repair: bool, verify: str, min_age: float, unstore_damaged: bool) -> None:
    if verify not in get_args(Verify):
        raise InvalidInputError(f"What is verified is one of {', '.join(get_args(Verify))}, not {verify!r}.")
    age: object = min_age
    if not isinstance(age, (int, float)) or not age >= 0:
        raise InvalidInputError(f"The least age is a number of seconds that is not negative, not {min_age!r}.")
    if unstore_damaged and not repair:
        raise InvalidInputError("Damaged datasets are unstored only by a repair: say repair=True too.")
    if repair:
        session.check_writeable()


def _writer_table(session: Session) -> WriterTable | None:
    try:
        return WriterTable(session.registry)
    except ReadOnlyError:
        return None  # nobody has written yet, and reading makes no tables


def _describe_damage(session: Session, keeper: FileKeeper, facts: FsckFacts) -> tuple[list[Finding], list[Finding]]:
    """Give what is damaged, and apart from it what a job of a quantum graph wrote anew."""
    unregistered = {row.dataset_id for row in facts.unregistered.rows()}
    wanted = {bad.row.dataset_id for bad in facts.bad_rows} - unregistered
    refs: dict[UUID, DatasetRef] = {}
    if wanted:
        refs = {ref.id: ref for ref in get_many_datasets(session, ids_from_uuids(wanted))}
    bad_rows: list[BadRow] = [bad for bad in facts.bad_rows if bad.row.dataset_id in wanted]
    newer = find_newer_outputs(keeper, bad_rows, refs)
    damaged = [said.of_bad_row(bad, refs) for bad in bad_rows if bad.row not in newer]
    return damaged, [said.of_newer_output(row, graph, refs) for row, graph in newer.items()]


def _unstore(
    session: Session, keeper: FileKeeper, damaged: Sequence[Finding], newer: Sequence[Finding]
) -> list[Finding]:
    """Unstore damaged datasets, but none of which another file only waits for its row: that one would go with it."""
    waiting = {finding.dataset_id for finding in newer}
    kept = [
        replace(
            finding,
            explanation=f"{finding.explanation} It stays, as another file of the dataset waits for 'butler transfer-from-graph'.",
        )
        for finding in damaged
        if finding.dataset_id in waiting
    ]
    gone = [finding for finding in damaged if finding.dataset_id not in waiting]
    return [*kept, *(mending.unstore_damaged(session, keeper, gone) if gone else [])]


def _end(table: WriterTable, circumstances: Circumstances, dead: Sequence[Finding], now_ns: int) -> list[Finding]:
    gone: list[WriterRecord] = circumstances.dead()
    mending.end_writers(table, gone, now_ns)
    return [said.mended(finding, "It was ended.") for finding in dead]


def _clear(
    session: Session, keeper: FileKeeper, table: WriterTable, verdicts: Sequence[Verdict], *, before_ns: int
) -> list[Finding]:
    """Clear files away that no row names, and the folders that held nothing else."""
    paths = [verdict.finding.path for verdict in verdicts if verdict.remove or verdict.set_aside]
    folders = old_folders(keeper.root.ospath.rstrip("/"), paths, before_ns=before_ns) if keeper.root.is_local else []
    findings = mending.clear_files(session, keeper, verdicts)
    remove_emptied(session, keeper, table, folders, time.time_ns())
    return findings


def _drop(
    session: Session,
    facts: FsckFacts,
    unregistered: Sequence[Finding],
    verdicts: list[Verdict],
    circumstances: Circumstances,
) -> tuple[list[Finding], list[Verdict]]:
    """Drop rows of datasets that are not registered; their files become files without rows."""
    if not unregistered:
        return [], verdicts
    mending.drop_records(session, facts.unregistered)
    seen = {verdict.finding.path for verdict in verdicts}
    for row in facts.unregistered.rows():
        if row.owned and row.path not in seen:
            verdict = judge(row.path, row.size or 0, 1, circumstances)
            # What such a file holds, nobody knows: it is never removed.
            aside = replace(verdict, remove=False, set_aside=verdict.finding.kind is not FindingKind.FILE_IN_PROGRESS)
            verdicts = [*verdicts, aside]
            seen.add(row.path)
    return [said.mended(finding, "The row was dropped.") for finding in unregistered], verdicts
