# SPDX-License-Identifier: BSD-3-Clause
"""Where a graph's JSON documents come from: memory or a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

__all__ = ["DocumentSource", "MemoryDocuments"]


class DocumentSource(Protocol):
    """Gives documents by name."""

    @property
    def document_names(self) -> Collection[str]:
        """Names of all documents."""
        ...

    def document(self, name: str) -> Any:
        """Give a document; not to be changed."""
        ...


class MemoryDocuments:
    """Documents in memory."""

    def __init__(self, documents: Mapping[str, Any]) -> None:
        self._documents = documents

    @property
    def document_names(self) -> Collection[str]:
        """Names of all documents."""
        return self._documents.keys()

    def document(self, name: str) -> Any:
        """Give a document; not to be changed."""
        return self._documents[name]
