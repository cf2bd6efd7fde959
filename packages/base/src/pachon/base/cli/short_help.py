# SPDX-License-Identifier: BSD-3-Clause
"""The one-line help of a command, read from its source without importing it.

Listing the forty commands of a program must not import forty modules, and a second place where the lines are written
would drift from the first. So the docstring of the command function, which is its help, is looked up in the text.
"""

import re
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

__all__ = ["find_short_help", "find_source"]


def find_source(module: str) -> Path | None:
    """Find the source file of a module without importing it or its parent packages."""
    top, *parts = module.split(".")
    spec = _find_spec(top)
    if spec is None:
        return None
    if not parts:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    # Below the top the finders want imported parents, so look at the folders themselves.
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *parts)
        for candidate in (path.with_name(f"{path.name}.py"), path / "__init__.py"):
            if candidate.is_file():
                return candidate
    return None


def _find_spec(name: str) -> ModuleSpec | None:
    for finder in sys.meta_path:
        spec = finder.find_spec(name, None)
        if spec is not None:
            return spec
    return None


def find_short_help(module: str, attribute: str) -> str:
    """Give the first sentence of the docstring of a command function.

    Parameters
    ----------
    module
        The module that defines it.
    attribute
        Name of the function. If its docstring is not found in the text, the module's own is taken.

    Returns
    -------
    str
        One line without the full stop, or an empty string if the source cannot be read.
    """
    source = find_source(module)
    if source is None:
        return ""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    start = re.search(rf"^def {re.escape(attribute)}\(", text, re.MULTILINE)
    docstring = re.compile(r'"""(.*?)"""', re.DOTALL).search(text, start.start() if start else 0)
    if docstring is None:
        return ""
    paragraph = " ".join(re.split(r"\n\s*\n", docstring[1].strip())[0].split())
    return re.split(r"\.(?:\s|$)", paragraph)[0]
