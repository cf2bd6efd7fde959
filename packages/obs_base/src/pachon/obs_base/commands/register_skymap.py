# SPDX-License-Identifier: BSD-3-Clause
"""``butler register-skymap``."""

import click

from pachon.base.cli import options, options_file_option
from pachon.base.counting import counted


@click.command("register-skymap")
@options.repo_argument
@options.config_option
@options.config_file_option
@options_file_option
def register_skymap(*, repo: str, config: dict[str, str], config_files: tuple[str, ...]) -> None:
    """Register a sky map with its tracts and patches.

    For example: -c name=my_map -c skyMap=rings -c skyMap.numRings=120. Registering the same again changes nothing.
    """
    from pachon.butler import Butler
    from pachon.obs_base.skymap.register import register_sky_map
    from pachon.obs_base.skymap.settings_config import read_sky_map_config

    name, sky_map = read_sky_map_config(config, config_files)
    with Butler.open(repo, writeable=True) as butler:
        added = register_sky_map(butler, name, sky_map)
    click.echo(
        f"{'Registered' if added else 'Already registered'}: sky map {name}, {sky_map.kind}, "
        f"{counted(len(sky_map), 'tract')}."
    )
