# SPDX-License-Identifier: BSD-3-Clause
"""``butler restore``."""

import click

from pachon.base.cli import confirm_or_stop, options, options_file_option


@click.command("restore")
@options.repo_argument
@click.argument("backup")
@options.confirm_option
@options_file_option
def restore(repo: str, backup: str, confirm: bool) -> None:
    """Put a backup of the database back; what it replaces is kept.

    End everything that uses the repository first.
    """
    from pathlib import Path

    from pachon.butler import Backup, restore_repository

    found = Backup.read(Path(backup))
    click.echo(f"The database of {repo} will be as it was at {found.made}.")
    confirm_or_stop(confirm=confirm)
    done = restore_repository(repo, backup)
    if done.replaced is not None:
        click.echo(f"The database that was there is kept as {done.replaced}.")
    click.echo(f"Restored. Now run 'butler fsck {repo}': it finds the files that are later than the database.")
