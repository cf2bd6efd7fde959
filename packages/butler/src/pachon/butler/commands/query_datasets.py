# SPDX-License-Identifier: BSD-3-Clause
"""``butler query-datasets``."""

from typing import Any

import click

from pachon.base.cli import options, options_file_option
from pachon.base.cli.splitting import split_commas_callback
from pachon.butler.commands._showing import show_lists, write_stream


@click.command("query-datasets")
@options.repo_argument
@click.argument("globs", nargs=-1, metavar="[GLOB]...", callback=split_commas_callback)
@options.collections_option
@options.where_option
@options.find_first_option
@options.limit_option
@options.order_by_option
@click.option("--show-uri", is_flag=True, help="Show where the file of each dataset is.")
@options.explain_option
@options.format_options
@options_file_option
def query_datasets(
    repo: str,
    globs: tuple[str, ...],
    collections: tuple[str, ...],
    where: str,
    find_first: bool,
    limit: int,
    order_by: tuple[str, ...],
    show_uri: bool,
    explain: bool,
    format: str,
) -> None:
    """List the datasets of a repository, a table for each dataset type."""
    from pachon.base import InvalidInputError
    from pachon.butler import Butler
    from pachon.butler.listings import list_datasets, stream_datasets

    if find_first and not collections:
        raise InvalidInputError("--find-first needs --collections, in the order in which they are searched.")
    asked: dict[str, Any] = {
        "collections": collections or ("*",),
        "where": where,
        "find_first": find_first,
        "order_by": order_by,
        "show_uri": show_uri,
    }
    with Butler.open(repo) as butler:
        if format != "table" and not limit:
            # Perhaps millions, which a program takes as they come.
            write_stream(stream_datasets(butler, globs or ("*",), **asked), format, explain=explain)
            return
        found = list_datasets(butler, globs or ("*",), limit=limit or None, **asked)
        said = list(found.explain() if explain else found.explain_empty())
    show_lists(found, said, format)
