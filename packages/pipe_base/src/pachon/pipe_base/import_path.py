# SPDX-License-Identifier: BSD-3-Clause
"""Objects named by their import path, e.g. ``pachon.pipe_tasks.isr.IsrTask``."""

from __future__ import annotations

import importlib
from typing import Any

from pachon.base import NotFoundError, closest

__all__ = ["ImportPathError", "import_object", "import_path_of"]


class ImportPathError(NotFoundError, ImportError):
    """What an import path names cannot be imported."""

    def __init__(self, path: str, reason: str, suggestion: str = "") -> None:
        super().__init__(path, reason, suggestion)
        self.path, self.reason, self.suggestion = path, reason, suggestion

    def __str__(self) -> str:
        return f"{self.path!r} cannot be imported: {self.reason}.{self.suggestion}"


def import_object(path: str) -> Any:
    """Import what a dotted path names; ``:`` may stand before the attribute.

    Raises
    ------
    ImportPathError
        No such module or attribute, or the module fails when it is imported.
    """
    module_name, _, attributes = path.partition(":")
    if not attributes:
        module_name, _, attributes = path.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in f"{module_name}.{attributes}".split(".")):
        raise ImportPathError(path, "it is not of the form 'package.module.Name'")
    try:
        found = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        reason = f"there is no module {error.name!r}"
        if error.name == module_name.partition(".")[0]:
            reason += " (PYTHONPATH names the folders of modules that are not installed)"
        raise ImportPathError(path, reason) from error
    except Exception as error:  # whatever the author's module raises
        raise ImportPathError(path, f"module {module_name!r} fails with {type(error).__name__}: {error}") from error
    for name in attributes.split("."):
        try:
            found = getattr(found, name)
        except AttributeError as error:
            hint = closest(name, (known for known in dir(found) if not known.startswith("_")))
            raise ImportPathError(path, f"module {module_name!r} has no {name!r}", hint) from error
    return found


def import_path_of(obj: Any) -> str:
    """Give the import path of a class or function."""
    return f"{obj.__module__}.{obj.__qualname__}"
