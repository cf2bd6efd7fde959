# SPDX-License-Identifier: BSD-3-Clause
"""``butler query-calibrations``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_commas_callback
from pachon.butler.commands._showing import show_lists


@click.command("query-calibrations")
@options.repo_argument
@click.argument("globs", nargs=-1, metavar="[GLOB]...", callback=split_commas_callback)
@options.collections_option(help="CALIBRATION collections, or chains that hold some; globs are allowed. Default: all.")
@options.where_option(
    help="Expression that data IDs must satisfy, or @FILE that holds it; one that names an exposure or a visit gives "
    "what is valid at its time."
)
@click.option("--gaps/--no-gaps", default=False, show_default=True, help="Show the gaps between ranges, too.")
@options.limit_option(help="Largest number of ranges of a dataset type: 0 is no limit, a negative number also warns.")
@options.explain_option
@options.format_options
@options_file_option
def query_calibrations(
    repo: str,
    globs: tuple[str, ...],
    collections: tuple[str, ...],
    where: str,
    gaps: bool,
    limit: int,
    explain: bool,
    format: str,
) -> None:
    """List when calibrations are valid, and when none is."""
    from pachon.butler import Butler
    from pachon.butler.calibration_listing import list_calibrations

    with Butler.open(repo) as butler:
        found = list_calibrations(butler, globs, collections=collections, where=where, gaps=gaps, limit=limit or None)
        said = list(found.explain() if explain else found.explain_empty())
    show_lists(found, said, format)
