# SPDX-License-Identifier: BSD-3-Clause
"""``butler write-curated-calibrations``."""

import click

from pachon.base.cli import options, options_file_option


@click.command("write-curated-calibrations")
@options.repo_argument
@options.instrument_argument
@click.argument("more_labels", metavar="[LABEL...]", nargs=-1)
@click.option("--collection", metavar="NAME", help="CALIBRATION collection; default is <instrument>/calib/<labels>.")
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Part of the collections' names; repeatable.")
@click.option("--prefix", metavar="TEXT", help="What names begin with instead of the instrument's prefix.")
@options_file_option
def write_curated_calibrations(
    *,
    repo: str,
    instrument: str,
    more_labels: tuple[str, ...],
    collection: str | None,
    labels: tuple[str, ...],
    prefix: str | None,
) -> None:
    """Write the camera and the curated calibrations of an instrument, and certify them."""
    from pachon.butler import Butler
    from pachon.obs_base.curated.write import write_curated_calibrations as write
    from pachon.obs_base.instrument_lookup import find_instrument

    with Butler.open(repo, writeable=True) as butler:
        report = write(
            butler,
            find_instrument(instrument, butler=butler),
            labels=(*more_labels, *labels) or None,
            collection=collection,
            prefix=prefix,
        )
    said = ", ".join(f"{count} {name}" for name, count in report.counts.items())
    known = f" {report.known} of them were there already." if report.known else ""
    click.echo(f"Certified in {report.collection}: {said}.{known}")
