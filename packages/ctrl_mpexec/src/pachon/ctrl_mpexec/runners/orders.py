# SPDX-License-Identifier: BSD-3-Clause
"""How a worker is told what to run: messages that the sender can take back as long as the worker has not begun with them."""

from __future__ import annotations

import contextlib
import json
import socket
import uuid
from typing import Final, NamedTuple

__all__ = ["Order", "Orders", "receive_order"]

_SIZE: Final = 128
"""Bytes of each message, filled up with blanks. The few that wait are far less than any system's socket holds."""
_END: Final = b"end"
_CLOSED: Final = b""
"""What is received when the other end is gone."""


class Order(NamedTuple):
    """One quantum to run."""

    quantum_id: uuid.UUID
    max_mem: int | None
    """Bytes that it may use."""
    again: bool
    """Whether it was tried before."""


class Orders:
    """The side of the program.

    Notes
    -----
    Messages have one length, so that each is received whole by one of the two who may: the worker, or the program that takes it
    back at the worker's own end. A stream is of all systems; sockets that keep messages of any length are not (macOS), or do not
    tell that the other end is gone.
    """

    def __init__(self) -> None:
        self._ours, self.end_of_worker = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)

    def send(self, quantum_id: uuid.UUID, max_mem: int | None, again: bool) -> None:
        """Let the worker run a quantum after those that were sent before."""
        self._send(json.dumps([str(quantum_id), max_mem, again]).encode())

    def send_end(self) -> None:
        """Let the worker end after what was sent before."""
        self._send(_END)

    def take_back(self) -> uuid.UUID | None:
        """Take back the first quantum that the worker has not begun with; `None` if there is none."""
        try:
            message = self.end_of_worker.recv(_SIZE, socket.MSG_DONTWAIT)
        except OSError:
            return None
        order = _parse(message)
        return None if order is None else order.quantum_id

    def close(self) -> None:
        """Let go of both ends that this process has."""
        for end in (self._ours, self.end_of_worker):
            with contextlib.suppress(OSError):
                end.close()

    def _send(self, message: bytes) -> None:
        self._ours.send(message.ljust(_SIZE), socket.MSG_DONTWAIT)


def receive_order(end: socket.socket) -> Order | None:
    """Wait, in a worker, for the next quantum; `None` if there is none to come."""
    try:
        return _parse(end.recv(_SIZE, socket.MSG_WAITALL))
    except OSError:
        return None


def _parse(message: bytes) -> Order | None:
    if message.rstrip() in (_CLOSED, _END):
        return None
    quantum_id, max_mem, again = json.loads(message)
    return Order(uuid.UUID(quantum_id), max_mem, again)
