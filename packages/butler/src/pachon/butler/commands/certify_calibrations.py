# SPDX-License-Identifier: BSD-3-Clause
"""``butler certify-calibrations``."""

import click

from pachon.base.cli import options, options_file_option, plain_warnings
from pachon.base.counting import counted


@click.command("certify-calibrations")
@options.repo_argument
@click.argument("input_collection", metavar="INPUT")
@click.argument("output_collection", metavar="OUTPUT")
@click.argument("dataset_type")
@click.option("--begin-date", metavar="DATE", help="Begin of validity, ISO, TAI; default is no beginning.")
@click.option("--end-date", metavar="DATE", help="End of validity, exclusive; default is no end.")
@click.option(
    "--search-all-inputs", is_flag=True, help="Of an INPUT that is a chain search all children, not the first one only."
)
@options_file_option
def certify_calibrations(
    repo: str,
    input_collection: str,
    output_collection: str,
    dataset_type: str,
    begin_date: str | None,
    end_date: str | None,
    search_all_inputs: bool,
) -> None:
    """Certify the calibrations of a collection for a span of time."""
    from pachon.butler import Butler
    from pachon.butler.certification import certify_collection
    from pachon.dimensions import Timespan

    with plain_warnings(), Butler.open(repo, writeable=True) as butler:
        certified = certify_collection(
            butler,
            input_collection,
            output_collection,
            dataset_type,
            Timespan(begin_date, end_date),
            search_all_inputs=search_all_inputs,
        )
    click.echo(f"Certified {counted(certified, 'dataset')} of type {dataset_type} in {output_collection}.")
