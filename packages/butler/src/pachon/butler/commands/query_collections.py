# SPDX-License-Identifier: BSD-3-Clause
"""``butler query-collections``."""

import click

from pachon.base.cli import options, options_file_option, plain_warnings, print_table
from pachon.base.cli.splitting import split_commas_callback
from pachon.butler.commands._showing import say_no_results

FORMS = ("table", "inverse-table", "tree", "inverse-tree", "flatten", "no-children")
TYPES = ("run", "tagged", "chained", "calibration")


@click.command("query-collections")
@options.repo_argument
@click.argument("globs", nargs=-1, metavar="[GLOB]...", callback=split_commas_callback)
@click.option(
    "--collection-type",
    "types",
    multiple=True,
    metavar="|".join(TYPES),
    callback=split_commas_callback,
    help="Show collections of these types only.",
)
@click.option(
    "--chains",
    type=click.Choice(FORMS, case_sensitive=False),
    default="tree",
    show_default=True,
    help="How chains and their children are shown.",
)
@click.option("-t", "--show-dataset-types", is_flag=True, help="Show which dataset types each has held.")
@click.option(
    "--exclude-dataset-types",
    multiple=True,
    default=("*_config,*_log,*_metadata,packages",),
    show_default=True,
    metavar="GLOB",
    callback=split_commas_callback,
    help="Dataset types left out by --show-dataset-types.",
)
@options.explain_option
@options.format_options
@options_file_option
def query_collections(
    repo: str,
    globs: tuple[str, ...],
    types: tuple[str, ...],
    chains: str,
    show_dataset_types: bool,
    exclude_dataset_types: tuple[str, ...],
    explain: bool,
    format: str,
) -> None:
    """List the collections of a repository."""
    from pachon.butler import Butler
    from pachon.butler.collection_listing import ChainForm, fetch_collection_list
    from pachon.butler.listing_explanation import explain_collections
    from pachon.datasets import CollectionType

    wanted = {CollectionType.parse(name) for name in types} or None
    with plain_warnings(), Butler.open(repo) as butler:
        columns = fetch_collection_list(
            butler.collections,
            globs or ("*",),
            types=wanted,
            form=ChainForm(chains),
            show_dataset_types=show_dataset_types,
            exclude_dataset_types=exclude_dataset_types,
            indented=format == "table",
        )
        said: list[str] = []
        if explain or not columns["Name"]:
            said = explain_collections(butler, globs or ("*",), types=wanted, flatten=chains == "flatten")
    if explain:
        click.echo("\n".join(said), err=True)
    if not say_no_results(columns, format, "" if explain else f"No results. {' '.join(said)}"):
        print_table(columns, format=format)
