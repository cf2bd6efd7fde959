# SPDX-License-Identifier: BSD-3-Clause
"""How query commands show what they found, and what they say when there is nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pachon.base.cli import print_table
from pachon.base.cli.row_writers import write_rows

if TYPE_CHECKING:
    from pachon.butler.listings import DatasetStream, QueryLists
    from pachon.butler.query_results import QueryResult

__all__ = ["say_no_results", "say_unused_collections", "show_lists", "write_parts", "write_stream"]


def say_unused_collections(collections: Sequence[str], datasets: Sequence[str]) -> None:
    """Warn of collections that restrict nothing, because no datasets are looked for in them."""
    if collections and not datasets:
        click.echo("Warning: --collections has no effect without --datasets.", err=True)


def say_no_results(columns: Mapping[str, Sequence[object]], format: str, reason: str = "") -> bool:
    """Say that nothing was found, to people only; true if that was the case."""
    if any(len(values) for values in columns.values()):
        return False
    click.echo(reason or "No results. Try --help for more information.", err=True)
    return format == "table"


def show_lists(found: QueryLists, said: Sequence[str], format: str) -> None:
    """Show the tables of a query, and beside them what is said to people: warnings, and how or why not it was answered."""
    for line in (*(f"Warning: {warning}" for warning in found.warnings), *said):
        click.echo(line, err=True)
    if format != "table":
        write_rows(found.tables, found.kinds, format=format)
        return
    for columns in found.tables:
        click.echo()
        print_table(columns)
    if not found.tables and not said:
        say_no_results({}, format)


def write_parts(
    parts: Iterable[Mapping[str, Sequence[object]]],
    kinds: Mapping[str, type],
    result: QueryResult[Any, Any],
    format: str,
    *,
    explain: bool,
) -> None:
    """Write all rows of a result for a program as they are fetched; why there are none is said to people."""
    count = write_rows(parts, kinds, format=format)
    if explain:
        click.echo(str(result.explain()), err=True)
    elif not count:
        click.echo("\n".join(result.explain().reasons) or "No results. Try --help for more information.", err=True)


def write_stream(found: DatasetStream, format: str, *, explain: bool) -> None:
    """Write all datasets for a program as they are fetched; why there are none is said to people."""
    for warning in found.warnings:
        click.echo(f"Warning: {warning}", err=True)
    count = write_rows(found.tables, found.kinds, format=format)
    for result in found.results if explain or not count else ():
        explanation = result.explain()
        for line in [f"{result!r}\n{explanation}"] if explain else explanation.reasons:
            click.echo(line, err=True)
