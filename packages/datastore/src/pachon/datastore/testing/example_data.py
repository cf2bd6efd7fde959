# SPDX-License-Identifier: BSD-3-Clause
"""Datasets to try things with: refs with expanded data IDs, made without a repository."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pachon.datasets import DatasetRef, DatasetType
from pachon.dimensions import DataCoordinate, DimensionRecord, DimensionUniverse

__all__ = ["ExampleData"]


class ExampleData:
    """Dataset types and refs of one universe.

    Parameters
    ----------
    universe
        The dimensions; those of `DimensionUniverse.default` if it is left out.
    """

    def __init__(self, universe: DimensionUniverse | None = None) -> None:
        self.universe = DimensionUniverse.default() if universe is None else universe

    def dataset_type(self, name: str, dimensions: tuple[str, ...], storage_class: str, **options: Any) -> DatasetType:
        """Make a dataset type."""
        return DatasetType(name, dimensions, storage_class, universe=self.universe, **options)

    def data_id(self, dimensions: tuple[str, ...], *, expand: bool = True, **values: Any) -> DataCoordinate:
        """Make a data ID, with records unless ``expand`` is false; values that are not given are made up.

        Keywords with two underscores set columns of records: ``detector__full_name="S01"``.
        """
        group = self.universe.conform(dimensions)
        fields = {name: value for name, value in values.items() if "__" in name}
        known = {name: values.get(name, self._made_up(name)) for name in group.names}
        data_id = DataCoordinate(group, tuple(known[name] for name in group.ordered))
        if not expand:
            return DataCoordinate(group, tuple(known[name] for name in group.required))
        records = {name: self._record(name, data_id, fields) for name in group.elements}
        return DataCoordinate(group, data_id.values, records)

    def ref(
        self,
        dataset_type: DatasetType,
        *,
        run: str = "runs/one",
        id: UUID | None = None,
        expand: bool = True,
        **values: Any,
    ) -> DatasetRef:
        """Make a ref to a dataset; see `data_id`."""
        data_id = self.data_id(dataset_type.dimensions.names, expand=expand, **values)
        return DatasetRef(dataset_type, data_id, run, id=id)

    def _made_up(self, dimension: str) -> int | str:
        made: dict[str, int | str] = {
            "instrument": "Cam",
            "band": "r",
            "physical_filter": "Cam-R",
            "day_obs": 20250301,
            "group": "g1",
            "exposure": 7,
            "visit": 7,
            "detector": 3,
            "skymap": "sky",
            "tract": 9,
            "patch": 4,
        }
        key = self.universe.dimensions[dimension].primary_key
        return made.get(dimension, 1 if key.type == "int" else dimension[:8])

    def _record(self, element: str, data_id: DataCoordinate, fields: dict[str, Any]) -> DimensionRecord | None:
        definition = self.universe[element]
        if not definition.has_table:
            return None
        row: dict[str, Any] = dict.fromkeys(definition.column_names)
        for dimension in (*definition.required, *definition.implied):
            row[definition.key_name(dimension)] = data_id[dimension]
        if element == "exposure":
            row["obs_id"] = f"obs{data_id['exposure']}"
        if element == "detector":
            row["full_name"] = f"S{data_id['detector']:02d}"
        for field, value in fields.items():
            owner, _, column = field.partition("__")
            if owner == element:
                row[column] = value
        return DimensionRecord(definition, row)
