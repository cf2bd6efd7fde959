# SPDX-License-Identifier: BSD-3-Clause
"""A warm process that forks at once: it has imported everything and holds nothing open.

Starting Python and importing the libraries takes a second; a fork takes ten milliseconds, so thousands of processes can
be killed. The child is not waited for until `Zygote.wait`, so that its process id cannot be another's.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import pickle
import signal
import struct
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

PRELOADED = ("faults.child", "pachon.butler.butler", "astropy.table", "pyarrow.parquet", "sqlalchemy")
"""What is imported at first; what a child imports beside, its parent imports after it."""
_TOP = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child ended."""

    code: int
    """Exit code; negative: the signal that killed it."""
    result: Any = None
    """What its function returned; None if it did not."""
    error: str = ""
    """Traceback of what its function raised."""

    @property
    def killed(self) -> bool:
        """Whether it was killed by SIGKILL."""
        return self.code == -signal.SIGKILL


class Zygote:
    """The warm process, seen by a test; a context manager."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        paths = os.pathsep.join(filter(None, (str(_TOP), os.environ.get("PYTHONPATH"))))
        # Threads of numerical libraries do not survive a fork.
        quiet = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **quiet, **(environment or {})},
        )
        self.pid: int | None = None

    def start(self, function: Callable[..., Any], *arguments: Any) -> int:
        """Call a function of a module in a child; give its process id."""
        assert self.pid is None, "the last child was not waited for"
        self._send(("run", function.__module__, function.__qualname__, arguments))
        self.pid = self._receive()
        return self.pid

    def kill(self) -> None:
        """Kill the child; one that has ended already does not mind."""
        assert self.pid is not None
        os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> Ended:
        """Wait for the end of the child."""
        self._send(("wait",))
        ended: Ended = self._receive()
        self.pid = None
        return ended

    def call(self, function: Callable[..., Any], *arguments: Any) -> Ended:
        """Call a function in a child and wait for its end."""
        self.start(function, *arguments)
        return self.wait()

    def check(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a function in a child and give what it returns."""
        ended = self.call(function, *arguments)
        assert ended.code == 0, f"exit code {ended.code}\n{ended.error}"
        return ended.result

    def close(self) -> None:
        """End the warm process."""
        if self.pid is not None:
            self.kill()
            self.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        _write(self._process.stdin, message)

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        return _read(self._process.stdout)


def _write(stream: BinaryIO, message: Any) -> None:
    data = pickle.dumps(message)
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def _read(stream: BinaryIO) -> Any:
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError("The warm process has ended.")
    return pickle.loads(stream.read(struct.unpack("<Q", head)[0]))


def serve() -> None:
    """Fork as told on standard input, until that ends."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what children print must not get between the answers
    _import(PRELOADED)
    importlib.import_module("faults.child").warm_up()
    gc.collect()
    gc.freeze()  # so that a child's collector does not touch, and so copy, every page
    pid, results = 0, -1
    while True:
        try:
            message = _read(requests)
        except EOFError:
            return
        if message[0] == "wait":
            with os.fdopen(results, "rb") as stream:
                told = stream.read()
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            ended, modules = pickle.loads(told) if told and code >= 0 else (Ended(code=code), ())
            _write(answers, ended)
            _import(modules)
            continue
        results, child_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(results)
            _be_child(message, child_end)
        os.close(child_end)
        _write(answers, pid)


def _import(names: Iterable[str]) -> None:
    for name in names:
        # Some modules exist only when their makers put them there.
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _be_child(message: tuple[str, str, str, tuple[Any, ...]], end: int) -> None:
    _, module, function, arguments = message
    known = set(sys.modules)
    try:
        ended = Ended(code=0, result=getattr(importlib.import_module(module), function)(*arguments))
    except BaseException:  # noqa: BLE001 (told to the test)
        ended = Ended(code=1, error=traceback.format_exc())
    with os.fdopen(end, "wb") as stream:
        stream.write(pickle.dumps((ended, sorted(set(sys.modules) - known))))
    os._exit(ended.code)


if __name__ == "__main__":
    # Under its importable name, so that what is sent is of the classes that the other side knows.
    importlib.import_module("faults.zygote").serve()
