# SPDX-License-Identifier: BSD-3-Clause
"""``butler backup``."""

import click

from pachon.base.cli import options, options_file_option


@click.command("backup")
@options.repo_argument
@click.argument("destination")
@options_file_option
def backup(repo: str, destination: str) -> None:
    """Copy the database, as it is now, into a new folder, while writers go on.

    The files of datasets never change; copy them by any means, but after this: files of datasets that were stored between a copy of
    the files and that of the database would be missing. 'butler restore' brings the database back.
    """
    from pachon.butler.backup import backup_unopened

    made = backup_unopened(repo, destination)
    click.echo(f"Copied the database of {made.root}, as of {made.made}, to {destination} ({made.size} bytes).")
