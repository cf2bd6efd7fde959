# SPDX-License-Identifier: BSD-3-Clause
"""A proxy in front of PostgreSQL that cuts a connection around its COMMIT."""

from __future__ import annotations

import contextlib
import enum
import socket
import threading
from collections.abc import Callable
from typing import Self

_COMMIT = b"COMMIT\0"


class Cut(enum.Enum):
    """When a connection is cut."""

    BEFORE = "before the commit reaches the server"
    AT_ONCE = "when the commit has been sent on"
    AFTER = "when the server has answered"


class TcpProxy:
    """The proxy, a context manager. Only the next COMMIT after `arm` is met."""

    def __init__(self, port: int) -> None:
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._cut: Cut | None = None
        self._then: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def arm(self, cut: Cut, then: Callable[[], object] = lambda: None) -> None:
        """Cut the connection of the next COMMIT, and do something before the client notices."""
        with self._lock:
            self._cut, self._then = cut, then

    def _take(self) -> tuple[Cut, Callable[[], object]] | None:
        with self._lock:
            cut, self._cut = self._cut, None
            return None if cut is None else (cut, self._then)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream))
        except OSError:
            client.close()
            return
        hold = threading.Event()
        answered = threading.Event()
        back = threading.Thread(target=self._bring_back, args=(server, client, hold, answered), daemon=True)
        back.start()
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                met = self._take() if _COMMIT in data else None
                if met is None:
                    server.sendall(data)
                    continue
                cut, then = met
                hold.set()
                if cut is not Cut.BEFORE:
                    server.sendall(data)
                if cut is Cut.AFTER:
                    answered.wait(10)
                then()
                self.cuts += 1
                break
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    @staticmethod
    def _bring_back(
        server: socket.socket, client: socket.socket, hold: threading.Event, answered: threading.Event
    ) -> None:
        """Bring answers to the client, but for that to the COMMIT that is met."""
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                if hold.is_set():
                    answered.set()
                    return
                client.sendall(data)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._listener.close()
