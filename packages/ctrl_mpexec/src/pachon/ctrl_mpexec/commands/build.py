# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask build``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

import click

from pachon.base.cli import options_file_option
from pachon.ctrl_mpexec import cli_options


@click.command("build")
@cli_options.pipeline_options
@cli_options.show_option
@click.option("-b", "--butler-config", "repo", metavar="REPO", help="Resolve the pipeline against this repository.")
@click.option("--allow-missing", is_flag=True, help="Tasks and instruments that cannot be imported are no error.")
@click.option(
    "--task-table", metavar="FILE", help="Descriptions (YAML or JSON) of task classes, which are then not imported."
)
@click.option("--check/--no-check", default=True, help="Import the tasks and check the graph.  [default: check]")
@options_file_option
def build(**options: Any) -> None:
    """Check, show, draw and write a pipeline."""
    from contextlib import nullcontext

    from pachon.ctrl_mpexec.command_values import pipeline_request
    from pachon.ctrl_mpexec.requests import make_pipeline, show_unchecked, unknown_input_lines
    from pachon.ctrl_mpexec.show import GRAPH_ITEMS

    request = pipeline_request(options)
    if not request.is_given:
        raise click.UsageError("There is nothing to build: give a pipeline (-p FILE) or a task (-t CLASS).")
    if not request.check:
        show_unchecked(request, click.echo)
        return
    with nullcontext() if options["repo"] is None else _open(options["repo"]) as butler:
        _, graph = make_pipeline(request, butler, click.echo)
    if butler is not None:
        for line in unknown_input_lines(graph):
            click.echo(f"Warning: {line}", err=True)
    later = [item for item in request.shows if item in GRAPH_ITEMS]
    if later:
        click.echo(f"Not shown, as there are no quanta here: {', '.join(later)}; 'pipetask qgraph' has them.", err=True)


def _open(repo: str) -> AbstractContextManager[Any]:
    from pachon.butler import Butler

    return Butler.open(repo)
