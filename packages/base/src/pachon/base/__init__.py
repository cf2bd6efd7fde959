# SPDX-License-Identifier: BSD-3-Clause
"""What every layer of pachon shares: errors, plug-in loading, suggestions, progress and logging."""

from typing import TYPE_CHECKING

from pachon.base.lazy import lazy_exports

if TYPE_CHECKING:
    from pachon.base.errors import (
        ConflictError,
        FormatError,
        InvalidInputError,
        NotFoundError,
        PachonError,
        ReadOnlyError,
        StorageError,
    )
    from pachon.base.log_configuration import configure_logging
    from pachon.base.log_context import log_labels
    from pachon.base.log_levels import TRACE, VERBOSE
    from pachon.base.plugins import load_plugin, plugin_names
    from pachon.base.progress_bar import enable_progress, progress
    from pachon.base.suggest import closest

__all__ = [
    "TRACE",
    "VERBOSE",
    "ConflictError",
    "FormatError",
    "InvalidInputError",
    "NotFoundError",
    "PachonError",
    "ReadOnlyError",
    "StorageError",
    "closest",
    "configure_logging",
    "enable_progress",
    "lazy_exports",
    "load_plugin",
    "log_labels",
    "plugin_names",
    "progress",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ConflictError": "pachon.base.errors",
        "FormatError": "pachon.base.errors",
        "InvalidInputError": "pachon.base.errors",
        "NotFoundError": "pachon.base.errors",
        "PachonError": "pachon.base.errors",
        "ReadOnlyError": "pachon.base.errors",
        "StorageError": "pachon.base.errors",
        "TRACE": "pachon.base.log_levels",
        "VERBOSE": "pachon.base.log_levels",
        "closest": "pachon.base.suggest",
        "configure_logging": "pachon.base.log_configuration",
        "enable_progress": "pachon.base.progress_bar",
        "load_plugin": "pachon.base.plugins",
        "log_labels": "pachon.base.log_context",
        "plugin_names": "pachon.base.plugins",
        "progress": "pachon.base.progress_bar",
    },
)
