# SPDX-License-Identifier: BSD-3-Clause
"""Building the graph that ``pipetask qgraph`` and ``pipetask run`` were asked for."""

from __future__ import annotations

import re
import shlex
import sys
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pachon.base import ConflictError, InvalidInputError, NotFoundError
from pachon.butler import Butler
from pachon.ctrl_mpexec.collection_plan import (
    CollectionOptions,
    CollectionPlan,
    CollectionState,
    plan_collections,
    timestamp,
)
from pachon.ctrl_mpexec.collection_removal import check_free
from pachon.ctrl_mpexec.cut_off_runs import register_what_was_cut_off
from pachon.ctrl_mpexec.data_id_tables import read_data_id_table
from pachon.ctrl_mpexec.graph_merging import refuse_ingested
from pachon.ctrl_mpexec.task_checks import VERSIONS, task_versions
from pachon.datasets import CollectionType
from pachon.dimensions import DataIdTable, DimensionGroup
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.pipeline_graph import PipelineGraph
from pachon.quantum_butler import DropReason, QuantumGraph
from pachon.quantum_butler.run_lock import refuse_busy_runs
from pachon.resources import ResourcePath

__all__ = [
    "EmptyGraphError",
    "GraphRequest",
    "build_graph",
    "check_run_name",
    "fetch_state",
    "find_reasons",
    "prepare_collections",
]


class EmptyGraphError(NotFoundError):
    """Nothing matched: the graph has no quantum, and not because all were done."""

    kind = "empty_graph"

    def __init__(self, reasons: tuple[str, ...]) -> None:
        super().__init__(reasons)
        self.reasons = reasons

    def __str__(self) -> str:
        return "The graph is empty. " + (" ".join(self.reasons) or "No data ID satisfies all conditions.")


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRequest:
    """What the graph is to hold."""

    collections: CollectionOptions
    where: str = ""
    skip_existing_in: tuple[str, ...] = ()
    skip_existing: bool = False
    clobber: bool = False
    constraint: str = "all"
    data_id_tables: tuple[str, ...] = ()
    """Files."""
    retained_dataset_types: str | None = None
    """File with a list of names and globs."""
    prune_unanchored: str | None = None
    """``SOURCE:ANCHOR``."""
    node_ids: tuple[uuid.UUID, ...] = ()
    """Of a graph that is loaded: these quanta only."""


def check_run_name(run: str) -> None:
    """Refuse a name that no run can have, or whose files would lie elsewhere.

    Raises
    ------
    InvalidInputError
        It says what is wrong with the name.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.+:@-]+(/[A-Za-z0-9_.+:@-]+)*", run) or ".." in run.split("/"):
        raise InvalidInputError(f"{run!r} cannot be the name of a run.")


def fetch_state(butler: Butler, options: CollectionOptions) -> CollectionState:
    """Ask the repository about the collections that the user named."""
    names = [name for name in (options.output, options.output_run, *options.inputs) if name is not None]
    known = butler.fetch_collections(names)
    for name in options.inputs:
        if name not in known:
            butler.collections.get(name)  # raises, with close matches
    chain = known.get(options.output) if options.output is not None else None
    members = None
    if chain is not None:
        members = butler.flatten_collections([chain.name]) if chain.type is CollectionType.CHAINED else ()
    candidates = [name for name in (options.output_run, *(members or ())) if name is not None]
    existing = butler.fetch_collections(candidates)
    return CollectionState(
        output_members=members,
        output_is_chain=chain is None or chain.type is CollectionType.CHAINED,
        flattened_inputs=butler.flatten_collections(options.inputs),
        existing_runs=frozenset(n for n, info in existing.items() if info.type is CollectionType.RUN),
    )


def build_graph(butler: Butler, pipeline: PipelineGraph, request: GraphRequest) -> tuple[QuantumGraph, CollectionPlan]:
    """Build the graph; nothing is written but rows that an execution of the same run could not write before it was killed.

    Raises
    ------
    InvalidInputError
        If there are no input collections.
    MissingCollectionError
        If a collection is not there in which quanta may be done already, and it is not the output.
    """
    plan = plan_collections(request.collections, fetch_state(butler, request.collections), stamp=timestamp())
    if not plan.is_new_run:
        # Its logs and metadata have no files of their own any more, which building would only wonder about.
        refuse_ingested(butler, plan.output_run)
        if butler.writeable:
            register_what_was_cut_off(butler, plan.output_run)
    if not plan.search:
        raise InvalidInputError("Say where inputs are: --input, or an --output chain that exists.")
    skip = list(request.skip_existing_in)
    # One's own output may be named before it is there; of another name that is not there nothing would be skipped, unsaid.
    butler.flatten_collections([name for name in skip if name not in (plan.output, plan.output_run)])
    if request.skip_existing or request.collections.extend_run:
        # Going on with a run means: what is done stays done.
        skip.append(plan.output_run)

    def fixed(dimensions: DimensionGroup) -> DataIdTable:
        return butler.searching(plan.search).fetch_data_ids(dimensions, where=request.where, data_id=pipeline.data_id)

    graph = build_quantum_graph(
        pipeline,
        butler,
        input_collections=plan.search,
        output_run=plan.output_run,
        output=plan.output,
        where=request.where,
        skip_existing_in=skip,
        clobber=request.clobber,
        dataset_query_constraint=_constraint(request.constraint),
        data_id_tables=[read_data_id_table(uri, butler.universe, fixed) for uri in request.data_id_tables],
        **_further_options(request),
        metadata=_metadata(butler, request, pipeline),
        command=shlex.join(sys.argv),
    )
    return graph, plan


def _constraint(text: str) -> str | tuple[str, ...]:
    return text if text in ("all", "off") else tuple(part.strip() for part in text.split(",") if part.strip())


def _further_options(request: GraphRequest) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if request.retained_dataset_types is not None:
        options["retained_dataset_types"] = _read_names(request.retained_dataset_types)
    if request.prune_unanchored is not None:
        source, colon, anchor = request.prune_unanchored.partition(":")
        if not (source and colon and anchor):
            raise InvalidInputError(f"--prune-unanchored-quanta needs SOURCE:ANCHOR; got {request.prune_unanchored!r}.")
        options["prune_unanchored_quanta"] = (source, anchor)
    return options


def _read_names(path: str) -> list[str]:
    import yaml

    try:
        names = yaml.safe_load(ResourcePath(path).read())
    except yaml.YAMLError as error:
        raise InvalidInputError(f"{path} is no YAML: {error}") from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInputError(f"{path} must hold a list of dataset types, or globs of them.")
    return names


def _metadata(butler: Butler, request: GraphRequest, pipeline: PipelineGraph) -> dict[str, Any]:
    return {
        VERSIONS: task_versions(pipeline),
        "butler_argument": str(butler.root),
        "extend_run": request.collections.extend_run,
        "skip_existing_in": list(request.skip_existing_in),
        "skip_existing": request.skip_existing,
        "data_query": request.where,
        "retained_dataset_types": request.retained_dataset_types,
    }


def find_reasons(graph: QuantumGraph) -> tuple[bool, tuple[str, ...]]:
    """Say whether all quanta of an empty graph are done, and otherwise why there are none."""
    dropped = graph.structure.dropped.values()
    reasons = {reason for entry in dropped for reason, count in entry.reasons.items() if count}
    return DropReason.leave_nothing_to_do({DropReason(reason) for reason in reasons}), graph.explain().sentences


def prepare_collections(
    butler: Butler, plan: CollectionPlan, prune_replaced: str | None, regular_outputs: Collection[str] = ()
) -> None:
    """Make the output run and define the output chain; take a replaced run away.

    Parameters
    ----------
    butler, plan
        What is to be done, and where.
    prune_replaced
        What becomes of the run that is replaced: ``purge``, ``unstore`` or nothing.
    regular_outputs
        Dataset types whose files ``unstore`` removes.

    Raises
    ------
    ConflictError
        If a new run was made by somebody else in the meantime, or another chain holds the run that is to be purged, or a
        process runs quanta into it.
    """
    if plan.replaced is not None and prune_replaced == "purge":
        # The output chain loses it anyway.
        refuse_busy_runs(str(butler.datastore_document()["root"]), [plan.replaced])
        check_free(butler, frozenset({plan.replaced}), leaving=plan.output)
    made = butler.collections.register(plan.output_run, CollectionType.RUN)
    if plan.is_new_run and not made:
        raise ConflictError(f"Run {plan.output_run!r} was made by somebody else a moment ago; start again.")
    if plan.output is not None and plan.chain is not None:
        _define_chain(butler, plan.output, plan)
    if plan.replaced is not None and prune_replaced == "purge":
        butler.remove_runs([plan.replaced], unlink_from_chains=True)
    elif plan.replaced is not None and prune_replaced == "unstore":
        refs = butler.query_all_datasets([plan.replaced])
        butler.prune([ref for ref in refs if ref.dataset_type.name in regular_outputs])


def _define_chain(butler: Butler, output: str, plan: CollectionPlan) -> None:
    assert plan.chain is not None
    made = butler.collections.register(output, CollectionType.CHAINED)
    if plan.redefines_chain:
        butler.collections.set_chain(output, plan.chain)
        return
    # Two runs may share a chain: each adds what is its own, and neither takes away what the other added.
    if made:
        butler.collections.extend(output, plan.chain[1:])
    butler.collections.prepend(output, [plan.output_run])
