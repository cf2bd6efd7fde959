# SPDX-License-Identifier: BSD-3-Clause
"""`build_quantum_graph`: the recipe of a graph build."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pachon.datasets import CollectionType, FactSource, id_keys
from pachon.datasets.collection import find_name_fault
from pachon.datastore import FileRecords
from pachon.datastore.write_token import find_token
from pachon.dimensions import DataIdTable, RecordTable
from pachon.dimensions.instances import collector_at_rest
from pachon.pipe_base.graph_builder.adjust import call_hook_of_all, call_hooks
from pachon.pipe_base.graph_builder.errors import ForeignOutputError, GraphBuildError
from pachon.pipe_base.graph_builder.facts import PartFacts
from pachon.pipe_base.graph_builder.fetch import (
    data_id_queries,
    explain_nothing,
    fetch_datasets,
    fetch_further_records,
    fetch_parts,
    fetch_prerequisites,
    fetch_records,
)
from pachon.pipe_base.graph_builder.freeze import existing_ids, freeze
from pachon.pipe_base.graph_builder.given_data_ids import GivenDataIds
from pachon.pipe_base.graph_builder.hints import (
    log_counts,
    log_empty_parts,
    log_unknown_inputs,
    log_unused_rows,
    prerequisite_hint,
)
from pachon.pipe_base.graph_builder.init_datasets import InitDataset, resolve_init
from pachon.pipe_base.graph_builder.pipeline_plan import RUN_OUTPUTS, plan_from_graph, task_reads
from pachon.pipe_base.graph_builder.plan import BuildPlan
from pachon.pipe_base.graph_builder.prerequisites import find_prerequisites
from pachon.pipe_base.graph_builder.prune import Pruned, prune
from pachon.pipe_base.graph_builder.resolve import KEPT, DatasetStatus, resolve
from pachon.pipe_base.graph_builder.skeleton import make_skeleton
from pachon.quantum_butler import DatastoreSource, DropReason, GraphHeader, QuantumGraph

if TYPE_CHECKING:
    from pachon.pipe_base.pipeline import Pipeline
    from pachon.pipe_base.pipeline_graph import PipelineGraph

__all__ = ["GraphSource", "build_quantum_graph"]


class GraphSource(FactSource, Protocol):
    """A repository for which graphs are built: facts, and where its files are."""

    def datastore_records(self, ids: np.ndarray) -> FileRecords:
        """Give where datasets (ids of shape (n, 16), uint8) are stored."""
        ...

    def datastore_document(self) -> dict[str, Any]:
        """Give the configuration of the datastore with its root spelled out."""
        ...

    def storage_class_document(self) -> dict[str, Any]:
        """Give the definitions of storage classes that the repository adds to the built-in ones."""
        ...


def build_quantum_graph(
    pipeline: Pipeline | PipelineGraph,
    butler: GraphSource,
    *,
    input_collections: str | Sequence[str],
    output_run: str,
    output: str | None = None,
    where: str = "",
    bind: Mapping[str, Any] | None = None,
    data_id: Mapping[str, Any] | None = None,
    skip_existing_in: str | Sequence[str] = (),
    clobber: bool = False,
    dataset_query_constraint: str | Collection[str] = "all",
    data_id_tables: Iterable[DataIdTable] = (),
    data_ids: GivenDataIds | None = None,
    retained_dataset_types: str | Collection[str] | None = None,
    prune_unanchored_quanta: tuple[str, str] | None = None,
    attach_datastore_records: bool = True,
    reproducible_ids: bool = False,
    metadata: Mapping[str, Any] | None = None,
    command: str = "",
) -> QuantumGraph:
    """Find all quanta of a pipeline for which the data exist.

    Parameters
    ----------
    pipeline
        The tasks.
    butler
        Answers what exists; nothing is written.
    input_collections
        Search path of overall inputs.
    output_run
        Name of the RUN collection of the outputs; it need not exist.
    output
        Name of the chain that will offer the outputs.
    where, bind
        User expression over dimensions, and the values that it names.
    data_id
        Values that every quantum must have, besides those that the pipeline fixes.
    skip_existing_in
        Collections in which existing metadata marks quanta as done.
    clobber
        Whether outputs of quanta that are done may be replaced.
    dataset_query_constraint
        ``all``: every overall input limits the data IDs; ``off``: none does; or names of those that do.
    data_id_tables
        Tables of data IDs that every quantum must be in.
    data_ids
        All data IDs, as a table or one by one; the repository is not asked for any, and neither the sky nor the existence of inputs limits
        them. Each names all dimensions of the tasks and of what they read and write, but for values that follow from records or
        from ``data_id``. Quanta are their projections; two things belong together if a data ID names both. Not together with
        ``where`` or ``data_id_tables``.
    retained_dataset_types
        Names or patterns of the outputs that were kept of quanta that are done; those that made others run again when these
        are wanted. All are kept by default, and if none are named. Needs ``skip_existing_in``.
    prune_unanchored_quanta
        Labels of a source and an anchor: quanta of the source from which no quantum of the anchor is reached are dropped, and all
        that follows from them.
    attach_datastore_records
        Whether jobs shall be able to run from the graph alone.
    reproducible_ids
        Whether ids of quanta and outputs follow from run, label or dataset type and data ID (version 5), so that the same facts
        give the same ids; by default they are new ones that sort by time.
    metadata, command
        Kept in the header.

    Returns
    -------
    QuantumGraph
        It may be empty; ``graph.explain()`` says why, and ``graph.explain(label, data_id, butler=butler)`` why a quantum is not there.

    Raises
    ------
    GraphBuildError
        If options or pipeline make no sense, or outputs would go to a collection whose name none can have.
    UnknownInputsError
        If the data IDs depend on dataset types that nobody writes and the repository does not know.
    MissingPrerequisiteError
        If a prerequisite is missing for a quantum that could run otherwise.
    OutputExistsError
        If outputs are in the way.
    ForeignOutputError
        If outputs would be replaced that no graph has written.

    References
    ----------
    ``docs/walks/graph-build.md`` lists the stages in reading order.
    """
    _check_new_names(output_run, output)
    graph = _resolved(pipeline, butler)
    data_id_tables = tuple(data_id_tables)
    names = (input_collections,) if isinstance(input_collections, str) else tuple(input_collections)
    if not names:
        raise GraphBuildError("A graph needs at least one input collection.")
    if data_ids is not None and (where.strip() or data_id_tables):
        raise GraphBuildError("data_ids says all data IDs; leave out where and data_id_tables, or give these instead.")
    known_run = butler.fetch_collections([output_run]).get(output_run)
    if known_run is not None and known_run.type is not CollectionType.RUN:
        raise GraphBuildError(
            f"Outputs go to a RUN; {output_run!r} is a {known_run.type.name} collection. Name another output run."
        )
    plan = plan_from_graph(
        graph,
        input_collections=butler.flatten_collections(names),
        output_run=output_run,
        where=where,
        bind=bind,
        data_id=data_id or {},
        skip_existing_in=(skip_existing_in,) if isinstance(skip_existing_in, str) else tuple(skip_existing_in),
        clobber=clobber,
        dataset_query_constraint=dataset_query_constraint,
        data_id_tables=data_id_tables,
        data_ids=data_ids,
        retained_dataset_types=retained_dataset_types,
        prune_unanchored_quanta=prune_unanchored_quanta,
        reproducible_ids=reproducible_ids,
    )
    log_unknown_inputs(graph)
    # The instrument and the sky map of the inputs need not be named, if there is but one of each.
    butler = butler.searching(names)
    content = _find_content(plan, butler, names, keeps_records=attach_datastore_records)
    header = GraphHeader(
        output_run=output_run,
        input_collections=names,
        output=output,
        command=command,
        metadata=dict(metadata or {}),
        notes=content.notes,
        queries=data_id_queries(plan),
    )
    with collector_at_rest():
        tables = freeze(
            plan,
            content.pruned,
            content.init,
            content.records,
            header=header,
            pipeline=graph.to_document(),
            reads=task_reads(graph),
            file_records=butler.datastore_records(existing_ids(content.pruned, content.init))
            if attach_datastore_records
            else None,
            datastore=_datastore_source(butler) if attach_datastore_records else None,
        )
        del content  # its columns are in the tables now, as far as they are needed
        return QuantumGraph.from_tables(tables)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    """What goes into the graph."""

    pruned: Pruned
    init: list[InitDataset]
    records: dict[str, RecordTable]
    notes: tuple[str, ...]
    """Why parts of the pipeline have no data IDs."""


def _find_content(plan: BuildPlan, butler: GraphSource, names: Sequence[str], *, keeps_records: bool) -> _Content:
    """Go through the stages; what these hand on to each other goes before the graph is made, which takes as much memory again."""
    with collector_at_rest():
        parts = fetch_parts(plan, butler)
        skeleton = make_skeleton(plan, parts)
        facts = fetch_datasets(plan, skeleton, butler)
        records = fetch_records(plan, skeleton, butler)
    resolution = resolve(plan, skeleton, facts)
    done_before = {label: reasons != KEPT for label, reasons in resolution.reasons.items()}
    candidates = fetch_prerequisites(plan, skeleton, records, butler, done_before)
    prerequisites = find_prerequisites(plan, resolution, candidates, records)
    records = fetch_further_records(records, prerequisites, butler)
    pruned = prune(
        plan,
        resolution,
        prerequisites,
        adjust=lambda *state: call_hooks(resolution, records, *state),
        hint=lambda task, connection, row: prerequisite_hint(
            plan, resolution, candidates, records, task, connection, row
        ),
        adjust_all=lambda *state: call_hook_of_all(resolution, records, butler, *state),
    )
    if keeps_records:
        _check_replaced(pruned, butler, plan.output_run)
    # A hook may have added any dataset.
    records = fetch_further_records(records, pruned.prerequisites, butler)
    log_counts(plan, pruned)
    log_unused_rows(plan, parts)
    needed = [label for label in plan.tasks if len(pruned.kept(label))]
    done = [n for n in plan.tasks if n not in needed and (pruned.reasons[n] == DropReason.ALREADY_DONE).any()]
    init = resolve_init(plan, facts, needed, RUN_OUTPUTS, done)

    nothing = {} if plan.data_ids is not None else _explain_empty_parts(plan, parts, butler, names)
    if any(len(part.data_ids) for part in parts):
        log_empty_parts(nothing)  # else the caller says why the graph is empty
    notes = dict.fromkeys(sentence for sentences in nothing.values() for sentence in sentences)
    return _Content(pruned=pruned, init=init, records=records, notes=tuple(notes))


def _explain_empty_parts(
    plan: BuildPlan, parts: Sequence[PartFacts], source: FactSource, names: Sequence[str]
) -> dict[tuple[str, ...], list[str]]:
    """Say for the tasks of each part without data IDs why there are none."""
    empty = [tuple(part.labels) for part in parts if not len(part.data_ids)]
    shown = ", ".join(map(repr, names))
    # Chains without children leave nothing to search.
    nowhere = [] if plan.input_collections else [f"There is nothing to search: no collection is in {shown}."]
    return {labels: [*nowhere, *explain_nothing(plan, source, labels)] for labels in empty}


def _resolved(pipeline: Pipeline | PipelineGraph, butler: FactSource) -> PipelineGraph:
    graph = pipeline if hasattr(pipeline, "resolve") else pipeline.to_graph()
    return graph.resolve(butler)


def _check_new_names(output_run: str, output: str | None) -> None:
    """Refuse names that no collection can have before anything is asked for: the repository would when the first output is registered."""
    for name in (output_run,) if output is None else (output_run, output):
        if (fault := find_name_fault(name)) is not None:
            raise GraphBuildError(f"Outputs cannot go there: {fault}")


def _check_replaced(pruned: Pruned, butler: GraphSource, output_run: str) -> None:
    """Refuse to replace what somebody put into the run: a graph's outputs lie where their ids say, and only there they are written anew."""
    found: list[str] = []
    for name, columns in pruned.datasets.items():
        rows = np.flatnonzero(columns.status == DatasetStatus.REPLACED)
        records = butler.datastore_records(columns.ids[rows]) if len(rows) else None
        if records is None or not len(records):
            continue
        foreign = [not ((token := find_token(path)) and token.predicted) for path in records.path.tolist()]
        others = np.isin(id_keys(columns.ids[rows]), id_keys(records.dataset_id[np.array(foreign)]))
        paths = dict(zip(map(bytes, records.dataset_id), records.path.tolist(), strict=True))
        found.extend(
            f"{name}@{columns.data_ids[row]} (in {paths[columns.ids[row].tobytes()]})" for row in rows[others].tolist()
        )
    if found:
        raise ForeignOutputError(output_run, found)


def _datastore_source(butler: GraphSource) -> DatastoreSource:
    document = butler.datastore_document()
    return DatastoreSource(config=document, root=str(document["root"]), storage_classes=butler.storage_class_document())
