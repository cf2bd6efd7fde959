# SPDX-License-Identifier: BSD-3-Clause
"""Why is there a file that no row names? A pure decision, from its name, its time and what is known of the writers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, Self

from pachon.base.process_identity import is_running
from pachon.butler.fsck.report import Finding, FindingKind
from pachon.butler.writer_lease import RENEWAL_S
from pachon.butler.writer_table import WriterRecord
from pachon.datastore.write_token import find_token

__all__ = ["LEASE_S", "Circumstances", "Verdict", "describe", "judge"]

LEASE_S: Final = 24 * 3600.0
"""A writer on another machine counts as alive for so long after it last renewed its row."""
_CLOCKS_S: Final = 300.0
"""How far the clocks of machines and of the storage may be apart."""
_PART_S: Final = 24 * 3600.0
"""Jobs of a quantum graph have no row; what they are just writing is left alone for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known at the time of the check."""

    now_ns: int
    min_age_s: float
    writers: Mapping[str, WriterRecord]
    alive: frozenset[str]
    """Tokens of the writers that are, or may be, at work."""

    @classmethod
    def of(cls, writers: Iterable[WriterRecord], *, now_ns: int, min_age_s: float) -> Self:
        """Find out which writers are alive: on this machine by their processes, elsewhere by their last renewal."""
        known = {writer.token: writer for writer in writers}
        alive = frozenset(token for token, writer in known.items() if _is_alive(writer, now_ns))
        return cls(now_ns=now_ns, min_age_s=min_age_s, writers=known, alive=alive)

    def with_later(self, writers: Iterable[WriterRecord]) -> Self:
        """Add writers that began while the check was going on: their files are theirs, whatever became of them since."""
        later = {writer.token: writer for writer in writers if writer.token not in self.writers}
        return replace(self, writers={**self.writers, **later}, alive=self.alive | later.keys())

    def dead(self) -> list[WriterRecord]:
        """Give the writers that are gone and have not ended."""
        return [w for token, w in self.writers.items() if not w.ended_ns and token not in self.alive]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said and done about a file."""

    finding: Finding
    remove: bool = False
    """It may be removed: no row for it can come any more."""
    set_aside: bool = False
    """It may be moved out of the way, as it might be somebody's."""


def judge(path: str, size: int, changed_ns: int, circumstances: Circumstances) -> Verdict:
    """Decide about a file that no row names, nor the trash.

    Parameters
    ----------
    path, size
        The file, below the root; bytes.
    changed_ns
        When it, or its name, last changed; Unix time, 0 if that is not known.
    circumstances
        What is known of the writers.
    """
    # A storage that does not say when is taken at its most careful.
    age_s = (circumstances.now_ns - changed_ns) / 1e9 if changed_ns else 0.0
    old_enough = age_s >= circumstances.min_age_s
    token = find_token(path)
    if token is None:
        text = "No writer of this repository made it."
        return _verdict(FindingKind.FOREIGN_FILE, path, size, text, age_s, set_aside=old_enough)
    if token.unfinished:
        if age_s < _PART_S:
            return _verdict(FindingKind.GRAPH_OUTPUT, path, size, "A job of a quantum graph is writing it.", age_s)
        text = "A job of a quantum graph was killed while it wrote this."
        return _verdict(FindingKind.LEFTOVER_FILE, path, size, text, age_s, remove=old_enough)
    if token.predicted:
        text = (
            "It is an output of a quantum graph; 'butler transfer-from-graph' with that graph registers it, unless the run has what "
            "another graph wrote in its place (then nothing needs this file)."
        )
        return _verdict(FindingKind.GRAPH_OUTPUT, path, size, text, age_s)
    writer = circumstances.writers.get(token.writer)
    verdict = _of_writer(path, size, changed_ns, writer, circumstances, age_s=age_s, old_enough=old_enough)
    return replace(verdict, finding=replace(verdict.finding, writer=token.writer))


def describe(writer: WriterRecord) -> str:
    """Say who a writer is, for people."""
    began = datetime.fromtimestamp(writer.began_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M:%S")
    program = f" ({writer.program})" if writer.program else ""
    return f"process {writer.process} of {writer.user_name} on {writer.host}{program}, at work since {began} UTC"


def _of_writer(
    path: str,
    size: int,
    changed_ns: int,
    writer: WriterRecord | None,
    circumstances: Circumstances,
    *,
    age_s: float,
    old_enough: bool,
) -> Verdict:
    if writer is None:
        text = "The database does not know its writer, so it was restored from an earlier time, or another one writes here."
        return _verdict(FindingKind.LATER_FILE, path, size, text, age_s, set_aside=old_enough)
    if writer.token in circumstances.alive:
        text = f"It belongs to {describe(writer)}."
        return _verdict(FindingKind.FILE_IN_PROGRESS, path, size, text, age_s)
    last_sign_ns = max(writer.ended_ns, writer.renewed_ns + int(RENEWAL_S * 1e9)) + int(_CLOCKS_S * 1e9)
    if changed_ns > last_sign_ns:
        text = (
            f"It is later than the last that the database knows of {describe(writer)}; "
            "the database was restored from an earlier time, or the folder was copied."
        )
        return _verdict(FindingKind.LATER_FILE, path, size, text, age_s, set_aside=old_enough)
    if writer.ended_well:
        # The database knows the end of this writer, and so all that it ever registered.
        text = f"It was left by {describe(writer)}, which has ended."
        return _verdict(FindingKind.LEFTOVER_FILE, path, size, text, age_s, remove=old_enough)
    # A database that was restored from an earlier time looks just like this: then the file may be somebody's only copy.
    text = f"It was left by {describe(writer)}, which is gone and never said that it ended."
    return _verdict(FindingKind.LEFTOVER_FILE, path, size, text, age_s, set_aside=old_enough)


def _verdict(
    kind: FindingKind,
    path: str,
    size: int,
    text: str,
    age_s: float,
    *,
    remove: bool = False,
    set_aside: bool = False,
) -> Verdict:
    too_young = kind.is_problem and not (remove or set_aside)
    if too_young:
        text += f" It is only {_duration(age_s)} old and stays until it is older than --min-age."
    finding = Finding(kind=kind, path=path, size=size, explanation=text, too_young=too_young)
    return Verdict(finding=finding, remove=remove, set_aside=set_aside)


def _duration(seconds: float) -> str:
    for length, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {name}"
    shown = f"{max(seconds, 0):.0f}"
    return f"{shown} second{'' if shown == '1' else 's'}"


def _is_alive(writer: WriterRecord, now_ns: int) -> bool:
    if writer.ended_ns:
        return False
    running = is_running(writer.identity)
    return now_ns - writer.renewed_ns < LEASE_S * 1e9 if running is None else running
