# SPDX-License-Identifier: BSD-3-Clause
"""A real S3 server (moto) on the loopback interface, and buckets in it."""

import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pachon.resources import backends

__all__ = ["Requests", "noted_requests", "running_server", "temporary_bucket"]


@contextmanager
def running_server(*, verbose: bool = False) -> Iterator[str]:
    """Give the address of a server as ``host:port``; ``verbose`` logs each request as ``werkzeug`` does."""
    server_module = pytest.importorskip("moto.server", reason="the S3 server for tests is not installed")
    server = server_module.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=verbose)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"{host}:{port}"
    finally:
        server.stop()


@contextmanager
def temporary_bucket(address: str, profile: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Give the URI of a new bucket, ``s3://PROFILE@NAME/``, of the server of an address; clients are forgotten afterwards."""
    s3fs = pytest.importorskip("s3fs", reason="the extra s3 is not installed")
    monkeypatch.setenv(f"PACHON_S3_PROFILE_{profile}", f"http://key:secret@{address}")
    name = f"bucket-{uuid.uuid4()}"
    s3fs.S3FileSystem(endpoint_url=f"http://{address}", key="key", secret="secret").mkdir(name)
    try:
        yield f"s3://{profile}@{name}/"
    finally:
        backends._backends.clear()


class Requests(logging.Handler):
    """What a server that says what it is asked for was asked: method and path."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        found = re.search(r"(?:GET|HEAD|PUT|POST|DELETE) /\S+", record.getMessage())
        self.seen += [found[0]] if found else []

    def take(self) -> list[str]:
        """Give what came since the last time."""
        seen, self.seen = self.seen, []
        return seen


@contextmanager
def noted_requests() -> Iterator[Requests]:
    """Note what servers in this process, which run with ``verbose``, are asked for."""
    logger, handler = logging.getLogger("werkzeug"), Requests()
    level, propagate = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)
    logger.propagate = propagate
