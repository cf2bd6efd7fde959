# SPDX-License-Identifier: BSD-3-Clause
"""Many datasets of one type as columns, with or without validity ranges."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.datasets.dataset_id import ids_from_uuids, uuids_from_ids
from pachon.datasets.dataset_ref import DatasetRef
from pachon.datasets.dataset_type import DatasetType
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable, Timespan
from pachon.dimensions.instances import make_instances

__all__ = ["DatasetTable", "ValidityTable"]

_AT_ONCE = 20_000
"""References that are made together when somebody goes through a table."""


class DatasetTable(Sequence[DatasetRef]):
    """References to datasets of one type; `DatasetRef` objects are made when somebody looks.

    Parameters
    ----------
    dataset_type
        The type of all of them.
    data_ids
        Their data IDs.
    ids
        Shape (n, 16), uint8.
    runs
        The run of each.
    """

    __slots__ = ("data_ids", "dataset_type", "ids", "runs")

    dataset_type: DatasetType
    data_ids: DataIdTable
    ids: np.ndarray
    runs: Categorical

    def __init__(
        self, dataset_type: DatasetType, data_ids: DataIdTable, ids: np.ndarray, runs: Categorical | str
    ) -> None:
        if isinstance(runs, str):
            runs = Categorical.constant(runs, len(data_ids))
        if not len(data_ids) == len(ids) == len(runs):
            raise InvalidInputError(
                f"A table of datasets has {len(data_ids)} data IDs, {len(ids)} ids and {len(runs)} runs."
            )
        self.dataset_type = dataset_type
        self.data_ids = data_ids
        self.ids = np.ascontiguousarray(ids, dtype=np.uint8).reshape(-1, 16)
        self.runs = runs

    @classmethod
    def from_refs(cls, dataset_type: DatasetType, refs: Iterable[DatasetRef]) -> DatasetTable:
        """Make a table of references of one dataset type."""
        refs = list(refs)
        return cls(
            dataset_type,
            DataIdTable.from_rows(dataset_type.dimensions, [ref.data_id for ref in refs]),
            ids_from_uuids([ref.id for ref in refs]),
            Categorical.constant(refs[0].run, 1) if len(refs) == 1 else Categorical.encode([ref.run for ref in refs]),
        )

    @classmethod
    def empty(cls, dataset_type: DatasetType) -> DatasetTable:
        """Make a table without rows."""
        return cls.from_refs(dataset_type, ())

    @classmethod
    def concat(cls, parts: Sequence[DatasetTable]) -> DatasetTable:
        """Put tables of one dataset type one below the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            parts[0].dataset_type,
            DataIdTable.concat([part.data_ids for part in parts]),
            np.concatenate([part.ids for part in parts]),
            Categorical.concat([part.runs for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return self.take(np.arange(len(self))[index])
        data_id = self.data_ids[index]
        return DatasetRef(
            self.dataset_type, data_id, str(self.runs[index]), id=uuid.UUID(bytes=self.ids[index].tobytes())
        )

    def __iter__(self) -> Iterator[DatasetRef]:
        for start in range(0, len(self), _AT_ONCE):
            part = self if len(self) <= _AT_ONCE else self[start : start + _AT_ONCE]
            yield from part._refs()

    def _refs(self) -> list[DatasetRef]:
        """Make all references; the data IDs have the dimensions of the type already."""
        if self.data_ids.group is not self.dataset_type.dimensions or not all(self.runs.values.tolist()):
            columns = self.data_ids, self.runs.tolist(), self.uuids()
            return [DatasetRef(self.dataset_type, *row[:2], id=row[2]) for row in zip(*columns, strict=True)]
        return make_instances(
            DatasetRef,
            len(self),
            dataset_type=itertools.repeat(self.dataset_type),
            data_id=self.data_ids,
            run=self.runs.tolist(),
            id=self.uuids(),
        )

    def uuids(self) -> list[uuid.UUID]:
        """Give all ids as UUIDs."""
        return uuids_from_ids(self.ids)

    def take(self, rows: np.ndarray) -> DatasetTable:
        """Give some rows; ``rows`` is an index array or a boolean mask."""
        return DatasetTable(self.dataset_type, self.data_ids.take(rows), self.ids[rows], self.runs.take(rows))

    def with_dataset_type(self, dataset_type: DatasetType) -> DatasetTable:
        """Give the same datasets as another view of their type."""
        return DatasetTable(dataset_type, self.data_ids, self.ids, self.runs)

    def __repr__(self) -> str:
        return f"DatasetTable({self.dataset_type.name}, {len(self)} rows)"


class ValidityTable:
    """Datasets of one type with the time spans for which collections offer them.

    A dataset appears once for each collection and validity range. Those found in RUN
    and TAGGED collections are unbounded.
    """

    __slots__ = ("begin_ns", "datasets", "end_ns", "rank")

    datasets: DatasetTable
    begin_ns: np.ndarray
    """Shape (n,), int64: first nanosecond of validity (TAI)."""
    end_ns: np.ndarray
    """Shape (n,), int64: the nanosecond after the last (TAI)."""
    rank: np.ndarray
    """Shape (n,), int32: position of the collection in the flattened search path."""

    def __init__(self, datasets: DatasetTable, begin_ns: np.ndarray, end_ns: np.ndarray, rank: np.ndarray) -> None:
        self.datasets = datasets
        self.begin_ns = begin_ns
        self.end_ns = end_ns
        self.rank = rank

    def __len__(self) -> int:
        return len(self.datasets)

    def timespan(self, index: int) -> Timespan:
        """Give the validity range of a row."""
        return Timespan.from_ns(int(self.begin_ns[index]), int(self.end_ns[index]))

    def take(self, rows: np.ndarray) -> ValidityTable:
        """Give some rows."""
        return ValidityTable(self.datasets.take(rows), self.begin_ns[rows], self.end_ns[rows], self.rank[rows])

    def data_id(self, index: int) -> DataCoordinate:
        """Give the data ID of a row."""
        data_id = self.datasets.data_ids[index]
        assert isinstance(data_id, DataCoordinate)
        return data_id
