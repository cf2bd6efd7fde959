# SPDX-License-Identifier: BSD-3-Clause
"""What every registry must do with dataset types and datasets."""

from __future__ import annotations

import numpy as np
import pytest

from pachon.datasets import DatasetRef, DatasetTable, DatasetType, new_id, new_ids
from pachon.dimensions import DataIdTable, DataIdValueError, Timespan
from pachon.registry.errors import (
    CalibrationLookupError,
    CollectionExpressionError,
    CollectionTypeError,
    ConflictingDefinitionError,
    DatasetTypeError,
    MissingCollectionError,
    MissingDatasetTypeError,
    OrphanedRecordError,
)
from pachon.registry.protocol import Registry
from pachon.registry.testing.sample_data import SampleData, span

__all__ = ["DatasetsSuite"]


class DatasetsSuite:
    """Dataset types; insertion, import, finding and removal of datasets."""

    def test_register_types(self, registry: Registry) -> None:
        raw = DatasetType("raw", ["exposure", "detector"], "NumpyArray", universe=registry.universe)
        assert registry.dataset_types.register(raw)
        assert not registry.dataset_types.register(raw)
        assert registry.dataset_types.get("raw") == raw
        for other in (
            DatasetType("raw", ["exposure"], "NumpyArray", universe=registry.universe),
            DatasetType("raw", raw.dimensions, "Table"),
            DatasetType("raw", raw.dimensions, "NumpyArray", is_calibration=True),
        ):
            with pytest.raises(ConflictingDefinitionError):
                registry.dataset_types.register(other)
        with pytest.raises(DatasetTypeError):
            registry.dataset_types.register(DatasetType("raw.wcs", raw.dimensions, "Wcs"))
        with pytest.raises(MissingDatasetTypeError, match="raw"):
            registry.dataset_types.get("rawe")

    def test_types_by_name_of_dimensions_only(self, registry: Registry) -> None:
        assert registry.dataset_types.register(DatasetType("raw", ["exposure"], "NumpyArray"))
        assert registry.dataset_types.get("raw").dimensions == registry.universe.conform(["exposure"])

    def test_query_and_remove_types(self, sample: SampleData) -> None:
        types = sample.registry.dataset_types
        assert [t.name for t in types.query()] == ["bias", "note", "raw"]
        assert [t.name for t in types.query(["r*", "bias", "nope"])] == ["bias", "raw"]
        sample.put(sample.bias, "one", detector=1)
        with pytest.raises(OrphanedRecordError):
            types.remove("*")
        assert [t.name for t in types.query()] == ["bias", "note", "raw"]
        assert types.remove(["raw", "nope"]) == ["raw"]
        assert types.find(["raw", "bias"]).keys() == {"bias"}
        assert types.register(DatasetType("raw", ["detector"], "Table"))

    def test_insert_and_find(self, sample: SampleData) -> None:
        ref = sample.put(sample.raw, "one", detector=1, exposure=2)
        assert sample.find(sample.raw, "one", detector=1, exposure=2) == ref
        assert sample.find(sample.raw, "one", detector=1, exposure=3) is None
        assert sample.find(sample.raw, "two", detector=1, exposure=2) is None
        note = sample.put(sample.note, "two")
        assert sample.registry.datasets.find_one("note", note.data_id, ["one", "two"]) == note
        bias = sample.put(sample.bias, "one", detector=1)
        assert sample.registry.datasets.find_one("bias", ref.data_id, "one") == bias
        with pytest.raises(DataIdValueError):
            sample.registry.datasets.find_one("raw", bias.data_id, "one")

    def test_insert_errors(self, sample: SampleData) -> None:
        insert = sample.registry.datasets.insert
        ref = sample.put(sample.bias, "one", detector=1)
        with pytest.raises(ConflictingDefinitionError, match="bias"):
            sample.put(sample.bias, "one", detector=1)
        with pytest.raises(ConflictingDefinitionError, match=str(ref.id)):
            insert([DatasetRef(sample.bias, ref.data_id, "two", id=ref.id)])
        with pytest.raises(DataIdValueError, match="detector"):
            sample.put(sample.bias, "one", detector=9)
        with pytest.raises(MissingCollectionError):
            sample.put(sample.bias, "nope", detector=2)
        for collection in ("tag", "chain", "calib"):
            with pytest.raises(CollectionTypeError):
                sample.put(sample.bias, collection, detector=2)
        unknown = DatasetType("nope", ["detector"], "Table", universe=sample.registry.universe)
        with pytest.raises(MissingDatasetTypeError):
            sample.put(unknown, "one", detector=2)
        with pytest.raises(DatasetTypeError):
            sample.put(DatasetType("bias", ["detector"], "Table", universe=sample.registry.universe), "one", detector=2)

    def test_insert_is_all_or_nothing(self, sample: SampleData) -> None:
        refs = [sample.ref(sample.bias, "one", detector=d) for d in (0, 1, 9)]
        with pytest.raises(DataIdValueError):
            sample.registry.datasets.insert(refs)
        assert sample.registry.datasets.get_by_run("one") == []
        twice = [sample.ref(sample.bias, "one", detector=1) for _ in range(2)]
        with pytest.raises(ConflictingDefinitionError):
            sample.registry.datasets.insert(twice)
        mixed = [sample.ref(sample.raw, "one", detector=1, exposure=1), sample.ref(sample.bias, "one", detector=9)]
        with pytest.raises(DataIdValueError):
            sample.registry.datasets.insert(mixed)
        assert sample.registry.datasets.get_by_run("one") == []

    def test_import(self, sample: SampleData) -> None:
        import_ = sample.registry.datasets.import_
        refs = [sample.ref(sample.bias, "one", detector=d) for d in range(3)]
        assert import_(refs[:2]) == 2
        assert import_(refs) == 1
        assert import_(refs) == 0
        first = refs[0]
        for other in (
            DatasetRef(sample.bias, refs[1].data_id, "one", id=first.id),
            DatasetRef(sample.bias, first.data_id, "two", id=first.id),
            DatasetRef(sample.raw, sample.data_id(sample.raw, detector=0, exposure=0), "one", id=first.id),
            DatasetRef(sample.bias, first.data_id, "one", id=new_id()),
        ):
            with pytest.raises(ConflictingDefinitionError):
                import_([other])
        assert len(sample.registry.datasets.get_by_run("one")[0]) == 3

    def test_find_first(self, sample: SampleData) -> None:
        one, two = (sample.put(sample.bias, run, detector=1) for run in ("one", "two"))
        late = sample.put(sample.bias, "two", detector=2)
        sample.registry.collections.associate("tag", [two])
        sample.registry.collections.set_chain("chain", ["tag", "one"])
        assert sample.find(sample.bias, "one", "two", detector=1) == one
        assert sample.find(sample.bias, "two", "one", detector=1) == two
        assert sample.find(sample.bias, "chain", detector=1) == two
        assert sample.find(sample.bias, "chain", "two", detector=2) == late
        assert sample.find(sample.bias, detector=1) is None
        with pytest.raises(MissingCollectionError):
            sample.find(sample.bias, "one", "nope", detector=1)
        with pytest.raises(CollectionExpressionError):
            sample.find(sample.bias, "o*", detector=1)

    def test_find_calibrations(self, sample: SampleData) -> None:
        early, late = (sample.put(sample.bias, run, detector=1) for run in ("one", "two"))
        collections = sample.registry.collections
        collections.certify("calib", [early], span(1, 5))
        collections.certify("calib", [late], span(5, 9))
        assert sample.find(sample.bias, "calib", detector=1) is None
        assert sample.find(sample.bias, "calib", "two", detector=1) == late
        assert sample.find(sample.bias, "calib", "two", detector=1, timespan=span(2, 3)) == early
        assert sample.find(sample.bias, "two", "calib", detector=1, timespan=span(2, 3)) == late
        assert sample.find(sample.bias, "calib", "one", detector=1, timespan=span(20, 21)) == early
        with pytest.raises(CalibrationLookupError):
            sample.find(sample.bias, "calib", "one", detector=1, timespan=span(4, 6))
        collections.decertify("calib", "bias", span(5, None))
        assert sample.find(sample.bias, "calib", detector=1, timespan=Timespan()) == early

    def test_find_in_bulk_is_finding_one_by_one(self, sample: SampleData) -> None:
        registry = sample.registry
        for detector in range(4):
            for run in ("one", "two")[: detector % 3]:
                sample.put(sample.bias, run, detector=detector)
        registry.collections.certify("calib", registry.datasets.get_by_run("two")[0], span(2, 4))
        rows = [sample.data_id(sample.bias, detector=d) for d in (3, 1, 2, 0, 1)]
        data_ids = DataIdTable.from_rows(sample.bias.dimensions, rows)
        spans = [span(1, 2), span(2, 3), span(3, 9), span(1, 9), span(5, 6)]
        bounds = (np.array([s.begin_ns for s in spans]), np.array([s.end_ns for s in spans]))
        path = ["calib", "one"]
        for timespans in (None, bounds):
            found, table = registry.datasets.find("bias", data_ids, path, timespans=timespans)
            for index, data_id in enumerate(rows):
                when = None if timespans is None else spans[index]
                single = registry.datasets.find_one("bias", data_id, path, timespan=when)
                assert (None if found[index] < 0 else table[int(found[index])]) == single

    def test_find_in_long_chains(self, sample: SampleData) -> None:
        runs = [f"run{i}" for i in range(300)]
        with sample.registry.write():
            for run in runs:
                sample.registry.collections.register(run)
        sample.registry.collections.set_chain("chain", runs)
        last, middle = sample.put(sample.bias, "run299", detector=1), sample.put(sample.bias, "run150", detector=1)
        assert sample.find(sample.bias, "chain", detector=1) == middle
        sample.registry.datasets.remove([middle.id])
        assert sample.find(sample.bias, "chain", detector=1) == last

    def test_get_by_ids(self, sample: SampleData) -> None:
        refs = [sample.put(sample.bias, "one", detector=1), sample.put(sample.raw, "two", detector=1, exposure=1)]
        refs.append(sample.put(sample.note, "two"))
        tables = sample.registry.datasets.get_by_ids([*(ref.id for ref in refs), new_id()])
        assert {ref for table in tables for ref in table} == set(refs)
        assert {ref for table in sample.registry.datasets.get_by_run("two") for ref in table} == set(refs[1:])

    def test_validity(self, sample: SampleData) -> None:
        refs = [sample.put(sample.bias, "one", detector=d) for d in (1, 2)]
        sample.registry.collections.certify("calib", refs, span(1, 5))
        sample.registry.collections.associate("tag", refs[:1])
        found = sample.registry.datasets.fetch_validity("bias", ["tag", "calib"])
        shown = {(int(found.data_id(i)["detector"]), int(found.rank[i]), found.timespan(i)) for i in range(len(found))}
        assert shown == {(1, 0, Timespan()), (1, 1, span(1, 5)), (2, 1, span(1, 5))}
        only = DataIdTable.from_rows(sample.bias.dimensions, [refs[1].data_id])
        assert len(sample.registry.datasets.fetch_validity("bias", ["tag", "calib"], data_ids=only)) == 1

    def test_facts_of_validity_have_full_data_ids(self, sample: SampleData) -> None:
        flat = sample.register("flat", ["detector", "physical_filter"], is_calibration=True)
        data_id = {"instrument": "Cam", "detector": 1, "physical_filter": "g"}
        ref = DatasetRef(flat, data_id, "one")
        sample.registry.datasets.insert([ref])
        sample.registry.collections.certify("calib", [ref], span(1, 5))
        found = sample.registry.facts().fetch_validity(flat, ["calib"])
        assert found.datasets.data_ids.is_full
        assert found.data_id(0).full["band"]

    def test_remove(self, sample: SampleData) -> None:
        refs = [sample.put(sample.bias, "one", detector=d) for d in (1, 2)]
        sample.registry.collections.certify("calib", refs, span(1, 5))
        sample.registry.collections.associate("tag", refs)
        assert sample.registry.datasets.remove([refs[0].id, new_id()]) == 1
        for collections in (["one"], ["tag"], ["calib"]):
            assert sample.find(sample.bias, *collections, detector=1, timespan=span(2, 3)) is None
            assert sample.find(sample.bias, *collections, detector=2, timespan=span(2, 3)) == refs[1]
        sample.put(sample.bias, "one", detector=1)

    def test_many(self, sample: SampleData) -> None:
        group = sample.raw.dimensions
        columns = {
            "instrument": np.array(["Cam"] * 24, dtype=object),
            "detector": np.tile(np.arange(4), 6),
            "exposure": np.repeat(np.arange(6), 4),
        }
        table = DatasetTable(sample.raw, DataIdTable.from_arrays(group, columns), new_ids(24), "one")
        sample.registry.datasets.insert(table)
        rows, found = sample.registry.datasets.find("raw", table.data_ids, ["two", "one"])
        assert (found.ids[rows] == table.ids).all()
        sample.registry.collections.associate("tag", table)
        assert len(sample.registry.query.datasets("raw", ["tag", "one"], find_first=False)) == 24
        assert sample.registry.datasets.remove(table.ids) == 24
