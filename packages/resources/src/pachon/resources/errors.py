# SPDX-License-Identifier: BSD-3-Clause
"""What can go wrong with files, and how the errors of libraries become ours.

Each class is of pachon's tree and is also the builtin that a Python reader expects.
"""

from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def storage_errors(verb: str, url: object) -> Iterator[None]:
    """Turn the errors of the operating system and of storage libraries into ours.

    Parameters
    ----------
    verb
        What is being done, as in "cannot be {verb}".
    url
        What it is done to.
    """
    url = getattr(url, "shown", url)
    try:
        yield
    except PachonError:
        raise
    except FileNotFoundError as error:
        raise ResourceNotFoundError(f"{url} cannot be {verb}: it does not exist.") from error
    except FileExistsError as error:
        raise ResourceExistsError(f"{url} cannot be {verb}: something of that name exists.") from error
    except IsADirectoryError as error:
        raise ResourceIsDirectoryError(f"{url} cannot be {verb}: it is a folder.") from error
    except NotADirectoryError as error:
        raise ResourceNotDirectoryError(f"{url} cannot be {verb}: a part of its path is no folder.") from error
    except PermissionError as error:
        raise ResourcePermissionError(f"{url} cannot be {verb}: permission denied.") from error
    except ImportError as error:
        raise UnsupportedOperationError(f"{url} cannot be {verb}: {error}") from error
    except OSError as error:
        raise StorageError(f"{url} cannot be {verb}: {error.strerror or error}") from error
