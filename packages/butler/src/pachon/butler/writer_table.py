# SPDX-License-Identifier: BSD-3-Clause
"""The writers of a repository: a row for each process that ever wrote to it, in an opaque table of the registry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

from pachon.base import ConflictError
from pachon.base.process_identity import ProcessIdentity
from pachon.registry import OpaqueColumn, OpaqueTable, SqlRegistry

__all__ = ["ENDED_WELL", "WriterRecord", "WriterTable"]

_COLUMNS: Final = (
    OpaqueColumn(name="token", type="text", length=8, key=True),
    OpaqueColumn(name="machine", type="text", length=255),
    OpaqueColumn(name="process", type="int"),
    OpaqueColumn(name="process_started", type="int"),
    OpaqueColumn(name="user_name", type="text", length=64),
    OpaqueColumn(name="program", type="text", length=255),
    OpaqueColumn(name="began_ns", type="int"),
    OpaqueColumn(name="renewed_ns", type="int"),
    OpaqueColumn(name="commits", type="int"),
    OpaqueColumn(name="ended_ns", type="int"),
    OpaqueColumn(name="ending", type="text", length=255),
)

ENDED_WELL: Final = ("closed", "exit")
"""What a writer says when it ends: it was closed, or its process came to its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterRecord:
    """One process that wrote, or writes, to the repository. Times are Unix times in ns."""

    token: str
    """The six characters that begin its write tokens."""
    machine: str
    process: int
    process_started: int
    user_name: str
    program: str
    began_ns: int
    renewed_ns: int
    """When it last began to write, give or take the interval of renewal."""
    commits: int
    """Number of the last transaction that it committed; those that failed had numbers too."""
    ended_ns: int = 0
    """When it ended, or was declared to have; 0 if it has not."""
    ending: str = ""
    """How it ended."""

    @property
    def identity(self) -> ProcessIdentity:
        """The process."""
        return ProcessIdentity(
            machine=self.machine,
            number=self.process,
            started=self.process_started,
            user=self.user_name,
            program=self.program,
        )

    @property
    def ended_well(self) -> bool:
        """Whether it said itself that it ended, so that nothing of it is lost."""
        return bool(self.ended_ns) and self.ending in ENDED_WELL

    @property
    def host(self) -> str:
        """Name of the machine, for people."""
        return self.machine.partition(" ")[0]


class WriterTable:
    """Rows of `WriterRecord`; it is made with the repository, or by the first writer."""

    def __init__(self, registry: SqlRegistry) -> None:
        self._registry = registry
        self._table: OpaqueTable = registry.opaque("writer", _COLUMNS)

    def add(self, record: WriterRecord) -> bool:
        """Add a writer; False if its token is taken."""
        row = {field.name: value for field, value in zip(fields(record), astuple(record), strict=True)}
        try:
            self._table.insert_one(row)
        except ConflictError:
            return False
        return True

    def renew(self, token: str, now_ns: int) -> bool:
        """Note that a writer is at work; False if it has ended."""
        return self._table.update_one({"token": token, "ended_ns": 0}, {"renewed_ns": now_ns}) == 1

    def count(self, token: str, commits: int) -> bool:
        """Note, as a part of a transaction, that this is its commit of that number; False if the writer has ended."""
        return self._table.update_one({"token": token, "ended_ns": 0}, {"commits": commits}) == 1

    def end(self, token: str, now_ns: int, ending: str) -> bool:
        """Note that a writer has ended; False if it had. None of its transactions can commit afterwards."""
        return self._table.update_one({"token": token, "ended_ns": 0}, {"ended_ns": now_ns, "ending": ending}) == 1

    def find(self, token: str) -> WriterRecord | None:
        """Give a writer."""
        found = self._rows(self._table.fetch("token", [token]))
        return found[0] if found else None

    def fetch_all(self) -> list[WriterRecord]:
        """Give all writers, oldest first."""
        return self._rows(self._table.fetch(order_by=("began_ns", "token")))

    def forget(self, tokens: Iterable[str]) -> None:
        """Delete writers, of which no file can be there any more."""
        self._table.delete({"token": list(tokens)})

    @staticmethod
    def _rows(columns: dict[str, Any]) -> list[WriterRecord]:
        names = [field.name for field in fields(WriterRecord)]
        rows = zip(*(columns[name] for name in names), strict=True)
        return [WriterRecord(**dict(zip(names, row, strict=True))) for row in rows]
