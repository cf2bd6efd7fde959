# SPDX-License-Identifier: BSD-3-Clause
"""Labels that go with every log record of a piece of work (the mapped diagnostic context, MDC)."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["LabelFilter", "current_labels", "log_labels"]

_labels: ContextVar[dict[str, str] | None] = ContextVar("pachon_log_labels", default=None)


def current_labels() -> dict[str, str]:
    """Give a copy of the labels in force here."""
    return dict(_labels.get() or {})


@contextmanager
def log_labels(labels: Mapping[str, object]) -> Iterator[None]:
    """Put labels into every record that is logged inside; keys are made upper case, inner ones win.

    Parameters
    ----------
    labels
        For instance ``{"LABEL": "isr:{instrument: 'Cam', visit: 3}"}``.
    """
    token = _labels.set(current_labels() | {key.upper(): str(value) for key, value in labels.items()})
    try:
        yield
    finally:
        _labels.reset(token)


class LabelFilter(logging.Filter):
    """Keep the labels in force, and those of the whole process, in ``record.MDC``."""

    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        super().__init__()
        self._process_labels = {key.upper(): value for key, value in (labels or {}).items()}

    def filter(self, record: logging.LogRecord) -> bool:
        if not hasattr(record, "MDC"):
            record.MDC = self._process_labels | current_labels()
        return True
