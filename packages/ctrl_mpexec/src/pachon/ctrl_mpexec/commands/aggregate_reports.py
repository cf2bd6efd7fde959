# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask aggregate-reports``."""

from __future__ import annotations

import click

from pachon.base.cli import options
from pachon.ctrl_mpexec import cli_options


@click.command("aggregate-reports")
@click.argument("files", nargs=-1, required=True, metavar="[FILES]...")
@click.option("--full-output-filename", metavar="FILE", help="Write the whole report as JSON.")
@click.option("--brief", is_flag=True, help="Leave out lists of failed quanta.")
@cli_options.table_option
@options.format_options
def aggregate_reports(
    files: tuple[str, ...], full_output_filename: str | None, brief: bool, table: str | None, format: str
) -> None:
    """Add reports of graphs with the same tasks over data that do not overlap.

    FILES are what 'pipetask report --full-output-filename' wrote.
    """
    from pachon.ctrl_mpexec.report_output import print_report, read_report
    from pachon.ctrl_mpexec.status_report import aggregate_reports as add
    from pachon.ctrl_mpexec.summary_file import write_summary

    total = add([read_report(file) for file in files])
    if full_output_filename:
        write_summary(full_output_filename, total)
    print_report(total, format=format, table=table, brief=brief or bool(full_output_filename))
    tasks = total["tasks"].values()
    if any(task.get(f"n_{state}", 0) for task in tasks for state in ("failed", "blocked", "wonky")):
        click.get_current_context().exit(1)
