# SPDX-License-Identifier: BSD-3-Clause
"""The dataset refs of one quantum, as attributes named after the connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["QuantumRefs"]


class QuantumRefs:
    """Refs of one side of a quantum: ``inputs.images`` is a list of refs, ``inputs.bias`` one ref.

    A connection that takes one dataset and has none is no attribute at all.

    Parameters
    ----------
    refs
        Connection name -> refs.
    connections
        The task's connections by name.
    """

    def __init__(self, refs: Mapping[str, Sequence[Any]], connections: Mapping[str, Any]) -> None:
        self._names: list[str] = []
        for name, connection in connections.items():
            found = list(refs.get(name, ()))
            if connection.multiple:
                setattr(self, name, found)
            elif found:
                setattr(self, name, found[0])
            else:
                continue
            self._names.append(name)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        for name in self._names:
            yield name, getattr(self, name)

    def keys(self) -> list[str]:
        """Give the names of the connections that have refs."""
        return list(self._names)

    def __getitem__(self, name: str) -> Any:
        return vars(self)[name]

    def __repr__(self) -> str:
        return f"QuantumRefs({', '.join(f'{name}={refs!r}' for name, refs in self)})"
