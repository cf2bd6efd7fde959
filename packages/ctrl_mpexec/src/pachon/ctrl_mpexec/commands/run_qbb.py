# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask run-qbb``."""

from __future__ import annotations

import sys
from typing import Any

import click

from pachon.base.cli import options_file_option
from pachon.base.cli.splitting import split_commas_callback
from pachon.ctrl_mpexec import cli_options


@click.command("run-qbb")
@click.argument("repo", metavar="REPO")
@click.argument("qgraph", metavar="QGRAPH")
@click.option(
    "--qgraph-node-id",
    "node_ids",
    multiple=True,
    callback=split_commas_callback,
    metavar="UUID",
    help="Run these quanta only; repeat or separate by commas.",
)
@click.option("--qgraph-id", hidden=True, help="Was for other graph files; ignored.")
@click.option("--config-search-path", multiple=True, hidden=True, help="A graph holds its configuration; ignored.")
@cli_options.execution_options
@click.option("--no-existing-outputs", is_flag=True, help="Assume that no output exists, and check nothing.")
@click.option("--summary", metavar="FILE", help="Write a JSON report.")
@options_file_option
def run_qbb(repo: str, qgraph: str, node_ids: tuple[str, ...], **options: Any) -> None:
    """Run quanta of a graph without any database; outputs are files and a receipt."""
    from pachon.ctrl_mpexec.batch_run import run_batch
    from pachon.ctrl_mpexec.quantum_ids import quantum_id
    from pachon.ctrl_mpexec.run_values import run_options
    from pachon.ctrl_mpexec.session import execution_session, ignore_interrupts
    from pachon.ctrl_mpexec.summary_file import write_summary

    chosen = run_options(options)
    with execution_session(options) as reporter:
        report = run_batch(
            qgraph,
            [quantum_id(text) for text in node_ids] or None,
            chosen,
            no_existing_outputs=options["no_existing_outputs"],
            root=repo,
            reporter=reporter,
        )
    if report.interrupted:
        ignore_interrupts()
    for line in report.lines():
        click.echo(line, err=True)
    if options["summary"]:
        write_summary(options["summary"], report.to_document(sys.argv))
    report.raise_on_failure(go_on="the same command again")
