# SPDX-License-Identifier: BSD-3-Clause
"""A reference to one dataset."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pachon.base import InvalidInputError
from pachon.datasets.dataset_id import new_id
from pachon.datasets.dataset_type import DatasetType
from pachon.dimensions import DataCoordinate

__all__ = ["DatasetRef"]


class DatasetRef:
    """The id, dataset type, data ID and run of a dataset; a light view.

    Parameters
    ----------
    dataset_type
        What kind of data it is.
    data_id
        Its label, brought to the dimensions of the dataset type.
    run
        The RUN collection that holds it.
    id
        Its id; a new one if it is left out.
    """

    __slots__ = ("data_id", "dataset_type", "id", "run")

    id: uuid.UUID
    dataset_type: DatasetType
    data_id: DataCoordinate
    run: str

    def __init__(
        self,
        dataset_type: DatasetType,
        data_id: DataCoordinate | Mapping[str, Any],
        run: Any,
        *,
        id: uuid.UUID | None = None,  # the field's name of it
    ) -> None:
        if not isinstance(run, str) or not run:
            raise InvalidInputError(f"The run of a dataset is the name of a collection; got {run!r}.")
        given: object = dataset_type
        if not isinstance(given, DatasetType):
            raise InvalidInputError(
                f"A reference needs a DatasetType, not {dataset_type!r}; butler.dataset_types.get(name) gives one."
            )
        self.dataset_type = dataset_type
        group = dataset_type.dimensions
        if isinstance(data_id, DataCoordinate) and data_id.group is group:
            self.data_id = data_id
        else:
            self.data_id = DataCoordinate.standardize(data_id, dimensions=group)
        self.run = run
        self.id = new_id() if id is None else id

    def with_dataset_type(self, dataset_type: DatasetType) -> DatasetRef:
        """Give the same dataset as another view: a component, the whole, or another storage class."""
        return DatasetRef(dataset_type, self.data_id, self.run, id=self.id)

    def with_data_id(self, data_id: DataCoordinate) -> DatasetRef:
        """Give the same dataset with a data ID that says more."""
        return DatasetRef(self.dataset_type, data_id, self.run, id=self.id)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DatasetRef):
            return NotImplemented
        return self.id == other.id and self.dataset_type == other.dataset_type

    def __lt__(self, other: DatasetRef) -> bool:
        return self._order() < other._order()

    def _order(self) -> tuple[Any, ...]:
        return (self.run, self.dataset_type.name, self.data_id.required_values)

    def __hash__(self) -> int:
        return hash((self.id, self.dataset_type.name))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return _rebuild, (self.dataset_type, self.data_id, self.run, self.id)

    def __str__(self) -> str:
        return f"{self.dataset_type.name}@{self.data_id} in {self.run}"

    def __repr__(self) -> str:
        return f"DatasetRef({self.dataset_type.name!r}, {self.data_id!r}, run={self.run!r}, id={self.id})"


def _rebuild(dataset_type: DatasetType, data_id: DataCoordinate, run: str, id: uuid.UUID) -> DatasetRef:
    return DatasetRef(dataset_type, data_id, run, id=id)
