# SPDX-License-Identifier: BSD-3-Clause
"""``butler associate``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command()
@options.repo_argument
@click.argument("collection")
@options.dataset_type_option
@options.collections_option
@options.where_option
@options.find_first_option
@options.limit_option(default=0)
@options_file_option
def associate(
    repo: str,
    collection: str,
    dataset_types: tuple[str, ...],
    collections: tuple[str, ...],
    where: str,
    find_first: bool,
    limit: int,
) -> None:
    """Put datasets into a TAGGED collection, which is made if it does not exist."""
    if not (dataset_types or collections or where):
        raise click.UsageError("Say which datasets: -d, --collections or --where; -d '*' takes all.")
    from pachon.butler import Butler
    from pachon.butler.listings import select_datasets
    from pachon.datasets import CollectionType

    with Butler.open(repo, writeable=True) as butler:
        refs = select_datasets(
            butler, dataset_types, collections=collections, where=where, find_first=find_first, limit=limit or None
        )
        with butler.collections.together():
            butler.collections.register(collection, CollectionType.TAGGED)
            butler.collections.associate(collection, refs)
    click.echo(f"Associated {counted(len(refs), 'dataset')} with {collection}.")
