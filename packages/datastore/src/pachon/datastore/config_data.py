# SPDX-License-Identifier: BSD-3-Clause
"""Settings as plain data: what a section of the configuration looks like, and its form that nobody can change."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pachon.base.plain_shape import Fields, short_text

__all__ = ["FILE_SECTION", "FORMATTER_ENTRY", "MEMORY_SECTION", "frozen_data", "plain_data"]

_NAME: Final = short_text(128)
_CONSTRAINTS: Final = Fields({"accept": [(str, {str: [str]})], "reject": [(str, {str: [str]})]})

FORMATTER_ENTRY: Final = Fields({"formatter": str, "parameters": {str: object}}, required=("formatter",))
"""One entry of the section ``formatters``, in the long form."""
FILE_SECTION: Final = Fields(
    {
        "name": _NAME,
        "root": str,
        "create": bool,
        "checksum": bool,
        "verify_checksum": bool,
        "group_writable": bool,
        "constraints": _CONSTRAINTS,
        "templates": {str: (str, {str: str})},
        "formatters": {str: object},
        "composites": Fields({"default": bool, "disassembled": {str: (bool, {str: bool})}}),
        "allow_pickle": bool,
    },
    required=("name",),
)
"""The section ``datastore`` of type ``file``."""
MEMORY_SECTION: Final = Fields(
    {
        "name": _NAME,
        "constraints": _CONSTRAINTS,
        "copy_on_get": frozenset({"never", "delegate", "deepcopy"}),
    },
    required=("name",),
)
"""The section ``datastore`` of type ``memory``."""


def frozen_data(value: object) -> object:
    """Give dictionaries and lists in a form that cannot be changed."""
    if isinstance(value, dict):
        return MappingProxyType({name: frozen_data(item) for name, item in value.items()})
    if isinstance(value, list):
        return tuple(frozen_data(item) for item in value)
    return value


def plain_data(value: object) -> object:
    """Give what `frozen_data` made read-only as dictionaries and lists again."""
    if isinstance(value, Mapping):
        return {key: plain_data(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_data(item) for item in value]
    return value
