# SPDX-License-Identifier: BSD-3-Clause
"""Small worlds for tests of any universe: records that exist, data IDs, and dataset types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pachon.datasets import DatasetType
from pachon.dimensions import DataCoordinate, DimensionUniverse
from pachon.registry.sql_registry import SqlRegistry
from pachon.registry.testing.universes import fibre_universe, library_universe

__all__ = ["Domain", "camera_domain", "domains", "fibre_domain", "library_domain"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A universe with a few records."""

    name: str
    universe: DimensionUniverse
    records: Mapping[str, Sequence[Mapping[str, Any]]]
    """By element, in the order in which they can be inserted."""
    dimensions: Mapping[str, Sequence[str]]
    """Of the dataset types, by name; those whose name begins with ``c`` are of calibrations."""
    values: Mapping[str, Sequence[int | str]]
    """Values of dimensions; the last of each has no record."""

    def fill(self, registry: SqlRegistry) -> None:
        """Insert the records."""
        with registry.write():
            for element, rows in self.records.items():
                registry.dimension_records.insert(element, list(rows))

    def dataset_type(self, name: str, *, storage_class: str = "int", twisted: bool = False) -> DatasetType:
        """Give a dataset type; twisted, it has the dimensions of another one."""
        names = list(self.dimensions)
        dimensions = self.dimensions[names[(names.index(name) + 1) % len(names)] if twisted else name]
        return DatasetType(name, dimensions, storage_class, universe=self.universe, is_calibration=name.startswith("c"))

    def data_ids(self, name: str) -> list[DataCoordinate]:
        """Give data IDs of a dataset type, the last of which has no records (but for a type without dimensions)."""
        group = self.universe.conform(self.dimensions[name])
        count = max(len(self.values[d]) for d in group.required) if group.required else 1
        ids = []
        for index in range(count):
            last = index == count - 1 and bool(group.required)
            values = {
                d: self.values[d][-1] if last else self.values[d][index % (len(self.values[d]) - 1)]
                for d in group.required
            }
            ids.append(DataCoordinate.standardize(values, dimensions=group))
        return ids

    def exists(self, data_id: DataCoordinate) -> bool:
        """Whether there are records of all dimensions of a data ID."""
        return all(value != self.values[name][-1] for name, value in data_id.required.items())


def camera_domain() -> Domain:
    """Give a camera of the default universe."""
    return Domain(
        name="camera",
        universe=DimensionUniverse.default(),
        records={
            "instrument": [{"name": "Cam"}],
            "detector": [{"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(2)],
            "physical_filter": [{"instrument": "Cam", "name": "r", "band": "r"}],
            "day_obs": [{"instrument": "Cam", "id": 20240101}],
            "group": [{"instrument": "Cam", "name": "g"}],
            "exposure": [
                {"instrument": "Cam", "id": i, "obs_id": str(i), "physical_filter": "r", "day_obs": 20240101, "group": "g"}
                for i in range(2)
            ],
        },
        dimensions={"cbias": ["detector"], "cflat": ["detector", "physical_filter"], "raw": ["exposure", "detector"], "log": []},
        values={"instrument": ["Cam", "none"], "detector": [0, 1, 9], "exposure": [0, 1, 9], "physical_filter": ["r", "none"]},
    )  # fmt: skip


def fibre_domain() -> Domain:
    """Give a fibre spectrograph: dimensions without a governor, and a governor with a quote in its value."""
    return Domain(
        name="fibres",
        universe=fibre_universe(),
        records={
            "spectrograph": [{"name": "S'", "fibre_count": 2}, {"name": "T", "fibre_count": 2}],
            "fibre": [{"spectrograph": s, "id": i, "label": f"f{i}"} for s in ("S'", "T") for i in range(2)],
            "field": [{"id": i} for i in range(2)],
        },
        dimensions={"cflat": ["fibre"], "ctrace": ["fibre", "field"], "map": ["field"], "log": []},
        values={"spectrograph": ["S'", "T", "none"], "fibre": [0, 1, 9], "field": [0, 1, 9]},
    )


def library_domain() -> Domain:
    """Give a library: no astronomy, texts as keys."""
    return Domain(
        name="library",
        universe=library_universe(),
        records={
            "branch": [{"code": "Süd"}],
            "author": [{"id": 1, "full_name": "A"}],
            "book": [
                {"branch": "Süd", "shelf_mark": mark, "author": 1, "genre": "g", "isbn": mark.encode()[:13]}
                for mark in ("a b", '"; --')
            ],
            "reader": [{"branch": "Süd", "card": i} for i in range(2)],
        },
        dimensions={"cprice": ["book"], "cfee": ["reader"], "note": ["book", "reader"], "log": []},
        values={"branch": ["Süd", "none"], "book": ["a b", '"; --', "none"], "reader": [0, 1, 9]},
    )


def domains() -> list[Domain]:
    """Give all of them."""
    return [camera_domain(), fibre_domain(), library_domain()]
