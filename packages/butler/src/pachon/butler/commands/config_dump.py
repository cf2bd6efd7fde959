# SPDX-License-Identifier: BSD-3-Clause
"""``butler config-dump``."""

from typing import IO

import click

from pachon.base.cli import options, options_file_option


@click.command("config-dump")
@options.repo_argument
@click.option(
    "-s", "--subset", metavar="KEY", help="Only this part; the first character separates names, as in .datastore.root."
)
@click.option("-p", "--searchpath", multiple=True, hidden=True, help="Has no effect.")
@click.option("--file", "outfile", type=click.File("w"), default="-", help="File to write to; default is the output.")
@click.option("--origin", is_flag=True, help="Say where each value came from.")
@options_file_option
def config_dump(repo: str, subset: str | None, searchpath: tuple[str, ...], outfile: IO[str], origin: bool) -> None:
    """Print the configuration of a repository, defaults included."""
    from pachon.butler.config_text import describe_configuration

    click.echo(describe_configuration(repo, subset=subset, origin=origin), file=outfile, nl=False)
