# SPDX-License-Identifier: BSD-3-Clause
"""``butler query-data-ids``."""

import itertools

import click

from pachon.base.cli import options, options_file_option, print_table
from pachon.base.cli.splitting import split_commas_callback
from pachon.butler.commands._showing import say_no_results, say_unused_collections, write_parts


@click.command("query-data-ids")
@options.repo_argument
@click.argument("dimensions", nargs=-1, metavar="[DIMENSIONS]...", callback=split_commas_callback)
@options.collections_option(help="Collections of --datasets; globs are allowed.")
@click.option(
    "--datasets",
    multiple=True,
    metavar="GLOB",
    callback=split_commas_callback,
    help="Give only data IDs for which datasets of these types exist.",
)
@options.where_option
@options.order_by_option
@options.limit_option
@click.option("--offset", type=int, default=None, hidden=True)
@options.explain_option
@options.format_options
@options_file_option
def query_data_ids(
    repo: str,
    dimensions: tuple[str, ...],
    collections: tuple[str, ...],
    datasets: tuple[str, ...],
    where: str,
    order_by: tuple[str, ...],
    limit: int,
    offset: int | None,
    explain: bool,
    format: str,
) -> None:
    """List the data IDs of some dimensions."""
    if offset is not None:
        raise click.UsageError("--offset is not supported.")
    say_unused_collections(collections, datasets)
    from pachon.butler import Butler
    from pachon.butler.listings import key_kinds, list_data_ids, plain_keys

    with Butler.open(repo) as butler:
        result = list_data_ids(
            butler,
            dimensions,
            datasets=datasets,
            collections=collections,
            where=where,
            order_by=order_by,
            limit=limit or None,
        )
        if format != "table" and not limit:
            # Perhaps millions, which a program takes as they come.
            batches = result.batches()
            first = next(batches, None)
            group = (result.table if first is None else first).group
            parts = (plain_keys(rows) for rows in itertools.chain([] if first is None else [first], batches))
            write_parts(parts, key_kinds(group), result, format, explain=explain)
            return
        kinds = key_kinds(result.table.group)
        columns = plain_keys(result.table)
        explanation = result.explain() if explain or not len(result) else None
    if explain:
        click.echo(str(explanation), err=True)
    reason = "\n".join(explanation.reasons) if explanation is not None else ""
    if not say_no_results(columns, format, reason):
        print_table(columns, format=format, kinds=kinds)
