# SPDX-License-Identifier: BSD-3-Clause
import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from pachon.dimensions import DimensionUniverse
from pachon.registry.schema.schema import Schema
from pachon.registry.testing.universes import fibre_universe, library_universe


@pytest.mark.parametrize("universe", [DimensionUniverse.default(), fibre_universe(), library_universe()])
@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])
def test_tables_of_any_universe(universe: DimensionUniverse, dialect: object) -> None:
    schema = Schema(universe)
    for number, element in enumerate(universe.elements.values()):
        schema.datasets(universe.conform(element.required), number)
    for table in schema.metadata.sorted_tables:
        text = str(CreateTable(table).compile(dialect=dialect))
        assert "PRIMARY KEY" in text
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))
    with_tables = {name for name, element in universe.elements.items() if element.has_table}
    assert schema.elements.keys() == with_tables
    assert schema.overlaps.keys() == {name for name in with_tables if universe[name].spatial}


def test_keys_of_dataset_tables() -> None:
    universe = DimensionUniverse.default()
    tables = Schema(universe).datasets(universe.conform(["exposure", "detector"]), 1)
    keys = [column.name for column in tables.membership.primary_key]
    assert keys == ["dataset_type_id", "dim_instrument", "dim_exposure", "dim_detector", "collection_id"]
    assert [column.name for column in tables.validity.primary_key] == [*keys, "begin_ns"]


def test_dataset_tables_of_a_dimension_whose_parent_is_merely_implied() -> None:
    key = {"name": "id", "type": "int"}
    elements = {
        "plate": {"keys": [key]},
        "fibre": {"requires": ["plate"], "keys": [key]},
        "shot": {"implies": ["plate"], "keys": [key]},
    }
    skypix = {"common": "htm3", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 3}}
    universe = DimensionUniverse.from_document(
        {"namespace": "plates", "version": 1, "skypix": skypix, "elements": elements}
    )
    tables = Schema(universe).datasets(universe.conform(["shot", "fibre"]), 1)
    parents = {key.column.table.name for key in tables.membership.foreign_keys}
    # A shot says which plate; without its column the record of a fibre cannot be named.
    assert {name for name in parents if name.startswith("element_")} == {"element_shot"}
