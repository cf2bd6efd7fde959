# SPDX-License-Identifier: BSD-3-Clause
"""Run installed programs as processes of their own, without the second that each takes to import its libraries.

A warm process has imported the libraries and holds nothing open. It forks a child for each run, which does what the program's
script does, with arguments, folder, environment, output, logging and exit code of its own, and ends as an interpreter does; what
the child imported, the warm process imports after it, for the next. What a fresh process does at its very start is not seen;
other tests are for that.
"""

import atexit
import contextlib
import gc
import importlib
import math
import os
import pickle
import runpy
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple, Self

from pachon.base.entry_points import read_entry_points

__all__ = ["WarmPrograms"]


class _Run(NamedTuple):
    """What a child is to do."""

    arguments: list[str]
    cwd: str
    environment: dict[str, str]
    stdout: str
    stderr: str
    timeout: float
    first: str


class WarmPrograms:
    """The warm process, seen by a test; a context manager.

    Parameters
    ----------
    *modules
        What is imported at first; one that is not installed is left out.
    """

    def __init__(self, *modules: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", f"from {__name__} import main; main()", *modules],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Threads of numerical libraries do not survive a fork.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )

    def run(
        self,
        program: str,
        *words: object,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        timeout: float = 120.0,
        first: Path | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a program and wait for its end.

        Parameters
        ----------
        program
            Name of a console script of an installed package.
        *words
            Its arguments.
        cwd, env, timeout
            As for `subprocess.run`. Standard input is empty.
        first
            A Python script that the new process runs before the program, such as to give up rights.

        Raises
        ------
        subprocess.TimeoutExpired
            If it does not end in time.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        arguments = [program, *map(str, words)]
        with tempfile.NamedTemporaryFile() as stdout, tempfile.NamedTemporaryFile() as stderr:
            run = _Run(
                arguments=arguments,
                cwd=str(cwd),
                environment=dict(os.environ if env is None else env),
                stdout=stdout.name,
                stderr=stderr.name,
                timeout=timeout,
                first="" if first is None else str(first),
            )
            _send(self._process.stdin, run)
            code: int = _receive(self._process.stdout)
            texts = [stream.read().decode(errors="replace") for stream in (stdout, stderr)]
        if code == -signal.SIGALRM:
            raise subprocess.TimeoutExpired(arguments, timeout, *texts)
        return subprocess.CompletedProcess(arguments, code, *texts)

    def close(self) -> None:
        """End the warm process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _send(stream: IO[bytes], message: Any) -> None:
    data = pickle.dumps(tuple(message) if isinstance(message, tuple) else message)
    stream.write(struct.pack("<Q", len(data)) + data)
    stream.flush()


def _receive(stream: IO[bytes]) -> Any:
    head = stream.read(8)
    if len(head) < 8:
        raise EOFError("The other side has ended.")
    return pickle.loads(stream.read(struct.unpack("<Q", head)[0]))


def serve(modules: list[str]) -> Callable[[], object]:
    """Fork a child for each run that is asked for on standard input; in the child, give what is to be called."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print must not get between the answers
    while True:
        for name in modules:
            # Some exist only when their makers put them there, or where the child looked for modules.
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        if modules:
            gc.collect()
            gc.freeze()  # so that a child's collector does not touch, and so copy, every page
        try:
            run = _Run(*_receive(requests))
        except EOFError:
            return _nothing
        told, telling = os.pipe()
        pid = os.fork()
        if pid == 0:
            for stream in (requests, answers, os.fdopen(told, "rb")):
                stream.close()
            # What is registered first is called last.
            atexit.register(_tell_modules, telling, frozenset(sys.modules))
            return _prepare(run)
        os.close(telling)
        with os.fdopen(told, "rb") as stream:
            modules = stream.read().decode().split()
        _send(answers, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _tell_modules(place: int, known: frozenset[str]) -> None:
    """Tell which modules this process has imported."""
    with os.fdopen(place, "wb") as stream:
        stream.write(" ".join(sorted(sys.modules.keys() - known)).encode())


def _nothing() -> None:
    """Do nothing: nobody wants anything any more."""


def _prepare(run: _Run) -> Callable[[], object]:
    """Make this process what a fresh one would be, and give the program's function."""
    signal.alarm(math.ceil(run.timeout))
    os.chdir(run.cwd)
    added = run.environment.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:0] = [folder for folder in added if folder and folder not in sys.path]
    sys.dont_write_bytecode = bool(run.environment.get("PYTHONDONTWRITEBYTECODE"))
    os.environ.clear()
    os.environ.update(run.environment)
    for number, place in enumerate((os.devnull, run.stdout, run.stderr)):
        descriptor = os.open(place, os.O_RDWR)
        os.dup2(descriptor, number)
        os.close(descriptor)
    if run.first:
        runpy.run_path(run.first, run_name="__main__")
    sys.argv = list(run.arguments)
    (script,) = {entry for entry in read_entry_points("console_scripts") if entry.name == run.arguments[0]}
    function: Callable[[], object] = getattr(importlib.import_module(script.module), script.attribute)
    return function


def main() -> None:
    """Be the warm process, or in a child the program."""
    sys.exit(serve(sys.argv[1:])())  # type: ignore[arg-type]  # as the script of any program does
