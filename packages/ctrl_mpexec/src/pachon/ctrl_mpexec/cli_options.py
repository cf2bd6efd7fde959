# SPDX-License-Identifier: BSD-3-Clause
"""Options that commands of ``pipetask`` share; imports click and nothing heavy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import click

from pachon.base.cli import options
from pachon.base.cli.splitting import split_commas_callback

__all__ = [
    "butler_option",
    "collection_options",
    "coverage_options",
    "execution_options",
    "graph_options",
    "pipeline_edits",
    "pipeline_options",
    "show_option",
    "table_option",
]

_EDITS: Final = "pachon.ctrl_mpexec.pipeline_edits"

Function = Callable[..., Any]


class _OrderedOption(click.Option):
    """An option that takes part in one list, in the order of the command line, across several options."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        # click keeps the values of each option together; what came between them is known to its parser alone. All names
        # of the option lead to one object there.
        known = parser._long_opt.get(self.opts[-1]) or parser._short_opt[self.opts[-1]]
        original = known.process

        def process(value: Any, state: Any) -> None:
            ctx.meta.setdefault(_EDITS, []).append((str(self.name), str(value)))
            original(value, state)

        known.process = process


def pipeline_edits() -> tuple[tuple[str, str], ...]:
    """Give the changes of the pipeline that the running command was asked for, as (option, value), in order.

    Those of an options file come first; of an option that the command line has too only the values there count.
    """
    context = click.get_current_context()
    given: list[tuple[str, str]] = context.meta.get(_EDITS, [])
    names = {option.name for option in context.command.params if isinstance(option, _OrderedOption)}
    names -= {name for name, _ in given}
    of_file = [
        (name, str(value)) for name, values in (context.default_map or {}).items() if name in names for value in values
    ]
    return (*of_file, *given)


def _apply(function: Function, *decorators: Callable[[Function], Function]) -> Function:
    for decorate in reversed(decorators):
        function = decorate(function)
    return function


def _edit(*names: str, metavar: str, help: str) -> Callable[[Function], Function]:
    return click.option(*names, cls=_OrderedOption, multiple=True, expose_value=False, metavar=metavar, help=help)


def pipeline_options(function: Function) -> Function:
    """Add the options that choose and change a pipeline."""
    return _apply(
        function,
        click.option("-p", "--pipeline", metavar="FILE", help="Pipeline, perhaps with #labels to select from it."),
        click.option(
            "--class-map",
            metavar="FILE",
            help="New names (YAML or JSON, old: new) of the classes that the pipeline and its imports name.",
        ),
        _edit("-t", "--task", metavar="CLASS[:LABEL]", help="Add or replace a task; may be repeated."),
        _edit("--delete", metavar="LABEL", help="Remove a task; may be repeated."),
        _edit("-c", "--config", metavar="LABEL:NAME=VALUE", help="Override a configuration value; may be repeated."),
        _edit("-C", "--config-file", metavar="LABEL:FILE", help="Apply an override file; may be repeated."),
        _edit("--instrument", metavar="NAME", help="Set or replace the pipeline's instrument."),
        click.option("-s", "--save-pipeline", metavar="FILE", help="Write the resulting pipeline as YAML."),
        click.option(
            "--select-tasks", metavar="EXPR", default="", help="Use only the tasks that an expression selects."
        ),
        click.option("--pipeline-dot", metavar="FILE", help="Write the pipeline graph as dot."),
        click.option(
            "--pipeline-mermaid", metavar="FILE", help="Write the pipeline graph as Mermaid, or as .svg or .png."
        ),
        click.option(
            "--pipeline-picture",
            "--pipeline-svg",
            "pipeline_picture",
            multiple=True,
            metavar="FILE",
            help="Draw the pipeline graph, in the format the name ends with: .svg, .png, .dot, .mmd, .txt, .json; may be "
            "repeated.",
        ),
    )


show_option = click.option(
    "--show",
    "shows",
    multiple=True,
    metavar="ITEM",
    callback=split_commas_callback,
    help="Print something and do not run: pipeline, config[=LABEL::GLOB], history=LABEL::GLOB, "
    "changes=RUN, tasks, subsets, inputs, pipeline-graph, task-graph; after the graph is built: graph, workflow, uri.",
)

butler_option = click.option(
    "-b", "--butler-config", "repo", metavar="REPO", required=True, help="Repository: path, URI or label."
)


table_option = click.option(
    "--table",
    type=click.Choice(["tasks", "datasets", "exceptions", "quanta"]),
    help="Print this table alone; 'quanta' are those that failed or are wonky. By default people get all tables, --json is the "
    "whole report, and the other forms for programs hold the table of the tasks.",
)


def collection_options(function: Function) -> Function:
    """Add the options that choose collections and data."""
    return _apply(
        function,
        click.option(
            "-i", "--input", "inputs", multiple=True, metavar="COLL", callback=split_commas_callback,
            help="Input collections in search order; repeat or separate by commas.",
        ),
        click.option("-o", "--output", metavar="COLL", help="Output chain; a new run below it is made."),
        click.option("--output-run", metavar="RUN", help="Run of the outputs."),
        click.option("--extend-run", is_flag=True, help="Go on with the last run of the output chain."),
        click.option("--replace-run", is_flag=True, help="Take the last run off the output chain."),
        click.option(
            "--prune-replaced", type=click.Choice(["unstore", "purge"]),
            help="What becomes of the run that is replaced.",
        ),
        click.option("--rebase", is_flag=True, help="Redefine the output chain if its inputs differ."),
        click.option(
            "-d", "--data-query", "where", cls=options.ExpressionOption, default="", metavar="EXPR",
            help="Expression that data IDs must satisfy.",
        ),
    )  # fmt: skip


def graph_options(function: Function) -> Function:
    """Add the options of building or loading a graph."""
    return _apply(
        function,
        click.option("-g", "--qgraph", metavar="URI", help="Use this graph instead of building one."),
        click.option(
            "--skip-existing-in", multiple=True, metavar="COLL", callback=split_commas_callback,
            help="Leave out quanta whose metadata is in these collections.",
        ),
        click.option("--skip-existing", is_flag=True, help="Leave out quanta whose metadata is in the output run."),
        click.option(
            "--clobber-outputs", "clobber", is_flag=True, hidden=True,
            help="Has no effect: what is done stays done, and outputs of other quanta are replaced anyway.",
        ),
        click.option(
            "--dataset-query-constraint", "constraint", default="all", show_default=True, metavar="all|off|TYPES",
            help="Which overall inputs limit the data IDs.",
        ),
        click.option(
            "--data-id-table", "data_id_tables", multiple=True, metavar="URI", callback=split_commas_callback,
            help="Table of data IDs (.csv, .ecsv, .parquet, ...) that quanta must be in; may be repeated.",
        ),
        click.option(
            "--retained-dataset-types", metavar="PATH",
            help="YAML list of dataset types, or globs, that earlier runs kept; quanta that make others run again.",
        ),
        click.option(
            "--prune-unanchored-quanta", metavar="SOURCE:ANCHOR",
            help="Leave out quanta of task SOURCE from which none of ANCHOR is reached.",
        ),
        click.option(
            "--qgraph-node-id", "node_ids", multiple=True, metavar="UUID", callback=split_commas_callback,
            help="With -g: these quanta only; repeat or separate by commas.",
        ),
        click.option("--qgraph-id", hidden=True, help="Was for other graph files; ignored."),
        click.option("--qgraph-datastore-records", is_flag=True, hidden=True, help="Graphs always hold them."),
        click.option("-q", "--save-qgraph", metavar="URI", help="Write the graph (.qg)."),
        click.option("--qgraph-svg", metavar="FILE", help="Draw the graph as SVG."),
        click.option("--qgraph-dot", metavar="FILE", help="Write quanta and datasets as dot."),
        click.option("--qgraph-mermaid", metavar="FILE", help="Write quanta and datasets as Mermaid."),
        click.option("--mock", is_flag=True, help="Replace every task by one that only pretends."),
        click.option(
            "--mock-failure", multiple=True, metavar="LABEL:EXCEPTION:WHERE[:MEMORY]",
            help="Let mocks fail where an expression is true, as long as they have less memory; may be repeated.",
        ),
        click.option(
            "--unmocked-dataset-types", multiple=True, metavar="NAME", callback=split_commas_callback,
            help="Inputs of mocks that are real; repeat or separate by commas.",
        ),
        click.option(
            "--explain", multiple=True, is_flag=False, flag_value="", metavar="[LABEL,NAME=VALUE,...]",
            help="Say why quanta are not in the graph: all, or those of a task or data ID, as 'isr, exposure=12, detector=3'.",
        ),
        click.option("--summary", metavar="FILE", help="Write a JSON report."),
    )  # fmt: skip


def coverage_options(function: Function) -> Function:
    """Add the options of test coverage."""
    return _apply(
        function,
        click.option("--coverage", is_flag=True, help="Measure test coverage; needs the package 'coverage'."),
        click.option(
            "--cov-report/--no-cov-report", default=True, show_default=True,
            help="Write the coverage as HTML into the folder covhtml.",
        ),
        click.option(
            "--cov-packages", multiple=True, metavar="NAME", callback=split_commas_callback,
            help="Packages whose coverage is measured; all if left out.",
        ),
    )  # fmt: skip


def execution_options(function: Function) -> Function:
    """Add the options of running quanta."""
    return _apply(
        function,
        click.option(
            "-j", "--processes", type=click.IntRange(min=1), default=1, show_default=True,
            help="Number of processes; 1 runs everything in this one.",
        ),
        click.option(
            "--start-method", type=click.Choice(["forkserver", "spawn", "fork"]), default="forkserver",
            show_default=True, help="How workers are started (fork: same as forkserver).",
        ),
        click.option(
            "--process-per-quantum", multiple=True, is_flag=False, flag_value="", metavar="[LABEL]",
            help="Run each quantum, or those of a task, in a process of its own; may be repeated.",
        ),
        click.option("--retries", type=click.IntRange(min=0), default=0, show_default=True,
                     help="Tries after a failure that may be a passing one."),
        click.option(
            "--timeout", multiple=True, metavar="[LABEL=]SEC",
            help="Time limit of a quantum, of all tasks or of one; may be repeated.",
        ),
        click.option(
            "--memory-limit", multiple=True, metavar="[LABEL=]SIZE",
            help="Memory, such as 3GB, at which a quantum is ended and tried again with twice as much; may be repeated.",
        ),
        click.option(
            "--priority", multiple=True, metavar="LABEL=NUMBER",
            help="Tasks with greater numbers go first where there is a choice (default 0); may be repeated.",
        ),
        click.option("--fail-fast", is_flag=True, help="Stop at the first failure."),
        click.option(
            "--raise-on-partial-outputs/--no-raise-on-partial-outputs", "raise_on_partial", default=True,
            show_default=True, help="Whether a quantum with a part of its outputs has failed.",
        ),
        click.option(
            "-n", "--cores-per-quantum", type=click.IntRange(min=1), default=1, show_default=True,
            help="Cores that a task may use.",
        ),
        click.option("--memory-per-quantum", metavar="SIZE", help="Memory that a task may use, such as 3GB; advisory."),
        click.option(
            "--enable-implicit-threading", is_flag=True,
            help="Let numeric libraries use many threads; without effect on workers.",
        ),
        click.option(
            "--pdb", is_flag=False, flag_value="pdb", metavar="[MODULE]",
            help="Start a debugger (pdb) after a failure; in one process, on a terminal.",
        ),
        click.option("--profile", metavar="FILE", help="Write profiler statistics of the execution, in this process."),
        click.option("--debug", is_flag=True, help="Import a module 'debug' before tasks are made."),
        click.option("--json-progress", is_flag=True, help="Tell how it goes as JSON lines on standard output."),
        coverage_options,
    )  # fmt: skip
