# SPDX-License-Identifier: BSD-3-Clause
"""What a registry must do, in plain Python values: dictionaries, lists and sets.

Each operation either changes the model and gives what the registry gives, or raises `Refused` with the errors of which the
registry must raise one, and changes nothing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from pachon.base import InvalidInputError, NotFoundError
from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import DataCoordinate, DataIdValueError, Timespan
from pachon.registry.errors import (
    CalibrationLookupError,
    CollectionCycleError,
    CollectionTypeError,
    ConflictingDefinitionError,
    DatasetTypeError,
    MissingCollectionError,
    MissingDatasetTypeError,
    OrphanedRecordError,
    SealedRunError,
)

__all__ = ["ModelCollection", "Refused", "RegistryModel"]

Range: TypeAlias = tuple[DatasetRef, int, int]
Key: TypeAlias = tuple[str, DataCoordinate]


class Refused(Exception):  # noqa: N818  # it says that an error is right
    """The registry must raise one of these errors."""

    def __init__(self, errors: set[type[Exception]]) -> None:
        super().__init__(sorted(error.__name__ for error in errors))
        self.errors = tuple(errors)


@dataclass(slots=True, kw_only=True)
class ModelCollection:
    """A collection: what it is, and what it holds (a run's datasets are found by their run)."""

    type: CollectionType
    doc: str = ""
    sealed: bool = False
    children: tuple[str, ...] = ()
    tags: dict[Key, DatasetRef] = field(default_factory=dict)
    ranges: list[Range] = field(default_factory=list)
    types: set[str] = field(default_factory=set)
    """Dataset types that it ever held."""
    governors: set[tuple[str, str]] = field(default_factory=set)
    """Names and values of governors that it ever held."""

    def copy(self) -> ModelCollection:
        """Give a copy that changes on its own."""
        return replace(
            self, tags=dict(self.tags), ranges=list(self.ranges), types=set(self.types), governors=set(self.governors)
        )


class RegistryModel:
    """Collections, dataset types and datasets.

    Parameters
    ----------
    exists
        Whether the records of all dimensions of a data ID exist.
    """

    def __init__(self, exists: Callable[[DataCoordinate], bool]) -> None:
        self._exists = exists
        self.types: dict[str, DatasetType] = {}
        self.collections: dict[str, ModelCollection] = {}
        self.datasets: dict[uuid.UUID, DatasetRef] = {}

    def copy(self) -> RegistryModel:
        """Give a copy that changes on its own."""
        other = RegistryModel(self._exists)
        other.types = dict(self.types)
        other.collections = {name: held.copy() for name, held in self.collections.items()}
        other.datasets = dict(self.datasets)
        return other

    # Definitions.

    def register_type(self, dataset_type: DatasetType) -> bool:
        """Register a dataset type."""
        known = self.types.setdefault(dataset_type.name, dataset_type)
        _refuse({ConflictingDefinitionError} if known != dataset_type else set())
        return known is dataset_type

    def remove_types(self, names: Sequence[str]) -> list[str]:
        """Remove dataset types that no dataset has."""
        found = sorted(set(names) & self.types.keys())
        used = {ref.dataset_type.name for ref in self.datasets.values()}
        _refuse({OrphanedRecordError} if used & set(found) else set())
        for name in found:
            del self.types[name]
        for held in self.collections.values():
            held.types.difference_update(found)
        return found

    def register(self, name: str, kind: CollectionType) -> bool:
        """Register a collection."""
        if name in self.collections:
            _refuse({ConflictingDefinitionError} if self.collections[name].type is not kind else set())
            return False
        self.collections[name] = ModelCollection(type=kind)
        return True

    def set_doc(self, name: str, doc: str) -> None:
        """Document a collection."""
        _refuse(self._absent([name]))
        self.collections[name].doc = doc

    def seal(self, name: str, *, sealed: bool) -> None:
        """Seal a run, or unseal it."""
        _refuse(self._not_of_type(name, CollectionType.RUN))
        self.collections[name].sealed = sealed

    def remove(self, name: str) -> None:
        """Remove a collection."""
        errors = self._absent([name])
        if any(name in held.children for held in self.collections.values()) or self.of_run(name):
            errors.add(OrphanedRecordError)
        _refuse(errors)
        del self.collections[name]

    # Chains.

    def set_children(self, parent: str, children: Sequence[str], how: str) -> None:
        """Change a chain: ``set_chain``, ``extend``, ``prepend`` or ``remove_from``."""
        errors = self._not_of_type(parent, CollectionType.CHAINED) | self._absent(children)
        if errors:
            _refuse(errors)
        old = self.collections[parent].children
        rest = [name for name in old if name not in children]
        new = {
            "set_chain": [*children],
            "extend": [*rest, *children],
            "prepend": [*children, *rest],
            "remove_from": rest,
        }[how]
        after = tuple(dict.fromkeys(new))
        if after != old:
            _refuse({CollectionCycleError} if any(self._reaches(child, parent) for child in after) else set())
        self.collections[parent].children = after

    def _reaches(self, start: str, name: str) -> bool:
        return start == name or any(self._reaches(child, name) for child in self.collections[start].children)

    def flatten(self, names: Sequence[str]) -> tuple[str, ...]:
        """Expand chains."""
        _refuse(self._absent(names))
        return tuple(dict.fromkeys(leaf for name in names for leaf in self._leaves(name)))

    def _leaves(self, name: str) -> list[str]:
        held = self.collections[name]
        if held.type is not CollectionType.CHAINED:
            return [name]
        return [leaf for child in held.children for leaf in self._leaves(child)]

    # Datasets.

    def of_run(self, run: str) -> dict[Key, DatasetRef]:
        """Give the datasets of a run."""
        return {_key(ref): ref for ref in self.datasets.values() if ref.run == run}

    def insert(self, refs: Sequence[DatasetRef]) -> None:
        """Register new datasets."""
        taken = {(ref.run, *_key(ref)) for ref in self.datasets.values()}
        errors = self._wrong_types(refs)
        for ref in refs:
            errors |= self._not_of_type(ref.run, CollectionType.RUN)
            if ref.run in self.collections and self.collections[ref.run].sealed:
                errors.add(SealedRunError)
            if not self._exists(ref.data_id):
                errors.add(DataIdValueError)
            if ref.id in self.datasets or (ref.run, *_key(ref)) in taken:
                errors.add(ConflictingDefinitionError)
            taken.add((ref.run, *_key(ref)))
        if len({ref.id for ref in refs}) < len(refs):
            errors.add(ConflictingDefinitionError)
        _refuse(errors)
        for ref in refs:
            self.datasets[ref.id] = ref
            self._note(ref.run, ref)

    def import_(self, refs: Sequence[DatasetRef]) -> int:
        """Register datasets that may be there."""
        errors = self._wrong_types(refs)
        new = []
        for ref in refs:
            known = self.datasets.get(ref.id)
            if known is None:
                new.append(ref)
            elif (known.run, *_key(known)) != (ref.run, *_key(ref)):
                errors.add(ConflictingDefinitionError)
        if errors:
            # What else is wrong may be found first.
            try:
                self.copy().insert(new)
            except Refused as also:
                errors |= set(also.errors)
            _refuse(errors)
        self.insert(new)
        return len(new)

    def delete(self, ids: Iterable[uuid.UUID]) -> int:
        """Remove datasets everywhere."""
        gone = set(ids) & self.datasets.keys()
        for id_ in gone:
            del self.datasets[id_]
        for held in self.collections.values():
            held.tags = {key: ref for key, ref in held.tags.items() if ref.id not in gone}
            held.ranges = [row for row in held.ranges if row[0].id not in gone]
        return len(gone)

    # Tags and validity.

    def associate(self, name: str, refs: Sequence[DatasetRef]) -> None:
        """Tag datasets."""
        errors = self._not_of_type(name, CollectionType.TAGGED) | self._wrong_types(refs) | self._unknown(refs)
        tags = dict(self.collections[name].tags) if name in self.collections else {}
        for ref in refs:
            if tags.setdefault(_key(ref), ref).id != ref.id:
                errors.add(ConflictingDefinitionError)
        _refuse(errors)
        self.collections[name].tags = tags
        for ref in refs:
            self._note(name, ref)

    def disassociate(self, name: str, refs: Sequence[DatasetRef]) -> None:
        """Untag datasets."""
        _refuse(self._not_of_type(name, CollectionType.TAGGED) | self._wrong_types(refs))
        gone = {ref.id for ref in refs}
        held = self.collections[name]
        held.tags = {key: ref for key, ref in held.tags.items() if ref.id not in gone}

    def certify(self, name: str, refs: Sequence[DatasetRef], span: Timespan) -> None:
        """Give datasets a validity range."""
        errors = self._not_of_type(name, CollectionType.CALIBRATION) | self._wrong_types(refs) | self._unknown(refs)
        if span.is_empty:
            errors.add(InvalidInputError)
        if not all(ref.dataset_type.is_calibration for ref in refs):
            errors.add(DatasetTypeError)
        if len({_key(ref) for ref in refs}) < len(refs):
            errors.add(ConflictingDefinitionError)
        ranges = self.collections[name].ranges if name in self.collections else []
        keys = {_key(ref) for ref in refs}
        if any(_key(ref) in keys and b < span.end_ns and span.begin_ns < e for ref, b, e in ranges):
            errors.add(ConflictingDefinitionError)
        _refuse(errors)
        ranges.extend((ref, span.begin_ns, span.end_ns) for ref in refs)
        for ref in refs:
            self._note(name, ref)

    def decertify(self, name: str, type_name: str, span: Timespan, data_ids: Sequence[DataCoordinate] | None) -> None:
        """Take a time span out of validity ranges."""
        errors = self._not_of_type(name, CollectionType.CALIBRATION)
        if type_name not in self.types:
            errors.add(MissingDatasetTypeError)
        elif not self.types[type_name].is_calibration:
            errors.add(DatasetTypeError)
        _refuse(errors)
        left: list[Range] = []
        for ref, begin, end in self.collections[name].ranges:
            if ref.dataset_type.name != type_name or (data_ids is not None and ref.data_id not in data_ids):
                left.append((ref, begin, end))
            else:
                parts = Timespan.from_ns(begin, end).difference(span)
                left.extend((ref, part.begin_ns, part.end_ns) for part in parts)
        self.collections[name].ranges = left

    # Questions.

    def find_one(
        self, type_name: str, data_id: DataCoordinate, names: Sequence[str], span: Timespan | None
    ) -> DatasetRef | None:
        """Find a dataset along a path."""
        errors = self._absent(names)
        if type_name not in self.types:
            errors.add(MissingDatasetTypeError)
        _refuse(errors)
        key = (type_name, data_id)
        for name in self.flatten(names):
            held = self.collections[name]
            if held.type is CollectionType.CALIBRATION:
                valid = {
                    ref.id: ref
                    for ref, b, e in held.ranges
                    if _key(ref) == key and span is not None and b < span.end_ns and span.begin_ns < e
                }
                _refuse({CalibrationLookupError} if len(valid) > 1 else set())
                found = next(iter(valid.values()), None)
            else:
                found = self.content(name).get(key)
            if found is not None:
                return found
        return None

    def content(self, name: str) -> dict[Key, DatasetRef]:
        """Give the datasets of a RUN or TAGGED collection."""
        held = self.collections[name]
        return held.tags if held.type is CollectionType.TAGGED else self.of_run(name)

    def validity(self, type_name: str, names: Sequence[str]) -> list[tuple[uuid.UUID, int, int, int]]:
        """Give id, bounds and rank of all datasets of a type along a path, sorted."""
        rows = []
        for rank, name in enumerate(self.flatten(names)):
            held = self.collections[name]
            if held.type is CollectionType.CALIBRATION:
                rows += [(ref.id, b, e, rank) for ref, b, e in held.ranges if ref.dataset_type.name == type_name]
            else:
                refs = [ref for (of, _), ref in self.content(name).items() if of == type_name]
                rows += [(ref.id, 0, Timespan.MAX, rank) for ref in refs]
        return sorted(rows)

    def types_ever(self, name: str) -> set[str]:
        """Give the dataset types that a collection, or the members of a chain, ever held."""
        return {known for leaf in self._leaves(name) for known in self.collections[leaf].types}

    def governors_ever(self, names: Sequence[str]) -> dict[str, set[str]]:
        """Give the values of each governor that collections ever held."""
        found: dict[str, set[str]] = {}
        for leaf in self.flatten(names):
            for governor, value in self.collections[leaf].governors:
                found.setdefault(governor, set()).add(value)
        return found

    def refresh_summaries(self) -> None:
        """Forget what collections held and hold no more."""
        for name, held in self.collections.items():
            held.types.clear()
            held.governors.clear()
            if held.type is not CollectionType.CHAINED:
                for ref in [*self.content(name).values(), *(row[0] for row in held.ranges)]:
                    self._note(name, ref)

    # Rules that several operations share.

    def _note(self, name: str, ref: DatasetRef) -> None:
        held = self.collections[name]
        held.types.add(ref.dataset_type.name)
        group = ref.data_id.group
        held.governors |= {(g, str(ref.data_id[g])) for g in group.governors if g in group.required}

    def _absent(self, names: Iterable[str]) -> set[type[Exception]]:
        return set() if set(names) <= self.collections.keys() else {MissingCollectionError}

    def _not_of_type(self, name: str, kind: CollectionType) -> set[type[Exception]]:
        if name not in self.collections:
            return {MissingCollectionError}
        return set() if self.collections[name].type is kind else {CollectionTypeError}

    def _wrong_types(self, refs: Iterable[DatasetRef]) -> set[type[Exception]]:
        errors: set[type[Exception]] = set()
        for ref in refs:
            known = self.types.get(ref.dataset_type.name)
            if known is None:
                errors.add(MissingDatasetTypeError)
            elif (known.dimensions, known.is_calibration) != (
                ref.dataset_type.dimensions,
                ref.dataset_type.is_calibration,
            ):
                errors.add(DatasetTypeError)
        return errors

    def _unknown(self, refs: Iterable[DatasetRef]) -> set[type[Exception]]:
        return {NotFoundError} if any(ref.id not in self.datasets for ref in refs) else set()


def _key(ref: DatasetRef) -> Key:
    return ref.dataset_type.name, ref.data_id


def _refuse(errors: set[type[Exception]]) -> None:
    if errors:
        raise Refused(errors)
