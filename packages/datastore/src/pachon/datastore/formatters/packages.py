# SPDX-License-Identifier: BSD-3-Clause
"""Versions of packages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from pachon.base import InvalidInputError
from pachon.datastore.formatters.json import dump_json
from pachon.datastore.formatters.typeless import TypelessFormatter
from pachon.datastore.formatters.yaml import dump_yaml, load_yaml

__all__ = ["PackagesFormatter"]

_FORMATS = ("yaml", "json")


class PackagesFormatter(TypelessFormatter):
    """A mapping of package names to versions, as YAML or, with the write parameter ``format: json``, as JSON."""

    default_extension: ClassVar[str] = ".yaml"
    supported_extensions: ClassVar[frozenset[str]] = frozenset({".json"})
    supported_write_parameters: ClassVar[frozenset[str] | None] = frozenset({"format"})

    @classmethod
    def check_write_parameters(cls, parameters: Mapping[str, Any], recipes: Mapping[str, Any]) -> None:
        super().check_write_parameters(parameters, recipes)
        if parameters.get("format", "yaml") not in _FORMATS:
            raise InvalidInputError(
                f"The format of packages is one of {', '.join(_FORMATS)}, not {parameters['format']!r}."
            )

    def write_extension(self, obj: Any) -> str:
        return f".{self.write_parameters.get('format', 'yaml')}"

    def to_bytes(self, obj: Any) -> bytes:
        versions = dict(sorted(dict(obj).items()))
        return dump_json(versions, indent=2) if self.write_extension(obj) == ".json" else dump_yaml(versions)

    def parse(self, content: bytes) -> Any:
        return json.loads(content) if content.lstrip()[:1] == b"{" else load_yaml(content)
