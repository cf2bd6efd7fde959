# SPDX-License-Identifier: BSD-3-Clause
"""Logging of a program: levels by component, terminal and files, text or JSON lines."""

import json
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from pachon.base.errors import InvalidInputError
from pachon.base.hidden_secrets import hide_secrets
from pachon.base.log_context import LabelFilter
from pachon.base.log_levels import parse_level

__all__ = [
    "JsonFormatter",
    "LongFormatter",
    "ShortFormatter",
    "configure_logging",
    "logging_settings",
    "parse_levels",
    "project_loggers",
]

ROOT = "."
"""How the root of all loggers is written in a level setting."""


def project_loggers() -> tuple[str, ...]:
    """Give the loggers that a level without a component is for."""
    extra = os.environ.get("DAF_BUTLER_ROOT_LOGGER", "").split(":")
    return tuple(dict.fromkeys(["pachon", "lsst", *filter(None, extra)]))


def parse_levels(settings: Sequence[str]) -> dict[str, int]:
    """Turn ``LEVEL`` and ``COMPONENT=LEVEL`` texts into levels by logger name; later ones win.

    Raises
    ------
    InvalidInputError
        A level has no such name.
    """
    levels = {ROOT: logging.WARNING} | dict.fromkeys(project_loggers(), logging.INFO)
    for setting in settings:
        component, equals, level = setting.rpartition("=")
        if equals and not component:
            raise InvalidInputError(f"Log level {setting!r} lacks the component before '='.")
        names = (component.strip(),) if equals else project_loggers()
        levels |= dict.fromkeys(names, parse_level(level))
    return levels


class ShortFormatter(logging.Formatter):
    """``logger LEVEL: message``."""

    def __init__(self) -> None:
        super().__init__("{name} {levelname}: {message}", style="{")

    def format(self, record: logging.LogRecord) -> str:
        # Other libraries log the URLs that they are given.
        return hide_secrets(super().format(record))


class LongFormatter(logging.Formatter):
    """``LEVEL ISO-time logger (labels)(file:line) - message``."""

    def __init__(self) -> None:
        super().__init__("{levelname} {asctime} {name} ({labels})({filename}:{lineno}) - {message}", style="{")

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 (the name that logging calls)
        return _local_time(record)

    def format(self, record: logging.LogRecord) -> str:
        record.labels = getattr(record, "MDC", {}).get("LABEL", "")
        return hide_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON document a record, with the names that a dataset of log records has."""

    def format(self, record: logging.LogRecord) -> str:
        document: dict[str, object] = {
            "name": record.name,
            "asctime": _local_time(record),
            "message": hide_secrets(record.getMessage()),
            "levelno": record.levelno,
            "levelname": record.levelname,
            "filename": record.filename,
            "pathname": record.pathname,
            "lineno": record.lineno,
            "funcName": record.funcName,
            "process": record.process,
            "processName": record.processName,
            "MDC": getattr(record, "MDC", {}),
        }
        if record.exc_info:
            document["exc_info"] = hide_secrets(self.formatException(record.exc_info))
        return json.dumps(document)


def _local_time(record: logging.LogRecord) -> str:
    moment = time.localtime(record.created)
    zone = time.strftime("%z", moment)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', moment)}.{int(record.msecs):03d}{zone[:3]}:{zone[3:]}"


class _StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to what `sys.stderr` is at that moment, so that progress bars and test captures are respected."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        pass


_installed: list[logging.Handler] = []
_settings: dict[str, object] | None = None


def logging_settings() -> dict[str, Any] | None:
    """Give the arguments of the last `configure_logging`, for a process that is to log as this one does; `None`: no call."""
    return None if _settings is None else dict(_settings)


def configure_logging(
    levels: Sequence[str] = (),
    *,
    long: bool = False,
    files: Sequence[str | os.PathLike[str]] = (),
    tty: bool = True,
    labels: Mapping[str, str] | None = None,
) -> None:
    """Set up the logging of this process; a second call replaces what the first one did.

    Parameters
    ----------
    levels
        ``LEVEL`` (the project's loggers), ``COMPONENT=LEVEL`` or ``.=LEVEL`` (the root of all loggers). Without any,
        the project logs INFO and the others WARNING.
    long
        Write time, labels and source line too.
    files
        Files to append to; ``.json`` gives one JSON document a line.
    tty
        Log to stderr.
    labels
        Labels for each record of this process; the keys are made upper case.

    Raises
    ------
    InvalidInputError
        A level has no such name, or a file cannot be opened.
    """
    global _settings
    parsed = parse_levels(levels)
    _settings = {
        "levels": tuple(levels),
        "long": long,
        "files": tuple(os.path.abspath(name) for name in files),
        "tty": tty,
        "labels": None if labels is None else dict(labels),
    }
    handlers: list[logging.Handler] = [_StderrHandler()] if tty else []
    for handler in handlers:
        handler.setFormatter(LongFormatter() if long else ShortFormatter())
    for name in files:
        try:
            file = logging.FileHandler(name, encoding="utf-8")
        except OSError as error:
            raise InvalidInputError(f"The log file {os.fspath(name)!r} cannot be opened: {error.strerror}") from error
        json_lines = Path(name).suffix == ".json"
        file.setFormatter(JsonFormatter() if json_lines else LongFormatter() if long else ShortFormatter())
        handlers.append(file)
    root = logging.getLogger()
    while _installed:
        old = _installed.pop()
        root.removeHandler(old)
        old.close()
    label_filter = LabelFilter(labels)
    for handler in handlers:
        handler.addFilter(label_filter)
        root.addHandler(handler)
        _installed.append(handler)
    for name, level in parsed.items():
        logging.getLogger(None if name == ROOT else name).setLevel(level)
    logging.captureWarnings(True)
