# SPDX-License-Identifier: BSD-3-Clause
"""``butler query-dataset-types``."""

import click

from pachon.base.cli import options, options_file_option, plain_warnings, print_table
from pachon.base.cli.splitting import split_commas_callback
from pachon.butler.commands._showing import say_no_results


@click.command("query-dataset-types")
@options.repo_argument
@click.argument("globs", nargs=-1, metavar="[GLOB]...", callback=split_commas_callback)
@click.option(
    "-v",
    "--verbose",
    is_flag=True,
    help="Show dimensions and storage class too; for programs also whether a type is one of calibrations.",
)
@options.collections_option(help="Show only types of which these collections have held datasets.")
@options.explain_option
@options.format_options
@options_file_option
def query_dataset_types(
    repo: str, globs: tuple[str, ...], verbose: bool, collections: tuple[str, ...], explain: bool, format: str
) -> None:
    """List the dataset types of a repository."""
    from pachon.butler import Butler
    from pachon.butler.listing_explanation import explain_dataset_types

    with plain_warnings(), Butler.open(repo) as butler:
        found = butler.dataset_types.query(globs or "*", collections=collections or None)
        said = explain_dataset_types(butler, globs or ("*",), collections=collections) if explain or not found else []
    columns: dict[str, list[object]] = {"name": [item.name for item in found]}
    if verbose:
        columns["dimensions"] = [list(item.dimensions) for item in found]
        columns["storage class"] = [item.storage_class for item in found]
        if format != "table":
            # The table for people has LSST's columns.
            columns["is_calibration"] = [item.is_calibration for item in found]
    if explain:
        click.echo("\n".join(said), err=True)
    if not say_no_results(columns, format, "" if explain else f"No results. {' '.join(said)}"):
        print_table(columns, format=format)
