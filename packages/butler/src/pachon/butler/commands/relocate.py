# SPDX-License-Identifier: BSD-3-Clause
"""``butler relocate``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("relocate")
@options.repo_argument
@click.option("--from", "from_", metavar="FOLDER", help="Where the folder was that has moved.")
@click.option("--to", metavar="FOLDER", help="Where that folder is now; default is that of the repository.")
@options.dry_run_option
@options_file_option
def relocate(repo: str, from_: str | None, to: str | None, dry_run: bool) -> None:
    """After a repository was moved: put its new place where it names the old one.

    Move the folder by any means, then run this on the new one. A repository with the usual configuration names no place, and
    only files that were ingested where they lie (direct) do.
    """
    from pachon.butler import relocate_repository

    done = relocate_repository(repo, from_=from_, to=to, dry_run=dry_run)
    would = "Would change" if dry_run else "Changed"
    for key, old, new in done.settings:
        click.echo(f"{would} {key}: {old} -> {new}")
    if from_ is not None:
        # Settings that name the old place stand in the way of a look at the rows.
        unknown = not done.settings and not done.rows
        rows = f"{done.rows} row{'' if done.rows == 1 else 's'} of files"
        click.echo(f"Nothing in this repository names {from_}." if unknown else f"{would} {rows}.")
    if done.elsewhere:
        hint = "" if from_ is not None else " If their folder has moved too, say --from and --to."
        where = " and ".join(done.elsewhere_below)
        click.echo(
            f"{counted(done.elsewhere, 'row names', 'rows name')} files outside of the repository ({where}), and none of these is changed.{hint}"
        )
    elif from_ is None:
        click.echo("Nothing in this repository names a place: it can be used where it is.")
