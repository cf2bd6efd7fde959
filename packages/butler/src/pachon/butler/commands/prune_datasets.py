# SPDX-License-Identifier: BSD-3-Clause
"""``butler prune-datasets``."""

import click

from pachon.base.cli import confirm_or_stop, options, options_file_option, print_table
from pachon.base.cli.splitting import split_commas_callback


@click.command("prune-datasets")
@options.repo_argument
@click.argument("collections", nargs=-1, metavar="[COLLECTIONS]...", callback=split_commas_callback)
@click.option(
    "--datasets",
    multiple=True,
    default=("*",),
    metavar="GLOB",
    callback=split_commas_callback,
    help="Dataset types; default is all.",
)
@click.option(
    "--find-all", is_flag=True, help="Take the datasets of all collections, not the first found for a data ID."
)
@options.where_option
@click.option(
    "--disassociate",
    "tags",
    multiple=True,
    metavar="TAG",
    callback=split_commas_callback,
    help="TAGGED collections from which the datasets are taken out.",
)
@click.option("--purge", "purge_run", metavar="RUN", help="Remove the datasets wholly; they must lie in this RUN.")
@click.option("--all-runs", is_flag=True, help="With --purge: also remove datasets that lie in other runs.")
@click.option("--unstore", is_flag=True, help="Remove the files, and keep the datasets known.")
@options.dry_run_option
@options.confirm_option
@click.option("--quiet", is_flag=True, help="Say nothing and ask nothing.")
@options_file_option
def prune_datasets(
    repo: str,
    collections: tuple[str, ...],
    datasets: tuple[str, ...],
    find_all: bool,
    where: str,
    tags: tuple[str, ...],
    purge_run: str | None,
    all_runs: bool,
    unstore: bool,
    dry_run: bool,
    confirm: bool,
    quiet: bool,
) -> None:
    """Remove datasets, their files, or their membership in collections."""
    from pachon.butler import Butler
    from pachon.butler.prune_plan import PruneRequest, fetch_prune_plan
    from pachon.registry.collection_names import is_glob

    request = PruneRequest(
        collections=collections,
        dataset_types=datasets,
        find_all=find_all,
        where=where,
        disassociate=tags,
        purge_run=purge_run,
        all_runs=all_runs,
        unstore=unstore,
        dry_run=dry_run,
        quiet=quiet,
    )
    request.check()
    with Butler.open(repo, writeable=not dry_run) as butler:
        plan = fetch_prune_plan(butler, request)
        if not plan.refs:
            for name in datasets:
                if not is_glob(name):
                    butler.dataset_types.get(name)  # a name that is wrong is told, with the nearest one
            if not quiet:
                click.echo(" ".join(filter(None, ("Did not find any datasets to remove.", plan.remark))))
            return
        if not quiet:
            click.echo(plan.announcement)
            for columns in plan.tables:
                click.echo()
                print_table(columns)
            if plan.remark:
                click.echo(f"\n{plan.remark}")
        if dry_run:
            return
        confirm_or_stop(confirm=confirm and not quiet)
        plan.apply(butler)
    if not quiet:
        click.echo(plan.conclusion)
