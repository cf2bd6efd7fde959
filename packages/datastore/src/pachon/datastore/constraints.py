# SPDX-License-Identifier: BSD-3-Clause
"""Which datasets a datastore takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pachon.datasets import DatasetRef
from pachon.datastore.errors import DatastoreConfigError
from pachon.datastore.lookup_key import LookupKey, candidate_keys, instrument_of, parse_scope
from pachon.dimensions import DimensionUniverse

__all__ = ["Constraints"]

_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """Lists of lookup keys that are accepted and rejected; ``all`` stands for every dataset."""

    accept: frozenset[LookupKey] = frozenset()
    reject: frozenset[LookupKey] = frozenset()

    @classmethod
    def parse(
        cls,
        accept: Sequence[object],
        reject: Sequence[object],
        universe: DimensionUniverse,
        *,
        where: str = "constraints",
    ) -> Constraints:
        """Read the lists of a configuration: names, or ``{instrument<NAME>: [names]}``.

        Raises
        ------
        DatastoreConfigError
            If an entry has another form, or ``all`` stands in both lists.
        """
        value = cls(
            accept=frozenset(_parse_list(accept, universe, f"{where}.accept")),
            reject=frozenset(_parse_list(reject, universe, f"{where}.reject")),
        )
        for key in value.accept & value.reject:
            if key.name == _ALL:
                raise DatastoreConfigError(f"{where}: {str(key)!r} cannot be both accepted and rejected.")
        return value

    def accepts(self, ref: DatasetRef) -> bool:
        """Tell whether a dataset may be stored.

        Explicitly accepted, else explicitly rejected, else rejected by ``all``, else accepted by ``all`` or by an
        empty ``accept``; otherwise rejected.
        """
        if not self.accept and not self.reject:
            return True
        instrument = instrument_of(ref)
        keys = candidate_keys(ref.dataset_type, instrument=instrument)
        if any(key in self.accept for key in keys):
            return True
        if any(key in self.reject for key in keys):
            return False
        wildcards = {LookupKey(_ALL), LookupKey(_ALL, (), instrument)}
        if wildcards & self.reject:
            return False
        if wildcards & self.accept:
            return True
        return not self.accept

    def keys(self) -> frozenset[LookupKey]:
        """Give all keys but the wildcards, to be compared with what exists."""
        return frozenset(key for key in self.accept | self.reject if key.name != _ALL)


def _parse_list(entries: Iterable[object], universe: DimensionUniverse, where: str) -> list[LookupKey]:
    keys: list[LookupKey] = []
    for entry in entries:
        if isinstance(entry, str):
            keys.append(LookupKey.parse(entry, universe))
        elif isinstance(entry, Mapping) and len(entry) == 1:
            ((scope, names),) = entry.items()
            instrument = parse_scope(str(scope), where=where)
            if instrument is None or not isinstance(names, Sequence) or isinstance(names, str):
                raise DatastoreConfigError(f"{where}: {entry!r} must be {{instrument<NAME>: [names]}}.")
            keys.extend(LookupKey.parse(str(name), universe, instrument=instrument) for name in names)
        else:
            raise DatastoreConfigError(f"{where}: {entry!r} is neither a name nor {{instrument<NAME>: [names]}}.")
    return keys
