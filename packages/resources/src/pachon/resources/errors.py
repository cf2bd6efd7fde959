# SPDX-License-Identifier: BSD-3-Clause
"""What can go wrong with files, and how the errors of libraries become ours.

Each class is of pachon's tree and is also the builtin that a Python reader expects.
"""

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Literal

from pachon.base import ConflictError, InvalidInputError, NotFoundError, PachonError, StorageError

__all__ = [
    "NotLocalError",
    "ResourceExistsError",
    "ResourceIsDirectoryError",
    "ResourceNotDirectoryError",
    "ResourceNotFoundError",
    "ResourcePermissionError",
    "UnknownSchemeError",
    "UnsupportedOperationError",
    "storage_errors",
]


class ResourceNotFoundError(NotFoundError, FileNotFoundError):
    """The file or folder does not exist."""


class ResourceExistsError(ConflictError, FileExistsError):
    """Something exists where a new file was to be made."""


class ResourceIsDirectoryError(InvalidInputError, IsADirectoryError):
    """A folder was given where a file is needed."""


class ResourceNotDirectoryError(InvalidInputError, NotADirectoryError):
    """A file was given where a folder is needed."""


class ResourcePermissionError(StorageError, PermissionError):
    """The storage refuses access."""


class NotLocalError(InvalidInputError, AttributeError):
    """A path of the operating system was asked for, and the resource is elsewhere."""


class UnknownSchemeError(InvalidInputError, NotImplementedError):
    """Nobody knows how to reach URIs of this scheme."""


class UnsupportedOperationError(PachonError, NotImplementedError):
    """The storage cannot do this."""

    kind = "unsupported"


class storage_errors(AbstractContextManager[None]):  # noqa: N801  # used like a function
    """Turn the errors of the operating system and of storage libraries, raised in the block, into ours.

    Parameters
    ----------
    verb
        What is being done, as in "cannot be {verb}".
    url
        What it is done to.
    """

    __slots__ = ("_url", "_verb")

    def __init__(self, verb: str, url: object) -> None:
        self._verb = verb
        self._url = url

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> Literal[False]:
        if isinstance(error, OSError | ImportError) and not isinstance(error, PachonError):
            raise self._own(error) from error
        return False

    def _own(self, error: OSError | ImportError) -> PachonError:
        what = f"{getattr(self._url, 'shown', self._url)} cannot be {self._verb}"
        match error:
            case FileNotFoundError():
                return ResourceNotFoundError(f"{what}: it does not exist.")
            case FileExistsError():
                return ResourceExistsError(f"{what}: something of that name exists.")
            case IsADirectoryError():
                return ResourceIsDirectoryError(f"{what}: it is a folder.")
            case NotADirectoryError():
                return ResourceNotDirectoryError(f"{what}: a part of its path is no folder.")
            case PermissionError():
                return ResourcePermissionError(f"{what}: permission denied.")
            case ImportError():
                return UnsupportedOperationError(f"{what}: {error}")
            case _:
                return StorageError(f"{what}: {error.strerror or error}")
