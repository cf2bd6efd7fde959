# SPDX-License-Identifier: BSD-3-Clause
"""JSON."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from pachon.datastore.formatters.plain_data import as_plain
from pachon.datastore.formatters.typeless import TypelessFormatter

__all__ = ["JsonFormatter", "dump_json"]


class JsonFormatter(TypelessFormatter):
    """Pydantic models, dataclasses, named tuples and plain data as JSON; text is kept as it is, in UTF-8."""

    default_extension: ClassVar[str] = ".json"

    def to_bytes(self, obj: Any) -> bytes:
        return dump_json(obj)

    def parse(self, content: bytes) -> Any:
        model = self.file_descriptor.write_storage_class
        if model.pytype_name != "object" and hasattr(model.pytype, "model_validate_json"):
            return model.pytype.model_validate_json(content)
        return json.loads(content)


def dump_json(obj: Any, *, indent: int | None = None) -> bytes:
    """Give the JSON text of an object; NumPy's numbers and arrays are written as Python's.

    Raises
    ------
    TypeError
        If something in it cannot be written; it names the type.
    """
    if hasattr(obj, "model_dump_json"):
        return str(obj.model_dump_json(indent=indent)).encode()
    plain = as_plain(obj)
    try:
        return json.dumps(plain, ensure_ascii=False, indent=indent, default=_default).encode()
    except UnicodeEncodeError:
        # Lone surrogates, as in names of files that are no UTF-8: only escapes can say them.
        return json.dumps(plain, indent=indent, default=_default).encode()


def _default(value: Any) -> Any:
    plain = as_plain(value)
    if plain is not value:
        return plain
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"an object of type {type(value).__name__} cannot be written as JSON")
