# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask report``."""

from __future__ import annotations

from typing import Any

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_commas_callback
from pachon.ctrl_mpexec import cli_options


@click.command("report")
@options.repo_argument
@click.argument("qgraphs", nargs=-1, required=True, metavar="[QGRAPHS]...")
@options.collections_option(help="Where outputs are looked for; by default the runs of the graphs, newest first.")
@options.where_option(help="Expression that outputs must satisfy to count as visible, or @FILE that holds it.")
@click.option("--full-output-filename", metavar="FILE", help="Write the whole report as JSON.")
@click.option("--logs/--no-logs", default=True, show_default=True, help="Read errors from the logs of failed quanta.")
@click.option("--brief", is_flag=True, help="Leave out lists of failed quanta.")
@click.option("--curse-failed-logs", is_flag=True, help="Count visible logs of failed quanta as cursed.")
@click.option("--force-v2", is_flag=True, hidden=True, help="There is one form of the report only.")
@click.option(
    "--read-caveats",
    type=click.Choice(["exhaustive", "lazy", "none"]),
    default="lazy",
    show_default=True,
    help="Look for caveats of all quanta that succeeded, of those that lack an output, or of none.",
)
@click.option(
    "--use-qbb/--no-use-qbb",
    default=True,
    show_default=True,
    help="Also look at files of jobs that are not registered in the repository.",
)
@click.option("--view-graph", is_flag=True, help="Draw the pipeline with bars and counts instead of tables.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="STATES",
    callback=split_commas_callback,
    help="States of quanta for which the exit code is 1: failed, blocked, wonky, unknown, or none.  "
    "[default: failed,blocked,wonky]",
)
@options.processes_option(hidden=True)
@cli_options.table_option
@options.format_options
@options_file_option
def report(repo: str, qgraphs: tuple[str, ...], format: str, **chosen: Any) -> None:
    """Say what became of the quanta and datasets of graphs, given oldest first.

    Unknown quanta left neither metadata nor a log: they did not run, or were interrupted. Blocked ones lacked what a
    failed one should have written. Wonky ones lost what they had: a log, or an earlier success. Caveats qualify
    successes, with their number: * all or + some outputs are missing; N there was nothing to do, D data that cannot be
    processed, P a failure after a part of the outputs, U an upstream failure, A inputs that the task refused.

    Datasets are visible in the collections, shadowed by another one there, predicted only (not written by a quantum
    that succeeded), unsuccessful like their quantum, or cursed: visible though their quantum did not succeed.
    """
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.report_output import failing_states, print_report
    from pachon.ctrl_mpexec.status_facts import make_status_report
    from pachon.ctrl_mpexec.summary_file import write_summary
    from pachon.quantum_butler import QuantumGraph

    failing = failing_states(chosen["fail_on"])
    with Butler.open(repo) as butler:
        graphs = [QuantumGraph.open(uri) for uri in qgraphs]
        found = make_status_report(
            butler,
            graphs,
            collections=chosen["collections"],
            where=chosen["where"],
            read_logs=chosen["logs"],
            read_caveats=chosen["read_caveats"],
            curse_failed_logs=chosen["curse_failed_logs"],
            use_files=chosen["use_qbb"],
        )
    if chosen["full_output_filename"]:
        write_summary(chosen["full_output_filename"], found.to_document())
    print_report(
        found.to_document(),
        format=format,
        table=chosen["table"],
        brief=chosen["brief"] or bool(chosen["full_output_filename"]),
        pipeline=graphs[-1] if chosen["view_graph"] else None,
    )
    if any(found.counts()[state] for state in failing):
        click.get_current_context().exit(1)
