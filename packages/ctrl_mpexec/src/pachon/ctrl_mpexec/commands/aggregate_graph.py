# SPDX-License-Identifier: BSD-3-Clause
"""``butler aggregate-graph``."""

from __future__ import annotations

from typing import Any

import click

from pachon.base.cli import options, options_file_option


@click.command("aggregate-graph")
@click.argument("predicted", metavar="PREDICTED")
@options.repo_argument
@click.option("-o", "--output", metavar="URI", help="Write the provenance graph (.qg).")
@options.processes_option
@click.option(
    "--incomplete/--complete",
    default=False,
    show_default=True,
    help="Whether jobs may still run: then quanta without metadata or log are left for later, and no provenance is written.",
)
@options.dry_run_option
@click.option(
    "--register-dataset-types/--no-register-dataset-types",
    default=True,
    show_default=True,
    help="Register the dataset types that the repository lacks.",
)
@click.option(
    "--update-output-chain/--no-update-output-chain",
    default=True,
    show_default=True,
    help="Put the output run in front of the output chain.",
)
@click.option(
    "--promise-ingest-graph/--no-promise-ingest-graph",
    default=False,
    show_default=True,
    help="Do not register logs, metadata and configurations, as ingest-graph will.",
)
@click.option("--interactive-status/--no-interactive-status", hidden=True, default=None, help="See --progress.")
@click.option("--log-status-interval", hidden=True, help="See --progress.")
@click.option("--worker-log-dir", hidden=True, help="There are no worker processes.")
@click.option("--worker-log-level", hidden=True, help="There are no worker processes.")
@click.option("--zstd-level", hidden=True, help="Files are deflated.")
@click.option("--zstd-dict-size", hidden=True, help="Files are deflated.")
@click.option("--zstd-dict-n-inputs", hidden=True, help="Files are deflated.")
@click.option("--mock-storage-classes/--no-mock-storage-classes", hidden=True, default=None, help="Mocks need none.")
@options_file_option
def aggregate_graph(predicted: str, repo: str, **chosen: Any) -> None:
    """Register what the jobs of a graph wrote, and write what became of every quantum.

    It may be repeated at any time, also while jobs run, with --incomplete.
    """
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.graph_merging import aggregate_graph as aggregate

    with Butler.open(repo, writeable=not chosen["dry_run"]) as butler:
        result = aggregate(
            butler,
            predicted,
            output=chosen["output"],
            processes=chosen["processes"],
            incomplete=chosen["incomplete"],
            dry_run=chosen["dry_run"],
            register_dataset_types=chosen["register_dataset_types"],
            update_output_chain=chosen["update_output_chain"],
            promise_ingest_graph=chosen["promise_ingest_graph"],
        )
    for line in result.lines():
        click.echo(line)
