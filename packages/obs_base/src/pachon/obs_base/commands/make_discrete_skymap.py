# SPDX-License-Identifier: BSD-3-Clause
"""``butler make-discrete-skymap``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("make-discrete-skymap")
@options.repo_argument
@options.instrument_argument
@options.collections_option(help="Collections of the images, with --dataset-type.")
@click.option(
    "-d", "--dataset-type", metavar="NAME", help="Images whose outlines are held; without it, the regions of visits."
)
@options.where_option(help="Expression that visits or images must satisfy, or @FILE that holds it.")
@click.option("--each-field", is_flag=True, help="Make a tract for each group of observations that touch.")
@click.option("--skymap-id", default="discrete", show_default=True, help="Name of the sky map.")
@click.option("--out-collection", default="skymaps", show_default=True, help="RUN that keeps it.")
@options.config_option
@options.config_file_option
@options_file_option
def make_discrete_skymap(
    *,
    repo: str,
    instrument: str,
    collections: tuple[str, ...],
    dataset_type: str | None,
    where: str,
    each_field: bool,
    skymap_id: str,
    out_collection: str,
    config: dict[str, str],
    config_files: tuple[str, ...],
) -> None:
    """Make a sky map that holds what an instrument observed."""
    from pachon.butler import Butler
    from pachon.obs_base.instrument_lookup import find_instrument
    from pachon.obs_base.skymap.make_discrete import make_discrete_sky_map, read_discrete_config

    settings = read_discrete_config(config, config_files)
    if dataset_type is not None and not collections:
        raise click.UsageError("--dataset-type needs --collections.")
    with Butler.open(repo, writeable=True) as butler:
        sky_map, is_new = make_discrete_sky_map(
            butler,
            find_instrument(instrument, butler=butler),
            settings,
            name=skymap_id,
            run=out_collection,
            collections=collections,
            dataset_type=dataset_type,
            where=where,
            each_field=each_field,
        )
    click.echo(
        f"{'Registered' if is_new else 'Already registered'}: sky map {skymap_id} with {counted(len(sky_map), 'tract')}."
    )
    for tract in sky_map:
        nx, ny = tract.patch_shape
        click.echo(f"  tract {tract.id}: {nx} x {ny} patches at ({tract.center[0]:.5f}, {tract.center[1]:.5f})")
