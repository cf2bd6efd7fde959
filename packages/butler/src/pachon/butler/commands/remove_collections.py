# SPDX-License-Identifier: BSD-3-Clause
"""``butler remove-collections``."""

import click

from pachon.base.cli import confirm_or_stop, options, options_file_option, print_table
from pachon.base.counting import counted


@click.command("remove-collections")
@options.repo_argument
@click.argument("collection")
@options.confirm_option
@click.option("--remove-from-parents", is_flag=True, help="Take the collections out of chains first.")
@options.dry_run_option
@options_file_option
def remove_collections(repo: str, collection: str, confirm: bool, remove_from_parents: bool, dry_run: bool) -> None:
    """Remove collections that are no RUN, by name or glob; datasets stay."""
    from pachon.butler import Butler
    from pachon.butler.removal_listing import list_collections_to_remove

    with Butler.open(repo, writeable=not dry_run) as butler:
        found = list_collections_to_remove(butler, collection, remove_from_parents=remove_from_parents)
        for title, columns in found.tables(dry_run=dry_run):
            click.echo(title)
            print_table(columns)
            click.echo()
        if not found.names or dry_run:
            return
        confirm_or_stop(confirm=confirm)
        found.apply(butler)
    click.echo(f"Removed {counted(len(found.names), 'collection')}.")
