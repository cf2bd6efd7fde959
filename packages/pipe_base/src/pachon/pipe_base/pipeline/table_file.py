# SPDX-License-Identifier: BSD-3-Clause
"""Tables for pipelines whose classes cannot be imported here or have moved: small YAML or JSON files."""

import os
from typing import Any

from pachon.base import NotFoundError
from pachon.base.plain_yaml import load_plain_yaml
from pachon.resources import ResourcePath

__all__ = ["read_table"]


def read_table(path: str | os.PathLike[str], what: str) -> Any:
    """Read a table as plain data.

    Parameters
    ----------
    path
        A file or URI.
    what
        ``of classes`` or the like, for messages.

    Raises
    ------
    NotFoundError
        There is no such file.
    FormatError
        It is neither YAML nor JSON, or names a key twice.
    StorageError
        It cannot be read.
    """
    name = f"Table {what} {os.fspath(path)!r}"
    try:
        content = ResourcePath(path).read()
    except NotFoundError:
        raise NotFoundError(f"There is no table {what} {os.fspath(path)!r}.") from None
    return load_plain_yaml(content, name)
