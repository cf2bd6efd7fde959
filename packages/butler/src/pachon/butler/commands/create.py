# SPDX-License-Identifier: BSD-3-Clause
"""``butler create``."""

import click

from pachon.base.cli import options, options_file_option


@click.command()
@options.repo_argument
@click.option("--seed-config", metavar="URI", help="YAML file of settings, in LSST's form.")
@click.option(
    "--dimension-config", metavar="URI", help="YAML file of the dimension universe; default is the usual one."
)
@click.option(
    "--database", metavar="URL", help="SQLAlchemy URL of the database; default is SQLite inside the repository."
)
@click.option("--standalone", is_flag=True, help="Write all settings, so that later defaults do not change them.")
@click.option("--group-writable", is_flag=True, help="Let the group of the folder write too, whatever the umask.")
@click.option("--override", is_flag=True, help="Let the seed say where the root of the files is.")
@click.option("-f", "--outfile", metavar="URI", help="Write the configuration here instead of into the repository.")
@options_file_option
def create(
    repo: str,
    seed_config: str | None,
    dimension_config: str | None,
    database: str | None,
    standalone: bool,
    group_writable: bool,
    override: bool,
    outfile: str | None,
) -> None:
    """Make an empty data repository."""
    from pachon.butler.repository_creation import create_from_seed

    location = create_from_seed(
        repo,
        seed=seed_config,
        override=override,
        universe=dimension_config,
        database=database,
        group_writable=group_writable,
        standalone=standalone,
        outfile=outfile,
    )
    click.echo(f"Created a repository at {location.folder.ospath if location.folder.is_local else location.folder}")
    if outfile is not None:
        click.echo(f"Its configuration is {outfile}: name that instead of the folder.")
