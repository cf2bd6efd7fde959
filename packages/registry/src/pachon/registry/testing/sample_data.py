# SPDX-License-Identifier: BSD-3-Clause
"""What the conformance suites fill a registry with."""

from __future__ import annotations

from typing import Any

from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import DataCoordinate, Timespan
from pachon.registry.protocol import Registry

__all__ = ["SampleData", "span"]


def span(begin: int | None, end: int | None) -> Timespan:
    """Give a time span in whole days of 2024."""
    return Timespan(*(None if day is None else f"2024-01-{day:02d}" for day in (begin, end)))


class SampleData:
    """A camera of four detectors with six exposures, in a registry of the default universe."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        with registry.write():
            self._fill(registry)

    def _fill(self, registry: Registry) -> None:
        insert = registry.dimension_records.insert
        insert("instrument", [{"name": "Cam", "detector_max": 4}])
        insert("detector", [{"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(4)])
        insert("physical_filter", [{"instrument": "Cam", "name": n, "band": n} for n in "gr"])
        insert("day_obs", [{"instrument": "Cam", "id": 20240101}])
        insert("group", [{"instrument": "Cam", "name": "a"}])
        insert("exposure", [self.exposure(i) for i in range(6)])
        self.bias = self.register("bias", ["detector"], is_calibration=True)
        self.raw = self.register("raw", ["exposure", "detector"])
        self.note = self.register("note", [])
        for run in ("one", "two"):
            registry.collections.register(run)
        registry.collections.register("tag", CollectionType.TAGGED)
        registry.collections.register("calib", CollectionType.CALIBRATION)
        registry.collections.register("chain", CollectionType.CHAINED)

    def exposure(self, number: int) -> dict[str, Any]:
        """Give the record of an exposure, a day long."""
        return {
            "instrument": "Cam",
            "id": number,
            "obs_id": f"obs{number}",
            "physical_filter": "gr"[number % 2],
            "day_obs": 20240101,
            "group": "a",
            "timespan": span(number + 1, number + 2),
        }

    def register(self, name: str, dimensions: list[str], *, is_calibration: bool = False) -> DatasetType:
        """Register a dataset type."""
        dataset_type = DatasetType(
            name, dimensions, "StructuredDataDict", is_calibration=is_calibration, universe=self.registry.universe
        )
        self.registry.dataset_types.register(dataset_type)
        return dataset_type

    def data_id(self, dataset_type: DatasetType, **values: int) -> DataCoordinate:
        """Give a data ID of a dataset type."""
        return DataCoordinate.standardize({"instrument": "Cam", **values}, dimensions=dataset_type.dimensions)

    def ref(self, dataset_type: DatasetType, run: str, **values: int) -> DatasetRef:
        """Make a reference with a new id."""
        return DatasetRef(dataset_type, self.data_id(dataset_type, **values), run)

    def put(self, dataset_type: DatasetType, run: str, **values: int) -> DatasetRef:
        """Register a dataset."""
        ref = self.ref(dataset_type, run, **values)
        self.registry.datasets.insert([ref])
        return ref

    def find(self, dataset_type: DatasetType, *collections: str, **values: Any) -> DatasetRef | None:
        """Find a dataset; ``timespan`` is where calibrations must be valid."""
        timespan = values.pop("timespan", None)
        data_id = self.data_id(dataset_type, **values)
        return self.registry.datasets.find_one(dataset_type, data_id, collections, timespan=timespan)
