# SPDX-License-Identifier: BSD-3-Clause
"""Configurations of tasks."""

from __future__ import annotations

from typing import Any

from pachon.datastore.formatters.json import JsonFormatter, dump_json

__all__ = ["ConfigFormatter"]


class ConfigFormatter(JsonFormatter):
    """Pydantic models and mappings as JSON that people can read.

    They are read back as plain data unless the storage class names a type: a file never says which class to import.
    """

    def to_bytes(self, obj: Any) -> bytes:
        return dump_json(obj, indent=2) + b"\n"
