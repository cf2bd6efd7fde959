# SPDX-License-Identifier: BSD-3-Clause
"""Values as Python code, for the text form of a configuration."""

from __future__ import annotations

import math
from typing import Any

from pachon.pipe_base.config.history import plain_value
from pachon.pipe_base.config.node import ConfigNode

__all__ = ["value_code"]


def value_code(value: Any) -> tuple[str, tuple[str, ...]]:
    """Give Python code for a value, and the modules that it needs."""
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}", (value.__module__,)
    if isinstance(value, ConfigNode):  # its values follow
        cls = type(value)
        return f"{cls.__module__}.{cls.__qualname__}()", (cls.__module__,)
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})", ()
    if type(value) in (bool, int, float, str, type(None)):
        return repr(value), ()
    if isinstance(value, dict):
        items = [(value_code(k), value_code(v)) for k, v in value.items()]
        code = ", ".join(f"{k[0]}: {v[0]}" for k, v in items)
        return f"{{{code}}}", tuple({m for k, v in items for m in (*k[1], *v[1])})
    if isinstance(value, list | tuple | set):
        parts = [value_code(item) for item in (sorted(value, key=repr) if isinstance(value, set) else value)]
        code, modules = ", ".join(part[0] for part in parts), tuple({m for part in parts for m in part[1]})
        if isinstance(value, set):
            return (f"{{{code}}}" if parts else "set()"), modules
        if isinstance(value, tuple):
            return f"({code}{',' if len(parts) == 1 else ''})", modules
        return f"[{code}]", modules
    return repr(plain_value(value)), ()
