# SPDX-License-Identifier: BSD-3-Clause
"""Registering what the jobs of a quantum graph wrote without a database.

First the trash of the graph's ids is emptied, then receipts are read; what has no receipt, or several that disagree, is looked
for and hashed. Only what is there gets rows, in batches that can be repeated.
"""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from pachon.base import InvalidInputError, progress
from pachon.butler.graph_outputs import empty_trash_of, insert_missing_records, register_graph_outputs
from pachon.butler.session import Session
from pachon.datasets import CollectionType, DatasetTable, id_keys
from pachon.datastore import Datastore, FileRecords, StoredFile
from pachon.datastore.file_store import checksum_of_file
from pachon.quantum_butler import DatasetState, QuantumGraph, find_receipts, read_receipt
from pachon.resources import ResourcePath

__all__ = ["transfer_from_graph"]

_log = logging.getLogger(__name__)

BATCH = 10_000
"""Datasets whose rows are written together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outputs:
    """Outputs of one type that the repository does not have yet."""

    table: DatasetTable
    rows: np.ndarray
    """Their rows in the graph."""

    def batches(self) -> Iterator[_Outputs]:
        """Give them in parts."""
        for start in range(0, len(self.rows), BATCH):
            part = np.arange(start, min(start + BATCH, len(self.rows)))
            yield _Outputs(table=self.table.take(part), rows=self.rows[part])


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
    if not dry_run:
        _register(session, opened, names, dataset_types=register_dataset_types, records=dimension_records)
    receipts = _receipts(session, opened)
    count = 0
    found = [_not_stored(session, opened, name, must_be_registered=not dry_run) for name in names]
    missing = [outputs for outputs in found if outputs is not None]
    with progress("Registering outputs", total=sum(len(outputs.rows) for outputs in missing)) as bar:
        for outputs in missing:
            for batch in outputs.batches():
                count += _transfer(session, opened, batch, receipts, dry_run=dry_run)
                bar.advance(len(batch.rows))
    if update_output_chain and not dry_run:
        _update_chain(session, opened)
    return count


def _check_root(session: Session, graph: QuantumGraph) -> None:
    """Refuse a graph whose files lie elsewhere: only rows are written here."""
    if graph.datastore is None:
        raise InvalidInputError("The graph was built without datastore records; its outputs cannot be found.")
    own = ResourcePath(session.datastore.to_document()["root"], force_directory=True)
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


def _not_stored(session: Session, graph: QuantumGraph, name: str, *, must_be_registered: bool) -> _Outputs | None:
    """Give the outputs of a type of which the repository has no file."""
    rows = np.flatnonzero(graph.dataset_states(name) != DatasetState.EXISTING)
    if not len(rows):
        return None
    if must_be_registered:
        session.registry.dataset_types.get(name)
    table = graph.datasets(name).take(rows)
    stored = np.isin(id_keys(table.ids), id_keys(session.records.fetch(table.ids).dataset_id))
    return _Outputs(table=table.take(~stored), rows=rows[~stored])


def _receipts(session: Session, graph: QuantumGraph) -> dict[bytes, dict[str, StoredFile | None]]:
    """Give the files that receipts name, by dataset and component; None where receipts disagree."""
    root = ResourcePath(session.datastore.to_document()["root"], force_directory=True)
    known: dict[bytes, dict[str, StoredFile | None]] = {}
    for uri in find_receipts(root, graph.header.output_run, graph.header.graph_id):
        for row in read_receipt(uri).records.rows():
            files = known.setdefault(row.dataset_id.bytes, {})
            component = row.component or ""
            files[component] = row if files.get(component, row) == row else None
    return known


def _transfer(
    session: Session,
    graph: QuantumGraph,
    outputs: _Outputs,
    receipts: dict[bytes, dict[str, StoredFile | None]],
    *,
    dry_run: bool,
) -> int:
    """Register those of some outputs that are there."""
    if not dry_run:
        empty_trash_of(session, outputs.table.ids)
    files = _find_files(session.datastore, graph, outputs, receipts)
    there = np.isin(id_keys(outputs.table.ids), id_keys(files.dataset_id))
    table = outputs.table.take(there)
    if dry_run or not len(table):
        return len(table)
    return register_graph_outputs(session, [table], files)


def _find_files(
    datastore: Datastore,
    graph: QuantumGraph,
    outputs: _Outputs,
    receipts: dict[bytes, dict[str, StoredFile | None]],
) -> FileRecords:
    """Give the records of the files that are there: from receipts if these agree with the files, else by hashing."""
    predicted = datastore.predicted_records(graph.refs(outputs.table.dataset_type.name, outputs.rows))
    rows = predicted.take(datastore.exists(predicted)).rows()
    return FileRecords.from_rows(_measured(datastore, row, receipts.get(row.dataset_id.bytes, {})) for row in rows)


def _measured(datastore: Datastore, row: StoredFile, receipt: dict[str, StoredFile | None]) -> StoredFile:
    place = datastore.uri(row)
    size = place.size()
    known = receipt.get(row.component or "")
    # A receipt is a file that anybody may have written: it gives nothing but the checksum of what is here.
    same = known is not None and replace(known, size=row.size, checksum=row.checksum) == row
    if known is not None and same and known.checksum and known.size == size:
        return known
    _log.debug("%s has no receipt that agrees with it and is hashed.", row.path)
    checksum = checksum_of_file(place.ospath if place.is_local else place)
    return StoredFile(
        dataset_id=row.dataset_id,
        path=row.path,
        formatter=row.formatter,
        storage_class=row.storage_class,
        component=row.component,
        size=size,
        checksum=checksum,
        datastore=row.datastore,
    )


def _update_chain(session: Session, graph: QuantumGraph) -> None:
    """Put the run of a graph in front of its output chain, which is made of its inputs if it does not exist."""
    output, collections = graph.header.output, session.registry.collections
    if output is None:
        raise InvalidInputError("The graph has no output chain; only its run was registered.")
    collections.register(graph.header.output_run, CollectionType.RUN)
    if collections.register(output, CollectionType.CHAINED):
        collections.set_chain(output, collections.flatten(graph.header.input_collections))
    collections.prepend(output, [graph.header.output_run])
