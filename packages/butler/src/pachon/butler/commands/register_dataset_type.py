# SPDX-License-Identifier: BSD-3-Clause
"""``butler register-dataset-type``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_commas_callback


@click.command("register-dataset-type")
@options.repo_argument
@click.argument("dataset_type")
@click.argument("storage_class")
@click.argument("dimensions", nargs=-1, callback=split_commas_callback)
@click.option(
    "--is-calibration/--no-is-calibration",
    default=False,
    show_default=True,
    help="Whether datasets can be certified for a time span.",
)
@options_file_option
def register_dataset_type(
    repo: str, dataset_type: str, storage_class: str, dimensions: tuple[str, ...], is_calibration: bool
) -> None:
    """Register a dataset type: its name, storage class and dimensions."""
    from pachon.butler import Butler
    from pachon.datasets import DatasetType

    with Butler.open(repo, writeable=True) as butler:
        made = butler.dataset_types.register(
            DatasetType(
                dataset_type, dimensions, storage_class, is_calibration=is_calibration, universe=butler.universe
            )
        )
    if made:
        click.echo("Dataset type successfully registered.")
    else:
        click.echo("Dataset type already existed in identical form.")
