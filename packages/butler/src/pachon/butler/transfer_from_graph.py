# SPDX-License-Identifier: BSD-3-Clause
"""Registering what the jobs of a quantum graph wrote without a database.

First the trash of the graph's ids is emptied, then receipts are read; what has no receipt, or several that disagree, is looked
for and hashed. Only what is there gets rows, in batches that can be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from pachon.base import ConflictError, InvalidInputError, NotFoundError, progress
from pachon.butler.definition_notes import register_dataset_type
from pachon.butler.graph_match import check_dataset_types, check_universe, chosen_names
from pachon.butler.graph_outputs import empty_trash_of, insert_missing_records, register_files_that_are_there
from pachon.butler.lost_outputs import LostOutputs
from pachon.butler.output_files import Doubts, check_output_files
from pachon.butler.own_places import register_collection
from pachon.butler.receipt_index import ReceiptIndex
from pachon.butler.session import Session
from pachon.datasets import CollectionType, DatasetTable, id_keys, ids_from_uuids
from pachon.datastore import Datastore, FileRecords
from pachon.quantum_butler import DatasetState, QuantumGraph, find_receipts
from pachon.resources import ResourcePath

__all__ = ["transfer_from_graph"]

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
    names = chosen_names(opened.dataset_types, dataset_types, whose="The graph has")
    check_universe(opened.universe, session.universe)
    check_dataset_types([opened.dataset_types[name] for name in names], session.registry.dataset_types.find(names))
    if not dry_run:
        _register(session, opened, names, dataset_types=register_dataset_types, records=dimension_records)
    receipts = _receipts(session, opened)
    lost, doubts = LostOutputs(_root(session)), Doubts()
    count = 0
    outputs = [(name, _outputs(session, opened, name, must_be_registered=not dry_run)) for name in names]
    known = {name for name, rows in outputs if len(rows) and _is_known(session, opened, name, rows, lost)}
    outputs = [(name, rows) for name, rows in outputs if name not in known]
    with progress("Registering outputs", total=sum(len(rows) for _, rows in outputs)) as bar:
        for name, rows in outputs:
            table = opened.datasets(name) if len(rows) else None
            for start in range(0, len(rows), BATCH):
                part = rows[start : start + BATCH]
                assert table is not None
                batch = _Outputs(table=table.take(part), rows=part)
                count += _transfer(session, opened, batch, receipts, lost, doubts, dry_run=dry_run)
                bar.advance(len(part))
    lost.warn()
    doubts.warn()
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
            register_dataset_type(session, graph.dataset_types[name])
    if records:
        insert_missing_records(session, {element: graph.records(element) for element in graph.structure.records})


def _outputs(session: Session, graph: QuantumGraph, name: str, *, must_be_registered: bool) -> np.ndarray:
    """Give the rows of the outputs of a type."""
    rows = np.flatnonzero(graph.dataset_states(name) != DatasetState.EXISTING)
    if len(rows) and must_be_registered:
        try:
            session.registry.dataset_types.get(name)
        except NotFoundError as error:
            error.add_note("register_dataset_types=True registers those of the graph.")
            raise
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
    doubts: Doubts,
    *,
    dry_run: bool,
) -> int:
    """Register those of some outputs that are there; give the number of new ones."""
    if not dry_run:
        empty_trash_of(session, outputs.table.ids)
    files = _look_for_files(session.datastore, graph, outputs, lost)
    stored = session.records.fetch(outputs.table.ids)
    files = check_output_files(session.datastore, outputs.table, files, stored, receipts, doubts)
    there = np.isin(id_keys(outputs.table.ids), id_keys(files.dataset_id))
    table = outputs.table.take(there)
    if dry_run or not len(table):
        return int((~np.isin(id_keys(table.ids), id_keys(stored.dataset_id))).sum())
    try:
        return register_files_that_are_there(session, [table], files)
    except ConflictError as error:
        error.add_note(
            "It came into the run after the graph was built. Remove it ('butler prune-datasets') and transfer again; what was "
            "registered before stays."
        )
        raise


def _is_known(session: Session, graph: QuantumGraph, name: str, rows: np.ndarray, lost: LostOutputs) -> bool:
    """Tell whether the run has an init-output already, from another graph for the same run, that holds the same.

    Raises
    ------
    ConflictError
        If it holds something else.
    """
    table = graph.datasets(name)
    if table.data_ids.group.names:
        return False
    own = table[int(rows[0])]
    if not session.registry.collections.find_types([own.run]) or not session.registry.dataset_types.find([name]):
        return False
    known = session.registry.datasets.find_one(name, own.data_id, [own.run])
    if known is None or known.id == own.id:
        return False
    files = _look_for_files(session.datastore, graph, _Outputs(table=table.take(rows), rows=rows), lost)
    if not len(files):
        return True
    theirs = session.records.fetch(ids_from_uuids([known.id]))
    before, now = session.datastore.get(known, records=theirs), session.datastore.get(own, records=files)
    if own.dataset_type.storage_class == "Packages":
        # Jobs of another task need not have loaded the same packages.
        now = {name: version for name, version in now.items() if name in before}
        before = {name: before[name] for name in now}
    if before != now:
        raise ConflictError(
            f"Run {own.run!r} holds another {own.dataset_type.name!r} than the jobs of this graph wrote: another graph, with "
            "another configuration or with other versions, wrote to the run. Make a graph for another run, with "
            "'pipetask update-graph-run', and run that."
        )
    return True


def _look_for_files(datastore: Datastore, graph: QuantumGraph, outputs: _Outputs, lost: LostOutputs) -> FileRecords:
    """Give the records, without checksums, of the files that are there."""
    predicted = datastore.predicted_records(graph.refs(outputs.table.dataset_type.name, outputs.rows))
    sizes = datastore.sizes(predicted)
    lost.look_for(predicted.path[sizes < 0].tolist())
    return FileRecords.from_columns(predicted.columns() | {"size": sizes}).take(sizes >= 0)


def _update_chain(session: Session, graph: QuantumGraph) -> None:
    """Put the run of a graph in front of its output chain, which is made of its inputs if it does not exist."""
    output, collections = graph.header.output, session.registry.collections
    if output is None:
        raise InvalidInputError("The graph has no output chain; only its run was registered.")
    register_collection(session, graph.header.output_run, CollectionType.RUN)
    if register_collection(session, output, CollectionType.CHAINED):
        collections.set_chain(output, collections.flatten(graph.header.input_collections))
    collections.prepend(output, [graph.header.output_run])
