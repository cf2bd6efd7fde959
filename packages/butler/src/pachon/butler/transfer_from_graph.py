# SPDX-License-Identifier: BSD-3-Clause
"""Registering what the jobs of a quantum graph wrote without a database.

First the trash of the graph's ids is emptied, then receipts are read; what has no receipt, or several that disagree, is looked
for and hashed. Only what is there gets rows, in batches that can be repeated.
"""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pachon.base import InvalidInputError, progress
from pachon.butler.graph_match import check_dataset_types, check_universe
from pachon.butler.graph_outputs import empty_trash_of, insert_missing_records, register_files_that_are_there
from pachon.butler.lost_outputs import LostOutputs
from pachon.butler.receipt_index import ReceiptIndex
from pachon.butler.session import Session
from pachon.datasets import CollectionType, DatasetTable, id_keys
from pachon.datastore import Datastore, FileRecords, StoredFile
from pachon.datastore.file_store import checksum_of_file
from pachon.quantum_butler import DatasetState, QuantumGraph, find_receipts
from pachon.resources import ResourcePath

__all__ = ["transfer_from_graph"]

_log = logging.getLogger(__name__)

BATCH = 20_000
"""Datasets whose rows are written together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outputs:
    """Some outputs of one type."""

    table: DatasetTable
    rows: np.ndarray
    """Their rows in the graph."""


def transfer_from_graph(
    session: Session,
    graph: str | ResourcePath | QuantumGraph,
    *,
    dataset_types: str | Iterable[str] = "*",
    register_dataset_types: bool = False,
    dimension_records: bool = False,
    update_output_chain: bool = False,
    dry_run: bool = False,
) -> int:
    """Register outputs of a graph; see `Butler.transfer_from_graph`."""
    if dry_run:
        session.check_open()
    else:
        session.check_writeable()
        session.check_no_block("transfer_from_graph")
    opened = graph if isinstance(graph, QuantumGraph) else QuantumGraph.open(graph)
    _check_root(session, opened)
    patterns = (dataset_types,) if isinstance(dataset_types, str) else tuple(dataset_types)
    names = [name for name in opened.dataset_types if any(fnmatch.fnmatchcase(name, p) for p in patterns)]
    check_universe(opened.universe, session.universe)
    check_dataset_types([opened.dataset_types[name] for name in names], session.registry.dataset_types.find(names))
    if not dry_run:
        _register(session, opened, names, dataset_types=register_dataset_types, records=dimension_records)
    receipts = _receipts(session, opened)
    lost = LostOutputs(_root(session))
    count = 0
    outputs = [(name, _outputs(session, opened, name, must_be_registered=not dry_run)) for name in names]
    with progress("Registering outputs", total=sum(len(rows) for _, rows in outputs)) as bar:
        for name, rows in outputs:
            table = opened.datasets(name) if len(rows) else None
            for start in range(0, len(rows), BATCH):
                part = rows[start : start + BATCH]
                assert table is not None
                batch = _Outputs(table=table.take(part), rows=part)
                count += _transfer(session, opened, batch, receipts, lost, dry_run=dry_run)
                bar.advance(len(part))
    lost.warn()
    if update_output_chain and not dry_run:
        _update_chain(session, opened)
    return count


def _check_root(session: Session, graph: QuantumGraph) -> None:
    """Refuse a graph whose files lie elsewhere: only rows are written here."""
    if graph.datastore is None:
        raise InvalidInputError("The graph was built without datastore records; its outputs cannot be found.")
    own = _root(session)
    theirs = ResourcePath(graph.datastore.root, force_directory=True)
    if own != theirs:
        raise InvalidInputError(
            f"The files of the graph lie below {theirs}, those of the repository below {own}; "
            "its outputs can be registered in the repository that it was built for."
        )


def _register(
    session: Session, graph: QuantumGraph, names: Sequence[str], *, dataset_types: bool, records: bool
) -> None:
    if dataset_types:
        for name in names:
            session.registry.dataset_types.register(graph.dataset_types[name].conform(session.universe))
    if records:
        insert_missing_records(session, {element: graph.records(element) for element in graph.structure.records})


def _outputs(session: Session, graph: QuantumGraph, name: str, *, must_be_registered: bool) -> np.ndarray:
    """Give the rows of the outputs of a type."""
    rows = np.flatnonzero(graph.dataset_states(name) != DatasetState.EXISTING)
    if len(rows) and must_be_registered:
        session.registry.dataset_types.get(name)
    return rows


def _root(session: Session) -> ResourcePath:
    return ResourcePath(session.datastore.to_document()["root"], force_directory=True)


def _receipts(session: Session, graph: QuantumGraph) -> ReceiptIndex:
    return ReceiptIndex.read(find_receipts(_root(session), graph.header.output_run, graph.header.graph_id))


def _transfer(
    session: Session,
    graph: QuantumGraph,
    outputs: _Outputs,
    receipts: ReceiptIndex,
    lost: LostOutputs,
    *,
    dry_run: bool,
) -> int:
    """Register those of some outputs that are there; give the number of new ones."""
    if not dry_run:
        empty_trash_of(session, outputs.table.ids)
    files = _look_for_files(session.datastore, graph, outputs, lost)
    stored = session.records.fetch(outputs.table.ids)
    files = _checked(session.datastore, files, stored, receipts)
    there = np.isin(id_keys(outputs.table.ids), id_keys(files.dataset_id))
    table = outputs.table.take(there)
    if dry_run or not len(table):
        return int((~np.isin(id_keys(table.ids), id_keys(stored.dataset_id))).sum())
    return register_files_that_are_there(session, [table], files)


def _look_for_files(datastore: Datastore, graph: QuantumGraph, outputs: _Outputs, lost: LostOutputs) -> FileRecords:
    """Give the records, without checksums, of the files that are there."""
    predicted = datastore.predicted_records(graph.refs(outputs.table.dataset_type.name, outputs.rows))
    sizes = datastore.sizes(predicted)
    lost.look_for(predicted.path[sizes < 0].tolist())
    return FileRecords.from_columns(predicted.columns() | {"size": sizes}).take(sizes >= 0)


def _checked(datastore: Datastore, files: FileRecords, stored: FileRecords, receipts: ReceiptIndex) -> FileRecords:
    """Give the files, with checksums, of the datasets that are new or were written anew since they were registered.

    Checksums come from receipts if these agree with the files, else from hashing. A file of which the repository has a record that
    agrees in size, and no receipt says anything else, is the one that was registered.
    """
    checksums = receipts.checksums(files)
    named = receipts.name(files)
    fresh, elsewhere = np.ones(len(files), dtype=bool), np.zeros(len(files), dtype=bool)
    for row, known in enumerate(_recorded(files, stored)):
        if known is not None and known.path != files.path[row]:
            _log.warning(
                "Dataset %s is stored in %s; the file %s is left alone.", known.dataset_id, known.path, files.path[row]
            )
            elsewhere[row] = True
            continue
        same_size = known is not None and known.size in (None, files.size[row])
        recorded = (known.checksum or "") if known is not None and same_size else None
        if recorded is not None and not named[row]:
            checksums[row] = recorded
        elif not checksums[row] or (recorded is not None and checksums[row] != recorded):
            # Of a file that was registered even a receipt that differs is not believed: it may be the older one.
            _log.debug("%s has no receipt that agrees with it and is hashed.", files.path[row])
            place = datastore.uri(files.row(row))
            checksums[row] = checksum_of_file(place.ospath if place.is_local else place)
        fresh[row] = checksums[row] != recorded
    keys = id_keys(files.dataset_id)
    chosen = np.isin(keys, keys[fresh]) & ~np.isin(keys, keys[elsewhere])
    return FileRecords.from_columns(files.columns() | {"checksum": checksums}).take(chosen)


def _recorded(files: FileRecords, stored: FileRecords) -> list[StoredFile | None]:
    """Give for each file the record that the repository has in its stead."""
    if not len(stored):
        return [None] * len(files)
    known = {(row.dataset_id.bytes, row.component or ""): row for row in stored.rows()}
    keys = zip(map(bytes, files.dataset_id), files.component.tolist(), strict=True)
    return [known.get(key) for key in keys]


def _update_chain(session: Session, graph: QuantumGraph) -> None:
    """Put the run of a graph in front of its output chain, which is made of its inputs if it does not exist."""
    output, collections = graph.header.output, session.registry.collections
    if output is None:
        raise InvalidInputError("The graph has no output chain; only its run was registered.")
    collections.register(graph.header.output_run, CollectionType.RUN)
    if collections.register(output, CollectionType.CHAINED):
        collections.set_chain(output, collections.flatten(graph.header.input_collections))
    collections.prepend(output, [graph.header.output_run])
