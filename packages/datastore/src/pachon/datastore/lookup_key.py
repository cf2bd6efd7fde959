# SPDX-License-Identifier: BSD-3-Clause
"""Keys by which configuration is looked up for a dataset: type name, dimensions, storage class, per instrument."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from pachon.datasets import DatasetRef, DatasetType
from pachon.datastore.errors import DatastoreConfigError
from pachon.dimensions import DimensionUniverse

__all__ = ["LookupKey", "LookupTable", "candidate_keys", "instrument_of", "parse_scope"]

T = TypeVar("T")

_log = logging.getLogger(__name__)
_SCOPE = re.compile(r"^([a-z_]+)<(.*)>$")


@dataclass(frozen=True, slots=True)
class LookupKey:
    """A name, or a set of dimensions, perhaps for one instrument only."""

    name: str = ""
    """A dataset type (with component) or storage class name; empty for a set of dimensions."""
    dimensions: tuple[str, ...] = ()
    """All dimensions of a group, in universe order; empty for a name."""
    instrument: str | None = None

    @classmethod
    def parse(cls, text: str, universe: DimensionUniverse, *, instrument: str | None = None) -> LookupKey:
        """Read a key as configurations write it.

        A ``+`` makes it a set of dimensions (``visit+detector``; ``visit+`` for one), which is completed to the
        group. If a name is no dimension of the universe the text stands for itself: a configuration may serve
        several universes.
        """
        if "+" not in text:
            return cls(text, (), instrument)
        names = [name for name in text.split("+") if name]
        if all(name in universe.dimensions for name in names) and names:
            return cls("", universe.conform(names).names, instrument)
        _log.debug("Lookup key %r names dimensions that the universe does not have; taken as a name.", text)
        return cls(text, (), instrument)

    def __str__(self) -> str:
        text = self.name or "+".join(self.dimensions) + ("+" if len(self.dimensions) == 1 else "")
        return text if self.instrument is None else f"instrument<{self.instrument}>:{text}"


def candidate_keys(
    dataset_type: DatasetType, *, instrument: str | None = None, with_storage_class: bool = True
) -> tuple[LookupKey, ...]:
    """Give the keys that apply to a dataset type, the first one that is configured wins.

    Full name; for a component, the parent's name; the dimensions (if there are any); the storage class; for a
    component, the parent's storage class if it is known. With an instrument, the same list for that instrument comes
    first as a whole.
    """
    keys = [LookupKey(dataset_type.name)]
    if dataset_type.component is not None:
        keys.append(LookupKey(dataset_type.parent_name))
    if dataset_type.dimensions.names:
        keys.append(LookupKey("", dataset_type.dimensions.names))
    if with_storage_class:
        keys.append(LookupKey(dataset_type.storage_class))
        parent = getattr(dataset_type, "parent_storage_class", None)
        if dataset_type.component is not None and parent:
            keys.append(LookupKey(parent))
    if instrument is None:
        return tuple(keys)
    return (*(LookupKey(key.name, key.dimensions, instrument) for key in keys), *keys)


def instrument_of(ref: DatasetRef) -> str | None:
    """Give the instrument of a dataset's data ID, None if it has none."""
    return str(ref.data_id["instrument"]) if "instrument" in ref.dataset_type.dimensions else None


def parse_scope(text: str, *, where: str) -> str | None:
    """Give the instrument of a key ``instrument<NAME>``; None if the key is no scope at all.

    Raises
    ------
    DatastoreConfigError
        If it is a scope by something else than the instrument.
    """
    match = _SCOPE.match(text)
    if match is None:
        return None
    dimension, value = match.groups()
    if dimension != "instrument" or not value:
        raise DatastoreConfigError(f"{where}: {text!r} is no scope; write instrument<NAME>.")
    return value


class LookupTable(Generic[T]):
    """Values by lookup key, and the question which one applies to a dataset."""

    def __init__(self, entries: Mapping[LookupKey, T]) -> None:
        self._entries = dict(entries)
        self._instruments = frozenset(key.instrument for key in entries if key.instrument is not None)
        # A process meets few dataset types and instruments, and asks for each of them a million times.
        self._found: dict[tuple[DatasetType, str | None], tuple[LookupKey, T] | None] = {}

    @classmethod
    def parse(
        cls,
        document: Mapping[str, object],
        universe: DimensionUniverse,
        read_value: Callable[[object, str], T],
        *,
        where: str,
    ) -> LookupTable[T]:
        """Read a section ``{key: value, instrument<NAME>: {key: value}}``.

        Parameters
        ----------
        document
            The section.
        universe
            Where dimension names are looked up.
        read_value
            Makes a value of what is written and of the words that say where it is written.
        where
            Name of the section, for errors.
        """
        entries: dict[LookupKey, T] = {}
        for text, written in document.items():
            instrument = parse_scope(text, where=where)
            if instrument is None:
                entries[LookupKey.parse(text, universe)] = read_value(written, f"{where}.{text}")
            elif isinstance(written, Mapping):
                for inner, value in written.items():
                    key = LookupKey.parse(inner, universe, instrument=instrument)
                    entries[key] = read_value(value, f"{where}.{text}.{inner}")
            else:
                raise DatastoreConfigError(f"{where}.{text} must hold a mapping of keys, not {written!r}.")
        return cls(entries)

    def find(self, dataset_type: DatasetType, instrument: str | None = None) -> tuple[LookupKey, T] | None:
        """Give the key and value that apply to a dataset type, None if none does."""
        if instrument not in self._instruments:
            instrument = None
        asked = (dataset_type, instrument)
        try:
            return self._found[asked]
        except KeyError:
            found = next(
                (
                    (key, self._entries[key])
                    for key in candidate_keys(dataset_type, instrument=instrument)
                    if key in self._entries
                ),
                None,
            )
            self._found[asked] = found
            return found

    def scope_of(self, ref: DatasetRef) -> str | None:
        """Give the instrument of a dataset if it could matter here."""
        return instrument_of(ref) if self._instruments else None

    def find_for(self, ref: DatasetRef) -> tuple[LookupKey, T] | None:
        """Give the key and value that apply to one dataset, None if none does."""
        return self.find(ref.dataset_type, self.scope_of(ref))

    def items(self) -> Iterator[tuple[LookupKey, T]]:
        """Iterate over all keys and values."""
        return iter(self._entries.items())

    def __len__(self) -> int:
        return len(self._entries)
