# SPDX-License-Identifier: BSD-3-Clause
"""``butler define-visits``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("define-visits")
@options.repo_argument
@options.instrument_argument
@options.config_file_option
@options.collections_option(help="Accepted: the camera is that of the instrument.")
@options.where_option(help="Expression that exposures must satisfy, or @FILE that holds it.")
@click.option("--update-records", is_flag=True, help="Replace visits that differ.")
@click.option("--incremental", is_flag=True, help="Let further exposures join visits that exist.")
@click.option("--skip-conflicting", is_flag=True, help="Leave visits that differ as they are.")
@click.option("--prefilter", is_flag=True, help="Leave out exposures that are in a visit already.")
@click.option("--check-detector-regions", is_flag=True, help="Add missing regions of detectors to visits that exist.")
@options_file_option
def define_visits(
    *,
    repo: str,
    instrument: str,
    config_files: tuple[str, ...],
    collections: tuple[str, ...],
    where: str,
    update_records: bool,
    incremental: bool,
    skip_conflicting: bool,
    prefilter: bool,
    check_detector_regions: bool,
) -> None:
    """Define visits from exposures that see the sky.

    Doing it again changes nothing.
    """
    from pachon.butler import Butler
    from pachon.obs_base.instrument_lookup import find_instrument
    from pachon.obs_base.visits.config import read_visits_config, region_of_config
    from pachon.obs_base.visits.define import VisitOptions
    from pachon.obs_base.visits.define import define_visits as define

    with Butler.open(repo, writeable=True) as butler:
        found = find_instrument(instrument, butler=butler)
        config = read_visits_config(found, config_files)
        report = define(
            butler,
            found,
            VisitOptions(
                where=where,
                group_exposures=str(config.groupExposures.name),
                region=region_of_config(config),
                ignore_non_science=config.ignoreNonScienceExposures,
                update_records=update_records,
                incremental=incremental,
                skip_conflicting=skip_conflicting,
                prefilter=prefilter,
                check_detector_regions=check_detector_regions,
            ),
        )
    click.echo(
        f"Visits: {report.new} new, {report.unchanged} unchanged, {report.updated} updated, {report.skipped} left "
        f"as they are; {counted(report.ignored_exposures, 'exposure does', 'exposures do')} not see the sky."
    )
