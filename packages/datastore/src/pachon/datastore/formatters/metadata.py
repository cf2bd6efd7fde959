# SPDX-License-Identifier: BSD-3-Clause
"""What a task noted about its run."""

from __future__ import annotations

from pachon.datastore.formatters.json import JsonFormatter

__all__ = ["MetadataFormatter"]


class MetadataFormatter(JsonFormatter):
    """Task metadata as JSON; read back as plain data unless the storage class names a type."""
