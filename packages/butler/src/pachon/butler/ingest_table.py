# SPDX-License-Identifier: BSD-3-Clause
"""The tables that ``butler ingest-files`` reads: a file and the data ID of a dataset in each row."""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pachon.base import FormatError, InvalidInputError, NotFoundError
from pachon.datasets import DatasetType, FileDataset
from pachon.dimensions import DataCoordinate
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    import astropy.table

__all__ = ["files_from_rows", "read_ingest_table"]

_UNEVEN = re.compile(
    r"header columns \((\d+)\) inconsistent with data columns(?: \((\d+)\))? (?:at|in) data line (\d+)"
)
"""What astropy says of a row that has other cells than the header; it counts rows from 0."""
_MOST_TEXT = 10_000_000
"""Characters of a table that are looked through for a row that is wrong."""


def read_ingest_table(
    uri: str,
    dataset_type: DatasetType,
    *,
    shared: Mapping[str, str],
    prefix: str | None = None,
    formatter: str | None = None,
) -> list[FileDataset]:
    """Read a table of files to be ingested.

    Parameters
    ----------
    uri
        A file in any table format of astropy; the first column names files, the others are dimensions.
    dataset_type
        The type of all datasets.
    shared
        Values of dimensions that all files share.
    prefix
        Folder that relative names are below; default is the current folder.
    formatter
        Registered name of the formatter that reads the files.

    Raises
    ------
    FormatError
        If the file is no table.
    InvalidInputError
        If a row is no data ID of the dataset type; the message names the row.
    """
    table = _read_table(uri)
    names = [str(name) for name in table.colnames]
    if len(table) == 0 or not names:
        raise InvalidInputError(f"The table {uri} has no rows; nothing is ingested.")
    columns = [table[name].tolist() for name in names]
    return files_from_rows(
        names,
        list(zip(*columns, strict=True)),
        dataset_type,
        shared=shared,
        folder=ResourcePath(prefix or ".", force_directory=True),
        formatter=formatter,
        source=uri,
    )


def files_from_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[Any]],
    dataset_type: DatasetType,
    *,
    shared: Mapping[str, Any],
    folder: ResourcePath,
    formatter: str | None,
    source: str,
) -> list[FileDataset]:
    """Make the files of the rows of a table; rows that name one file become one file with several datasets."""
    group = dataset_type.dimensions
    for name in (*names[1:], *shared):
        if name not in group:
            raise InvalidInputError(
                f"{name!r} (in {source}) is no dimension of {dataset_type.name!r}, which has {', '.join(group.names)}."
            )
    _check_integers(names[1:], rows, dataset_type, source)
    fixed = {name: _typed(group.universe.dimensions[name].primary_key.type, value) for name, value in shared.items()}
    by_file: dict[str, list[DataCoordinate]] = {}
    for number, row in enumerate(rows, start=1):
        values = dict(zip(names[1:], row[1:], strict=True))
        try:
            data_id = DataCoordinate.standardize({**values, **fixed}, dimensions=group)
        except InvalidInputError as error:
            raise InvalidInputError(f"Row {number} of {source}: {error}") from error
        if row[0] is None or not str(row[0]).strip():
            raise InvalidInputError(f"Row {number} of {source} names no file: its column {names[0]!r} is empty.")
        by_file.setdefault(str(row[0]), []).append(data_id)
    return [
        FileDataset(ResourcePath(name, root=folder), dataset_type=dataset_type, data_ids=data_ids, formatter=formatter)
        for name, data_ids in by_file.items()
    ]


def _check_integers(
    names: Sequence[str], rows: Sequence[Sequence[Any]], dataset_type: DatasetType, source: str
) -> None:
    """Name the first text in a column of integers: because of it a reader of tables makes text of all other values, too."""
    for place, name in enumerate(names, start=1):
        dimension = dataset_type.dimensions.universe.dimensions[name]
        if dimension.primary_key.type != "int":
            continue
        for number, row in enumerate(rows, start=1):
            if isinstance(row[place], str) and isinstance(_typed("int", row[place]), str):
                other = " or ".join(key.name for key in dimension.alternate_keys)
                raise InvalidInputError(
                    f"Row {number} of {source}: {name} is a number, not {row[place]!r}."
                    + (f" A table cannot give the {other} instead." if other else "")
                )


def _typed(kind: str, value: Any) -> Any:
    """Make an integer of text where the dimension has integers."""
    if kind == "int" and isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            return value
    return value


def _uneven(path: str, uri: str) -> FormatError | None:
    """Find a row of a text file that has more cells than its header, of which a reader that guesses says nothing of use."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file.read(_MOST_TEXT).splitlines() if line.strip()]
    except (OSError, UnicodeError):
        return None
    if not lines or lines[0].startswith("#"):
        return None
    try:
        rows = list(csv.reader(lines)) if "," in lines[0] else list(map(shlex.split, lines))
    except (csv.Error, ValueError):
        return None
    names = len(rows[0])
    more = (i for i, row in enumerate(rows) if len(row) > names > 1)
    number = next(more, None)
    return None if number is None else _uneven_row(number, uri, names, len(rows[number]))


def _uneven_row(number: int, uri: str, names: int, cells: int | None) -> FormatError:
    has = f" The row has {cells}." if cells is not None else ""
    return FormatError(
        f"Row {number} of {uri} has more or fewer cells than the header: this names {names} columns.{has}"
    )


def _read_table(uri: str) -> astropy.table.Table:
    try:
        from astropy.table import Table  # heavy, and for this only
    except ImportError as error:
        raise InvalidInputError("Reading a table needs astropy: pip install 'pachon-butler[astropy]'.") from error
    place = ResourcePath(uri)
    if not place.exists():
        raise NotFoundError(f"The table {uri} does not exist.")
    with place.as_local() as local:
        for how in ({}, {"format": "ascii"}):
            try:
                table = Table.read(local.ospath, **how)
            except Exception as error:  # noqa: BLE001 (astropy's readers raise anything; the next one is tried)
                # The next one may take such rows for a table of one column.
                if found := _UNEVEN.search(str(error)):
                    cells = int(found[2]) if found[2] else None
                    raise _uneven_row(int(found[3]) + 1, uri, int(found[1]), cells) from None
                problem = error
            else:
                # One column with commas in its name: rows that differ were not seen as parted by them.
                if (
                    len(table.colnames) == 1
                    and "," in table.colnames[0]
                    and (uneven := _uneven(local.ospath, uri)) is not None
                ):
                    raise uneven
                return table
        if (uneven := _uneven(local.ospath, uri)) is not None:
            raise uneven
    raise FormatError(f"{uri} is no table that astropy can read: {' '.join(str(problem).split())[:200]}")
