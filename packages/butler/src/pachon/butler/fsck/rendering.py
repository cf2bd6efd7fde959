# SPDX-License-Identifier: BSD-3-Clause
"""The report of a check as text for people."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pachon.base.counting import counted
from pachon.butler.fsck.report import Finding, FindingKind, FsckReport

__all__ = ["render_report"]

_TITLES = {
    FindingKind.MISSING_FILE: "Datasets whose file is missing",
    FindingKind.WRONG_SIZE: "Files with a wrong size",
    FindingKind.WRONG_CHECKSUM: "Files with a wrong checksum",
    FindingKind.UNREADABLE_FILE: "Files that cannot be looked at",
    FindingKind.PATH_OUTSIDE: "Rows with a path outside the repository",
    FindingKind.UNREGISTERED_RECORD: "Rows of files of datasets that are not registered",
    FindingKind.LEFTOVER_FILE: "Files that a writer left without registering them",
    FindingKind.LATER_FILE: "Files that are later than the database",
    FindingKind.FOREIGN_FILE: "Files that no writer of this repository made",
    FindingKind.TRASH: "Files of removed datasets that are still there",
    FindingKind.STALE_MARK: "Marks for jobs that do not say what the database does",
    FindingKind.DEAD_WRITER: "Writers that never ended their work (nothing is wrong)",
    FindingKind.FILE_IN_PROGRESS: "Files of writers that are at work (nothing is wrong)",
    FindingKind.GRAPH_OUTPUT: "Outputs of quantum graphs that are not transferred yet (nothing is wrong)",
}


def render_report(report: FsckReport, *, most: int | None) -> str:
    """Give the report as lines: kinds with their counts, of each some findings, and a conclusion.

    Parameters
    ----------
    report
        The report.
    most
        How many findings of a kind are shown; None is all.
    """
    return "\n".join(_lines(report, most))


def _lines(report: FsckReport, most: int | None) -> Iterator[str]:
    looked_at = f"{counted(report.files, 'file')}, {counted(report.records, 'row of a file', 'rows of files')}"
    yield f"{report.root}: {looked_at}; {_VERIFIED[report.verify]}."
    for kind, found, mended in report.counts():
        count = f"{found}, {mended} mended" if mended else f"{found}"
        yield ""
        yield f"{_TITLES[kind]}: {count}"
        mine = [finding for finding in report.findings if finding.kind is kind]
        # What is left comes first: it is what somebody has to do something about.
        mine.sort(key=lambda finding: finding.mended)
        for finding in mine[:most]:
            yield f"  {_one(finding)}"
        if most is not None and found > most:
            yield f"  ... and {found - most} more (--verbose shows all)"
    yield ""
    yield _conclusion(report)


_VERIFIED = {
    "existence": "whether each file is there was compared",
    "size": "the size of each was compared",
    "checksum": "size and checksum of each were compared",
}


_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _one(finding: Finding) -> str:
    # Whoever can make a file must not write lines of the report, nor into the terminal.
    path = _CONTROLS.sub(lambda found: repr(found[0])[1:-1], finding.path)
    return f"{path}: {finding.explanation}" if path else finding.explanation


_DAMAGE = (
    FindingKind.MISSING_FILE,
    FindingKind.WRONG_SIZE,
    FindingKind.WRONG_CHECKSUM,
    FindingKind.UNREADABLE_FILE,
    FindingKind.PATH_OUTSIDE,
)


def _conclusion(report: FsckReport) -> str:
    left = len(report.remaining)
    mended = sum(finding.mended for finding in report.findings)
    if not left:
        return f"{_number(mended)} mended; nothing is wrong any more." if mended else "Nothing is wrong."
    done = f" {_number(mended)} mended." if mended else ""
    # Of damaged files each line says what can be done: a repair alone does nothing about them.
    young = sum(finding.too_young for finding in report.remaining)
    is_mendable = any(finding.kind not in _DAMAGE for finding in report.remaining)
    advice = " --repair mends what can be mended." if is_mendable and not report.repair else ""
    if young:
        advice += f" Too young to be touched: {young}; --min-age SECONDS says how old a file must be."
    return f"{left} problem{'s are' if left > 1 else ' is'} left.{done}{advice}"


def _number(count: int) -> str:
    return "1 problem was" if count == 1 else f"{count} problems were"
