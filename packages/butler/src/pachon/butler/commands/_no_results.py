# SPDX-License-Identifier: BSD-3-Clause
"""What a listing says when there is nothing to list."""

from collections.abc import Mapping, Sequence

import click

__all__ = ["say_no_results"]


def say_no_results(columns: Mapping[str, Sequence[object]], format: str, reason: str = "") -> bool:
    """Say that nothing was found, to people only; true if that was the case."""
    if any(len(values) for values in columns.values()):
        return False
    click.echo(reason or "No results. Try --help for more information.", err=True)
    return format == "table"
