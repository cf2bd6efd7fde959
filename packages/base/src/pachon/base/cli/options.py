# SPDX-License-Identifier: BSD-3-Clause
"""Options and arguments that several commands share, as decorators.

Use them without parentheses, or with keywords of `click.option` that differ::

    @click.command()
    @options.repo_argument
    @options.collections_option(help="Collections to be searched.")
    @options.limit_option(default=0)
    def query_things(repo, collections, limit): ...
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

import click

from pachon.base.cli.splitting import split_commas_callback, split_key_values_callback
from pachon.base.cli.table import FORMATS
from pachon.base.cli.told_warnings import plain_warnings
from pachon.base.errors import FormatError
from pachon.base.utf8 import read_local_text

__all__ = [
    "ExpressionOption",
    "collections_option",
    "config_file_option",
    "config_option",
    "confirm_option",
    "dataset_type_option",
    "dry_run_option",
    "explain_option",
    "find_first_option",
    "format_options",
    "instrument_argument",
    "limit_option",
    "order_by_option",
    "processes_option",
    "repo_argument",
    "track_file_attrs_option",
    "transfer_option",
    "where_option",
]

Function = TypeVar("Function", bound=Callable[..., Any])


class Decorator(Protocol):
    """A decorator that can be used with and without keywords."""

    @overload
    def __call__(self, function: Function, /) -> Function: ...
    @overload
    def __call__(self, **changes: Any) -> Callable[[Function], Function]: ...


def _decorator(make: Callable[..., Callable[[Any], Any]], *names: str, **defaults: Any) -> Decorator:
    def decorate(function: Any = None, /, **changes: Any) -> Any:
        if function is not None:
            return make(*names, **defaults)(function)
        return make(*names, **(defaults | changes))

    return decorate


class ExpressionOption(click.Option):
    """An expression that may be given once: of two, click would forget the first, and more would be found, or removed."""

    def add_to_parser(self, parser: Any, ctx: click.Context) -> None:
        super().add_to_parser(parser, ctx)
        # How often an option was given is known to click's parser alone.
        known = parser._long_opt[self.opts[-1]]
        original = known.process

        def process(value: Any, state: Any) -> None:
            if self.name in state.opts:
                raise click.UsageError(f"{self.opts[-1]} is given twice; join the expressions with AND.", ctx)
            original(value, state)

        known.process = process


def _read_where(ctx: click.Context, param: click.Parameter, value: str) -> str:
    # Until the command ends: what its query wonders about is for whoever wrote the expression.
    ctx.with_resource(plain_warnings())
    if not value.startswith("@"):
        return value
    try:
        return read_local_text(value[1:]).strip()
    except OSError as error:
        raise click.BadParameter(f"{value[1:]!r} cannot be read: {error.strerror}", ctx=ctx, param=param) from error
    except FormatError as error:
        raise click.BadParameter(str(error), ctx=ctx, param=param) from error


repo_argument = _decorator(click.argument, "repo", metavar="REPO")
"""Path, URI or configuration file of a repository, or its label in the repository index."""

instrument_argument = _decorator(click.argument, "instrument", metavar="INSTRUMENT")
"""Short or registered name of an instrument, or its class."""

collections_option = _decorator(
    click.option,
    "--collections",
    multiple=True,
    metavar="TEXT",
    callback=split_commas_callback,
    help="Collections, or globs of them; repeat or separate by commas.",
)

dataset_type_option = _decorator(
    click.option,
    "-d",
    "--dataset-type",
    "dataset_types",
    multiple=True,
    metavar="GLOB",
    callback=split_commas_callback,
    help="Dataset types, or globs of them; repeat or separate by commas.",
)

where_option = _decorator(
    click.option,
    "--where",
    cls=ExpressionOption,
    default="",
    metavar="TEXT",
    callback=_read_where,
    help="Expression that data IDs must satisfy, or @FILE that holds it.",
)
"""The text of an expression. While a command with this option runs, warnings for users are one plain line on stderr."""

find_first_option = _decorator(
    click.option,
    "--find-first/--no-find-first",
    default=False,
    show_default=True,
    help="Give only the dataset of the first collection that has one for a data ID.",
)

limit_option = _decorator(
    click.option,
    "--limit",
    type=int,
    default=-20000,
    show_default=True,
    help="Largest number of results: 0 is no limit, a negative number also warns when it is reached.",
)

order_by_option = _decorator(
    click.option,
    "--order-by",
    multiple=True,
    metavar="FIELD",
    callback=split_commas_callback,
    help="Fields to sort by, separated by commas; '-' before one reverses it.",
)

TRANSFER_MODES = ("auto", "link", "symlink", "hardlink", "copy", "move", "relsymlink", "direct")

transfer_option = _decorator(
    click.option,
    "-t",
    "--transfer",
    type=click.Choice(TRANSFER_MODES),
    default="auto",
    show_default=True,
    help="How files get to their place.",
)

track_file_attrs_option = _decorator(
    click.option,
    "--track-file-attrs/--no-track-file-attrs",
    default=True,
    show_default=True,
    help="Record size and checksum of each file.",
)

confirm_option = _decorator(
    click.option,
    "--confirm/--no-confirm",
    default=True,
    show_default=True,
    help="Ask before anything is changed.",
)

dry_run_option = _decorator(
    click.option,
    "--dry-run",
    is_flag=True,
    help="Say what would be done, and do nothing.",
)

explain_option = _decorator(
    click.option,
    "--explain",
    is_flag=True,
    help="Say how the answer was found, and which constraint left nothing.",
)

config_option = _decorator(
    click.option,
    "-c",
    "--config",
    multiple=True,
    metavar="KEY=VALUE",
    callback=split_key_values_callback,
    help="Override of a configuration value; may be repeated.",
)

config_file_option = _decorator(
    click.option,
    "-C",
    "--config-file",
    "config_files",
    multiple=True,
    metavar="PATH",
    callback=split_commas_callback,
    help="File of configuration overrides; may be repeated.",
)

processes_option = _decorator(
    click.option,
    "-j",
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Number of processes.",
)


def format_options(function: Function) -> Function:
    """Add ``--format`` and ``--json``; the command gets ``format``, to be handed to `print_table`."""

    def as_json(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        if value:
            ctx.params["format"] = "json"

    with_json = click.option(
        "--json", is_flag=True, expose_value=False, callback=as_json, help="Same as --format json."
    )(function)
    return click.option(
        "--format",
        "format",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        is_eager=True,
        help="Form of the result on standard output: a table for people, the others for programs.",
    )(with_json)
