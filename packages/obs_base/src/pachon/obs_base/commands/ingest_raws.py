# SPDX-License-Identifier: BSD-3-Clause
"""``butler ingest-raws``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("ingest-raws")
@options.repo_argument
@click.argument("locations", metavar="LOCATIONS...", nargs=-1, required=True)
@click.option(
    "--regex", default=r"\.fit[s]?\b", show_default=True, help="What to search for in the names of files in folders."
)
@options.config_option
@options.config_file_option
@click.option("--output-run", metavar="RUN", help="RUN of the frames; default is <instrument>/raw/all.")
@options.transfer_option(default=None, show_default="auto")
@options.processes_option(help="Number of files that are read at the same time, by threads.")
@options.track_file_attrs_option
@click.option("--fail-fast/--no-fail-fast", default=None, help="Stop at the first problem; default is to go on.")
@click.option(
    "--update-records/--no-update-records",
    default=False,
    show_default=True,
    help="Replace exposure records that differ from the headers.",
)
@click.option(
    "--skip-existing/--no-skip-existing",
    default=True,
    show_default=True,
    help="Pass over frames that are there already.",
)
@click.option(
    "--search-indexes/--no-search-indexes",
    default=True,
    show_default=True,
    help="Take headers from an _index.json in a folder, if there is one.",
)
@options_file_option
def ingest_raws(
    *,
    repo: str,
    locations: tuple[str, ...],
    regex: str,
    config: dict[str, str],
    config_files: tuple[str, ...],
    output_run: str | None,
    transfer: str | None,
    processes: int,
    track_file_attrs: bool,
    fail_fast: bool | None,
    update_records: bool,
    skip_existing: bool,
    search_indexes: bool,
) -> None:
    """Ingest raw frames from files and folders.

    Files that cannot be ingested are named with the reason; all others are ingested, and the exit code is then 1.
    """
    from pachon.butler import Butler
    from pachon.obs_base.raw.config import read_ingest_config
    from pachon.obs_base.raw.ingest import RawIngestOptions
    from pachon.obs_base.raw.ingest import ingest_raws as ingest

    settings = read_ingest_config(config, config_files)
    chosen = RawIngestOptions(
        output_run=output_run,
        pattern=regex,
        transfer=transfer or settings.transfer,
        threads=processes,
        fail_fast=settings.failFast if fail_fast is None else fail_fast,
        update_records=update_records,
        skip_existing=skip_existing,
        search_indexes=search_indexes,
        checksum=track_file_attrs,
    )
    with Butler.open(repo, writeable=True) as butler:
        report = ingest(butler, locations, chosen)
    exposures = len({ref.data_id["exposure"] for ref in report.refs})
    click.echo(
        f"Ingested {counted(len(report.refs), 'raw frame')} of {counted(exposures, 'exposure')} from {counted(report.total, 'file')}"
        f"{f'; {report.skipped} were there already' if report.skipped else ''}"
        f"{f'; exposure records that were updated: {report.updated}' if report.updated else ''}."
    )
    report.check()
