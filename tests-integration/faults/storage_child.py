# SPDX-License-Identifier: BSD-3-Clause
"""What processes do whose changes of files are counted, made to fail, or recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from faults.operations import Operation
from faults.write_shim import Shim
from pachon.base import PachonError
from pachon.butler import Butler


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an operation."""

    calls: int
    """How many calls that change files it made, or reached."""
    error: str
    """What it raised; empty if it succeeded."""
    ours: bool = True
    """Whether all that it raised is of our tree."""


def count_calls(root: str, folder: str, operation: Operation, *, syncs_only: bool) -> int:
    """Do an operation and count its calls."""
    return fail_at(root, folder, operation, 0, 0, syncs_only=syncs_only).calls


def fail_at(
    root: str, folder: str, operation: Operation, number: int, error: int, *, syncs_only: bool, log: str = ""
) -> Outcome:
    """Do an operation of which the nth call fails; its process lives on and closes the repository."""
    shim = Shim.begin(root, log)
    with Butler.open(root, writeable=True) as butler:
        shim.arm(number, error=error, syncs_only=syncs_only)
        raised: BaseException | None = None
        try:
            operation.apply(butler, Path(folder))
        except Exception as problem:  # noqa: BLE001 (judged by the test)
            raised = problem
        calls = shim.counted
        shim.arm(0)
        shim.end()
    return Outcome(
        calls=calls, error="" if raised is None else f"{type(raised).__name__}: {raised}", ours=_ours(raised)
    )


def _ours(raised: BaseException | None) -> bool:
    if isinstance(raised, BaseExceptionGroup):
        return all(map(_ours, raised.exceptions))
    return raised is None or isinstance(raised, PachonError)


def die_at_call(root: str, folder: str, operation: Operation, number: int) -> None:
    """Do an operation and be killed instead of its nth call."""
    shim = Shim.begin(root)
    with Butler.open(root, writeable=True) as butler:
        shim.arm(number, kill=True)
        operation.apply(butler, Path(folder))


def record(top: str, root: str, folder: str, operations: Sequence[Operation], log: str) -> None:
    """Do operations, recording all changes below a folder, and when each is begun and acknowledged."""
    shim = Shim.begin(top, log)
    with Butler.open(root, writeable=True) as butler:
        for number, operation in enumerate(operations):
            shim.mark(f"begin {number}")
            operation.apply(butler, Path(folder))
            shim.mark(f"done {number}")
    shim.end()
