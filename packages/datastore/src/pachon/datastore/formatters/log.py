# SPDX-License-Identifier: BSD-3-Clause
"""Log records."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, ClassVar

from pachon.datastore.formatters.json import JsonFormatter, dump_json

__all__ = ["LogFormatter"]


class LogFormatter(JsonFormatter):
    """Log records as a JSON list, a record on each line.

    A file with one JSON record per line and no list around them (``.log``, as a running program writes it) is read
    as well. A pydantic model is written as its own JSON.
    """

    supported_extensions: ClassVar[frozenset[str]] = frozenset({".log"})

    def to_bytes(self, obj: Any) -> bytes:
        if isinstance(obj, Iterable) and not isinstance(obj, dict | str) and not hasattr(obj, "model_dump_json"):
            lines = [dump_json(record) for record in obj]
            return b"[\n" + b",\n".join(lines) + b"\n]\n" if lines else b"[]\n"
        return dump_json(obj)

    def parse(self, content: bytes) -> Any:
        if content.lstrip()[:1] == b"{":
            lines = [line for line in content.splitlines() if line.strip()]
            if len(lines) > 1:
                return [json.loads(line) for line in lines]
        return super().parse(content)
