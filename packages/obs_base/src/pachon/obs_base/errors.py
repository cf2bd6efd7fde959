# SPDX-License-Identifier: BSD-3-Clause
"""Errors of this layer.

::

    FormatError
    ├── NotFitsError           no FITS file at all
    ├── TruncatedFitsError     a FITS file that ends before its data do
    └── HeaderError            a header that does not say what is needed
    NotFoundError
    ├── UnknownInstrumentError
    └── UnknownFilterError
    PachonError
    └── IngestError            some files were not ingested; the others were
"""

from __future__ import annotations

from pachon.base import FormatError, NotFoundError, PachonError, closest
from pachon.base.counting import counted

__all__ = [
    "HeaderError",
    "IngestError",
    "NotFitsError",
    "TruncatedFitsError",
    "UnknownFilterError",
    "UnknownInstrumentError",
]


class NotFitsError(FormatError):
    """A file is no FITS file."""

    kind = "not_fits"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: this is not a FITS file."


class TruncatedFitsError(FormatError):
    """A FITS file ends before its data do."""

    kind = "truncated_fits"

    def __init__(self, path: str, size: int, expected: int | None = None) -> None:
        super().__init__(path, size, expected)
        self.path, self.size, self.expected = path, size, expected

    def __str__(self) -> str:
        needed = "" if self.expected is None else f" of at least {self.expected}"
        return f"{self.path}: this FITS file is cut short: it has {self.size} bytes{needed}."


class HeaderError(FormatError):
    """A header lacks a key, or holds a value, without which it cannot be translated."""

    kind = "header"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class UnknownInstrumentError(NotFoundError):
    """No instrument of that name is known."""

    kind = "unknown_instrument"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return f"There is no instrument {self.name!r}; known: {', '.join(self.known)}.{closest(self.name, self.known)}"


class UnknownFilterError(NotFoundError):
    """An instrument has no filter of that name."""

    kind = "unknown_filter"

    def __init__(self, name: str, instrument: str, known: tuple[str, ...]) -> None:
        super().__init__(name, instrument, known)
        self.name, self.instrument, self.known = name, instrument, known

    def __str__(self) -> str:
        return (
            f"Filter {self.name!r} is not one of {self.instrument}: {', '.join(self.known)}."
            f"{closest(self.name, self.known)}"
        )


class IngestError(PachonError):
    """Some files could not be ingested; the report was printed or logged, the others are in."""

    kind = "ingest"

    def __init__(self, failed: int, total: int) -> None:
        super().__init__(failed, total)
        self.failed, self.total = failed, total

    def __str__(self) -> str:
        return f"{self.failed} of {counted(self.total, 'file')} could not be ingested; each is named above."
