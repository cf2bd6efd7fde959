# SPDX-License-Identifier: BSD-3-Clause
"""``butler version``."""

import click

from pachon.base.cli import options, print_table


@click.command()
@options.format_options
def version(format: str) -> None:
    """List the installed packages of pachon and their versions."""
    from importlib.metadata import distributions

    found = {
        item.metadata["Name"]: item.version for item in distributions() if item.metadata["Name"].startswith("pachon")
    }
    names = sorted(found)
    print_table({"package": names, "version": [found[name] for name in names]}, format=format)
