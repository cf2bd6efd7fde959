# SPDX-License-Identifier: BSD-3-Clause
"""Running override files and ``python`` blocks: Python code with ``config`` in scope."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import CodeType
from typing import Any

from pachon.base import InvalidInputError, NotFoundError, PachonError
from pachon.base.utf8 import decode_text, read_local_text
from pachon.pipe_base.config.errors import ConfigError

__all__ = [
    "OverrideCodeError", "compile_override", "loading", "loading_file", "local_override_path", "read_override", "run_override",
]  # fmt: skip


loading_file: ContextVar[str | None] = ContextVar("loading_file", default=None)
"""The override file that is being run."""


class OverrideCodeError(ConfigError):
    """Code that configures a task failed; the cause is chained."""

    def __init__(self, place: str, line: int, reason: str) -> None:
        super().__init__(place, line, reason)
        self.place, self.line, self.reason = place, line, reason

    def __str__(self) -> str:
        where = f"{self.place}, line {self.line}" if self.line else self.place
        return f"{where}: {self.reason}"


def compile_override(code: str, file: str, first_line: int = 1) -> CodeType:
    """Compile override code so that its lines are numbered as in the file that holds it.

    Raises
    ------
    OverrideCodeError
        The code is not Python.
    """
    try:
        return compile("\n" * (first_line - 1) + code, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise OverrideCodeError(file, error.lineno or 0, f"not valid Python: {error.msg}") from error


def run_override(code: CodeType, scope: MutableMapping[str, Any]) -> None:
    """Run override code in one namespace; names that it makes stay there.

    Raises
    ------
    OverrideCodeError
        The code raised; file and line of the failing statement are named.
    """
    try:
        exec(code, scope)  # type: ignore[arg-type]  # noqa: S102  # a pipeline is code and trusted as code
    except OverrideCodeError:
        raise
    except Exception as error:
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == code.co_filename:
                line = trace.tb_lineno
            trace = trace.tb_next
        # Our own errors are sentences; others need their class to be understood.
        reason = str(error) if isinstance(error, PachonError) else f"{type(error).__name__}: {error}"
        raise OverrideCodeError(code.co_filename, line, reason) from error


def read_override(uri: str) -> str:
    """Read an override file from any place that the resource layer knows; variables are expanded.

    Raises
    ------
    NotFoundError
        There is no such file.
    """
    expanded = os.path.expandvars(uri)
    if "://" not in expanded:
        try:
            return read_local_text(expanded)
        except (FileNotFoundError, IsADirectoryError):
            where = "" if os.path.isabs(expanded) else f" in the current folder, {os.getcwd()}"
            raise NotFoundError(f"Configuration file {expanded!r} does not exist{where}.") from None
    from pachon.resources import ResourcePath  # fsspec is not needed for local files

    resource = ResourcePath(expanded)
    if not resource.exists():
        raise NotFoundError(f"Configuration file {expanded!r} does not exist.")
    return decode_text(resource.read(), expanded)


def local_override_path(path: str, loading_file: str | None) -> str:
    """Give the path that ``config.load(path)`` means.

    A relative path is relative to the file that calls `load`, or, if there is no such file, to the current directory.

    Raises
    ------
    InvalidInputError
        The path is a remote URI.
    """
    expanded = os.path.expandvars(path)
    if "://" in expanded:
        raise InvalidInputError(f"config.load reads local files only, not {expanded!r}; name it in a 'file' entry.")
    if not os.path.isabs(expanded) and loading_file is not None:
        beside = os.path.join(os.path.dirname(loading_file), expanded)
        return expanded if not os.path.exists(beside) and os.path.exists(expanded) else beside
    return expanded


@contextmanager
def loading(path: str) -> Iterator[None]:
    """Note that an override file is being run, for the relative paths in it."""
    token = loading_file.set(os.path.abspath(path))
    try:
        yield
    finally:
        loading_file.reset(token)
