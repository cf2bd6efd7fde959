# SPDX-License-Identifier: BSD-3-Clause
"""Datasets of dimensions whose records are named by implied values: a subfilter has a band, which the filter of its visit implies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pachon.datasets import CollectionType, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable, DataIdValueError
from pachon.registry import SqlRegistry
from pachon.registry.testing.example import fill_example


@pytest.fixture
def filled(any_url: str) -> Iterator[SqlRegistry]:
    with SqlRegistry.create(any_url) as registry:
        fill_example(registry, Path(__file__).parent / "data" / "example")
        registry.dimension_records.insert("subfilter", [{"band": "g", "id": 1}, {"band": "r", "id": 2}])
        registry.collections.register("corrected", CollectionType.RUN)
        yield registry


def _insert(registry: SqlRegistry, dimensions: list[str], rows: list[dict[str, Any]]) -> DatasetType:
    dataset_type = DatasetType("_".join(dimensions), dimensions, "Image", universe=registry.universe)
    registry.dataset_types.register(dataset_type)
    table = DataIdTable.from_rows(dataset_type.dimensions, rows)
    registry.datasets.insert(DatasetTable(dataset_type, table, new_ids(len(rows)), "corrected"))
    return dataset_type


@pytest.mark.parametrize("implied", [{}, {"band": "g"}])
def test_minimal_data_ids_are_enough(filled: SqlRegistry, implied: dict[str, str]) -> None:
    row = {"instrument": "Cam1", "visit": 1, "subfilter": 1, **implied}
    dataset_type = _insert(filled, ["visit", "subfilter"], [row])
    assert "band" not in dataset_type.dimensions.required
    (found,) = filled.query.datasets(dataset_type, "corrected")
    assert (found.data_id["visit"], found.data_id["subfilter"], found.data_id["band"]) == (1, 1, "g")


@pytest.mark.parametrize(
    ("dimensions", "row", "missing"),
    [
        (["visit", "subfilter"], {"visit": 1, "subfilter": 2}, r"no subfilter record for \{band='g', subfilter=2\}"),
        (["visit", "subfilter"], {"visit": 7, "subfilter": 1}, r"no visit record for \{instrument='Cam1', visit=7\}"),
        (["physical_filter", "subfilter"], {"physical_filter": "Cam1-R1", "subfilter": 1}, "no subfilter record"),
        (["physical_filter", "subfilter"], {"physical_filter": "Cam1-Q", "subfilter": 1}, "no physical_filter record"),
    ],
)
def test_what_is_missing_is_said(filled: SqlRegistry, dimensions: list[str], row: dict[str, Any], missing: str) -> None:
    with pytest.raises(DataIdValueError, match=missing):
        _insert(filled, dimensions, [{"instrument": "Cam1", **row}])
    assert len(filled.query.datasets("_".join(dimensions), "corrected")) == 0
