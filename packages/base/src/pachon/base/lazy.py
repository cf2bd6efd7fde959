# SPDX-License-Identifier: BSD-3-Clause
"""Names of a package that are imported when somebody first uses them (PEP 562)."""

import importlib
import sys
from collections.abc import Callable, Mapping

__all__ = ["lazy_exports"]


def lazy_exports(
    module_name: str, exports: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Make the ``__getattr__`` and ``__dir__`` of a package's ``__init__``.

    Parameters
    ----------
    module_name
        ``__name__`` of the package.
    exports
        Public name -> module that defines it, or ``module:attribute`` where the module names it differently.

    Returns
    -------
    tuple
        The two functions, to be bound to those names in the package::

            __getattr__, __dir__ = lazy_exports(__name__, {"Timespan": "pachon.dimensions.timespan"})

    Notes
    -----
    A public name must not also be the name of a submodule: Python binds a submodule to its package when it is imported,
    and would hide the lazy name.
    """

    def load(name: str) -> object:
        target = exports.get(name)
        if target is None:
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        module, _, attribute = target.partition(":")
        value = getattr(importlib.import_module(module), attribute or name)
        setattr(sys.modules[module_name], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[module_name]), *exports})

    return load, names
