# SPDX-License-Identifier: BSD-3-Clause
"""Options of a command from a YAML file (``-@``)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from pachon.base.errors import FormatError, PachonError
from pachon.base.plain_yaml import load_plain_yaml
from pachon.base.plugins import load_plugin
from pachon.base.suggest import closest
from pachon.base.utf8 import read_local_text

__all__ = ["options_file_option", "read_option_values"]

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

READERS = "pachon.text_readers"
"""Entry-point group of the reader of URIs; ``pachon-resources`` brings the one named ``uri``."""


def options_file_option(function: Decorated) -> Decorated:
    """Add ``-@ / --options-file`` to a command.

    The file is YAML: command names, and below each the long names of its options without the dashes (or the names of its
    arguments). Its values are defaults, which the command line overrides; an unknown name is a usage error.
    """
    return click.option(
        "-@",
        "--options-file",
        metavar="URI",
        expose_value=False,
        is_eager=True,
        callback=_set_defaults,
        help="YAML file of option values, below the name of this command. The command line overrides them.",
    )(function)


def _set_defaults(ctx: click.Context, param: click.Parameter, uri: str | None) -> None:
    if uri is None:
        return
    try:
        values = read_option_values(_read(uri), ctx.command, ctx.info_name or "", uri)
    except OSError as error:
        reason = f"{uri!r} cannot be read: {error.strerror}" if error.strerror else str(error)
        raise click.BadParameter(reason, ctx=ctx, param=param) from error
    except PachonError as error:
        raise click.BadParameter(str(error), ctx=ctx, param=param) from error
    ctx.default_map = {**(ctx.default_map or {}), **values}


def _read(uri: str) -> str:
    if "://" not in uri:
        return read_local_text(uri)
    reader = load_plugin(READERS, "uri")
    assert callable(reader)
    return str(reader(uri))


def read_option_values(text: str, command: click.Command, name: str, source: str) -> dict[str, Any]:
    """Give the values that an options file holds for a command, by parameter name.

    Parameters
    ----------
    text
        The YAML document.
    command, name
        The command, and the name by which it was called.
    source
        Where the text came from, for messages.

    Raises
    ------
    click.UsageError
        The document is not YAML, is no mapping, or names an option that the command does not have.
    """
    try:
        document = load_plain_yaml(text, source)
    except FormatError as error:
        raise click.UsageError(f"The options file {error}") from error
    if not isinstance(document, Mapping):
        raise click.UsageError(f"The options file {source} must be a mapping of command names.")
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, Mapping):
        raise click.UsageError(f"The options file {source} must hold a mapping below {name!r}.")
    parameters = _names(command)
    values: dict[str, Any] = {}
    for key, value in section.items():
        parameter = parameters.get(str(key).replace("_", "-"))
        if parameter is None or parameter.name is None:
            hint = closest(str(key), parameters)
            raise click.UsageError(f"The options file {source} gives {name!r} an unknown option {key!r}.{hint}")
        values[parameter.name] = _shape(parameter, value)
    return values


def _names(command: click.Command) -> dict[str, click.Parameter]:
    names: dict[str, click.Parameter] = {}
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            names |= {text.lstrip("-"): parameter for text in parameter.opts if text.startswith("--")}
        if parameter.name is not None:
            names.setdefault(parameter.name.replace("_", "-"), parameter)
    return names


def _shape(parameter: click.Parameter, value: Any) -> Any:
    """Make a list of a single value, and ``K=V`` texts of a mapping, where the parameter takes several."""
    several = parameter.nargs == -1 or (isinstance(parameter, click.Option) and parameter.multiple)
    if isinstance(value, Mapping):
        value = [f"{key}={item}" for key, item in value.items()]
    if several and not isinstance(value, (list, tuple)):
        return [value]
    return value
