# SPDX-License-Identifier: BSD-3-Clause
"""``butler register-instrument``."""

import click

from pachon.base.cli import options, options_file_option


@click.command("register-instrument")
@options.repo_argument
@click.argument("instruments", metavar="INSTRUMENT...", nargs=-1, required=True)
@click.option("--update", is_flag=True, help="Replace records that differ from the instrument's definition.")
@options_file_option
def register_instrument(*, repo: str, instruments: tuple[str, ...], update: bool) -> None:
    """Register instruments with their detectors and filters.

    INSTRUMENT is a registered name, a short name, or the dotted path of a class. Registering again changes nothing.
    """
    from pachon.butler import Butler
    from pachon.obs_base.instrument_lookup import find_instrument

    with Butler.open(repo, writeable=True) as butler:
        for name in instruments:
            instrument = find_instrument(name, butler=butler)
            changed = instrument.register(butler, update=update)
            click.echo(f"{'Registered' if changed else 'Already registered'}: {instrument.name}.")
