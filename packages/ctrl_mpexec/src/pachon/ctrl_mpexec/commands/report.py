# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask report``."""

from __future__ import annotations

import click

from pachon.base.cli import options


@click.command("report")
@options.repo_argument
@click.argument("qgraphs", nargs=-1, required=True, metavar="[QGRAPHS]...")
@options.collections_option(help="Where outputs are looked for; by default the runs of the graphs, newest first.")
@click.option("--full-output-filename", metavar="FILE", help="Write the whole report as JSON.")
@click.option("--logs/--no-logs", default=True, show_default=True, help="Read errors from the logs of failed quanta.")
@click.option("--brief", is_flag=True, help="Leave out lists of failed quanta.")
@options.format_options
def report(
    repo: str,
    qgraphs: tuple[str, ...],
    collections: tuple[str, ...],
    full_output_filename: str | None,
    logs: bool,
    brief: bool,
    format: str,
) -> None:
    """Say what became of the quanta and datasets of graphs, given oldest first.

    Unknown quanta left neither metadata nor a log: they did not run, or were interrupted. Blocked ones lacked what a
    failed one should have written. Wonky ones lost what they had: a log, or an earlier success. Caveats qualify
    successes, with their number: * all or + some outputs are missing; N there was nothing to do, D data that cannot be
    processed, P a failure after a part of the outputs, U an upstream failure, A inputs that the task refused.

    Datasets are visible in the collections, shadowed by another one there, predicted only (not written by a quantum
    that succeeded), unsuccessful like their quantum, or cursed: visible though their quantum did not succeed.
    """
    import json

    from pachon.base.cli import print_table
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.status_report import OverallStatus, make_status_report
    from pachon.ctrl_mpexec.summary_file import write_summary
    from pachon.quantum_butler import QuantumGraph

    with Butler.open(repo) as butler:
        graphs = [QuantumGraph.open(uri) for uri in qgraphs]
        found = make_status_report(butler, graphs, collections=collections, read_logs=logs)
    if full_output_filename:
        write_summary(full_output_filename, found.to_document())
    if format == "json":
        click.echo(json.dumps(found.to_document(), indent=2, default=str))
    else:
        print_table(found.task_table(), format=format)
        click.echo()
        print_table(found.dataset_table(), format=format)
    if not brief and not full_output_filename and format != "json":
        for label, summary in found.tasks.items():
            for entry in summary.with_status(OverallStatus.FAILED):
                click.echo(f"{label} {entry.data_id}: {'; '.join(entry.messages) or 'failed'}")
    counts = found.counts()
    if counts[OverallStatus.FAILED] or counts[OverallStatus.BLOCKED] or counts[OverallStatus.WONKY]:
        click.get_current_context().exit(1)
