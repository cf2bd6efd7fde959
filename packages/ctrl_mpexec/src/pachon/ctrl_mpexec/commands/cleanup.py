# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask cleanup``."""

from __future__ import annotations

import click

from pachon.base.cli import confirm_or_stop, options


@click.command("cleanup")
@click.argument("collection", metavar="COLLECTION")
@click.option("-b", "--butler-config", "repo", metavar="REPO", required=True, help="Repository: path, URI or label.")
@options.confirm_option
@options.dry_run_option
def cleanup(collection: str, repo: str, confirm: bool, dry_run: bool) -> None:
    """Remove runs that a chain has lost: collections below its name that are not its members.

    COLLECTION is a chain C. Collections named C/... that are not members of it are removed, runs with their datasets.
    """
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.collection_removal import plan_cleanup

    with Butler.open(repo, writeable=not dry_run) as butler:
        plan = plan_cleanup(butler, collection)
        if plan.is_empty:
            click.echo(f"Nothing to do: {collection!r} has no collections below it that it does not hold.")
            return
        click.echo("\n".join(plan.lines()))
        if dry_run:
            return
        confirm_or_stop(confirm=confirm)
        plan.apply(butler)
    click.echo("Done.")
