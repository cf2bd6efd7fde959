# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask purge``."""

from __future__ import annotations

import click

from pachon.base.cli import confirm_or_stop, options


@click.command("purge")
@click.argument("collection", metavar="COLLECTION")
@click.option("-b", "--butler-config", "repo", metavar="REPO", required=True, help="Repository: path, URI or label.")
@options.confirm_option
@options.dry_run_option
@click.option("--recursive", is_flag=True, help="Go into chains among the members too.")
def purge(collection: str, repo: str, confirm: bool, dry_run: bool, recursive: bool) -> None:
    """Remove a chain with the runs that belong to it.

    COLLECTION is a chain C that no other chain holds. It is removed with those of its members whose names begin with C/;
    other members, its inputs, stay.
    """
    from pachon.butler import Butler
    from pachon.ctrl_mpexec.collection_removal import plan_purge

    with Butler.open(repo, writeable=not dry_run) as butler:
        plan = plan_purge(butler, collection, recursive=recursive)
        click.echo("\n".join(plan.lines()))
        if dry_run:
            return
        confirm_or_stop(confirm=confirm)
        plan.apply(butler)
    click.echo("Done.")
