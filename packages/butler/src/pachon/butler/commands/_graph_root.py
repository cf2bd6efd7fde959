# SPDX-License-Identifier: BSD-3-Clause
"""A graph file and the repository whose files it is about."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from pachon.base import InvalidInputError
from pachon.quantum_butler import QuantumGraph
from pachon.resources import ResourcePath

__all__ = ["graph_and_root", "quantum_ids"]


def graph_and_root(graph: str, repo: str) -> tuple[QuantumGraph, str | None]:
    """Open a graph; give the root of the repository's datastore if it is another one than the graph says."""
    from pachon.butler import Butler

    opened = QuantumGraph.open(graph)
    with Butler.open(repo) as butler:
        own = ResourcePath(str(butler.datastore_document()["root"]), force_directory=True)
    if opened.datastore is None:
        raise InvalidInputError("The graph was built without datastore records; its files cannot be found.")
    same = own == ResourcePath(opened.datastore.root, force_directory=True)
    return opened, None if same else own.geturl()


def quantum_ids(texts: Sequence[str]) -> list[uuid.UUID] | None:
    """Read ids of quanta; `None` if there are none."""
    try:
        return [uuid.UUID(text) for text in texts] or None
    except ValueError as error:
        raise InvalidInputError(f"An id of a quantum is a UUID: {error}.") from None
