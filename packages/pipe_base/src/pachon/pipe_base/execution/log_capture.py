# SPDX-License-Identifier: BSD-3-Clause
"""Keeping what is logged while a quantum runs, as plain records."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from pachon.base import log_labels
from pachon.base.log_context import LabelFilter
from pachon.pipe_base.execution.stored_text import shortened

__all__ = ["LOG_VERSION", "capture_log", "log_document"]

LOG_VERSION = 3


_MOST_RECORDS: Final = 10_000
_LAST_RECORDS: Final = 1_000
_LONGEST_MESSAGE: Final = 100_000
_LONGEST_LATE_MESSAGE: Final = 1_000
_MOST_TEXT: Final = 20_000_000


class _RecordList(logging.Handler):
    """Keeps the first records and the last ones: a task that never stops talking must not fill memory and disk."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []
        self._last: deque[dict[str, Any]] = deque(maxlen=_LAST_RECORDS)
        self._left_out = 0
        self._text = 0
        self._formatter = logging.Formatter()
        self.addFilter(LabelFilter())

    def emit(self, record: logging.LogRecord) -> None:
        try:
            document = self._document(record)
        except Exception:  # noqa: BLE001  # a message that does not fit its arguments must not end the task
            self.handleError(record)
            return
        size = len(document["message"]) + len(document.get("exc_info", ""))
        if len(self.records) < _MOST_RECORDS and self._text + size < _MOST_TEXT:
            self._text += size
            self.records.append(document)
            return
        if len(self._last) == _LAST_RECORDS:
            self._left_out += 1
        for name in ("message", "exc_info"):
            if name in document:
                document[name] = shortened(document[name], _LONGEST_LATE_MESSAGE)
        self._last.append(document)

    def take(self) -> list[dict[str, Any]]:
        """Give the first records and the last ones, with a note of how many are left out between them."""
        if self._left_out:
            note = {**self._last[0], "message": f"({self._left_out} records are left out here)"}
            self.records.append(note)
            self._left_out = 0
        self.records.extend(self._last)
        self._last.clear()
        return self.records

    def _document(self, record: logging.LogRecord) -> dict[str, Any]:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        document: dict[str, Any] = {
            "name": record.name,
            "asctime": f"{stamp}.{int(record.msecs):03d}000Z",
            "message": shortened(record.getMessage(), _LONGEST_MESSAGE),
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
            document["exc_info"] = shortened(self._formatter.formatException(record.exc_info), _LONGEST_MESSAGE)
        return document


@contextmanager
def capture_log(label: str, run: str) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Collect the log records of a block.

    Parameters
    ----------
    label
        ``label:data ID`` of the quantum; becomes the label ``LABEL`` of each record.
    run
        Output run; becomes the label ``RUN``.

    Yields
    ------
    function
        Call it at the end: it gives the records, each a mapping (``docs/formats/task-log.md``). Of very many, those in the
        middle are left out.
    """
    handler = _RecordList()
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        with log_labels({"LABEL": label, "RUN": run}):
            yield handler.take
    finally:
        root.removeHandler(handler)


def log_document(records: list[dict[str, Any]], **extra: Any) -> dict[str, Any]:
    """Give the stored form of a log; ``extra`` are the keys of its extra part."""
    return {"extended": True, "version": LOG_VERSION, "records": records, **extra}
