# SPDX-License-Identifier: BSD-3-Clause
"""``butler retrieve-artifacts``."""

import click

from pachon.base.cli import options, options_file_option


@click.command("retrieve-artifacts")
@options.repo_argument
@click.argument("destination")
@options.dataset_type_option
@options.collections_option
@options.where_option
@options.find_first_option
@options.limit_option(default=0)
@options.order_by_option
@options.transfer_option(default="copy")
@click.option("-v", "--verbose", is_flag=True, help="Print where each file was put.")
@click.option(
    "--preserve-path/--no-preserve-path",
    default=True,
    show_default=True,
    help="Keep the folders of the repository below the destination.",
)
@click.option(
    "--clobber/--no-clobber", "overwrite", default=False, show_default=True, help="Replace files that are there."
)
@click.option(
    "--skip-unstored",
    is_flag=True,
    help="Leave out datasets that are not stored; without it nothing is copied if there are any.",
)
@options_file_option
def retrieve_artifacts(
    repo: str,
    destination: str,
    dataset_types: tuple[str, ...],
    collections: tuple[str, ...],
    where: str,
    find_first: bool,
    limit: int,
    order_by: tuple[str, ...],
    transfer: str,
    verbose: bool,
    preserve_path: bool,
    overwrite: bool,
    skip_unstored: bool,
) -> None:
    """Copy the files of datasets out of the repository."""
    from pachon.butler import Butler
    from pachon.butler.listings import select_datasets

    with Butler.open(repo) as butler:
        refs = select_datasets(
            butler,
            dataset_types,
            collections=collections,
            where=where,
            find_first=find_first,
            limit=limit or None,
            order_by=order_by,
        )
        files = butler.retrieve(
            refs,
            destination,
            transfer=transfer,
            preserve_path=preserve_path,
            overwrite=overwrite,
            skip_unstored=skip_unstored,
        )
    for file in files if verbose else ():
        click.echo(str(file))
    click.echo(f"Number of artifacts retrieved into destination {destination}: {len(files)}")
