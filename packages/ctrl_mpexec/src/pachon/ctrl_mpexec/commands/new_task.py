# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask new-task``."""

from __future__ import annotations

import click


@click.command("new-task")
@click.argument("name")
@click.option(
    "-d", "--directory", metavar="FOLDER", default=".", help="Where to write; made if needed.  [default: this folder]"
)
def new_task(name: str, directory: str) -> None:
    """Write the skeleton of a task, with a test that passes.

    NAME is made of words: mark_bright, or MarkBright.
    """
    from pachon.ctrl_mpexec.new_task import write_new_task

    paths = write_new_task(name, directory)
    for path in paths:
        click.echo(path)
    change = "" if directory == "." else f"cd {directory} && "
    click.echo(f"Try it: {change}pytest {paths[1].name}", err=True)
