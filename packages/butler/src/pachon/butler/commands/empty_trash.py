# SPDX-License-Identifier: BSD-3-Clause
"""``butler empty-trash``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("empty-trash")
@options.repo_argument
@options.dry_run_option
@click.option("-v", "--verbose", is_flag=True, help="Print each file.")
@options_file_option
def empty_trash(repo: str, dry_run: bool, verbose: bool) -> None:
    """Remove the files of deleted datasets that are still there."""
    from pachon.butler import Butler

    with Butler.open(repo, writeable=not dry_run) as butler:
        removed = butler.empty_trash(dry_run=dry_run)
    for uri in removed if verbose else ():
        click.echo(str(uri))
    click.echo(f"{'Would remove' if dry_run else 'Removed'} {counted(len(removed), 'file')}.")
