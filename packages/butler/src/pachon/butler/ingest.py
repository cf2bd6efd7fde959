# SPDX-License-Identifier: BSD-3-Clause
"""Taking in files that exist: all of a call, or none.

Data IDs are completed, the files brought to their places and to the medium, and then one short transaction writes the rows of
all, with their runs if those are new. The sources of a ``move`` are removed after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from pachon.base import ConflictError, InvalidInputError
from pachon.butler.definition_notes import register_dataset_type
from pachon.butler.files_in_place import confirm_files_in_place, mark_before
from pachon.butler.ingest_batch import Batch, OnConflict, Options
from pachon.butler.ingest_columns import AlikeFiles, alike_files, checked_table, plain_path
from pachon.butler.ingest_known import again_without_known, are_stored
from pachon.butler.lookup import resolve_data_id, resolve_type
from pachon.butler.own_places import refuse_database, refuse_own_files
from pachon.butler.put import make_runs, prepare_run, resolve_run
from pachon.butler.session import Session
from pachon.butler.write_protocol import Change
from pachon.datasets import (
    DatasetRef,
    DatasetTable,
    DatasetType,
    FileDataset,
    FileTable,
    IdMode,
    deterministic_ids,
    ids_from_uuids,
    new_ids,
    uuids_from_ids,
)
from pachon.datastore import NewFileRecords
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable
from pachon.registry import DatasetTypeError

__all__ = ["ingest"]

_UNMOVED = (None, "direct")
"""Modes of transfer in which no path is made, so that data IDs need no records."""
_IN_PLACE = (None, "auto", "split")
"""Modes of transfer in which files may stay where they lie below the root."""


_PART = 20_000
"""Rows that are handed to the database at a time."""
BULK = 2_000
"""Files from which on it pays to look up once a call what their rows refer to."""


def ingest(
    session: Session,
    files: Iterable[FileDataset] | FileTable,
    *,
    run: str | None = None,
    transfer: str | None = "auto",
    on_conflict: OnConflict = "error",
    checksum: bool = True,
    track: bool = True,
    id_mode: IdMode = IdMode.UNIQUE,
) -> Sequence[DatasetRef]:
    """Take files in, and give the datasets that are new; see `Butler.ingest`."""
    session.check_writeable()
    chosen: object = on_conflict
    if not isinstance(chosen, str) or chosen not in ("error", "skip"):
        raise InvalidInputError(f"on_conflict is 'error' or 'skip', not {on_conflict!r}.")
    options = Options(
        transfer=transfer,
        on_conflict=on_conflict,
        checksum=checksum,
        track=track,
        id_mode=id_mode,
        before=mark_before(session, in_place=transfer in _IN_PLACE),
    )
    if isinstance(files, FileTable):
        alike = checked_table(session, files, _registered(session, files.dataset_type))
        return _ingest_alike(session, alike, resolve_run(session, run), options)
    if isinstance(files, str | bytes | FileDataset) or not isinstance(files, Iterable):
        raise InvalidInputError(f"A list of FileDataset objects or a FileTable is ingested, not {files!r}.")
    stream = iter(files)
    if transfer in _UNMOVED:
        sorted_out = alike_files(session, stream, lambda dataset_type: _registered(session, dataset_type))
        if isinstance(sorted_out, AlikeFiles):
            return _ingest_alike(session, sorted_out, resolve_run(session, run), options)
        stream = sorted_out
    return _ingest_any(session, _checked(stream), run, options)


def _checked(files: Iterable[FileDataset]) -> list[FileDataset]:
    checked = list(files)
    for file in checked:
        if not isinstance(file, FileDataset):
            raise InvalidInputError(f"A list of FileDataset objects is ingested, not one with {file!r} in it.")
    return checked


def _ingest_alike(session: Session, files: AlikeFiles, run: str, options: Options) -> Sequence[DatasetRef]:
    """Take in files of one type with one dataset each, as columns all the way."""
    dataset_type, data_ids = files.dataset_type, files.data_ids
    if not len(data_ids):
        return []
    refuse_database(session, files.paths)
    _refuse_repeated_rows(dataset_type, data_ids)
    expand = options.transfer not in _UNMOVED
    if expand:
        data_ids = session.registry.dimension_records.expand(data_ids).data_ids
    batch = Batch(dataset_type=dataset_type, run=run, has_ids=False)
    ids = _make_ids(session, batch, data_ids, options)
    table = DatasetTable(dataset_type, data_ids, ids, Categorical.constant(run, len(ids)))
    return again_without_known(
        session,
        [batch],
        [table],
        options,
        lambda known: _take_in_table(session, batch, table, files.paths, known[0], files.formatter, options),
    )


def _take_in_table(
    session: Session,
    batch: Batch,
    table: DatasetTable,
    paths: Sequence[Any],
    known: np.ndarray,
    formatter: str | None,
    options: Options,
) -> Sequence[DatasetRef]:
    expand = options.transfer not in _UNMOVED
    if known.any():
        table = table.take(~known)
        paths = [path for path, is_known in zip(paths, known.tolist(), strict=True) if not is_known]
    if not len(table):
        return []
    moved: list[FileDataset] = []
    if expand:
        # Paths are made, for which the data IDs need their records: the way of single files.
        refs = _expanded_refs(session, table)
        moved = [FileDataset(path, refs=ref, formatter=formatter) for path, ref in zip(paths, refs, strict=True)]
        records = session.datastore.ingest_files(
            moved, transfer=options.transfer, checksum=options.checksum, track=options.track
        )
    else:
        records = session.datastore.ingest_table(
            paths,
            table,
            transfer=options.transfer,
            formatter=formatter,
            checksum=options.checksum,
            track=options.track,
        )
    _commit(
        session,
        [table],
        records,
        keep_ids=batch.adopts or options.id_mode is not IdMode.UNIQUE,
        moved=moved if options.transfer == "move" else (),
        before=options.before,
    )
    return table


def _expanded_refs(session: Session, table: DatasetTable) -> list[DatasetRef]:
    expanded = session.registry.dimension_records.expand(table.data_ids)
    rows = zip(expanded, table.uuids(), table.runs.tolist(), strict=True)
    return [DatasetRef(table.dataset_type, data_id, run, id=uuid) for data_id, uuid, run in rows]


def _ingest_any(session: Session, given: list[FileDataset], run: str | None, options: Options) -> Sequence[DatasetRef]:
    """Take in files with any number of datasets of any types."""
    refuse_database(session, [plain_path(file.path) for file in given])
    batches = _sort(session, given, run)
    for batch in batches:
        _refuse_repeated(batch)
        prepare_run(session, batch.run)
    tables = [_identify(session, batch, options) for batch in batches]
    return again_without_known(
        session,
        batches,
        [table for table, _ in tables],
        options,
        lambda known: _take_in_files(session, given, batches, tables, known, options),
    )


def _take_in_files(
    session: Session,
    given: list[FileDataset],
    batches: list[Batch],
    tables: list[tuple[DatasetTable, list[DatasetRef]]],
    known: list[np.ndarray],
    options: Options,
) -> Sequence[DatasetRef]:
    tables, resolved = _leave_out(given, batches, tables, known)
    if not resolved:
        return []
    records = session.datastore.ingest_files(
        resolved, transfer=options.transfer, checksum=options.checksum, track=options.track
    )
    keep_ids = options.id_mode is not IdMode.UNIQUE or any(batch.has_ids or batch.adopts for batch in batches)
    moved = resolved if options.transfer == "move" else ()
    _commit(session, [table for table, _ in tables], records, keep_ids=keep_ids, moved=moved, before=options.before)
    return [ref for file in resolved for ref in file.refs]


def _commit(
    session: Session,
    tables: Sequence[DatasetTable],
    records: NewFileRecords,
    *,
    keep_ids: bool,
    moved: Sequence[FileDataset],
    before: object | None,
) -> None:
    """Write the rows in one transaction; those of many datasets in parts, so that they need not all be copied at once."""
    refuse_own_files(session, records)  # they were noted where they lie: nothing was made that is to be removed
    runs = {run for table in tables for run in table.runs.values.tolist()}

    def write_rows() -> None:
        make_runs(session, runs)
        for table in tables:
            for part in _parts(len(table)):
                rows = table if len(table) <= _PART else table.take(part)
                if keep_ids:
                    session.registry.datasets.import_(rows)
                else:
                    session.registry.datasets.insert(rows)
        for part in _parts(len(records)):
            session.records.add(records if len(records) <= _PART else records.take(part))

    def follow() -> None:
        session.new_runs.difference_update(runs)
        for table in tables:
            session.note_written(table.data_ids)
        if moved:
            session.datastore.remove_sources(moved)

    def confirm() -> None:
        confirm_files_in_place(session, tables, records, keep_ids=keep_ids, before=before)

    bulk = len(records) >= BULK
    session.writer.commit(Change(write_rows=write_rows, files=records, follow=follow, confirm=confirm, bulk=bulk))


def _parts(count: int) -> Iterator[np.ndarray]:
    return (np.arange(start, min(start + _PART, count)) for start in range(0, count, _PART))


def _sort(session: Session, files: Sequence[FileDataset], run: str | None) -> list[Batch]:
    """Sort the datasets of files by type and run, with data IDs of the type's dimensions."""
    batches: dict[tuple[str, str, bool], Batch] = {}
    types: dict[Any, DatasetType] = {}
    default_run = resolve_run(session, run) if any(not file.refs for file in files) else None

    def batch(dataset_type: DatasetType | str, where: str, *, has_ids: bool) -> Batch:
        if dataset_type not in types:
            types[dataset_type] = _registered(session, dataset_type)
        own = types[dataset_type]
        key = (own.name, where, has_ids)
        if key not in batches:
            batches[key] = Batch(dataset_type=own, run=where, has_ids=has_ids)
        return batches[key]

    for number, file in enumerate(files):
        for place, ref in enumerate(file.refs):
            target = batch(ref.dataset_type, ref.run, has_ids=True)
            target.files.append(number)
            target.places.append(place)
            target.data_ids.append(resolve_data_id(session, target.dataset_type, ref.data_id, {}))
            target.uuids.append(ref.id)
        if not file.refs:
            assert file.dataset_type is not None
            assert default_run is not None
            target = batch(file.dataset_type, default_run, has_ids=False)
            for place, data_id in enumerate(file.data_ids):
                target.files.append(number)
                target.places.append(place)
                target.data_ids.append(resolve_data_id(session, target.dataset_type, data_id, {}))
    return list(batches.values())


def _registered(session: Session, dataset_type: DatasetType | str) -> DatasetType:
    """Give the registered form of a type; a type that is given as an object is registered if it is new."""
    name = dataset_type if isinstance(dataset_type, str) else dataset_type.name
    if "." in name:
        raise DatasetTypeError(f"{name!r} is a component; only whole datasets can be ingested.")
    if not isinstance(dataset_type, str) and not session.registry.dataset_types.find([name]):
        register_dataset_type(session, dataset_type)
    return resolve_type(session, dataset_type, writing=True)[0]


def _refuse_repeated(batch: Batch) -> None:
    if len(set(batch.data_ids)) == len(batch.data_ids):
        return
    seen: set[DataCoordinate] = set()
    repeated = next(data_id for data_id in batch.data_ids if data_id in seen or seen.add(data_id))  # type: ignore[func-returns-value]  # add() gives None
    raise ConflictError(f"{batch.dataset_type.name!r} with {repeated} occurs twice in one call; nothing was ingested.")


def _refuse_repeated_rows(dataset_type: DatasetType, data_ids: DataIdTable) -> None:
    keys, first = np.unique(data_ids.keys(), return_index=True)
    if len(keys) == len(data_ids):
        return
    others = np.ones(len(data_ids), dtype=bool)
    others[first] = False
    repeated = data_ids[int(np.flatnonzero(others)[0])]
    raise ConflictError(f"{dataset_type.name!r} with {repeated} occurs twice in one call; nothing was ingested.")


def _identify(session: Session, batch: Batch, options: Options) -> tuple[DatasetTable, list[DatasetRef]]:
    """Give the datasets of a batch as a table and as references, with ids."""
    data_ids = DataIdTable.from_rows(batch.dataset_type.dimensions, batch.data_ids)
    coordinates: Sequence[DataCoordinate] = data_ids
    if options.transfer not in _UNMOVED or data_ids.given:
        expanded = session.registry.dimension_records.expand(data_ids)
        coordinates, data_ids = expanded, expanded.data_ids
    ids = ids_from_uuids(batch.uuids) if batch.has_ids else _make_ids(session, batch, data_ids, options)
    table = DatasetTable(batch.dataset_type, data_ids, ids, Categorical.constant(batch.run, len(ids)))
    refs = [
        DatasetRef(batch.dataset_type, data_id, batch.run, id=uuid)
        for data_id, uuid in zip(coordinates, uuids_from_ids(ids), strict=True)
    ]
    return table, refs


def _make_ids(session: Session, batch: Batch, data_ids: DataIdTable, options: Options) -> np.ndarray:
    """Give ids for new datasets of a batch; those that are registered and have lost their files keep theirs, and get new files."""
    if options.id_mode is not IdMode.UNIQUE:
        run = batch.run if options.id_mode is IdMode.DATAID_TYPE_RUN else None
        return deterministic_ids(batch.dataset_type.name, data_ids, run)
    ids = new_ids(len(data_ids))
    if options.on_conflict == "skip" and batch.run not in session.new_runs:
        rows, found = session.registry.datasets.find(batch.dataset_type, data_ids, [batch.run])
        unstored = rows >= 0
        unstored[unstored] = ~are_stored(session, found.ids[rows[unstored]])
        if unstored.any():
            ids[unstored] = found.ids[rows[unstored]]
            batch.adopts = True
    return ids


def _leave_out(
    files: Sequence[FileDataset],
    batches: Sequence[Batch],
    tables: Sequence[tuple[DatasetTable, list[DatasetRef]]],
    known: Sequence[np.ndarray],
) -> tuple[list[tuple[DatasetTable, list[DatasetRef]]], list[FileDataset]]:
    """Drop what is known, and give the files that are left with their references.

    Raises
    ------
    ConflictError
        If of the datasets of one file some are known and some are not.
    """
    refs_of: dict[int, dict[int, DatasetRef]] = {}
    skipped: set[int] = set()
    kept: list[tuple[DatasetTable, list[DatasetRef]]] = []
    for batch, (table, refs), mask in zip(batches, tables, known, strict=True):
        for number, place, ref, is_known in zip(batch.files, batch.places, refs, mask.tolist(), strict=True):
            if is_known:
                skipped.add(number)
            else:
                refs_of.setdefault(number, {})[place] = ref
        fresh = [ref for ref, is_known in zip(refs, mask.tolist(), strict=True) if not is_known]
        if fresh:
            kept.append((table.take(~mask) if mask.any() else table, fresh))
    mixed = skipped & refs_of.keys()
    if mixed:
        raise ConflictError(
            f"{files[min(mixed)].path} holds datasets that are in the repository already and others that are not; "
            "a file is ingested with all its datasets."
        )
    resolved = [
        # The first dataset of a file decides how that is named and read, so their order is kept.
        FileDataset(files[number].path, refs=[refs[place] for place in sorted(refs)], formatter=files[number].formatter)
        for number, refs in sorted(refs_of.items())
    ]
    return kept, resolved
