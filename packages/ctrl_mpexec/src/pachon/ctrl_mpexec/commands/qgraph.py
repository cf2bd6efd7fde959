# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask qgraph``."""

from __future__ import annotations

from typing import Any

import click

from pachon.base.cli import options_file_option
from pachon.base.counting import counted
from pachon.ctrl_mpexec import cli_options


@click.command("qgraph")
@cli_options.pipeline_options
@cli_options.show_option
@cli_options.butler_option
@cli_options.collection_options
@cli_options.graph_options
@cli_options.coverage_options
@options_file_option
def qgraph(**options: Any) -> None:
    """Build a quantum graph, and show or write it."""
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.command_values import requested_graph
    from pachon.ctrl_mpexec.coverage_measurement import measured_coverage
    from pachon.ctrl_mpexec.explaining import nothing_to_do
    from pachon.ctrl_mpexec.requests import write_graph
    from pachon.ctrl_mpexec.summary_file import write_summary

    with measured_coverage(options):
        with Butler.open(options["repo"]) as butler:
            graph, _ = requested_graph(options, butler, click.echo)
            if graph is None:
                click.echo("Nothing but the pipeline was to be shown; no graph was built.", err=True)
                return
        write_graph(graph, options)
    if not len(graph):
        click.echo(nothing_to_do(graph), err=True)
    if options["summary"]:
        write_summary(options["summary"], {"qgraphSummary": graph.summary()})
    total = ", ".join(f"{label} {count}" for label, count in graph.task_counts().items())
    click.echo(f"{counted(len(graph), 'quantum', 'quanta')} for run {graph.header.output_run}: {total}", err=True)
