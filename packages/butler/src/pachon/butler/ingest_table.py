# SPDX-License-Identifier: BSD-3-Clause
"""The tables that ``butler ingest-files`` reads: a file and the data ID of a dataset in each row."""

from __future__ import annotations

import re
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


def _cells(count: str | None) -> str:
    return f" The row has {count}." if count else ""


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
                return Table.read(local.ospath, **how)
            except Exception as error:  # noqa: BLE001 (astropy's readers raise anything; the next one is tried)
                # The next one may take such rows for a table of one column.
                if found := _UNEVEN.search(str(error)):
                    raise FormatError(
                        f"Row {int(found[3]) + 1} of {uri} has more or fewer cells than the header: "
                        f"this names {found[1]} columns.{_cells(found[2])}"
                    ) from None
                problem = error
    raise FormatError(f"{uri} is no table that astropy can read: {' '.join(str(problem).split())[:200]}")
