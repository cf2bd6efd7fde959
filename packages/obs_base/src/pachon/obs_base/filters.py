# SPDX-License-Identifier: BSD-3-Clause
"""The filters of an instrument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pachon.base import ConflictError
from pachon.obs_base.errors import UnknownFilterError

__all__ = ["FilterDefinition", "FilterDefinitions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterDefinition:
    """One filter."""

    physical_filter: str
    """Its name, unique in the instrument."""

    band: str = ""
    """The band that it stands for, shared between instruments; the filter's own name if left out."""

    doc: str = ""
    aliases: frozenset[str] = frozenset()
    """Other names that headers use."""

    @property
    def band_name(self) -> str:
        """The band."""
        return self.band or self.physical_filter


class FilterDefinitions:
    """The filters of an instrument, found by name or alias.

    Raises
    ------
    ConflictError
        If two filters share a name or an alias.
    """

    def __init__(self, instrument: str, *definitions: FilterDefinition) -> None:
        self.instrument = instrument
        self._by_name: dict[str, FilterDefinition] = {}
        self._definitions = definitions
        for definition in definitions:
            for name in {definition.physical_filter, *definition.aliases}:
                if name in self._by_name:
                    raise ConflictError(f"Two filters of {instrument} are called {name!r}.")
                self._by_name[name] = definition

    def __iter__(self) -> Iterator[FilterDefinition]:
        return iter(self._definitions)

    def __len__(self) -> int:
        return len(self._definitions)

    def get(self, name: str) -> FilterDefinition:
        """Give the filter that is called this, by name or alias.

        Raises
        ------
        UnknownFilterError
            If there is none; the message lists those that there are.
        """
        try:
            return self._by_name[name]
        except KeyError:
            known = tuple(definition.physical_filter for definition in self._definitions)
            raise UnknownFilterError(name, self.instrument, known) from None
