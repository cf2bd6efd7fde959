# SPDX-License-Identifier: BSD-3-Clause
"""Errors in the words of whoever typed a command.

A library speaks of its arguments: ``moved=True``, ``skip_existing_in``. Whoever typed a command knows ``--moved`` and
``--skip-existing-in``, and the command is where both meet.
"""

import re
from collections.abc import Iterator

import click

__all__ = ["with_option_names"]

_ARGUMENT = re.compile(
    r"""
    (?<![\w.]) (?P<name>[a-z][a-z_]*) = (?P<value>True|False|None|'[^']*'|"[^"]*"|\.\.\.) (?!\w|\ in\ Python)
    | (?<!\w) (?: '[^']*' | "[^"]*" ) (?!\w)                                  # somebody's value, which stays as it is,
    | \w \( [^()]* \) | \{ [^{}]* \}                                         # as do objects as Python shows them, and data IDs
    | (?<![\w./=-]) (?P<word>[a-z]+(?:_[a-z]*)+) (?! [\w(=/-] | \.\w )
    """,
    re.VERBOSE,
)


def with_option_names(text: str, command: click.Command) -> str:
    """Replace the arguments of functions that a sentence names by the options of a command that mean them.

    These are an argument with its value (``moved=True``, ``transfer='copy'``, ``to=...``) and a word that only a program would
    spell so (``skip_existing_in``), of the name of a parameter of the command or of a long option. What stands in quotes or
    braces, what the command has no option for, and what is said to be Python's or to be the option already stays.
    """
    options = dict(_options(command))

    def replace(found: re.Match[str]) -> str:
        option = options.get(found["name"] or found["word"] or "")
        shown = None if option is None else _shown(option, found["value"])
        # What names both already needs no help.
        return found[0] if shown is None or shown in text else shown

    return _ARGUMENT.sub(replace, text)


def _options(command: click.Command) -> Iterator[tuple[str, click.Option]]:
    for option in command.params:
        if isinstance(option, click.Option) and _long(option.opts) is not None:
            for name in option.opts:
                yield name.lstrip("-").replace("-", "_"), option
            yield option.name, option


def _shown(option: click.Option, value: str | None) -> str | None:
    """Give an option as it is typed for a value; None if it cannot be."""
    name = _long(option.opts)
    if value is None or value == "...":
        return name
    if not option.is_flag:
        return None if value in ("True", "False", "None") else f"{name} {value[1:-1]}"
    if value == ("True" if option.is_bool_flag else repr(option.flag_value)):
        return name
    return _long(option.secondary_opts) if value == "False" else None


def _long(names: list[str]) -> str | None:
    return next((name for name in names if name.startswith("--")), None)
