# SPDX-License-Identifier: BSD-3-Clause
"""The lock of a run in a store that has no locks: a small object that its holder renews, and that others take over when it is old.

An object store can make an object that must not exist, and no more. So the holder writes who it is, and again every
`RENEWED_S` seconds. Who finds such an object is refused, unless the holder cannot live any more: nothing was renewed for
`STALE_S` seconds, or it was a process of this machine that is gone. Clocks of the machines may differ by a minute.
"""

from __future__ import annotations

import _thread
import contextlib
import datetime
import json
import logging
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Final, Self

from pachon.base import FormatError, NotFoundError, PachonError
from pachon.base.process_identity import ProcessIdentity, is_running, this_process
from pachon.resources import ResourcePath
from pachon.resources.errors import ResourceExistsError

__all__ = ["RENEWED_S", "STALE_S", "LeaseHeldError", "check_lease", "run_lease"]

_log = logging.getLogger("pachon.quantum_butler")

RENEWED_S: Final = 20.0
STALE_S: Final = 180.0
_SETTLED_S: Final = 1.0
"""Of several that take over one lock, the one counts that is there after this time."""


class LeaseHeldError(Exception):
    """Somebody else holds it, and seems to live."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


@dataclass(frozen=True, slots=True, kw_only=True)
class _Holder:
    """Who holds a lock; the content of the object, as JSON."""

    token: str
    machine: str
    """As `pachon.base.process_identity` has it: name, start and name space of process numbers."""
    process: int
    started: int
    """When the process was started, in ticks of its machine; a number that was used again does not pass for it."""
    since: str
    renewed: float
    """Seconds since 1970 (UTC)."""
    command: str

    @classmethod
    def from_bytes(cls, content: bytes) -> Self:
        try:
            document = json.loads(content)
            return cls(**{name: document[name] for name in cls.__slots__})
        except (ValueError, TypeError, KeyError) as error:
            raise FormatError(f"The lock of a run cannot be read: {error}") from error

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    def age(self) -> float:
        return time.time() - self.renewed

    def is_dead(self) -> bool:
        """Whether it cannot live any more."""
        identity = ProcessIdentity(
            machine=self.machine, number=self.process, started=self.started, user="", program=self.command
        )
        return self.age() > STALE_S or is_running(identity) is False

    def __str__(self) -> str:
        host, age = self.machine.partition(" ")[0], max(self.age(), 0)
        return f"process {self.process} on {host} since {self.since}, last sign of life {age:.0f} s ago: {self.command}"


@contextlib.contextmanager
def run_lease(place: ResourcePath, *, command: str) -> Iterator[None]:
    """Hold the lock as long as the block lasts.

    Parameters
    ----------
    place
        The object.
    command
        What is told to others of what this process does.

    Raises
    ------
    LeaseHeldError
        If somebody else holds it.
    """
    identity = this_process()
    mine = _Holder(
        token=uuid.uuid4().hex,
        machine=identity.machine,
        process=identity.number,
        started=identity.started,
        since=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        renewed=time.time(),
        command=command,
    )
    _take(place, mine)
    done = threading.Event()
    renewal = threading.Thread(target=_renew, args=(place, mine, done), daemon=True, name="lock of the run")
    renewal.start()
    try:
        yield
    finally:
        done.set()
        renewal.join()
        with contextlib.suppress(PachonError, OSError):
            found = _holder(place)
            if found is not None and found.token == mine.token:
                place.remove(missing_ok=True)


def check_lease(place: ResourcePath) -> None:
    """Refuse if somebody holds the lock, and seems to live.

    Raises
    ------
    LeaseHeldError
        It names the holder.
    """
    found = _holder(place)
    if found is not None and not found.is_dead():
        raise LeaseHeldError(str(found))


def _take(place: ResourcePath, mine: _Holder) -> None:
    try:
        place.write(mine.to_bytes())
        return
    except ResourceExistsError:
        pass
    found = _holder(place)
    if found is not None and found.token == mine.token:
        return  # the answer to the first attempt was lost, and the storage library tried again
    if found is not None and not found.is_dead():
        raise LeaseHeldError(str(found))
    if found is not None:
        _log.warning("The lock of the run is taken over: its holder is gone (%s).", found)
    place.write(mine.to_bytes(), overwrite=True)
    time.sleep(_SETTLED_S)
    found = _holder(place)
    if found is None or found.token != mine.token:
        raise LeaseHeldError("unknown" if found is None else str(found))


def _renew(place: ResourcePath, mine: _Holder, done: threading.Event) -> None:
    while not done.wait(RENEWED_S):
        try:
            found = _holder(place)
            if found is not None and found.token != mine.token:
                # It was thought dead: this process was stopped, or the store could not be reached for long.
                _log.error("The lock of the run was taken over (%s). What runs comes to its end, and no more.", found)
                _thread.interrupt_main(signal.SIGTERM)
                return
            place.write(replace(mine, renewed=time.time()).to_bytes(), overwrite=True)
        except (PachonError, OSError) as error:
            _log.warning("The lock of the run could not be renewed; that is tried again: %s", error)


def _holder(place: ResourcePath) -> _Holder | None:
    """Give who holds the lock; `None` if nobody does, or nobody knows who."""
    try:
        return _Holder.from_bytes(place.read())
    except (NotFoundError, FormatError):
        return None
