# SPDX-License-Identifier: BSD-3-Clause
"""How query commands show what they found, and what they say when there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from pachon.base.cli import print_table

if TYPE_CHECKING:
    from pachon.butler.listings import QueryLists

__all__ = ["say_no_results", "show_lists"]


def say_no_results(columns: Mapping[str, Sequence[object]], format: str, reason: str = "") -> bool:
    """Say that nothing was found, to people only; true if that was the case."""
    if any(len(values) for values in columns.values()):
        return False
    click.echo(reason or "No results. Try --help for more information.", err=True)
    return format == "table"


def show_lists(found: QueryLists, said: Sequence[str], format: str) -> None:
    """Show the tables of a query, and beside them what is said to people: warnings, and how or why not it was answered."""
    from pachon.butler.listings import join_lists

    for line in (*(f"Warning: {warning}" for warning in found.warnings), *said):
        click.echo(line, err=True)
    if format != "table":
        print_table(join_lists(found.tables), format=format)
        return
    for columns in found.tables:
        click.echo()
        print_table(columns)
    if not found.tables and not said:
        say_no_results({}, format)
