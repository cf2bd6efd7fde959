# SPDX-License-Identifier: BSD-3-Clause
"""Run a command of a program inside the process of a test."""

import contextlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click

from pachon.base.cli.program import run_program

__all__ = ["CommandResult", "run_command"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command gave."""

    exit_code: int
    stdout: str
    stderr: str
    stdout_bytes: bytes


class _Stream(io.TextIOWrapper):
    def __init__(self, content: bytes = b"", *, terminal: bool = False) -> None:
        self._content = io.BytesIO(content)
        self._terminal = terminal
        super().__init__(self._content, encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return self._terminal

    def written(self) -> bytes:
        self.flush()
        return self._content.getvalue()


def run_command(
    program: click.Group, *arguments: object, answers: str = "", interactive: bool = False
) -> CommandResult:
    """Run a program with arguments, through the same code that handles errors and exit codes for its users.

    Parameters
    ----------
    program
        What `make_program` made.
    *arguments
        Command and options; anything that `str` understands, such as paths.
    answers
        What is typed on standard input.
    interactive
        Whether standard input looks like a terminal, so that questions are asked.
    """
    stdin, stdout, stderr = _Stream(answers.encode(), terminal=interactive), _Stream(), _Stream()
    code: object = None
    with _standard_input(stdin), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        try:
            run_program(program, [str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
    assert isinstance(code, int)
    content = stdout.written()
    return CommandResult(
        exit_code=code, stdout=content.decode(errors="replace"), stderr=stderr.written().decode(), stdout_bytes=content
    )


@contextlib.contextmanager
def _standard_input(stream: io.TextIOWrapper) -> Iterator[None]:
    before, sys.stdin = sys.stdin, stream
    try:
        yield
    finally:
        sys.stdin = before
