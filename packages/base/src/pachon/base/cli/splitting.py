# SPDX-License-Identifier: BSD-3-Clause
"""Option values that are lists: repeated, comma-separated, or both."""

from collections.abc import Iterable

import click

from pachon.base.errors import InvalidInputError

__all__ = ["split_commas", "split_commas_callback", "split_key_values", "split_key_values_callback"]


def split_commas(values: str | Iterable[str] | None) -> tuple[str, ...]:
    """Split texts at commas outside square brackets; empty items are dropped and blanks round an item too.

    Examples
    --------
    >>> split_commas(["a,b", "c[1,2],"])
    ('a', 'b', 'c[1,2]')
    """
    if values is None:
        return ()
    items: list[str] = []
    for text in [values] if isinstance(values, str) else values:
        depth, start = 0, 0
        for position, sign in enumerate(text):
            if sign == "[":
                depth += 1
            elif sign == "]":
                depth = max(depth - 1, 0)
            elif sign == "," and depth == 0:
                items.append(text[start:position])
                start = position + 1
        items.append(text[start:])
    return tuple(item for item in map(str.strip, items) if item)


def split_key_values(
    values: str | Iterable[str] | None, *, separator: str = "=", commas: bool = True
) -> dict[str, str]:
    """Split ``key=value`` texts, repeated or comma-separated.

    Parameters
    ----------
    values
        The texts.
    separator
        What stands between key and value; a value may hold it again.
    commas
        Whether a text may hold several pairs; no for values that are expressions.

    Raises
    ------
    InvalidInputError
        A pair lacks the separator or the key, or a key is given twice.
    """
    pairs: dict[str, str] = {}
    texts = [values] if isinstance(values, str) else list(values or ())
    for text in split_commas(texts) if commas else texts:
        key, found, value = text.partition(separator)
        key = key.strip()
        if not found or not key:
            raise InvalidInputError(f"{text!r} is not of the form KEY{separator}VALUE.")
        if key in pairs:
            raise InvalidInputError(f"The key {key!r} is given twice: {pairs[key]!r} and {value!r}.")
        pairs[key] = value.strip()
    return pairs


def split_commas_callback(
    ctx: click.Context, param: click.Parameter, value: str | Iterable[str] | None
) -> tuple[str, ...]:
    """Split the values of an option; to be given as its ``callback``."""
    return split_commas(value)


def split_key_values_callback(
    ctx: click.Context, param: click.Parameter, value: str | Iterable[str] | None
) -> dict[str, str]:
    """Split the pairs of an option; to be given as its ``callback``. A bad pair is a usage error."""
    try:
        return split_key_values(value)
    except InvalidInputError as error:
        raise click.BadParameter(str(error), ctx=ctx, param=param) from error
