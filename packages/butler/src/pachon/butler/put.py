# SPDX-License-Identifier: BSD-3-Clause
"""Storing objects as datasets.

The steps of a put: what is meant is resolved (`lookup`), the data ID completed with its records; the file is written to a final
path and brought to the medium (`pachon.datastore`); then one short transaction writes the rows (`write_protocol`).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pachon.base import ConflictError, InvalidInputError
from pachon.butler.lookup import DataId, resolve_data_id, resolve_type
from pachon.butler.own_places import refuse_own_place
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.datasets import (
    CollectionType,
    DatasetProvenance,
    DatasetRef,
    DatasetTable,
    DatasetType,
    ids_from_uuids,
)
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable
from pachon.registry import DatasetTypeError, MissingDatasetTypeError
from pachon.registry.collection_names import check_collection_name

__all__ = ["make_runs", "prepare_run", "put", "put_many", "resolve_run"]

Item = tuple[Any, DatasetType | str, DataId | None] | tuple[Any, DatasetRef]


def put(
    session: Session,
    obj: Any,
    target: DatasetType | str | DatasetRef,
    data_id: DataId | None = None,
    *,
    run: str | None = None,
    provenance: DatasetProvenance | None = None,
    dims: Mapping[str, Any],
) -> DatasetRef:
    """Store an object; when this returns it survives a power failure (in a transaction block: when that ends).

    Raises
    ------
    ConflictingDefinitionError
        If the run holds a dataset of this type and data ID.
    ConflictError
        If a dataset that was given by reference is stored already.
    """
    session.check_writeable()
    if isinstance(target, DatasetRef) and (data_id is not None or dims or run is not None):
        raise InvalidInputError("A reference says where the dataset belongs; neither data ID nor run can be given too.")
    given = isinstance(target, DatasetRef)
    # One connection for all that is looked up.
    with session.registry.snapshot():
        if isinstance(target, DatasetRef):
            ref = _as_registered(session, target)
            ref = ref.with_data_id(session.registry.dimension_records.expand(ref.data_id))
        else:
            ref = _new_ref(session, target, data_id, dims, resolve_run(session, run))
    rows = _Rows((ref,), given, () if given else (ref.run,), ref.data_id)
    _write(session, [(obj, ref)], [rows], provenance)
    return ref


def put_many(session: Session, items: Iterable[Item], *, run: str | None = None) -> list[DatasetRef]:
    """Store objects in one commit: all of them, or none.

    An item is an object with a dataset type and data ID, or with a reference.
    """
    session.check_writeable()
    objects: list[Any] = []
    refs: list[DatasetRef] = []
    given: set[UUID] = set()
    types: dict[DatasetType | str, DatasetType] = {}
    own_run: str | None = None
    listed = [_taken_apart(item) for item in _each(items)]
    # One connection for all that is looked up, and each name once.
    with session.registry.snapshot():
        for obj, target, data_id in listed:
            dataset_type = target.dataset_type if isinstance(target, DatasetRef) else target
            if dataset_type not in types:
                types[dataset_type] = _whole_type(session, dataset_type)
            registered = types[dataset_type]
            objects.append(obj)
            if isinstance(target, DatasetRef):
                refs.append(DatasetRef(registered, target.data_id, target.run, id=target.id))
                given.add(target.id)
            else:
                own_run = own_run or resolve_run(session, run)
                refs.append(DatasetRef(registered, resolve_data_id(session, registered, data_id, {}), own_run))
        if not refs:
            return []
        _refuse_repeated(refs)
        refs, tables = _expanded(session, refs, given)
    _write(session, list(zip(objects, refs, strict=True)), tables)
    return refs


def resolve_run(session: Session, run: str | None) -> str:
    """Give the run that is written to: the one named in the call, or the butler's own."""
    name = run if run is not None else session.defaults.run
    if name is None:
        raise InvalidInputError("A run is needed to store datasets; pass run=... here or to Butler.open.")
    prepare_run(session, name)
    return name


def prepare_run(session: Session, name: str) -> None:
    """Check that a collection is a run or can be one; what is new is made together with the first rows of it.

    So a call that fails leaves no empty run. In a ``transaction()`` block, whose rows come later, it is made at once.

    Raises
    ------
    ConflictingDefinitionError
        If it exists with another type.
    CollectionExpressionError
        If the name is not allowed.
    """
    known = session.registry.collections.find_types([name]).get(name)
    if known is None:
        refuse_own_place(session, name)
    if known is None and not session.writer.in_block:
        check_collection_name(name)
        session.new_runs.add(name)
    elif known is not CollectionType.RUN:
        session.registry.collections.register(name, CollectionType.RUN)


def make_runs(session: Session, names: Iterable[str]) -> None:
    """Register those of the runs that `prepare_run` found to be new; a part of the transaction that writes their rows."""
    for name in sorted(session.new_runs.intersection(names)):
        session.registry.collections.register(name, CollectionType.RUN)


def _new_ref(
    session: Session, target: DatasetType | str, data_id: DataId | None, dims: Mapping[str, Any], run: str
) -> DatasetRef:
    registered = _whole_type(session, target)
    found = resolve_data_id(session, registered, data_id, dims)
    return DatasetRef(registered, session.registry.dimension_records.expand(found), run)


def _as_registered(session: Session, ref: DatasetRef) -> DatasetRef:
    """Give a reference in the registered storage class, which is the one that is written."""
    return DatasetRef(_whole_type(session, ref.dataset_type), ref.data_id, ref.run, id=ref.id)


def _whole_type(session: Session, dataset_type: DatasetType | str) -> DatasetType:
    try:
        registered, wanted = resolve_type(session, dataset_type, writing=True)
    except MissingDatasetTypeError as error:
        error.add_note("Butler.dataset_types.register and 'butler register-dataset-type' register one.")
        raise
    if wanted.component is not None:
        raise DatasetTypeError(f"{wanted.name!r} is a component; only whole datasets can be stored.")
    return registered


def _expanded(
    session: Session, refs: Sequence[DatasetRef], given: Container[UUID]
) -> tuple[list[DatasetRef], list[_Rows]]:
    """Complete the data IDs of references with their records, and give the rows of the datasets, those of a type together."""
    places: dict[tuple[DatasetType, bool], list[int]] = {}
    for place, ref in enumerate(refs):
        places.setdefault((ref.dataset_type, ref.id in given), []).append(place)
    expanded = list(refs)
    tables: list[_Rows] = []
    for (dataset_type, has_ids), mine in places.items():
        table = DataIdTable.from_rows(dataset_type.dimensions, [refs[place].data_id for place in mine])
        found = session.registry.dimension_records.expand(table)
        for place, data_id in zip(mine, found, strict=True):
            expanded[place] = refs[place].with_data_id(data_id)
        ids = ids_from_uuids(refs[place].id for place in mine)
        runs = Categorical.encode([refs[place].run for place in mine])
        datasets = DatasetTable(dataset_type, found.data_ids, ids, runs)
        tables.append(_Rows(datasets, has_ids, () if has_ids else runs.values.tolist(), found.data_ids))
    return expanded, tables


def _each(items: Iterable[Item]) -> Iterator[Any]:
    try:
        return iter(items)
    except TypeError:
        raise InvalidInputError(f"put_many takes a list of items, not {items!r}.") from None


def _taken_apart(item: Any) -> tuple[Any, Any, Any]:
    """Give object, type or reference, and data ID (None with a reference) of an item."""
    if not isinstance(item, Sequence) or isinstance(item, str) or len(item) not in (2, 3):
        raise InvalidInputError(
            "An item of put_many is (object, dataset type, data ID) or (object, reference), "
            f"not an object of type {type(item).__name__}."
        )
    obj, target, *rest = item
    if not isinstance(target, str | DatasetType | DatasetRef):
        raise InvalidInputError(
            f"A dataset type, its name, or a reference is needed in an item of put_many, not {target!r}."
        )
    if isinstance(target, DatasetRef) and rest and rest[0] is not None:
        raise InvalidInputError(f"A reference says where the dataset belongs; {rest[0]!r} cannot be given too.")
    return obj, target, rest[0] if rest else None


def _refuse_repeated(refs: Sequence[DatasetRef]) -> None:
    seen: set[tuple[str, Any, str]] = set()
    for ref in refs:
        key = (ref.dataset_type.name, ref.data_id, ref.run)
        if key in seen:
            raise ConflictError(f"{ref} occurs twice in one call.")
        seen.add(key)


@dataclass(frozen=True, slots=True)
class _Rows:
    """New rows of datasets of one type."""

    datasets: DatasetTable | tuple[DatasetRef]
    """Many, or one: a table of one row takes longer to make than all that is done with it."""
    given: bool
    """Whether they came by reference, so that they may be registered already."""
    new_runs: Sequence[str]
    """The runs of those that did not, which are made if there are none."""
    data_ids: DataIdTable | DataCoordinate


def _write(
    session: Session,
    items: Sequence[tuple[Any, DatasetRef]],
    tables: Sequence[_Rows],
    provenance: DatasetProvenance | None = None,
) -> None:
    """Write the files, then the rows."""
    files = session.datastore.write_many(items, provenance=provenance)
    new_runs = {run for rows in tables for run in rows.new_runs}

    def write_rows() -> None:
        make_runs(session, new_runs)
        for rows in tables:
            if rows.given:
                session.registry.datasets.import_(rows.datasets)
            else:
                session.registry.datasets.insert(rows.datasets)
        session.records.add(files)

    def follow() -> None:
        session.new_runs.difference_update(new_runs)
        for rows in tables:
            session.note_written(rows.data_ids)

    session.writer.commit(Change(write_rows=write_rows, files=files, follow=follow))
