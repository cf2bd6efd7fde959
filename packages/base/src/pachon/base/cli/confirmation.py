# SPDX-License-Identifier: BSD-3-Clause
"""Asking before something is deleted."""

import sys

import click

from pachon.base.errors import InvalidInputError

__all__ = ["confirm_or_stop"]


def confirm_or_stop(question: str = "Continue?", *, confirm: bool = True) -> None:
    """Ask, and end the program with exit code 0 if the answer is no.

    Parameters
    ----------
    question
        What is asked; the answer no is the default.
    confirm
        The value of ``--confirm / --no-confirm``: False does not ask.

    Raises
    ------
    InvalidInputError
        Nobody can be asked, because standard input is not a terminal.
    """
    if not confirm:
        return
    if not sys.stdin.isatty():
        raise InvalidInputError("Standard input is not a terminal, so nobody can be asked; say --no-confirm to go on.")
    if not click.confirm(question, default=False, err=True):
        click.echo("Nothing was changed.", err=True)
        click.get_current_context().exit(0)
