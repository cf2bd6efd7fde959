# SPDX-License-Identifier: BSD-3-Clause
"""Keeping what is logged while a quantum runs, as plain records."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pachon.base import log_labels
from pachon.base.log_context import LabelFilter

__all__ = ["LOG_VERSION", "capture_log", "log_document"]

LOG_VERSION = 2


class _RecordList(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []
        self._formatter = logging.Formatter()
        self.addFilter(LabelFilter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.records.append(self._document(record))
        except Exception:  # noqa: BLE001  # a message that does not fit its arguments must not end the task
            self.handleError(record)

    def _document(self, record: logging.LogRecord) -> dict[str, Any]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        document: dict[str, Any] = {
            "name": record.name,
            "asctime": f"{stamp}.{int(record.msecs):03d}000Z",
            "message": record.getMessage(),
            "levelno": record.levelno,
            "levelname": record.levelname,
            "filename": record.filename,
            "pathname": record.pathname,
            "lineno": record.lineno,
            "funcName": record.funcName,
            "process": record.process,
            "processName": record.processName,
            "MDC": dict(getattr(record, "MDC", {})),
        }
        if record.exc_info:
            document["exc_info"] = self._formatter.formatException(record.exc_info)
        return document


@contextmanager
def capture_log(label: str, run: str) -> Iterator[list[dict[str, Any]]]:
    """Collect the log records of a block.

    Parameters
    ----------
    label
        ``label:data ID`` of the quantum; becomes the label ``LABEL`` of each record.
    run
        Output run; becomes the label ``RUN``.

    Yields
    ------
    list
        The records so far, each a mapping (``docs/formats/task-log.md``).
    """
    handler = _RecordList()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with log_labels({"LABEL": label, "RUN": run}):
            yield handler.records
    finally:
        root.removeHandler(handler)


def log_document(records: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    """Give the stored form of a log; ``extra`` are the keys of its extra part."""
    return {"extended": True, "version": LOG_VERSION, "records": records, **extra}
