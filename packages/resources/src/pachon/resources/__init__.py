# SPDX-License-Identifier: BSD-3-Clause
"""Files and folders anywhere: one immutable value for a URI, and operations that leave whole files or none."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.resources.backend import Backend, FoundFile, ResourceInfo
    from pachon.resources.bulk import exist_many, find_files, remove_many
    from pachon.resources.errors import (
        NotLocalError,
        ResourceExistsError,
        ResourceIsDirectoryError,
        ResourceNotDirectoryError,
        ResourceNotFoundError,
        ResourcePermissionError,
        UnknownSchemeError,
        UnsupportedOperationError,
    )
    from pachon.resources.local_files import fsync_files
    from pachon.resources.resource_path import ResourcePath, ResourcePathExpression
    from pachon.resources.transfer import TransferMode
    from pachon.resources.url import Url

__all__ = [
    "Backend",
    "FoundFile",
    "NotLocalError",
    "ResourceExistsError",
    "ResourceInfo",
    "ResourceIsDirectoryError",
    "ResourceNotDirectoryError",
    "ResourceNotFoundError",
    "ResourcePath",
    "ResourcePathExpression",
    "ResourcePermissionError",
    "TransferMode",
    "UnknownSchemeError",
    "UnsupportedOperationError",
    "Url",
    "exist_many",
    "find_files",
    "fsync_files",
    "remove_many",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Backend": "pachon.resources.backend",
        "FoundFile": "pachon.resources.backend",
        "NotLocalError": "pachon.resources.errors",
        "ResourceExistsError": "pachon.resources.errors",
        "ResourceInfo": "pachon.resources.backend",
        "ResourceIsDirectoryError": "pachon.resources.errors",
        "ResourceNotDirectoryError": "pachon.resources.errors",
        "ResourceNotFoundError": "pachon.resources.errors",
        "ResourcePath": "pachon.resources.resource_path",
        "ResourcePathExpression": "pachon.resources.resource_path",
        "ResourcePermissionError": "pachon.resources.errors",
        "TransferMode": "pachon.resources.transfer",
        "UnknownSchemeError": "pachon.resources.errors",
        "UnsupportedOperationError": "pachon.resources.errors",
        "Url": "pachon.resources.url",
        "exist_many": "pachon.resources.bulk",
        "find_files": "pachon.resources.bulk",
        "fsync_files": "pachon.resources.local_files",
        "remove_many": "pachon.resources.bulk",
    },
)
