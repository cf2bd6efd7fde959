# SPDX-License-Identifier: BSD-3-Clause
"""Many files that are to become one dataset each, as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pachon.base import InvalidInputError
from pachon.datasets.dataset_type import DatasetType
from pachon.datasets.file_dataset import check_kinds
from pachon.dimensions import DataIdTable

__all__ = ["FileTable"]


class FileTable:
    """Files of one dataset type, each with one dataset: the bulk form of `FileDataset`.

    Parameters
    ----------
    paths
        Paths or URIs; a relative one is relative to the root of the datastore.
    dataset_type
        The type of all of them, by name or as an object.
    data_ids
        Their labels: a table, or by dimension a column of values or one value for all rows.
    formatter
        Registered name of the formatter that reads the files; found by configuration if it is left out.

    Raises
    ------
    InvalidInputError
        If the columns differ in length, or something is of a wrong kind.
    """

    __slots__ = ("data_ids", "dataset_type", "formatter", "paths")

    paths: Sequence[Any]
    dataset_type: DatasetType | str
    data_ids: DataIdTable | Mapping[str, Any]
    formatter: str | None

    def __init__(
        self,
        paths: Sequence[Any],
        *,
        dataset_type: DatasetType | str,
        data_ids: DataIdTable | Mapping[str, Any],
        formatter: str | None = None,
    ) -> None:
        check_kinds("A table of files", dataset_type, formatter)
        if isinstance(paths, str | bytes) or not hasattr(paths, "__len__"):
            raise InvalidInputError(f"A table of files needs a list of paths, not {paths!r}.")
        if not isinstance(data_ids, DataIdTable | Mapping):
            raise InvalidInputError(
                f"The data IDs of a table of files are a table, or columns by dimension, not {data_ids!r}."
            )
        count = len(paths)
        columns = {"data_ids": data_ids} if isinstance(data_ids, DataIdTable) else data_ids
        for name, column in columns.items():
            if is_column(column) and len(column) != count:
                raise InvalidInputError(f"A table of {count} files has {len(column)} values of {name}.")
        self.paths = paths
        self.dataset_type = dataset_type
        self.data_ids = data_ids
        self.formatter = formatter

    def __len__(self) -> int:
        return len(self.paths)

    def __repr__(self) -> str:
        return f"FileTable({len(self)} files, {self.dataset_type})"


def is_column(values: Any) -> bool:
    """Tell whether something is a column of values, not one value for all rows."""
    return not isinstance(values, str | bytes) and hasattr(values, "__len__")
