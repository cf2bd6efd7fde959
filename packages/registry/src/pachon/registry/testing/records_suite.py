# SPDX-License-Identifier: BSD-3-Clause
"""What every registry must do with dimension records and data IDs."""

from __future__ import annotations

from typing import Any

import pytest

from pachon.base import InvalidInputError
from pachon.dimensions import (
    DataCoordinate,
    DataIdTable,
    DataIdValueError,
    InconsistentDataIdError,
    RecordTable,
)
from pachon.dimensions.region import circle
from pachon.registry.errors import ConflictingDefinitionError, UnimplementedQueryError
from pachon.registry.protocol import Registry
from pachon.registry.testing.sample_data import SampleData, span

__all__ = ["RecordsSuite"]


class RecordsSuite:
    """Insertion, synchronization, reading, and completing data IDs."""

    def _visit(self, number: int, **fields: Any) -> dict[str, Any]:
        row = {"instrument": "Cam", "id": number, "name": f"v{number}", "physical_filter": "g", "day_obs": 20240101}
        return {**row, **fields}

    @pytest.mark.parametrize("bad", ["a\0b", "half \ud800"])
    @pytest.mark.parametrize("count", [1, 50])
    def test_texts_that_cannot_be_stored(self, sample: SampleData, bad: str, count: int) -> None:
        records = sample.registry.dimension_records
        rows = [{"instrument": "Cam", "id": 100 + i, "full_name": f"{bad}{i}"} for i in range(count)]
        for options in ({}, {"replace": True}, {"skip_existing": True}):
            with pytest.raises(InvalidInputError, match="full_name"):
                records.insert("detector", rows, **options)
        assert len(records.fetch("detector")) == 4

    @pytest.mark.parametrize("text", ["x" * 65_536, "a\tb\\N\n", "'; DROP TABLE dataset; --", "Ωß→🔭", "%s :x ?"])
    def test_odd_texts_are_data(self, sample: SampleData, text: str) -> None:
        records = sample.registry.dimension_records
        rows = [{"instrument": "Cam", "id": 100 + i, "full_name": f"{i}", "purpose": text} for i in range(50)]
        if len(text) > 32:
            with pytest.raises(InvalidInputError, match="32 characters"):
                records.insert("detector", rows)
            return
        assert records.insert("detector", rows) == 50
        stored = records.fetch("detector").columns["purpose"].tolist()
        assert stored.count(text) == 50

    def test_what_may_be_done_about_a_record_that_exists_is_said(self, sample: SampleData) -> None:
        row = {"instrument": "Cam", "id": 1, "full_name": "another"}
        with pytest.raises(
            ConflictingDefinitionError, match=r"exists for .*; skip_existing=True keeps it, and replace=True"
        ):
            sample.registry.dimension_records.insert("detector", [row])

    def test_round_trip(self, sample: SampleData) -> None:
        rows = [
            self._visit(1, region=circle(10, 20, 1), timespan=span(1, 2), exposure_time=30.5, seq_num=3),
            self._visit(2, target_name="naïve 'quoted' \"text\" " + "x" * 40),
        ]
        expected = RecordTable.from_rows(sample.registry.universe["visit"], rows)
        assert sample.registry.dimension_records.insert(expected) == 2
        stored = sample.registry.dimension_records.fetch("visit")
        assert sorted(stored, key=lambda r: r.id) == list(expected)

    def test_fields_of_every_type(self, sample: SampleData) -> None:
        sample.registry.dimension_records.insert(
            "exposure", [{**sample.exposure(9), "can_see_sky": False, "tracking_ra": 1.25, "seq_num": 2**60}]
        )
        record = next(r for r in sample.registry.dimension_records.fetch("exposure") if r.id == 9)
        assert (record.can_see_sky, record.has_simulated, record.tracking_ra) == (False, None, 1.25)
        assert (record.seq_num, record.tracking_dec, record.timespan) == (2**60, None, span(10, 11))

    def test_insert_twice(self, sample: SampleData) -> None:
        insert = sample.registry.dimension_records.insert
        row = {"instrument": "Cam", "id": 1, "full_name": "other"}
        new = {"instrument": "Cam", "id": 7, "full_name": "D7"}
        with pytest.raises(ConflictingDefinitionError, match="detector"):
            insert("detector", [new, row])
        assert len(sample.registry.dimension_records.fetch("detector")) == 4
        assert insert("detector", [row, new, new], skip_existing=True) == 1
        names = {r.id: r.full_name for r in sample.registry.dimension_records.fetch("detector")}
        assert names == {0: "D0", 1: "D1", 2: "D2", 3: "D3", 7: "D7"}
        assert insert("detector", [row, {**new, "raft": "A"}], replace=True) == 2
        stored = {r.id: (r.full_name, r.raft) for r in sample.registry.dimension_records.fetch("detector")}
        assert (stored[1], stored[7]) == (("other", None), ("D7", "A"))
        with pytest.raises(ConflictingDefinitionError, match="twice"):
            insert("detector", [{**new, "id": 8, "full_name": "a"}, {**new, "id": 8, "full_name": "b"}])
        with pytest.raises(InvalidInputError):
            insert("detector", [row], replace=True, skip_existing=True)

    def test_alternate_keys(self, sample: SampleData) -> None:
        insert = sample.registry.dimension_records.insert
        with pytest.raises(ConflictingDefinitionError, match="full_name"):
            insert("detector", [{"instrument": "Cam", "id": 9, "full_name": "D1"}])
        with pytest.raises(ConflictingDefinitionError, match="full_name"):
            insert("detector", [{"instrument": "Cam", "id": 1, "full_name": "D2"}], replace=True)
        with pytest.raises(ConflictingDefinitionError):
            insert("detector", [{"instrument": "Cam", "id": i, "full_name": "same"} for i in (8, 9)])
        insert("instrument", [{"name": "Other"}])
        assert insert("detector", [{"instrument": "Other", "id": 1, "full_name": "D1"}]) == 1

    def test_parents_must_exist(self, sample: SampleData) -> None:
        insert = sample.registry.dimension_records.insert
        with pytest.raises(DataIdValueError, match="instrument"):
            insert("detector", [{"instrument": "Nope", "id": 1, "full_name": "D1"}])
        with pytest.raises(DataIdValueError, match="physical_filter"):
            insert("visit", [self._visit(1, physical_filter="z")])
        with pytest.raises(DataIdValueError, match="visit"):
            insert("visit_definition", [{"instrument": "Cam", "visit": 1, "exposure": 1}])

    @pytest.mark.parametrize(
        ("element", "row"),
        [
            ("detector", {"instrument": "Cam", "id": "1", "full_name": "x"}),
            ("detector", {"instrument": "Cam", "id": 9}),
            ("detector", {"instrument": "Cam", "id": None, "full_name": "x"}),
            ("detector", {"instrument": "Cam", "id": 9, "full_name": "x" * 33}),
            ("detector", {"instrument": "Cam", "id": 9, "full_name": "x", "nope": 1}),
            ("detector", {"instrument": "Cam", "id": 2**63, "full_name": "x"}),
            ("band", {"name": "u"}),
            ("htm7", {"id": 131072}),
        ],
    )
    def test_bad_rows(self, sample: SampleData, element: str, row: dict[str, Any]) -> None:
        with pytest.raises(InvalidInputError):
            sample.registry.dimension_records.insert(element, [row])

    def test_sync(self, sample: SampleData) -> None:
        records = sample.registry.dimension_records
        element = sample.registry.universe["detector"]

        def record(**fields: Any) -> Any:
            return RecordTable.from_rows(element, [{"instrument": "Cam", "id": 9, "full_name": "D9", **fields}])[0]

        assert records.sync(record()).inserted
        assert not records.sync(record()).inserted
        with pytest.raises(ConflictingDefinitionError, match="raft"):
            records.sync(record(raft="A"))
        outcome = records.sync(record(raft="A", full_name="X"), update=True)
        assert (outcome.inserted, outcome.replaced) == (False, {"raft": None, "full_name": "D9"})
        assert {r.raft for r in records.fetch("detector") if r.id == 9} == {"A"}

    def test_replaced_regions_are_found_where_they_are(self, sample: SampleData) -> None:
        records, query = sample.registry.dimension_records, sample.registry.query
        records.insert("visit", [self._visit(1, region=circle(10, 20, 1)), self._visit(2)])
        where = "visit.region OVERLAPS POINT(:ra, :dec)"
        assert len(query.data_ids(["visit"], where=where, bind={"ra": 10, "dec": 20})) == 1
        records.insert("visit", [self._visit(1, region=circle(50, 20, 1))], skip_existing=True)
        assert len(query.data_ids(["visit"], where=where, bind={"ra": 50, "dec": 20})) == 0
        records.insert("visit", [self._visit(1, region=circle(50, 20, 1))], replace=True)
        assert len(query.data_ids(["visit"], where=where, bind={"ra": 50, "dec": 20})) == 1
        assert len(query.data_ids(["visit"], where=where, bind={"ra": 10, "dec": 20})) == 0

    def test_fetch_some(self, sample: SampleData) -> None:
        records = sample.registry.dimension_records
        rows = [{"instrument": "Cam", "detector": d} for d in (1, 3, 9)]
        wanted = DataIdTable.from_rows(sample.registry.universe.conform(["detector"]), rows)
        assert sorted(r.id for r in records.fetch("detector", wanted)) == [1, 3]
        assert sorted(r.name for r in records.fetch("band")) == ["g", "r"]
        pixels = DataIdTable.from_rows(sample.registry.universe.conform(["htm7"]), [{"htm7": 257476}])
        assert records.fetch("htm7", pixels)[0].id == 257476
        with pytest.raises(UnimplementedQueryError):
            records.fetch("htm7")

    def test_expand(self, sample: SampleData) -> None:
        records = sample.registry.dimension_records
        data_id = sample.data_id(sample.raw, detector=1, exposure=3)
        expanded = records.expand(data_id)
        assert expanded.full["physical_filter"] == "r"
        assert expanded.full["band"] == "r"
        assert expanded.records is not None
        assert expanded.records["detector"] is not None
        assert expanded.records["detector"].full_name == "D1"
        assert expanded.timespan == span(4, 5)
        assert records.expand(expanded) is expanded
        many = records.expand(DataIdTable.from_rows(sample.raw.dimensions, [data_id] * 2))
        assert many.data_ids.is_full
        assert list(many) == [expanded, expanded]
        assert many[1].records == expanded.records

    def test_expand_errors(self, sample: SampleData) -> None:
        records = sample.registry.dimension_records
        group = sample.raw.dimensions

        def both(values: dict[str, Any], error: type[Exception]) -> None:
            data_id = DataCoordinate.standardize({"instrument": "Cam", **values}, dimensions=group)
            with pytest.raises(error):
                records.expand(data_id)
            good = DataCoordinate.standardize({"instrument": "Cam", "detector": 1, "exposure": 1}, dimensions=group)
            for rows in ([data_id], [good, data_id]):
                with pytest.raises(error):
                    records.expand(DataIdTable.from_rows(group, rows))

        both({"detector": 9, "exposure": 1}, DataIdValueError)
        both({"detector": 1, "exposure": 99}, DataIdValueError)
        both({"detector": 1, "exposure": 1, "physical_filter": "g"}, InconsistentDataIdError)
        full = {"day_obs": 20240101, "group": "a", "physical_filter": "r", "band": "g"}
        both({"detector": 1, "exposure": 1, **full}, InconsistentDataIdError)

    def test_expand_joined(self, sample: SampleData) -> None:
        records = sample.registry.dimension_records
        records.insert("visit", [self._visit(0)])
        group = sample.registry.universe.conform(["exposure", "visit", "detector"])
        data_id = DataCoordinate.standardize(instrument="Cam", exposure=0, visit=0, detector=1, dimensions=group)
        with pytest.raises(InconsistentDataIdError):
            records.expand(data_id)
        records.insert("visit_definition", [{"instrument": "Cam", "visit": 0, "exposure": 0}])
        expanded = records.expand(data_id)
        assert expanded.records is not None
        assert expanded.records["visit_detector_region"] is None
        assert expanded.region is None

    def test_cached_records_follow_changes(self, sample: SampleData, again: Registry) -> None:
        data_id = sample.data_id(sample.bias, detector=1)

        def name(registry: Registry) -> str:
            records = registry.dimension_records.expand(data_id).records
            assert records is not None
            assert records["detector"] is not None
            return str(records["detector"].full_name)

        assert name(sample.registry) == name(again) == "D1"
        changed = {"instrument": "Cam", "id": 1, "full_name": "new"}
        sample.registry.dimension_records.insert("detector", [changed], replace=True)
        assert name(sample.registry) == name(again) == "new"

    def test_records_that_were_just_read_follow_changes(self, sample: SampleData, again: Registry) -> None:
        """Those of many rows, which are not all kept, are remembered for a while."""
        data_id = sample.data_id(sample.raw, exposure=1, detector=1)

        def target(registry: Registry) -> str:
            # A snapshot is read by the connection that writes, too.
            with registry.snapshot():
                records = registry.dimension_records.expand(data_id).records
            assert records is not None
            assert records["exposure"] is not None
            return str(records["exposure"].target_name)

        def replace(registry: Registry, name: str) -> None:
            changed = {**sample.exposure(1), "target_name": name}
            registry.dimension_records.insert("exposure", [changed], replace=True)

        for changing in (sample.registry, again):
            assert target(sample.registry) == target(again)
            replace(changing, f"M {id(changing)}")
            assert target(sample.registry) == target(again) == f"M {id(changing)}"
        before = target(again)
        with pytest.raises(ZeroDivisionError), again.write():
            replace(again, "other")
            assert target(again) == "other"
            raise ZeroDivisionError
        assert target(sample.registry) == target(again) == before
        with again.write():
            replace(again, "other")
        assert target(sample.registry) == target(again) == "other"
        with again.snapshot():
            assert target(again) == "other"
            replace(sample.registry, "last")
            replace(again, "own")
        assert target(sample.registry) == target(again) == "own"
