# SPDX-License-Identifier: BSD-3-Clause
"""The errors of pachon, by what a caller would do about them.

::

    PachonError                      the root; a program prints it in one line and exits with 1
    ├── NotFoundError (LookupError)      look elsewhere, or make it
    ├── ConflictError (ValueError)       something else has that name or place already
    ├── InvalidInputError (ValueError)   the caller's words or values are wrong
    ├── ReadOnlyError                    ask for a writeable one
    ├── StorageError (OSError)           the medium failed: retry, or call the administrator
    └── FormatError (ValueError)         a file does not hold what it says

Every layer derives its own classes from these. An error takes one message, or keeps its data as attributes and makes
the sentence in ``__str__``. All of them survive `pickle`, whatever their constructor looks like.
"""

import copyreg
from typing import Any, ClassVar

__all__ = [
    "ConflictError",
    "FormatError",
    "InvalidInputError",
    "NotFoundError",
    "PachonError",
    "ReadOnlyError",
    "StorageError",
]


class PachonError(Exception):
    """Root of all errors that pachon raises on purpose."""

    kind: ClassVar[str] = "error"
    """A stable code for machines."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors cross processes. The default calls the constructor with `args`, which fails for keyword-only ones.
        return copyreg.__newobj__, (type(self),), {"args": self.args, **self.__dict__}  # type: ignore[attr-defined]  # typeshed lacks it


class NotFoundError(PachonError, LookupError):
    """Something that was asked for by name does not exist."""

    kind = "not_found"


class ConflictError(PachonError, ValueError):
    """What exists already stands in the way."""

    kind = "conflict"


class InvalidInputError(PachonError, ValueError):
    """A value, expression or option of the caller makes no sense."""

    kind = "invalid_input"


class ReadOnlyError(PachonError):
    """A change was asked of something opened for reading only."""

    kind = "read_only"


class StorageError(PachonError, OSError):
    """A file system, object store or database failed."""

    kind = "storage"


class FormatError(PachonError, ValueError):
    """A file or document is damaged or is not of the format that it claims."""

    kind = "format"
