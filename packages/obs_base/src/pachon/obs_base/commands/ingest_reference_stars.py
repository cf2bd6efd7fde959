# SPDX-License-Identifier: BSD-3-Clause
"""``butler ingest-reference-stars``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("ingest-reference-stars")
@options.repo_argument
@click.argument("table")
@click.argument("label")
@click.option("--dataset-type", default="standard_stars", show_default=True, help="Name of the dataset type.")
@options_file_option
def ingest_reference_stars(*, repo: str, table: str, label: str, dataset_type: str) -> None:
    """Store a table of reference stars, a dataset for each pixel of the sky.

    TABLE is anything that astropy reads as a table with columns ra and dec (degrees, or text in hours and degrees). The
    stars go into the RUN refcats/LABEL.
    """
    from pachon.butler import Butler
    from pachon.obs_base.reference_stars import ingest_reference_stars as ingest
    from pachon.obs_base.reference_stars import read_star_table

    stars = read_star_table(table)
    with Butler.open(repo, writeable=True) as butler:
        run, datasets = ingest(butler, stars, label=label, dataset_type=dataset_type)
    click.echo(
        f"Stored {counted(len(stars), 'star')} as {counted(datasets, 'dataset')} of type {dataset_type} in {run}."
    )
