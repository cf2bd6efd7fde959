# SPDX-License-Identifier: BSD-3-Clause
"""Storing objects as datasets.

The steps of a put: what is meant is resolved (`lookup`), the data ID completed with its records; the file is written to a final
path and brought to the medium (`pachon.datastore`); then one short transaction writes the rows (`write_protocol`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pachon.base import ConflictError, InvalidInputError
from pachon.butler.lookup import DataId, resolve_data_id, resolve_type
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.datasets import CollectionType, DatasetProvenance, DatasetRef, DatasetType, uuids_from_ids
from pachon.datastore import FileRecords
from pachon.registry import DatasetTypeError

__all__ = ["put", "put_many", "resolve_run"]

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
    if isinstance(target, DatasetRef):
        if data_id is not None or dims or run is not None:
            raise InvalidInputError(
                "A reference says where the dataset belongs; neither data ID nor run can be given too."
            )
        new, known = _of_refs(session, [target])
        refs = [*new, *known]
    else:
        refs = new = [_new_ref(session, target, data_id, dims, resolve_run(session, run))]
        known = []
    _write(session, [(obj, refs[0])], new=new, known=known, provenance=provenance)
    return refs[0]


def put_many(session: Session, items: Iterable[Item], *, run: str | None = None) -> list[DatasetRef]:
    """Store objects in one commit: all of them, or none.

    An item is an object with a dataset type and data ID, or with a reference.
    """
    session.check_writeable()
    objects: list[Any] = []
    refs: list[DatasetRef] = []
    given: list[DatasetRef] = []
    for obj, target, *rest in items:
        objects.append(obj)
        if isinstance(target, DatasetRef):
            given.append(target)
            refs.append(target)
        else:
            refs.append(_new_ref(session, target, rest[0] if rest else None, {}, resolve_run(session, run)))
    if not refs:
        return []
    _refuse_repeated(refs)
    new_given, known = _of_refs(session, given)
    resolved = {ref.id: ref for ref in (*new_given, *known)}
    refs = [resolved.get(ref.id, ref) for ref in refs]
    known_ids = {ref.id for ref in known}
    new = [ref for ref in refs if ref.id not in known_ids]
    _write(session, list(zip(objects, refs, strict=True)), new=new, known=known)
    return refs


def resolve_run(session: Session, run: str | None) -> str:
    """Give the run that is written to, made if it is the butler's own or named in the call."""
    name = run if run is not None else session.defaults.run
    if name is None:
        raise InvalidInputError("A run is needed to store datasets; pass run=... here or to Butler.open.")
    session.registry.collections.register(name, CollectionType.RUN)
    return name


def _new_ref(
    session: Session, target: DatasetType | str, data_id: DataId | None, dims: Mapping[str, Any], run: str
) -> DatasetRef:
    registered, wanted = resolve_type(session, target, writing=True)
    if wanted.component is not None:
        raise DatasetTypeError(f"{wanted.name!r} is a component; only whole datasets can be stored.")
    found = resolve_data_id(session, registered, data_id, dims)
    return DatasetRef(registered, session.registry.dimension_records.expand(found), run)


def _of_refs(session: Session, refs: Sequence[DatasetRef]) -> tuple[list[DatasetRef], list[DatasetRef]]:
    """Complete references, and tell those that are to be registered from those that are.

    Raises
    ------
    ConflictError
        If an id means another dataset.
    """
    if not refs:
        return [], []
    registered = {
        ref.id: ref for table in session.registry.datasets.get_by_ids([ref.id for ref in refs]) for ref in table
    }
    new: list[DatasetRef] = []
    known: list[DatasetRef] = []
    for ref in refs:
        own, wanted = resolve_type(session, ref.dataset_type, writing=True)
        if wanted.component is not None:
            raise DatasetTypeError(f"{wanted.name!r} is a component; only whole datasets can be stored.")
        full = DatasetRef(own, session.registry.dimension_records.expand(ref.data_id), ref.run, id=ref.id)
        there = registered.get(ref.id)
        if there is None:
            new.append(full)
        elif (there.dataset_type.name, there.data_id, there.run) == (own.name, full.data_id, full.run):
            known.append(full)
        else:
            raise ConflictError(f"{ref.id} is registered as {there}, not as {ref}.")
    if known:
        _refuse_stored(session, known)
    return new, known


def _refuse_stored(session: Session, refs: Sequence[DatasetRef]) -> None:
    from pachon.datasets import ids_from_uuids

    stored = session.records.fetch(ids_from_uuids(ref.id for ref in refs))
    if len(stored):
        first = next(ref for ref in refs if ref.id in set(uuids_from_ids(stored.dataset_id)))
        raise ConflictError(f"{first} is stored already; a dataset is never replaced: prune it, or put another one.")


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
    known: Sequence[DatasetRef],
    provenance: DatasetProvenance | None = None,
) -> None:
    """Write the files, then the rows."""
    files: FileRecords = session.datastore.write_many(items, provenance=provenance)

    def write_rows() -> None:
        if new:
            session.registry.datasets.insert(new)
        if known:
            session.registry.datasets.import_(known)
        session.records.add(files)

    def follow() -> None:
        for ref in new:
            session.note_written(ref.data_id)

    session.writer.commit(Change(write_rows=write_rows, files=files, follow=follow))
