# SPDX-License-Identifier: BSD-3-Clause
"""What every registry must do with transactions, other clients, and records of other layers."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from pachon.base import ConflictError, InvalidInputError, ReadOnlyError
from pachon.datasets import CollectionType, DatasetRef, new_ids
from pachon.registry.errors import ConflictingDefinitionError, MissingCollectionError, OrphanedRecordError
from pachon.registry.opaque import OpaqueColumn
from pachon.registry.protocol import RecordRows, Registry
from pachon.registry.testing.sample_data import SampleData

__all__ = ["TransactionsSuite"]

_COLUMNS = (
    OpaqueColumn(name="dataset_id", type="uuid", key=True),
    OpaqueColumn(name="part", type="text", length=16, key=True),
    OpaqueColumn(name="path", type="text", length=256, index=True),
    OpaqueColumn(name="size", type="int", nullable=True),
)
_TRASH = (*_COLUMNS, OpaqueColumn(name="failures", type="int"))


class _StopError(Exception):
    """Ends a block."""


class TransactionsSuite:
    """Transactions, caches, concurrent clients, read-only clients and opaque tables."""

    def test_all_or_nothing(self, sample: SampleData) -> None:
        registry = sample.registry
        table = registry.opaque("things", _COLUMNS)
        ref = sample.ref(sample.bias, "one", detector=1)

        def fail() -> None:
            with registry.write():
                registry.collections.register("new")
                registry.datasets.insert([ref])
                table.insert({"dataset_id": new_ids(1), "part": ["a"], "path": ["p"], "size": [1]})
                assert sample.find(sample.bias, "one", detector=1) == ref
                assert registry.collections.get("new").name == "new"
                raise _StopError

        with pytest.raises(_StopError):
            fail()
        assert sample.find(sample.bias, "one", detector=1) is None
        assert table.fetch()["path"] == []
        assert registry.collections.find(["new"]) == {}
        assert registry.collections.register("new", CollectionType.TAGGED)

    def test_inner_block_fails_alone(self, sample: SampleData) -> None:
        registry = sample.registry
        with registry.write():
            kept = sample.put(sample.bias, "one", detector=1)
            with pytest.raises(ConflictingDefinitionError):
                registry.datasets.insert([sample.ref(sample.bias, "one", detector=d) for d in (2, 1)])
            with pytest.raises(_StopError), registry.write():
                sample.put(sample.bias, "one", detector=3)
                registry.collections.register("lost")
                raise _StopError
            assert registry.collections.find(["lost"]) == {}
        assert {ref for table in registry.datasets.get_by_run("one") for ref in table} == {kept}
        assert registry.collections.get("one", dataset_types=True).dataset_types == ("bias",)

    def test_rolled_back_summaries_are_written_again(self, sample: SampleData) -> None:
        with pytest.raises(_StopError), sample.registry.write():
            sample.put(sample.bias, "one", detector=1)
            sample.put(sample.bias, "one", detector=2)
            raise _StopError
        sample.put(sample.bias, "one", detector=1)
        assert sample.registry.collections.get("one", dataset_types=True).dataset_types == ("bias",)
        assert len(sample.registry.query.datasets("bias", "one")) == 1

    def test_nothing_of_a_failed_transaction_is_remembered(self, sample: SampleData, again: Registry) -> None:
        registry = sample.registry
        for _ in range(3):
            with pytest.raises(_StopError), registry.write():
                registry.collections.register("tried", CollectionType.RUN)
                sample.put(sample.bias, "tried", detector=1)
                raise _StopError
            assert registry.collections.find_types(["tried"]) == {}
        again.collections.register("tried", CollectionType.TAGGED)
        assert registry.collections.find_types(["tried"]) == {"tried": CollectionType.TAGGED}
        again.collections.remove("tried")
        again.collections.register("tried", CollectionType.RUN)
        sample.put(sample.bias, "tried", detector=1)

    def test_changes_of_others_are_seen(self, sample: SampleData, again: Registry) -> None:
        mine, theirs = sample.registry.collections, again.collections
        mine.set_chain("chain", ["one"])
        assert theirs.flatten("chain") == ("one",)
        mine.set_chain("chain", ["two", "one"])
        assert theirs.flatten("chain") == ("two", "one")
        theirs.set_chain("chain", [])
        assert mine.flatten("chain") == ()
        theirs.remove("tag")
        with pytest.raises(MissingCollectionError):
            mine.get("tag")
        theirs.register("tag", CollectionType.CHAINED)
        assert mine.get("tag").type is CollectionType.CHAINED
        again.dataset_types.remove("raw")
        assert sample.registry.dataset_types.find(["raw"]) == {}
        ref = sample.put(sample.bias, "one", detector=1)
        assert again.datasets.find_one("bias", ref.data_id, ["one"]) == ref
        with pytest.raises(OrphanedRecordError):
            again.collections.remove("one")
        with pytest.raises(OrphanedRecordError, match="'bias' has datasets, such as those in run 'one'"):
            again.dataset_types.remove("bias")

    def test_readers_see_what_is_committed(self, sample: SampleData, again: Registry) -> None:
        with sample.registry.write():
            sample.registry.collections.register("later")
            ref = sample.put(sample.bias, "one", detector=1)
            assert again.collections.find(["later"]) == {}
            assert again.datasets.find_one("bias", ref.data_id, "one") is None
        assert again.collections.find(["later"])
        assert again.datasets.find_one("bias", ref.data_id, "one") == ref

    def test_snapshot(self, sample: SampleData, again: Registry) -> None:
        with again.snapshot():
            assert len(again.collections.query()) == 5
            sample.registry.collections.register("later")
            assert len(again.collections.query()) == 5
        assert len(again.collections.query()) == 6

    def test_many_threads_register_the_same(self, sample: SampleData, again: Registry) -> None:
        made: list[int] = []
        errors: list[Exception] = []

        def work(registry: Registry) -> None:
            try:
                made.extend(registry.collections.register(f"run{i}") for i in range(20))
                made.extend(registry.dataset_types.register(sample.raw) for _ in range(2))
            except Exception as error:  # noqa: BLE001  # a thread hands it over
                errors.append(error)

        threads = [threading.Thread(target=work, args=(r,)) for r in (sample.registry, again) * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert sum(made) == 20

    def test_read_only(self, sample: SampleData, read_only: Registry) -> None:
        ref = sample.put(sample.bias, "one", detector=1)
        assert read_only.datasets.find_one("bias", ref.data_id, ["one"]) == ref
        assert len(read_only.query.datasets("bias", "one", where="detector IN (0..3) AND instrument='Cam'")) == 1
        assert not read_only.writeable
        for act in (
            lambda: read_only.collections.register("new"),
            lambda: read_only.datasets.insert([sample.ref(sample.bias, "one", detector=2)]),
            lambda: read_only.collections.remove("tag"),
        ):
            with pytest.raises(ReadOnlyError):
                act()

    def test_closed(self, again: Registry) -> None:
        again.close()
        with pytest.raises(InvalidInputError, match="closed"):
            again.collections.query()

    # Opaque tables.

    def _filled(self, registry: Registry) -> tuple[RecordRows, np.ndarray]:
        table, ids = registry.opaque("things", _COLUMNS), new_ids(3)
        rows: dict[str, Any] = {
            "dataset_id": ids,
            "part": ["", "a", "b"],
            "path": ["p", "q", "q"],
            "size": [1, None, 3],
        }
        assert table.insert(rows) == 3
        return table, ids

    def test_opaque_insert_and_fetch(self, registry: Registry) -> None:
        table, ids = self._filled(registry)
        assert sorted(table.fetch()["part"]) == ["", "a", "b"]
        found = table.fetch("path", ["q", "nope", "q"], order_by=["-size"])
        assert (found["part"], found["size"]) == (["a", "b"], [None, 3])
        assert (table.fetch("dataset_id", ids[:1])["dataset_id"] == ids[:1]).all()
        assert table.fetch(order_by=["part"], limit=2)["part"] == ["", "a"]
        assert table.fetch("dataset_id", np.empty((0, 16), dtype=np.uint8))["part"] == []

    def test_opaque_conflicts(self, registry: Registry) -> None:
        table, ids = self._filled(registry)
        again = {"dataset_id": ids[:2], "part": ["new", "a"], "path": ["x", "y"], "size": [0, 0]}
        with pytest.raises(ConflictError):
            table.insert(again)
        assert len(table.fetch()["part"]) == 3
        assert table.insert(again, skip_existing=True) == 1
        with pytest.raises(ConflictingDefinitionError):
            registry.opaque("things", _TRASH)
        with pytest.raises(InvalidInputError):
            table.insert({"nope": [1]})

    def test_one_opaque_row(self, registry: Registry, again: Registry) -> None:
        table, _ = self._filled(registry)
        (new,) = new_ids(1)
        row = {"dataset_id": new.tobytes(), "part": "whole", "path": "caf\u00e9", "size": None}
        table.insert_one(row)
        found = again.opaque("things", _COLUMNS).fetch("path", ["caf\u00e9"])
        assert (found["dataset_id"] == new).all()
        assert (found["part"], found["size"]) == (["whole"], [None])
        with registry.write():
            for wrong, reason in (
                (row, ConflictError),
                ({**row, "part": "b\0"}, InvalidInputError),
                ({**row, "part": "b\ud800"}, InvalidInputError),
                ({**row, "nope": 1}, InvalidInputError),
            ):
                with pytest.raises(reason):
                    table.insert_one(wrong)
            table.insert_one({**row, "part": "other"})
        assert table.update_one({"path": "q", "part": "a"}, {"size": 7, "path": "r"}) == 1
        assert table.update_one({"path": "q", "part": "a"}, {"size": 8, "path": "r"}) == 0
        assert table.update_one({"path": "caf\u00e9"}, {"size": 5}) == 2
        sizes = dict(zip(table.fetch()["part"], table.fetch()["size"], strict=True))
        assert sizes == {"": 1, "a": 7, "b": 3, "whole": 5, "other": 5}

    def test_an_opaque_table_whose_making_was_undone(self, registry: Registry) -> None:
        with pytest.raises(ZeroDivisionError), registry.write():
            registry.opaque("new", _TRASH).fetch("path", ["p"])
            raise ZeroDivisionError
        number = OpaqueColumn(name="number", type="int", key=True)
        note = OpaqueColumn(name="path", type="text", length=10)
        table = registry.opaque("new", (number, note))
        assert table.insert({"number": [1], "path": ["p"]}) == 1
        assert table.fetch("path", ["p"]) == {"number": [1], "path": ["p"]}

    def test_an_opaque_table_that_was_asked_for_with_wrong_columns(self, registry: Registry, again: Registry) -> None:
        table, ids = self._filled(registry)
        with pytest.raises(ConflictingDefinitionError):
            again.opaque("things", _TRASH)
        found = again.opaque("things", _COLUMNS)
        assert (found.fetch("dataset_id", ids)["path"]) == table.fetch("dataset_id", ids)["path"]
        assert found.insert({"dataset_id": new_ids(1), "part": ["x"], "path": ["y"], "size": [4]}) == 1

    def test_opaque_changes(self, registry: Registry, again: Registry) -> None:
        table, ids = self._filled(registry)
        trash = registry.opaque("trash", _TRASH)
        with registry.write():
            assert table.move("dataset_id", ids[:2], trash, {"failures": 0}) == 2
        assert sorted(again.opaque("trash", _TRASH).fetch()["path"]) == ["p", "q"]
        assert table.fetch()["part"] == ["b"]
        assert trash.update({"dataset_id": ids[:1], "part": [""]}, {"failures": [5]}) == 1
        assert trash.fetch("path", ["p"])["failures"] == [5]
        keys = {"dataset_id": ids, "part": ["", "wrong", "b"]}
        assert trash.fetch_keys(keys)["path"] == ["p"]
        assert trash.delete(keys) == 1
        assert trash.fetch()["path"] == ["q"]

    def test_rows_that_are_moved_to_where_their_keys_are(self, registry: Registry) -> None:
        table, ids = self._filled(registry)
        trash = registry.opaque("trash", _TRASH)
        rows = table.fetch("dataset_id", ids[:1])
        table.move("dataset_id", ids[:1], trash, {"failures": 7})
        table.insert(rows)
        assert table.move("dataset_id", ids[:2], trash, {"failures": 0}) == 2
        assert sorted(trash.fetch()["failures"]) == [0, 7]
        assert len(table.fetch()["part"]) == 1

    def test_a_group_whose_registration_was_undone(self, sample: SampleData) -> None:
        """On SQLite the next one gets its number."""
        registry = sample.registry
        for dimensions in (["physical_filter"], ["exposure"], ["group"]):
            with pytest.raises(ZeroDivisionError), registry.write():
                kind = sample.register("new", dimensions)
                values = {"physical_filter": "g", "exposure": 1, "group": "a"}
                ref = DatasetRef(kind, {"instrument": "Cam", dimensions[0]: values[dimensions[0]]}, "one")
                registry.datasets.insert([ref])
                assert registry.datasets.find_one("new", ref.data_id, ["one"]) == ref
                raise ZeroDivisionError
        assert registry.dataset_types.query("new") == []
