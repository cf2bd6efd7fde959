# SPDX-License-Identifier: BSD-3-Clause
"""A file that is to become one or many datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pachon.base import InvalidInputError
from pachon.datasets.dataset_ref import DatasetRef
from pachon.datasets.dataset_type import DatasetType
from pachon.dimensions import DataCoordinate

__all__ = ["FileDataset", "check_kinds"]

_TYPES = (str, DatasetType)
_DATA_IDS = (dict, DataCoordinate, Mapping)
"""What one data ID may be; the usual one is first, as millions are asked."""


class FileDataset:
    """A file and the datasets that it holds.

    Parameters
    ----------
    path
        A path or URI; a relative one is relative to the root of the datastore.
    dataset_type, data_ids
        The type, by name or as an object, and the label (or labels) of the datasets; their ids are made on ingest.
    refs
        Instead of these: the datasets with their ids.
    formatter
        Registered name of the formatter that reads the file; found by configuration if it is left out.

    Raises
    ------
    InvalidInputError
        If neither or both ways of naming the datasets are used, or something is of a wrong kind.
    """

    __slots__ = ("data_ids", "dataset_type", "formatter", "path", "refs")

    path: Any
    refs: tuple[DatasetRef, ...]
    dataset_type: DatasetType | str | None
    data_ids: tuple[DataCoordinate | Mapping[str, Any], ...]
    formatter: str | None

    def __init__(
        self,
        path: Any,
        *,
        dataset_type: DatasetType | str | None = None,
        data_ids: DataCoordinate | Mapping[str, Any] | Iterable[DataCoordinate | Mapping[str, Any]] | None = None,
        refs: DatasetRef | Iterable[DatasetRef] | None = None,
        formatter: str | None = None,
    ) -> None:
        check_kinds(path, dataset_type, formatter)
        if (refs is None) == (dataset_type is None or data_ids is None):
            raise InvalidInputError(f"{path}: give either refs, or a dataset type and data IDs.")
        self.path = path
        self.dataset_type = dataset_type
        self.formatter = formatter
        self.refs = () if refs is None else (refs,) if isinstance(refs, DatasetRef) else _listed(path, "refs", refs)
        if self.refs and not all(isinstance(ref, DatasetRef) for ref in self.refs):
            raise InvalidInputError(f"{path}: refs are datasets (DatasetRef), not {refs!r}.")
        if data_ids is None:
            self.data_ids = ()
        elif isinstance(data_ids, _DATA_IDS):
            self.data_ids = (data_ids,)
        else:
            self.data_ids = _listed(path, "data_ids", data_ids)
        if not self.refs and not self.data_ids:
            raise InvalidInputError(f"{path}: a file must hold at least one dataset.")

    def __repr__(self) -> str:
        what = ", ".join(str(ref) for ref in self.refs) or f"{self.dataset_type} {list(self.data_ids)}"
        return f"FileDataset({str(self.path)!r}, {what})"


def check_kinds(what: object, dataset_type: object, formatter: object) -> None:
    """Refuse what is no dataset type and no name of one, and a formatter that is no name.

    Raises
    ------
    InvalidInputError
        It begins with the file, or what was given of them.
    """
    if dataset_type is not None and not isinstance(dataset_type, _TYPES):
        raise InvalidInputError(f"{what}: dataset_type is a dataset type or its name, not {dataset_type!r}.")
    if formatter is not None and not isinstance(formatter, str):
        raise InvalidInputError(f"{what}: formatter is the name of one, not {formatter!r}.")


def _listed(path: object, name: str, values: Any) -> tuple[Any, ...]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidInputError(f"{path}: {name} is one or a list of them, not {values!r}.")
    return tuple(values)
