# SPDX-License-Identifier: BSD-3-Clause
"""Storing objects as datasets.

The steps of a put: what is meant is resolved (`lookup`), the data ID completed with its records; the file is written to a final
path and brought to the medium (`pachon.datastore`); then one short transaction writes the rows (`write_protocol`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from pachon.base import ConflictError, InvalidInputError
from pachon.butler.lookup import DataId, resolve_data_id, resolve_type
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.datasets import CollectionType, DatasetProvenance, DatasetRef, DatasetType
from pachon.dimensions import DataIdTable
from pachon.registry import DatasetTypeError
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
    if isinstance(target, DatasetRef):
        ref = _as_registered(session, target)
    else:
        ref = _new_ref(session, target, data_id, dims, resolve_run(session, run))
    ref = ref.with_data_id(session.registry.dimension_records.expand(ref.data_id))
    given = isinstance(target, DatasetRef)
    _write(session, [(obj, ref)], new=() if given else (ref,), given=(ref,) if given else (), provenance=provenance)
    return ref


def put_many(session: Session, items: Iterable[Item], *, run: str | None = None) -> list[DatasetRef]:
    """Store objects in one commit: all of them, or none.

    An item is an object with a dataset type and data ID, or with a reference.
    """
    session.check_writeable()
    objects: list[Any] = []
    refs: list[DatasetRef] = []
    given: set[UUID] = set()
    for obj, target, *rest in items:
        objects.append(obj)
        if isinstance(target, DatasetRef):
            refs.append(_as_registered(session, target))
            given.add(target.id)
        else:
            refs.append(_new_ref(session, target, rest[0] if rest else None, {}, resolve_run(session, run)))
    if not refs:
        return []
    _refuse_repeated(refs)
    refs = _expanded(session, refs)
    _write(
        session,
        list(zip(objects, refs, strict=True)),
        new=[ref for ref in refs if ref.id not in given],
        given=[ref for ref in refs if ref.id in given],
    )
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
    known = session.registry.collections.find([name]).get(name)
    if known is None and not session.writer.in_block:
        check_collection_name(name)
        session.new_runs.add(name)
    elif known is None or known.type is not CollectionType.RUN:
        session.registry.collections.register(name, CollectionType.RUN)


def make_runs(session: Session, names: Iterable[str]) -> None:
    """Register those of the runs that `prepare_run` found to be new; a part of the transaction that writes their rows."""
    for name in sorted(session.new_runs.intersection(names)):
        session.registry.collections.register(name, CollectionType.RUN)


def _new_ref(
    session: Session, target: DatasetType | str, data_id: DataId | None, dims: Mapping[str, Any], run: str
) -> DatasetRef:
    registered = _whole_type(session, target)
    return DatasetRef(registered, resolve_data_id(session, registered, data_id, dims), run)


def _as_registered(session: Session, ref: DatasetRef) -> DatasetRef:
    """Give a reference in the registered storage class, which is the one that is written."""
    return DatasetRef(_whole_type(session, ref.dataset_type), ref.data_id, ref.run, id=ref.id)


def _whole_type(session: Session, dataset_type: DatasetType | str) -> DatasetType:
    registered, wanted = resolve_type(session, dataset_type, writing=True)
    if wanted.component is not None:
        raise DatasetTypeError(f"{wanted.name!r} is a component; only whole datasets can be stored.")
    return registered


def _expanded(session: Session, refs: Sequence[DatasetRef]) -> list[DatasetRef]:
    """Complete the data IDs of references with their records, those of a dataset type together."""
    places: dict[DatasetType, list[int]] = {}
    for place, ref in enumerate(refs):
        places.setdefault(ref.dataset_type, []).append(place)
    expanded = list(refs)
    for dataset_type, mine in places.items():
        table = DataIdTable.from_rows(dataset_type.dimensions, [refs[place].data_id for place in mine])
        for place, data_id in zip(mine, session.registry.dimension_records.expand(table), strict=True):
            expanded[place] = refs[place].with_data_id(data_id)
    return expanded


def _refuse_repeated(refs: Sequence[DatasetRef]) -> None:
    seen: set[tuple[str, Any, str]] = set()
    for ref in refs:
        key = (ref.dataset_type.name, ref.data_id, ref.run)
        if key in seen:
            raise ConflictError(f"{ref} occurs twice in one call.")
        seen.add(key)


def _write(
    session: Session,
    items: Sequence[tuple[Any, DatasetRef]],
    *,
    new: Sequence[DatasetRef],
    given: Sequence[DatasetRef],
    provenance: DatasetProvenance | None = None,
) -> None:
    """Write the files, then the rows; datasets that were given by reference may be registered already."""
    files = session.datastore.write_many(items, provenance=provenance)

    def write_rows() -> None:
        make_runs(session, {ref.run for ref in new})
        if new:
            session.registry.datasets.insert(new)
        if given:
            session.registry.datasets.import_(given)
        session.records.add(files)

    def follow() -> None:
        session.new_runs.difference_update(ref.run for ref in new)
        for ref in (*new, *given):
            session.note_written(ref.data_id)

    session.writer.commit(Change(write_rows=write_rows, files=files, follow=follow))
