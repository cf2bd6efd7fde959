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
        return _rebuild, (type(self), self.args, self.__dict__.copy())


def _allocate(cls: type[PachonError]) -> PachonError:
    # An error that is also an OSError, ImportError or AttributeError has that one's memory layout, and only that one
    # may allocate it, wherever it stands among the bases.
    for base in cls.__mro__:
        if base.__module__ == "builtins":
            try:
                error: PachonError = base.__new__(cls)
            except TypeError:
                continue
            return error
    raise TypeError(f"{cls.__name__} cannot be allocated.")


def _rebuild(cls: type[PachonError], args: tuple[object, ...], state: dict[str, object]) -> PachonError:
    error = _allocate(cls)
    error.args = args
    error.__dict__.update(state)
    return error


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
