# SPDX-License-Identifier: BSD-3-Clause
"""Tables on standard output, for people and for machines."""

import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Literal, TextIO

from pachon.base.errors import InvalidInputError, StorageError

__all__ = ["FORMATS", "print_table"]

FORMATS = ("table", "json", "csv", "ecsv", "arrow")
"""What `print_table` writes; all but the first are stable and for machines."""

RICH_ROWS = 1000
"""Longer tables are written plainly: rich measures every cell, which takes minutes for tens of thousands of rows."""

_GAP = 3
"""Between two columns on a terminal."""

_PLAIN_KINDS = {type(None), bool, int, float, str}
"""What JSON knows as it is."""

Columns = Mapping[str, Sequence[Any]]


def print_table(
    columns: Columns,
    *,
    format: str = "table",
    title: str | None = None,
    kinds: Mapping[str, type] | None = None,
) -> None:
    """Write a table to standard output.

    Parameters
    ----------
    columns
        Column name -> its values, all of one length. Values are shown with `str`; numbers, truth values and None keep
        their kind in JSON and Arrow.
    format
        ``table`` for people (fitted to the terminal if no word has to be broken for it; whole when it goes into a file
        or a pipe), ``json`` (a list of
        objects, one a row), ``csv``, ``ecsv`` (needs astropy) or ``arrow`` (an IPC stream; needs pyarrow).
    title
        A line above the table for people.
    kinds
        What the values of columns are (int, float, bool or str), where they do not say it themselves because all are None.

    Raises
    ------
    InvalidInputError
        There is no such format, the columns differ in length, or the library for the format is not installed.
    """
    if len({len(values) for values in columns.values()}) > 1:
        raise InvalidInputError("The columns of a table must have one length.")
    if format not in FORMATS:
        raise InvalidInputError(f"There is no table format {format!r}; formats are {', '.join(FORMATS)}.")
    if format != "table":
        # For programs only.
        from pachon.base.cli.row_writers import write_rows

        # Only JSON has lists and mappings.
        plain = _plain_columns(columns) if format == "json" else _uniform(columns)
        of_all = {name: _kind(values, (kinds or {}).get(name)) for name, values in plain.items()}
        write_rows([plain], of_all, format=format)
        return
    if sys.stdout is None:
        raise StorageError("Standard output is closed, so nothing can be written to it.")
    if title:
        sys.stdout.write(f"{title}\n")
    _write_table(columns, sys.stdout)


def _write_table(columns: Columns, stream: TextIO) -> None:
    if not columns:
        return
    texts = {name: _texts(values) for name, values in columns.items()}
    rows = len(next(iter(texts.values())))
    if stream.isatty() and rows <= RICH_ROWS:
        _write_rich(texts, columns, stream)
    else:
        _write_plain(texts, columns, stream)


def _write_rich(texts: Mapping[str, Sequence[str]], columns: Columns, stream: TextIO) -> None:
    # rich is wanted only for a terminal.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=stream)
    least = [max(map(len, chain.from_iterable(map(str.split, [name, *texts[name]]))), default=0) for name in columns]
    if sum(least) + _GAP * (len(least) - 1) > console.width:
        # An id or a run in pieces can be neither read nor copied; a terminal breaks lines by itself.
        _write_plain(texts, columns, stream)
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for (name, values), width in zip(columns.items(), least, strict=True):
        justify: Literal["left", "right"] = "right" if _is_numeric(values) else "left"
        table.add_column(Text(name), justify=justify, overflow="fold", min_width=width)
    for row in zip(*texts.values(), strict=True):
        table.add_row(*map(Text, row))
    console.print(table)


def _write_plain(texts: Mapping[str, Sequence[str]], columns: Columns, stream: TextIO) -> None:
    widths = {name: max([len(name), *map(len, values)]) for name, values in texts.items()}
    # One formatting a row, not one a cell.
    cells = (f"%{'' if _is_numeric(columns[name]) else '-'}{width}s" for name, width in widths.items())
    form = "  ".join(cells)
    head = [tuple(texts), tuple("-" * width for width in widths.values())]
    stream.writelines(f"{(form % row).rstrip()}\n" for row in chain(head, zip(*texts.values(), strict=True)))


def _plain(value: Any) -> Any:
    """Give a value that JSON knows."""
    if hasattr(value, "dtype") and hasattr(value, "item"):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    return _text(value)


def _texts(values: Sequence[Any]) -> Sequence[str]:
    kinds = set(map(type, values))
    if kinds <= {str}:
        return values
    return list(map(str, values)) if kinds <= {str, int, float, bool} else [_text(value) for value in values]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return str(value)


def _plain_columns(columns: Columns) -> dict[str, list[Any]]:
    return {
        name: list(values) if set(map(type, values)) <= _PLAIN_KINDS else [_plain(value) for value in values]
        for name, values in columns.items()
    }


def _uniform(columns: Columns) -> dict[str, list[Any]]:
    """Give columns of one plain kind each: all numbers, all truth values, or all text."""
    result: dict[str, list[Any]] = {}
    for name, plain in _plain_columns(columns).items():
        kinds = {type(value) for value in plain if value is not None}
        uniform = len(kinds) < 2 and kinds <= {bool, int, float, str}
        result[name] = plain if uniform else [_text(value) for value in columns[name]]
    return result


def _kind(values: Sequence[Any], said: type | None) -> type:
    return next((type(value) for value in values if value is not None), said or str)


def _is_numeric(values: Sequence[Any]) -> bool:
    if hasattr(values, "dtype"):
        return str(values.dtype.kind) in "iuf"
    kinds = set(map(type, values))
    return bool(kinds) and all(issubclass(kind, (int, float)) and not issubclass(kind, bool) for kind in kinds)
