# SPDX-License-Identifier: BSD-3-Clause
"""Objects as plain data (mappings, lists, text, numbers) and back: for formats that know no types."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from pachon.base import FormatError
from pachon.datasets import StorageClass

__all__ = ["as_plain", "from_plain"]


def as_plain(obj: Any) -> Any:
    """Give plain data for an object: pydantic model, one with ``to_json`` and ``from_json``, dataclass, named tuple.

    Other objects are given as they are.
    """
    if hasattr(obj, "model_dump"):
        return obj.model_dump(mode="json")
    if hasattr(obj, "to_json") and hasattr(obj, "from_json"):
        return obj.to_json()
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        return dataclasses.asdict(obj)
    if isinstance(obj, tuple) and hasattr(obj, "_asdict"):
        return obj._asdict()
    return obj


def from_plain(data: Any, storage_class: StorageClass) -> Any:
    """Make an object of the Python type of a storage class from plain data.

    In this order: what is of the type already; pydantic validation; ``from_json`` of the type; a dataclass or named tuple by its fields; a
    composite by its delegate; the type called with the items of a mapping as keywords, or with the data.

    Raises
    ------
    FormatError
        If none of these works.
    """
    if data is None or storage_class.accepts(data):
        return data
    pytype = storage_class.pytype
    try:
        if hasattr(pytype, "model_validate"):
            return pytype.model_validate(data)
        if hasattr(pytype, "from_json"):
            return pytype.from_json(data)
        if isinstance(data, Mapping):
            if storage_class.components and not dataclasses.is_dataclass(pytype):
                return storage_class.delegate().assemble(data, pytype)
            return pytype(**data)
        return pytype(data)
    except (TypeError, ValueError) as error:
        raise FormatError(
            f"data of type {type(data).__name__} are no {storage_class.pytype_name} (storage class "
            f"{storage_class.name}): {error}"
        ) from error
