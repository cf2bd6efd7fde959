# SPDX-License-Identifier: BSD-3-Clause
"""``butler aggregate-graph`` and ``butler ingest-graph``: outputs of jobs, and their provenance, into a repository."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from pachon.base import ConflictError, InvalidInputError, NotFoundError
from pachon.butler import Butler
from pachon.butler.graph_provenance import back_by_provenance
from pachon.ctrl_mpexec.aggregation import scan_graph
from pachon.ctrl_mpexec.graph_store import PROVENANCE_SUFFIX, graph_files, keep_graph, provenance_path
from pachon.datasets import DatasetRef, DatasetType, FileDataset, ids_from_uuids, uuids_from_ids
from pachon.quantum_butler import QuantumGraph
from pachon.quantum_butler.provenance_graph import ProvenanceGraph
from pachon.resources import ResourcePath

__all__ = [
    "RUN_PROVENANCE",
    "AggregationResult",
    "aggregate_graph",
    "find_run_provenance",
    "ingest_graph",
    "refuse_ingested",
]

RUN_PROVENANCE = "run_provenance"
"""Dataset type of the provenance graph of a run."""
_SELF_DESCRIPTIONS = frozenset({"ButlerLogRecords", "TaskMetadata", "Config", "Packages"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregationResult:
    """What was done."""

    registered: int
    counts: dict[str, int] = field(default_factory=dict)
    """Quanta by status."""
    provenance: str | None = None
    """Where the provenance graph is."""
    dry_run: bool = False

    def lines(self) -> Iterator[str]:
        """Say so."""
        yield f"Number of datasets {'that would be registered' if self.dry_run else 'registered'}: {self.registered}"
        if self.counts:
            yield "Quanta: " + ", ".join(f"{count} {status}" for status, count in sorted(self.counts.items()))
        if self.provenance is not None:
            yield f"Provenance: {self.provenance}"


def aggregate_graph(
    butler: Butler,
    predicted: str,
    *,
    output: str | None = None,
    processes: int = 1,
    incomplete: bool = False,
    dry_run: bool = False,
    register_dataset_types: bool = True,
    update_output_chain: bool = True,
    promise_ingest_graph: bool = False,
) -> AggregationResult:
    """Register the outputs of a graph and write its provenance graph.

    Parameters
    ----------
    butler, predicted
        The repository, and the graph that was run.
    output
        Where the provenance graph is written; without, beside the receipts of the run, for `ingest_graph`.
    processes
        How many files are read at once.
    incomplete
        Whether jobs may still run: then no provenance graph is written unless all is there, and quanta that have not left
        metadata and log are left alone.
    dry_run
        Only say what would be done.
    register_dataset_types, update_output_chain
        As for `Butler.transfer_from_graph`.
    promise_ingest_graph
        Leave logs, metadata and configurations to `ingest_graph`.

    Raises
    ------
    ConflictError
        If the run has its provenance graph already: its small files are gone, so that nothing is right any more.
    """
    graph = QuantumGraph.open(predicted).loaded()
    run = graph.header.output_run
    if find_run_provenance(butler, run) is not None:
        raise ConflictError(
            f"Run {run!r} has been given its provenance graph (ingest-graph); there is nothing to aggregate."
        )
    scan = scan_graph(graph, processes=processes)
    names = [
        name
        for name, entry in graph.structure.datasets.items()
        if not (promise_ingest_graph and entry.storage_class in _SELF_DESCRIPTIONS)
    ]
    whole = not incomplete or scan.is_complete
    source = graph if whole else _finished_part(graph, scan.provenance)
    registered = 0
    if len(source):
        registered = butler.transfer_from_graph(
            source,
            dataset_types=[name for name in names if name in source.dataset_types],
            register_dataset_types=register_dataset_types,
            update_output_chain=update_output_chain and graph.header.output is not None,
            dry_run=dry_run,
        )
    if promise_ingest_graph and register_dataset_types and not dry_run:
        # `ingest_graph` keeps the promise, and registers no dataset type.
        for name in graph.structure.datasets.keys() - set(names):
            butler.dataset_types.register(graph.dataset_types[name])
    place = None
    if whole and not dry_run:
        place = str(output) if output is not None else str(provenance_path(graph))
        scan.provenance.write(place, overwrite=True)
        keep_graph(graph)
    return AggregationResult(registered=registered, counts=scan.counts, provenance=place, dry_run=dry_run)


def _finished_part(graph: QuantumGraph, provenance: ProvenanceGraph) -> QuantumGraph:
    """Give the quanta that have left metadata and log, or a log alone."""
    chosen = []
    for label in graph.task_counts():
        states = np.array([record.status for record in provenance.records(label)])
        chosen += uuids_from_ids(graph.quanta(label).parts[0].ids[(states == 1) | (states == -1)])
    return graph.subset(chosen)


def find_run_provenance(butler: Butler, collection: str) -> DatasetRef | None:
    """Give the provenance graph of a run, if it is a dataset already."""
    if not butler.fetch_dataset_types([RUN_PROVENANCE]) or not butler.fetch_collections([collection]):
        return None
    return butler.find_dataset(RUN_PROVENANCE, collections=[collection])


def refuse_ingested(butler: Butler, run: str) -> None:
    """Refuse to run anything into a run whose small files live in its provenance graph: what is new would not be in there.

    Raises
    ------
    ConflictError
        It says what to do.
    """
    if find_run_provenance(butler, run) is not None:
        raise ConflictError(
            f"Run {run!r} holds its provenance graph (ingest-graph), and nothing can be added to it; "
            "leave out --extend-run: a new run of the same chain can go on with --skip-existing-in."
        )


def ingest_graph(
    butler: Butler,
    provenance: str | None = None,
    *,
    output_run: str | None = None,
    transfer: str = "move",
    batch_size: int = 10_000,
) -> tuple[DatasetRef, int]:
    """Make a provenance graph the dataset ``run_provenance`` of its run, and let logs and so on live inside of it.

    Every step can be repeated; at each moment all is readable.

    Parameters
    ----------
    butler
        The repository.
    provenance
        The file; without, the one that `aggregate_graph` left beside the receipts of ``output_run``, or what
        was ingested by an earlier call that did not come to its end.
    output_run
        The run; needed without a file.
    transfer
        How the file comes into the repository.
    batch_size
        Datasets whose rows change together.

    Returns
    -------
    tuple
        The dataset, and the number of small files that it replaced.

    Raises
    ------
    NotFoundError
        If there is no such file.
    ConflictError
        If the run holds the provenance of another graph already.
    """
    ref, graph = _ingested(butler, provenance, output_run, transfer)
    (row,) = butler.datastore_records(ids_from_uuids([ref.id])).rows()
    count = 0
    for name in graph.kept_types:
        rows = np.flatnonzero(graph.made(name))
        for start in range(0, len(rows), batch_size):
            table = graph.graph.datasets(name).take(rows[start : start + batch_size])
            count += back_by_provenance(butler, table, row)
    return ref, count


def _ingested(
    butler: Butler, provenance: str | None, output_run: str | None, transfer: str
) -> tuple[DatasetRef, ProvenanceGraph]:
    if provenance is None and output_run is None:
        raise InvalidInputError("Name the file of the provenance graph, or its run with --output-run.")
    if output_run is not None and (known := find_run_provenance(butler, output_run)) is not None:
        return known, butler.get(known)
    place = ResourcePath(provenance) if provenance is not None else None
    if place is None:
        found = list(_left_behind(butler, str(output_run)))
        if len(found) != 1:
            what = "no provenance graph" if not found else f"{len(found)} provenance graphs"
            raise NotFoundError(f"Run {output_run!r} has {what} beside its receipts; name the file.")
        place = found[0]
    graph = ProvenanceGraph(ProvenanceGraph.open(place).graph.loaded())
    run = graph.graph.header.output_run
    if output_run not in (None, run):
        raise InvalidInputError(f"The provenance graph is of run {run!r}, not of {output_run!r}.")
    known = find_run_provenance(butler, run)
    if known is not None and butler.get(known).graph.header.graph_id != graph.graph.header.graph_id:
        # Its small files would be removed, and nobody could read them from the graph that the run has.
        raise ConflictError(
            f"Run {run!r} holds the provenance of another of its graphs already, and can hold one only; {place} stays a file."
        )
    if known is None:
        dataset_type = DatasetType(RUN_PROVENANCE, (), "ProvenanceQuantumGraph", universe=butler.universe)
        butler.dataset_types.register(dataset_type)
        (known,) = butler.ingest(
            [FileDataset(place, dataset_type=dataset_type, data_ids={}, formatter="provenance")],
            run=run,
            transfer=transfer,
        )
    return known, graph


def _left_behind(butler: Butler, run: str) -> Iterator[ResourcePath]:
    yield from (path for path in graph_files(butler, run) if path.basename().endswith(PROVENANCE_SUFFIX))
