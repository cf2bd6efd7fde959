# SPDX-License-Identifier: BSD-3-Clause
"""``butler query-dimension-records``."""

import click

from pachon.base.cli import options, options_file_option, print_table
from pachon.base.cli.splitting import split_commas_callback
from pachon.butler.commands._showing import say_no_results, say_unused_collections, write_parts


@click.command("query-dimension-records")
@options.repo_argument
@click.argument("element")
@click.option(
    "--datasets",
    multiple=True,
    metavar="GLOB",
    callback=split_commas_callback,
    help="Give only records for which datasets of these types exist.",
)
@options.collections_option(help="Collections of --datasets; globs are allowed.")
@options.where_option
@options.order_by_option
@options.limit_option
@click.option("--offset", type=int, default=None, hidden=True)
@click.option("--no-check", is_flag=True, hidden=True, help="Has no effect.")
@options.explain_option
@options.format_options
@options_file_option
def query_dimension_records(
    repo: str,
    element: str,
    datasets: tuple[str, ...],
    collections: tuple[str, ...],
    where: str,
    order_by: tuple[str, ...],
    limit: int,
    offset: int | None,
    no_check: bool,
    explain: bool,
    format: str,
) -> None:
    """List the records of a dimension or of another element."""
    if offset is not None:
        raise click.UsageError("--offset is not supported.")
    say_unused_collections(collections, datasets)
    from pachon.butler import Butler
    from pachon.butler.listings import list_records, record_kinds, record_list_columns

    with Butler.open(repo) as butler:
        streamed = format != "table" and not limit
        result = list_records(
            butler,
            element,
            datasets=datasets,
            collections=collections,
            where=where,
            # What is written as it is fetched is sorted by the database.
            order_by=order_by or (butler.universe[element].required if streamed else ()),
            limit=limit or None,
        )
        if streamed:
            parts = (record_list_columns(rows, ordered=True) for rows in result.batches())
            write_parts(parts, record_kinds(butler.universe[element]), result, format, explain=explain)
            return
        columns = record_list_columns(result.table, ordered=bool(order_by))
        kinds = record_kinds(result.table.element)
        explanation = result.explain() if explain or not len(result) else None
    if explain:
        click.echo(str(explanation), err=True)
    reason = "\n".join(explanation.reasons) if explanation is not None else ""
    if not say_no_results(columns, format, reason):
        print_table(columns, format=format, kinds=kinds)
