# SPDX-License-Identifier: BSD-3-Clause
"""YAML."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

import yaml

from pachon.base import FormatError
from pachon.datastore.formatters.plain_data import as_plain
from pachon.datastore.formatters.typeless import TypelessFormatter

__all__ = ["YamlFormatter", "dump_yaml", "load_yaml"]

_SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,60}")
_MEANING: Final = frozenset(("true", "false", "yes", "no", "on", "off", "null"))
"""Words that are no text if they stand alone, in whatever case; more of them than YAML has."""


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """The safe one in C where there is one, and NumPy's numbers and arrays as Python's."""


def _represent_other(dumper: Any, value: Any) -> Any:
    if hasattr(value, "tolist"):
        return dumper.represent_data(value.tolist())
    return dumper.represent_undefined(value)


_Dumper.add_representer(None, _represent_other)


class YamlFormatter(TypelessFormatter):
    """Plain data as YAML, keys in their order. Always safely loaded.

    With the write parameter ``unsafe_dump`` objects of registered types are written with their tags, which only a
    program that registered them for safe loading reads back.
    """

    default_extension: ClassVar[str] = ".yaml"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".yml"})
    supported_write_parameters: ClassVar[frozenset[str] | None] = frozenset({"unsafe_dump"})

    def to_bytes(self, obj: Any) -> bytes:
        plain = as_plain(obj)
        if self.write_parameters.get("unsafe_dump", False):
            return yaml.dump(plain, sort_keys=False, allow_unicode=True, encoding="utf-8")
        return dump_yaml(plain)

    def parse(self, content: bytes) -> Any:
        return load_yaml(content)


def dump_yaml(data: Any) -> bytes:
    """Give the YAML text of plain data; NumPy's numbers and arrays are written as Python's.

    Raises
    ------
    TypeError
        If something in it is no plain data; it names the type.
    """
    if (text := _table_of_words(data)) is not None:
        return text
    try:
        return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, encoding="utf-8")
    except yaml.representer.RepresenterError as error:
        raise TypeError(f"an object of type {type(error.args[-1]).__name__} cannot be written as YAML") from error


def _table_of_words(data: Any) -> bytes | None:
    """Give what the dumper gives for a mapping of words to numbers and words; None for anything else.

    Such small tables are put one by one, and the dumper takes as long for one as the database takes for its rows.
    """
    if type(data) is not dict or not data:
        return None
    lines: list[str] = []
    for key, value in data.items():
        text = _scalar(value)
        if text is None or not _is_word(key):
            return None
        lines.append(f"{key}: {text}\n")
    return "".join(lines).encode()


def _scalar(value: Any) -> str | None:
    # Subclasses, such as NumPy's, are left to the dumper.
    kind = type(value)
    if kind is int:
        return str(value)
    if kind is str:
        return value if _is_word(value) else None
    if kind is float:
        text = repr(value)
        return None if "e" in text or "n" in text else text
    if kind is bool:
        return "true" if value else "false"
    return "null" if value is None else None


def _is_word(text: Any) -> bool:
    return type(text) is str and _WORD.fullmatch(text) is not None and text.lower() not in _MEANING


def load_yaml(content: bytes) -> Any:
    """Read YAML text safely.

    Raises
    ------
    FormatError
        If it is no YAML, or has tags of types that are not plain data.
    """
    try:
        return yaml.load(content, Loader=_SafeLoader)  # noqa: S506  # it is the safe loader, in C where there is one
    except yaml.YAMLError as error:
        raise FormatError(f"it is no safe YAML: {' '.join(str(error).split())}") from error
