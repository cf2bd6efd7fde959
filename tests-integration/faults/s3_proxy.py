# SPDX-License-Identifier: BSD-3-Clause
"""A proxy in front of an S3 server: it loses answers, refuses requests, or is slow, as told."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

UNAVAILABLE = b"<Error><Code>ServiceUnavailable</Code><Message>Please try again.</Message></Error>"


@dataclass(slots=True, kw_only=True)
class Trouble:
    """What goes wrong with requests of one kind, and with how many of them."""

    method: str
    kind: str
    """``lost``: done, and the connection is closed instead of an answer; ``refused``: closed before it is done;
    ``busy``: answered with 503; ``slow``: answered late."""
    left: int = 1
    skip: int = 0
    """So many requests pass before."""
    met: int = 0
    """How many met it."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def meets(self, method: str) -> bool:
        """Tell whether a request is one of them."""
        if method != self.method:
            return False
        with self.lock:
            if self.skip > 0:
                self.skip -= 1
                return False
            if self.left <= 0:
                return False
            self.left -= 1
            self.met += 1
            return True


class S3Proxy:
    """The proxy, a context manager."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.trouble: Trouble | None = None
        self.requests: list[tuple[str, str, int]] = []
        """Method, path and status of each request; 0 if there was no answer."""
        proxy = self

        class Handler(_Handler):
            owner = proxy

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def in_trouble(self, method: str, kind: str, *, count: int = 1, skip: int = 0) -> Iterator[Trouble]:
        """Have something go wrong within a block."""
        self.trouble = Trouble(method=method, kind=kind, left=count, skip=skip)
        try:
            yield self.trouble
        finally:
            self.trouble = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: S3Proxy
    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        trouble = self.owner.trouble
        kind = trouble.kind if trouble is not None and trouble.meets(self.command) else ""
        if kind == "refused":
            self._hang_up()
            return
        if kind == "busy":
            self.owner.requests.append((self.command, self.path, 503))
            self._answer(503, [("Content-Type", "application/xml")], UNAVAILABLE)
            return
        status, headers, content = self._forward(body)
        if kind == "lost":
            self._hang_up()
            return
        if kind == "slow":
            time.sleep(0.5)
        self.owner.requests.append((self.command, self.path, status))
        self._answer(status, headers, content)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 (the names of the base class)

    def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(self.owner.upstream, timeout=30)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response_only(status)
        length = next((value for name, value in headers if name.lower() == "content-length"), None)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        # The answer to HEAD tells the length of what it does not hold.
        self.send_header("Content-Length", length if self.command == "HEAD" and length else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _hang_up(self) -> None:
        self.owner.requests.append((self.command, self.path, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""
