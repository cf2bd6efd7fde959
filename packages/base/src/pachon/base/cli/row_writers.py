# SPDX-License-Identifier: BSD-3-Clause
"""Many rows on standard output in forms for programs, part by part: the memory is that of one part."""

import csv
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO

from pachon.base.errors import InvalidInputError, StorageError

__all__ = ["write_rows"]

FEW_ROWS = 1000
"""So many rows of JSON are laid out for people."""

Columns = Mapping[str, Sequence[Any]]
Kinds = Mapping[str, type]

_PLAIN = re.compile(r"[\w./:+@=-]+").fullmatch


def write_rows(parts: Iterable[Columns], kinds: Kinds, *, format: str) -> int:
    """Write the rows of several parts as one table to standard output.

    Parameters
    ----------
    parts
        Column name -> its values. A column that a part lacks is unknown in all of its rows.
    kinds
        The names of all columns, in order, and what their values are: int, float, bool or str; None is unknown.
    format
        ``json`` (a list of objects, one a row), ``csv``, ``ecsv`` (needs astropy) or ``arrow`` (an IPC stream; needs pyarrow).

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    InvalidInputError
        The library for the format is not installed.
    StorageError
        What was written cannot be stored.
    """
    write = {"json": _write_json, "csv": _write_csv, "ecsv": _write_ecsv, "arrow": _write_arrow}[format]
    count = 0

    def complete() -> Iterator[list[Sequence[Any]]]:
        nonlocal count
        for part in parts:
            length = len(next(iter(part.values()), ()))
            count += length
            if length:
                yield [part[name] if name in part else [None] * length for name in kinds]

    if sys.stdout is None:
        raise StorageError("Standard output is closed, so nothing can be written to it.")
    try:
        write(complete(), kinds, sys.stdout)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StorageError(f"Standard output cannot be written: {error.strerror or error}.") from error
    return count


def _write_json(parts: Iterator[list[Sequence[Any]]], kinds: Kinds, stream: TextIO) -> None:
    names = list(kinds)
    rows = (dict(zip(names, row, strict=True)) for columns in parts for row in zip(*columns, strict=True))
    first = list(itertools.islice(rows, FEW_ROWS + 1))
    if len(first) <= FEW_ROWS:
        json.dump(first, stream, indent=1)
        stream.write("\n")
        return
    encode = json.JSONEncoder().encode
    start = "[\n"
    for batch in _batches(itertools.chain(first, rows), FEW_ROWS):
        stream.write(start + ",\n".join(map(encode, batch)))
        start = ",\n"
    stream.write("\n]\n")


def _batches(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(rows, size)):
        yield batch


def _write_csv(parts: Iterator[list[Sequence[Any]]], kinds: Kinds, stream: TextIO) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(kinds)
    for columns in parts:
        writer.writerows(zip(*columns, strict=True))


def _write_ecsv(parts: Iterator[list[Sequence[Any]]], kinds: Kinds, stream: TextIO) -> None:
    try:
        from astropy.table import Column, Table  # heavy, and for this format only
    except ImportError as error:
        raise InvalidInputError("The format ecsv needs astropy: pip install 'pachon-base[tables]'.") from error
    # astropy says what the columns are; its own way of writing rows takes a hundred times as long.
    Table([Column([], dtype=kind) for kind in kinds.values()], names=list(kinds)).write(stream, format="ascii.ecsv")
    texts: dict[Any, str] = {None: '""', "": '""'}
    for columns in parts:
        shown = [[_ecsv_text(value, texts) for value in column] for column in columns]
        stream.writelines(f"{' '.join(row)}\n" for row in zip(*shown, strict=True))


def _ecsv_text(value: Any, texts: dict[Any, str]) -> str:
    """Give a value as ECSV holds it; what is unknown is an empty text."""
    if isinstance(value, str):
        known = texts.get(value)
        if known is not None:
            return known
        shown = value if _PLAIN(value) else '"{}"'.format(value.replace('"', '""'))
        if len(texts) < FEW_ROWS:
            texts[value] = shown
        return shown
    return '""' if value is None else str(value)


def _write_arrow(parts: Iterator[list[Sequence[Any]]], kinds: Kinds, stream: TextIO) -> None:
    try:
        import pyarrow  # heavy, and for this format only
        import pyarrow.ipc
    except ImportError as error:
        raise InvalidInputError("The format arrow needs pyarrow: pip install 'pachon-base[tables]'.") from error
    types = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_(), str: pyarrow.string()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in kinds.items()])
    stream.flush()
    with pyarrow.ipc.new_stream(stream.buffer, schema) as writer:
        for columns in parts:
            arrays = [pyarrow.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
