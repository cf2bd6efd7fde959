# SPDX-License-Identifier: BSD-3-Clause
"""Provenance graphs as datasets, and the datasets that live inside of one."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any, ClassVar

from pachon.base import FormatError
from pachon.datastore import Formatter
from pachon.quantum_butler.provenance_graph import ProvenanceGraph

__all__ = ["ProvenanceFormatter", "ProvenanceMemberFormatter"]


class ProvenanceFormatter(Formatter):
    """A provenance graph in its own file."""

    default_extension: ClassVar[str] = ".qg"
    can_read_from_local_file: ClassVar[bool] = True

    def read_from_local_file(self, path: str, *, component: str | None, expected_size: int) -> ProvenanceGraph:
        return ProvenanceGraph(ProvenanceGraph.open(path).graph.loaded())

    def to_bytes(self, obj: Any) -> bytes:
        if not isinstance(obj, ProvenanceGraph):
            raise FormatError(f"A ProvenanceGraph is written as a provenance graph, not a {type(obj).__name__}.")
        return obj.graph.to_bytes()


class ProvenanceMemberFormatter(Formatter):
    """A log, metadata, a configuration or versions that a provenance graph holds; for reading only."""

    supported_extensions: ClassVar[frozenset[str]] = frozenset({".qg"})
    can_read_from_local_file: ClassVar[bool] = True

    def read_from_local_file(self, path: str, *, component: str | None, expected_size: int) -> Any:
        assert self.ref is not None
        status = os.stat(path)
        return _opened(path, status.st_mtime_ns, status.st_ino).content(self.ref.id)


@lru_cache(4)
def _opened(path: str, modified: int, inode: int) -> ProvenanceGraph:
    """Open a file once for many of its members."""
    return ProvenanceGraph.open(path)
