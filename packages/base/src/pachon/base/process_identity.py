# SPDX-License-Identifier: BSD-3-Clause
"""Who this process is, so that another one can tell whether it still runs."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ProcessIdentity", "is_running", "this_process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessIdentity:
    """One process of one machine, since one start of that."""

    machine: str
    """Name of the machine; where it can be known also its start and the name space of process numbers (containers)."""
    number: int
    started: int
    """When it began, in ticks of the machine's clock; 0 if that cannot be known."""
    user: str
    program: str
    """How it was called, for people."""


def this_process() -> ProcessIdentity:
    """Give the identity of this process."""
    number = os.getpid()
    return ProcessIdentity(
        machine=_machine(),
        number=number,
        started=_started(number) or 0,
        user=_user(),
        program=" ".join([Path(sys.argv[0]).name, *sys.argv[1:2]])[:200] if sys.argv else "",
    )


def is_running(identity: ProcessIdentity) -> bool | None:
    """Tell whether a process still runs; None if that cannot be known from here."""
    if identity.machine != _machine():
        return None
    if identity.started:
        return _started(identity.number) == identity.started
    try:
        os.kill(identity.number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@cache
def _machine() -> str:
    name = socket.gethostname()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        numbers = os.readlink("/proc/self/ns/pid")
    except OSError:
        return name[:100]
    return f"{name[:100]} {boot} {numbers}"


def _started(number: int) -> int | None:
    """Give when a process began; None if there is none, or it has ended and nobody has asked how, or this is no Linux."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    # The name of the program, in parentheses, may hold anything.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()[:64]
    except (KeyError, OSError):  # no such user, in a container
        return str(os.getuid())
