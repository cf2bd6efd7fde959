# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask run``."""

from __future__ import annotations

import sys
from typing import Any

import click

from pachon.base.cli import options_file_option
from pachon.ctrl_mpexec import cli_options


@click.command("run")
@cli_options.pipeline_options
@cli_options.show_option
@cli_options.butler_option
@cli_options.collection_options
@cli_options.graph_options
@cli_options.execution_options
@click.option(
    "--graph-fixup", metavar="NAME", help="Class or function whose object makes quanta wait for others of its choice."
)
@click.option("--skip-init-writes", is_flag=True, help="Write no configurations, versions or init-outputs.")
@click.option("--init-only", is_flag=True, help="Write these, and run nothing.")
@click.option("--register-dataset-types", is_flag=True, help="Register the dataset types of the graph.")
@click.option("--no-versions", is_flag=True, help="Keep no versions of packages.")
@options_file_option
def run(**options: Any) -> None:
    """Build a quantum graph and run it.

    Exit codes: 0 all is done, also if there was nothing to do; 1 something failed; 2 wrong usage; 20 with --fail-fast, a
    failure that another try would repeat; 21 a task says that the whole run is wrong; 130 interrupted, 143 ended by SIGTERM.

    Ctrl-C or SIGTERM once: what runs comes to its end, and nothing more is started; twice: stop now. `--extend-run` goes on
    with what is missing.
    """
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.command_values import collection_values, requested_graph
    from pachon.ctrl_mpexec.explaining import nothing_to_do
    from pachon.ctrl_mpexec.graph_checks import check_configs_of_done_tasks
    from pachon.ctrl_mpexec.requests import run_pipeline, write_graph
    from pachon.ctrl_mpexec.run_report import RunReport
    from pachon.ctrl_mpexec.run_values import run_options
    from pachon.ctrl_mpexec.session import execution_session, ignore_interrupts
    from pachon.ctrl_mpexec.summary_file import write_summary

    chosen = run_options(options)
    with execution_session(options) as reporter, Butler.open(options["repo"], writeable=True) as butler:
        graph, plan = requested_graph(options, butler, click.echo)
        if graph is None or options["shows"]:
            click.echo("Something was to be shown; nothing was run.", err=True)
            return
        write_graph(graph, options)
        if not len(graph):
            if not chosen.skip_init_writes:
                check_configs_of_done_tasks(butler, graph)
            click.echo(nothing_to_do(graph), err=True)
            if options["summary"]:
                write_summary(
                    options["summary"], RunReport(outcomes=(), graph_summary=graph.summary()).to_document(sys.argv)
                )
            return
        report = run_pipeline(
            butler,
            graph,
            plan,
            collection_values(options),
            chosen,
            graph_uri=options["qgraph"] or options["save_qgraph"],
            reporter=reporter,
            init_only=options["init_only"],
            register_dataset_types=options["register_dataset_types"],
        )
    if report.interrupted:
        ignore_interrupts()
    for line in report.lines():
        click.echo(line, err=True)
    if options["summary"]:
        write_summary(options["summary"], report.to_document(sys.argv))
    click.echo(f"Outputs are in run {graph.header.output_run} ({report.seconds:.1f} s).", err=True)
    report.raise_on_failure()
