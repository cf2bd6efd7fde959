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

    Raises
    ------
    ValueError
        A public name is also the name of its module. Python binds a submodule to its package when it is imported, and so
        the name would be the module or the object, depending on who came first.
    """
    for name, target in exports.items():
        if target.partition(":")[0] == f"{module_name}.{name}":
            raise ValueError(
                f"The public name {name!r} of {module_name!r} is also that of its module; rename the module."
            )

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
