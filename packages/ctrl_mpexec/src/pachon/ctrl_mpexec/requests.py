# SPDX-License-Identifier: BSD-3-Clause
"""What ``build``, ``qgraph`` and ``run`` do with their options, in the order in which users see it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pachon.base import InvalidInputError
from pachon.butler import Butler
from pachon.ctrl_mpexec.collection_plan import CollectionOptions, CollectionPlan
from pachon.ctrl_mpexec.explaining import explain_lines
from pachon.ctrl_mpexec.graph_checks import check_configs_of_done_tasks, check_graph, check_outputs_of_others
from pachon.ctrl_mpexec.graph_fixup import fixed_edges
from pachon.ctrl_mpexec.graph_merging import refuse_ingested
from pachon.ctrl_mpexec.graph_pictures import graph_text
from pachon.ctrl_mpexec.graph_request import (
    EmptyGraphError,
    GraphRequest,
    build_graph,
    find_reasons,
    prepare_collections,
)
from pachon.ctrl_mpexec.mock_storage_classes import AnyStorageClasses
from pachon.ctrl_mpexec.mocking import MockRequest, mock_pipeline
from pachon.ctrl_mpexec.pipeline_edits import load_pipeline
from pachon.ctrl_mpexec.progress.reporter import ProgressReporter
from pachon.ctrl_mpexec.run_graph import check_options, initialize_only, run_quantum_graph
from pachon.ctrl_mpexec.run_options import RunOptions
from pachon.ctrl_mpexec.run_report import RunReport
from pachon.ctrl_mpexec.show import GRAPH_ITEMS, check_items, show_graph, show_pipeline
from pachon.ctrl_mpexec.summary_file import write_text
from pachon.datastore.final_path import check_stored_path
from pachon.pipe_base.pipeline import Pipeline, TaskTable
from pachon.pipe_base.pipeline_graph import PipelineGraph
from pachon.pipe_base.pipeline_graph.unknown_inputs import describe_unknown_input, is_optional, unknown_inputs
from pachon.quantum_butler import QuantumGraph

__all__ = [
    "PictureFile",
    "PipelineRequest",
    "make_graph",
    "make_pipeline",
    "run_pipeline",
    "show_unchecked",
    "unknown_input_lines",
    "write_graph",
]

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureFile:
    """A file for a picture of the pipeline graph."""

    path: str
    kind: str | None = None
    """``dot`` or ``mermaid``: the format whatever the file is called; `None`: its name ends with the format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineRequest:
    """The pipeline that is asked for, and its files."""

    location: str | None
    edits: tuple[tuple[str, str], ...]
    select_tasks: str = ""
    shows: tuple[str, ...] = ()
    save: str | None = None
    pictures: tuple[PictureFile, ...] = ()
    allow_missing: bool = False
    """Whether tasks and instruments that cannot be imported or configured are no error."""
    class_map: str | None = None
    """File with new names of classes."""
    task_table: str | None = None
    """File with descriptions of task classes that are not imported."""
    check: bool = True
    """Whether the tasks are imported and their graph is made."""
    mock: MockRequest | None = None
    """Which tasks only pretend, if they shall."""

    @property
    def is_given(self) -> bool:
        """Whether any option of a pipeline was used."""
        return self.location is not None or bool(self.edits) or bool(self.select_tasks)


def make_pipeline(request: PipelineRequest, butler: Butler | None, say: Say) -> tuple[Pipeline, PipelineGraph]:
    """Read, change, check, write and draw a pipeline; print what is to be shown of it.

    Of a pipeline that is not right, all that can be is written, drawn and shown; then everything that is wrong is raised.

    Raises
    ------
    ExceptionGroup
        If several things are wrong; a single one is raised as it is.
    """
    check_items(request.shows)
    pipeline = load_pipeline(request.location, request.edits, request.class_map)
    if request.save is not None:
        write_text(request.save, pipeline.to_yaml())
    table = None if request.task_table is None else TaskTable.read(request.task_table)
    # What only pretends to run need not fit its inputs.
    lenient = None if request.mock is None else AnyStorageClasses()
    checked = pipeline.check(butler, table=table, thorough=request.mock is None, storage_classes=lenient)
    graph = checked.graph
    if graph is not None:
        if request.select_tasks:
            graph = graph.select(request.select_tasks)
        _draw(graph, request.pictures, pipeline.description)
    for text_shown in show_pipeline(request.shows, pipeline, graph, butler):
        say(text_shown)
    whole = checked.raise_errors(allow_missing=request.allow_missing)
    return pipeline, whole if graph is None else graph


def unknown_input_lines(graph: PipelineGraph) -> Iterator[str]:
    """Say of each input that nobody writes and the repository does not know who reads it."""
    return (describe_unknown_input(graph, node) for node in unknown_inputs(graph) if not is_optional(graph, node))


def show_unchecked(request: PipelineRequest, say: Say) -> None:
    """Read, change, write and show a pipeline without importing its tasks.

    Raises
    ------
    InvalidInputError
        If something is to be shown or drawn that needs the tasks.
    """
    check_items(request.shows)
    needing = [item for item in request.shows if item not in ("pipeline", "subsets")]
    if needing or request.pictures or request.select_tasks:
        what = needing[0] if needing else "a picture" if request.pictures else "--select-tasks"
        raise InvalidInputError(f"{what!r} needs the classes of the tasks; leave out --no-check.")
    pipeline = load_pipeline(request.location, request.edits, request.class_map)
    if request.save is not None:
        write_text(request.save, pipeline.to_yaml())
    for text_shown in show_pipeline(request.shows, pipeline, None):
        say(text_shown)


def _draw(graph: PipelineGraph, pictures: Sequence[PictureFile], description: str) -> None:
    title = description.strip().partition("\n")[0]
    for picture in pictures:
        is_image = picture.path.lower().endswith((".svg", ".png"))
        if picture.kind == "dot":
            write_text(picture.path, graph.draw("dot", task_classes="full"))
        elif picture.kind == "mermaid" and not is_image:
            write_text(picture.path, graph.draw("mermaid", task_classes="full"))
        else:
            graph.write_picture(picture.path, title=title)


def make_graph(
    butler: Butler,
    pipeline: PipelineRequest,
    request: GraphRequest,
    *,
    location: str | None,
    explain: Sequence[str] = (),
    say: Say,
) -> tuple[QuantumGraph | None, CollectionPlan | None]:
    """Load or build the graph, and say why quanta are in it or not; `None` if only the pipeline was to be shown.

    Raises
    ------
    EmptyGraphError
        If nothing matched.
    """
    check_items(pipeline.shows)
    if location is not None:
        if pipeline.is_given:
            raise InvalidInputError("A graph is loaded (-g): options of a pipeline make no sense beside it.")
        _refuse_options_of_building(pipeline, request)
        graph, plan = QuantumGraph.open(location), None
        if request.node_ids:
            graph = graph.subset(request.node_ids)
    else:
        if request.node_ids:
            raise InvalidInputError("--qgraph-node-id chooses from a graph that is loaded; name it with -g.")
        _, pipeline_graph = make_pipeline(pipeline, butler, say)
        if pipeline.shows and not any(item.partition("=")[0] in GRAPH_ITEMS for item in pipeline.shows):
            return None, None
        if pipeline.mock is not None:
            pipeline_graph = mock_pipeline(pipeline_graph, butler, pipeline.mock)
        if not len(pipeline_graph):
            raise InvalidInputError("The pipeline has no tasks; name one with -p or -t.")
        graph, plan = build_graph(butler, pipeline_graph, request)
    for text in show_graph(pipeline.shows, graph):
        say(text)
    for line in explain_lines(graph, explain, butler):
        say(line)
    if not len(graph):
        done, reasons = find_reasons(graph)
        if not done:
            raise EmptyGraphError(reasons)
    return graph, plan


def _refuse_options_of_building(pipeline: PipelineRequest, request: GraphRequest) -> None:
    """Refuse, beside a graph that is loaded, what only the building of one could follow."""
    collections = request.collections
    given = {
        "--data-query": request.where,
        "--data-id-table": request.data_id_tables,
        "--dataset-query-constraint": request.constraint != "all",
        "--retained-dataset-types": request.retained_dataset_types,
        "--prune-unanchored-quanta": request.prune_unanchored,
        "--mock": pipeline.mock,
        "--replace-run": collections.replace_run,
        "--prune-replaced": collections.prune_replaced,
        "--rebase": collections.rebase,
    }
    unused = [name for name, value in given.items() if value]
    if unused:
        raise InvalidInputError(
            f"A graph is loaded (-g), which {', '.join(unused)} cannot change any more; build the graph with that, or leave it out."
        )


def write_graph(graph: QuantumGraph, options: Mapping[str, Any]) -> None:
    """Write and draw a graph, as the options of a command ask for."""
    if options["save_qgraph"]:
        graph.write(options["save_qgraph"], overwrite=True)
    if options["qgraph_svg"]:
        write_text(options["qgraph_svg"], graph.to_svg())
    if options["qgraph_dot"]:
        write_text(options["qgraph_dot"], graph_text(graph, "dot"))
    if options["qgraph_mermaid"]:
        write_text(options["qgraph_mermaid"], graph_text(graph, "mermaid"))


def run_pipeline(
    butler: Butler,
    graph: QuantumGraph,
    plan: CollectionPlan | None,
    collections: CollectionOptions,
    options: RunOptions,
    *,
    graph_uri: str | None = None,
    reporter: ProgressReporter | None = None,
    init_only: bool = False,
    register_dataset_types: bool = False,
) -> RunReport:
    """Make the collections, register dataset types, run the quanta.

    Raises
    ------
    GraphMismatchError
        If the graph was built for another repository, or one that has changed since.
    InvalidInputError
        If the output run differs from that of a graph that was loaded.
    """
    loaded = plan is None
    if plan is None:
        plan = _plan_of(graph, collections)
    if plan.output_run != graph.header.output_run:
        raise InvalidInputError(
            f"The graph writes to run {graph.header.output_run!r}, not to {plan.output_run!r}; "
            "'pipetask update-graph-run' makes a graph for another run."
        )
    # All that can be wrong is found before a collection is made.
    check_stored_path(plan.output_run)
    if not plan.is_new_run:
        refuse_ingested(butler, plan.output_run)
        if not options.skip_init_writes:
            check_configs_of_done_tasks(butler, graph)
    check_options(graph, options)
    if options.graph_fixup is not None:
        fixed_edges(graph, options.graph_fixup)
    if register_dataset_types:
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
    check_graph(butler, graph)
    if loaded:
        # One that was built now has the ids of what the run holds.
        check_outputs_of_others(butler, graph)
    regular = {edge.dataset_type for edge in graph.structure.edges if edge.kind == "output"}
    prepare_collections(butler, plan, collections.prune_replaced, regular)
    if init_only:
        if not options.skip_init_writes:
            initialize_only(graph, butler, options)
        return RunReport(outcomes=(), graph_summary=graph.summary())
    return run_quantum_graph(
        graph, butler, processes=options.processes, options=options, graph_uri=graph_uri, reporter=reporter
    )


def _plan_of(graph: QuantumGraph, collections: CollectionOptions) -> CollectionPlan:
    """Give the collections of a graph that was loaded."""
    run = collections.output_run or graph.header.output_run
    output = collections.output or graph.header.output
    inputs = tuple(name for name in graph.header.input_collections if name != run)
    chain = None if output is None else tuple(dict.fromkeys((run, *inputs)))
    return CollectionPlan(output=output, output_run=run, search=inputs, chain=chain)
