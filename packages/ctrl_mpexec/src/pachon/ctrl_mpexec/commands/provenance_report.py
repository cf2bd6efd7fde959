# SPDX-License-Identifier: BSD-3-Clause
"""``butler provenance-report``."""

from __future__ import annotations

from typing import Any

import click

from pachon.base.cli import options
from pachon.base.cli.splitting import split_commas_callback


@click.command("provenance-report")
@click.argument("repo_or_qg", metavar="REPO_OR_QG")
@click.argument("collection", required=False, metavar="[COLLECTION]")
@click.option(
    "--state",
    "states",
    multiple=True,
    callback=split_commas_callback,
    metavar="STATE",
    help="Only quanta of these states: successful, failed, blocked, unknown, aborted, aborted_success.",
)
@click.option(
    "--no-state",
    "no_states",
    multiple=True,
    callback=split_commas_callback,
    metavar="STATE",
    help="No quanta of these states.",
)
@click.option(
    "--caveat",
    "caveats",
    multiple=True,
    callback=split_commas_callback,
    metavar="CODE",
    help="Only quanta with a caveat of these letters, such as N or P.",
)
@click.option("--status-report", metavar="URI", help="Write the quanta, with what became of them, as JSON.")
@click.option(
    "--quantum-table/--no-quantum-table", default=True, show_default=True, help="Print counts by task and state."
)
@click.option(
    "--exception-table/--no-exception-table", default=True, show_default=True, help="Print counts of exceptions."
)
@click.option(
    "--data-id-table-dir", metavar="URI", help="Write tables (.csv) of data IDs by task, state and exception."
)
@options.format_options
def provenance_report(repo_or_qg: str, collection: str | None, format: str, **chosen: Any) -> None:
    """Count what became of the quanta of a run, from its provenance graph.

    REPO_OR_QG is a provenance graph, or a repository with the COLLECTION of the run.
    """
    from pachon.ctrl_mpexec.provenance_tables import load_provenance, report_provenance

    graphs = load_provenance(repo_or_qg, collection)
    report_provenance(graphs, format=format, say=click.echo, **chosen)
