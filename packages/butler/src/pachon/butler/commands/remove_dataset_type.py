# SPDX-License-Identifier: BSD-3-Clause
"""``butler remove-dataset-type``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_commas_callback


@click.command("remove-dataset-type")
@options.repo_argument
@click.argument("names", nargs=-1, required=True, metavar="NAME...", callback=split_commas_callback)
@options_file_option
def remove_dataset_type(repo: str, names: tuple[str, ...]) -> None:
    """Remove dataset types, by name or glob, of which there are no datasets."""
    from pachon.base import closest
    from pachon.butler import Butler

    with Butler.open(repo, writeable=True) as butler:
        removed = butler.dataset_types.remove(names)
        known = [] if removed else [item.name for item in butler.dataset_types.query()]
    if removed:
        click.echo(f"Removed {', '.join(removed)}.")
    else:
        meant = "".join(closest(name, known) for name in names)
        click.echo(f"No dataset type matched; nothing was removed.{meant}")
