# SPDX-License-Identifier: BSD-3-Clause
"""A skeleton for authors of tasks: a module, its test and a pipeline, with comments, ready to run."""

from __future__ import annotations

import importlib.util
import keyword
import re
from importlib import resources
from pathlib import Path
from string import Template

from pachon.base import ConflictError, InvalidInputError

__all__ = ["task_names", "write_new_task"]

_FILES = {"task.py.txt": "{}.py", "test_task.py.txt": "test_{}.py", "pipeline.yaml.txt": "{}.yaml"}


def task_names(name: str) -> tuple[str, str]:
    """Give the names of the module (the label too) and of the class, without "Task", for a task.

    Parameters
    ----------
    name
        ``mark_bright``, ``mark-bright``, ``MarkBright`` or ``MarkBrightTask``.

    Raises
    ------
    InvalidInputError
        If no name of a Python module can be made of it.
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name.replace("-", "_"))
    words = [word for word in spaced.lower().split("_") if word]
    if len(words) > 1 and words[-1] == "task":
        words.pop()
    module = "_".join(words)
    if not module.isidentifier() or keyword.iskeyword(module) or not module.isascii():
        raise InvalidInputError(f"{name!r} cannot name a task; use words of letters and digits, such as mark_bright.")
    return module, "".join(word.capitalize() for word in words)


def write_new_task(name: str, folder: str | Path = ".") -> list[Path]:
    """Write a module with a task, its test, and a pipeline of it.

    Parameters
    ----------
    name
        See `task_names`.
    folder
        Where; it is made if it does not exist.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InvalidInputError
        If the name cannot be used, or is that of an installed module, or if the folder is a file.
    ConflictError
        If one of the files exists; nothing is written then.
    """
    module, class_name = task_names(name)
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise InvalidInputError(f"{str(target)!r} is no folder; give another --directory.")
    skeleton = resources.files("pachon.ctrl_mpexec") / "skeleton"
    files = {source: target / pattern.format(module) for source, pattern in _FILES.items()}
    for path in files.values():
        if path.exists():
            raise ConflictError(f"{str(path)!r} exists already; give another name or another --directory.")
    if importlib.util.find_spec(module) is not None:
        raise InvalidInputError(f"A module {module!r} is installed, which the new one would hide; give another name.")
    target.mkdir(parents=True, exist_ok=True)
    for source, path in files.items():
        text = Template((skeleton / source).read_text(encoding="utf-8"))
        path.write_text(text.substitute(module=module, name=class_name), encoding="utf-8")
    return list(files.values())
