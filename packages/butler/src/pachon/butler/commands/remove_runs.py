# SPDX-License-Identifier: BSD-3-Clause
"""``butler remove-runs``."""

import click

from pachon.base.cli import confirm_or_stop, options, options_file_option, print_table


@click.command("remove-runs")
@options.repo_argument
@click.argument("collection")
@options.confirm_option
@click.option("--force", is_flag=True, help="With --no-confirm: also remove runs that are in chains.")
@options.dry_run_option
@options_file_option
def remove_runs(repo: str, collection: str, confirm: bool, force: bool, dry_run: bool) -> None:
    """Remove RUN collections, by name or glob, with their datasets and files."""
    from pachon.base import InvalidInputError
    from pachon.butler import Butler
    from pachon.butler.removal_listing import list_collections_to_remove, list_runs

    with Butler.open(repo, writeable=not dry_run) as butler:
        runs = list_runs(butler, collection)
        if not runs.names:
            click.echo(f"No RUN collection matches {collection!r}.")
            if others := list_collections_to_remove(butler, collection, remove_from_parents=False).infos:
                kinds = ", ".join(f"{info.name} ({info.type.name})" for info in others)
                click.echo(f"'butler remove-collections' removes those that are no RUN: {kinds}.")
            return
        click.echo("The following RUN collections will be removed:" if not dry_run else "These would be removed:")
        for columns in runs.tables():
            click.echo()
            print_table(columns)
        if dry_run:
            return
        if runs.chained and not confirm and not force:
            raise InvalidInputError(
                f"Chains hold {', '.join(runs.chained)}; with --force they are changed, and the runs removed."
            )
        confirm_or_stop(confirm=confirm)
        butler.remove_runs(runs.names, unlink_from_chains=True)
    click.echo("Removed the RUN collections, their datasets and files.")
