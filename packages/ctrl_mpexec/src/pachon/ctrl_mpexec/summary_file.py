# SPDX-License-Identifier: BSD-3-Clause
"""Writing texts that the user asked for: reports and pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pachon.resources import ResourcePath

__all__ = ["write_summary", "write_text"]


def write_summary(path: str, document: Mapping[str, Any]) -> None:
    """Write a JSON report."""
    write_text(path, json.dumps(document, indent=2, default=str) + "\n")


def write_text(path: str, text: str) -> None:
    """Write a text, in place of what is there."""
    ResourcePath(path).write(text.encode(), overwrite=True)
