# SPDX-License-Identifier: BSD-3-Clause
"""``butler ingest-graph``."""

from __future__ import annotations

import click

from pachon.base.cli import options


@click.command("ingest-graph")
@options.repo_argument
@click.argument("provenance", metavar="[PROVENANCE_GRAPH]", required=False)
@options.transfer_option(default="move")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=10_000,
    show_default=True,
    help="Datasets whose rows change together.",
)
@click.option("--output-run", metavar="RUN", help="The run, if no file is named.")
def ingest_graph(repo: str, provenance: str | None, transfer: str, batch_size: int, output_run: str | None) -> None:
    """Store a provenance graph, and let the logs, metadata and configurations of its run live inside of it.

    PROVENANCE_GRAPH is what aggregate-graph wrote. The small files are removed once all can be read from the graph. It may
    be repeated at any time, after it was cut off.
    """
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.graph_merging import ingest_graph as ingest

    with Butler.open(repo, writeable=True) as butler:
        ref, count = ingest(butler, provenance, output_run=output_run, transfer=transfer, batch_size=batch_size)
    click.echo(f"{ref.run}: run_provenance holds {count} logs, metadata and configurations more.")
