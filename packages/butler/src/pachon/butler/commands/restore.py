# SPDX-License-Identifier: BSD-3-Clause
"""``butler restore``."""

import click

from pachon.base.cli import confirm_or_stop, options, options_file_option


@click.command("restore")
@options.repo_argument
@click.argument("backup")
@click.option(
    "--moved", is_flag=True, help="The repository was elsewhere when the backup was made, or this is its copy."
)
@options.confirm_option
@options_file_option
def restore(repo: str, backup: str, moved: bool, confirm: bool) -> None:
    """Put a backup of the database back; what it replaces is kept.

    End everything that uses the repository first.
    """
    from pathlib import Path

    from pachon.base.hidden_secrets import hide_secrets
    from pachon.butler import Backup, restore_repository
    from pachon.butler.repository_location import locate_repository

    found = Backup.read(Path(backup))
    found.check_place(locate_repository(repo, must_exist=False), moved=moved)
    click.echo(f"The database of {repo} will be as that of {hide_secrets(found.root)} was at {found.made}.")
    confirm_or_stop(confirm=confirm)
    done = restore_repository(repo, backup, moved=moved)
    if done.replaced is not None:
        click.echo(f"The database that was there is kept as {done.replaced}.")
    click.echo(f"Restored. Now run 'butler fsck {repo}': it finds the files that are later than the database.")
