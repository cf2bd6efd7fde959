# SPDX-License-Identifier: BSD-3-Clause
# ruff: noqa: PT012 (what raises is a block of several statements)
from collections.abc import Callable
from pathlib import Path

import pytest

from pachon.butler import Butler, DatasetNotFoundError, NotTransactionalError
from pachon.datasets import CollectionType, DatasetRef, FileDataset
from pachon.dimensions import DataIdValueError, Timespan
from pachon.registry import ConflictingDefinitionError


def stored_files(root: Path) -> set[str]:
    return {p.name for p in root.rglob("*.yaml")} - {"butler.yaml"}


def test_rows_appear_at_the_end(butler: Butler, repository: Path) -> None:
    with Butler.open(str(repository), collections="run") as other:
        with butler.transaction():
            ref = butler.put({"n": 1}, "gain", detector=1)
            assert len(stored_files(repository)) == 1
            # Nobody sees it, the block itself included; a reference can be read.
            assert butler.find_dataset("gain", detector=1) is None
            assert not butler.exists(ref)
            assert other.get_dataset(ref.id) is None
            assert butler.get(ref) == {"n": 1}
            assert butler.get_deferred(ref).get() == {"n": 1}
            assert butler.get_uri(ref).exists()
            assert [obj for _, obj in butler.get_many([ref])] == [{"n": 1}]
            with pytest.raises(DatasetNotFoundError) as caught:
                butler.get("gain", detector=1)
            assert "is found when it ends" in caught.value.__notes__[-1]
        assert butler.get("gain", detector=1) == {"n": 1}
        assert other.get_dataset(ref.id) == ref
        with pytest.raises(DatasetNotFoundError) as caught:
            butler.get("gain", detector=2)
        assert not hasattr(caught.value, "__notes__")


def test_an_exception_leaves_nothing(butler: Butler, repository: Path) -> None:
    with pytest.raises(KeyError), butler.transaction():
        butler.put({"n": 1}, "gain", detector=1)
        butler.put({}, "note")
        raise KeyError("x")
    assert stored_files(repository) == set()
    assert len(butler.query_all_datasets("*")) == 0
    butler.put({"n": 2}, "gain", detector=1)


def test_a_conflict_at_the_end_leaves_nothing(butler: Butler, repository: Path) -> None:
    butler.put({"n": 0}, "gain", detector=0)
    with pytest.raises(ConflictingDefinitionError), butler.transaction():
        butler.put({"n": 1}, "gain", detector=1)
        last = butler.put({"n": 9}, "gain", detector=0)
    assert last.run == "run", "the call gives a reference"
    assert len(stored_files(repository)) == 1
    assert butler.get("gain", detector=0) == {"n": 0}
    assert butler.find_dataset("gain", detector=1) is None


def test_an_inner_block_fails_alone(butler: Butler, repository: Path) -> None:
    with butler.transaction():
        butler.put({"n": 1}, "gain", detector=1)
        with pytest.raises(KeyError), butler.transaction():
            butler.put({"n": 2}, "gain", detector=2)
            raise KeyError("x")
        with butler.transaction():
            butler.put({"n": 3}, "gain", detector=3)
        assert len(stored_files(repository)) == 2
    found = {ref.data_id["detector"] for ref in butler.query_datasets("gain")}
    assert found == {1, 3}
    with pytest.raises(KeyError), butler.transaction():
        with butler.transaction():
            butler.put({"n": 2}, "gain", detector=2)
        raise KeyError("x")
    assert len(stored_files(repository)) == 2


def test_all_kinds_of_changes_come_together(butler: Butler, repository: Path, tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("a: 1\n")
    old = butler.put({"old": 1}, "note")
    with butler.transaction():
        butler.collections.register("calib", CollectionType.CALIBRATION)
        butler.collections.register("tag", CollectionType.TAGGED)
        bias = butler.put({"n": 1}, "bias", detector=1)
        butler.collections.certify("calib", [bias], Timespan("2026-01-01", "2026-01-02"))
        butler.collections.associate("tag", [bias])
        (ingested,) = butler.ingest([FileDataset(file, dataset_type="gain", data_ids={"detector": 2})], transfer="move")
        butler.prune([old], purge=True)
        assert file.exists()
        assert butler.get(old) == {"old": 1}
        assert butler.query_datasets("bias", collections="tag").first() is None
    assert not file.exists()
    assert butler.get(ingested) == {"a": 1}
    assert butler.get_dataset(old.id) is None
    assert butler.get("bias", detector=1, exposure=1, collections="calib") == {"n": 1}
    assert butler.query_datasets("bias", collections="tag").one() == bias
    assert len(stored_files(repository)) == 2


def test_registrations_take_effect_at_once(butler: Butler) -> None:
    with pytest.raises(KeyError), butler.transaction():
        butler.collections.register("made")
        raise KeyError("x")
    assert butler.collections.query() == ["made"]


def test_records_of_the_block_are_not_seen_in_it(butler: Butler) -> None:
    rows = [{"instrument": "Cam", "id": 9, "full_name": "S09"}]
    with pytest.raises(DataIdValueError), butler.transaction():
        butler.dimension_records.insert("detector", rows)
        butler.put({}, "gain", detector=9)
    assert 9 not in {record.id for record in butler.fetch_records("detector")}
    with butler.transaction():
        butler.dimension_records.insert("detector", rows)
    butler.put({}, "gain", detector=9)


def test_what_cannot_be_part_of_a_block(butler: Butler) -> None:
    butler.put({}, "note")
    with butler.transaction():
        for call in (
            butler.empty_trash,
            lambda: butler.remove_runs("run"),
            lambda: butler.dimension_records.sync("detector", {"instrument": "Cam", "id": 1, "full_name": "S01"}),
            lambda: butler.register_graph_outputs([], butler.datastore_records([])),
        ):
            with pytest.raises(NotTransactionalError, match="after the block"):
                call()


def test_clones_have_their_own_transaction(butler: Butler) -> None:
    clone = butler.clone()
    with butler.transaction():
        butler.put({"n": 1}, "gain", detector=1)
        clone.put({"n": 2}, "gain", detector=2)
        assert clone.get("gain", detector=2) == {"n": 2}
        assert clone.find_dataset("gain", detector=1) is None
    clone.close()


class TestBlocksOfCollections:
    """What `ButlerCollections.together` opens is a transaction of rows alone."""

    @pytest.fixture
    def note(self, butler: Butler) -> DatasetRef:
        return butler.put({"n": 1}, "note")

    @pytest.mark.parametrize(
        "act",
        [
            lambda butler, _: butler.put({"n": 2}, "gain", detector=1),
            lambda butler, _: butler.put_many([({"n": 2}, "gain", {"detector": 1})]),
            lambda butler, note: butler.prune([note], purge=True),
            lambda butler, note: butler.prune([note]),
            lambda butler, note: (butler.trash([note]), butler.empty_trash([note])),
            lambda butler, _: butler.empty_trash(),
            lambda butler, _: butler.remove_runs("run"),
            lambda butler, _: butler.fsck(repair=True),
            lambda butler, _: butler.ingest(
                [FileDataset("here.yaml", dataset_type="gain", data_ids={"detector": 1})], transfer=None
            ),
        ],
    )
    def test_what_has_to_do_with_files_is_refused(
        self, butler: Butler, repository: Path, note: DatasetRef, act: Callable[[Butler, DatasetRef], object]
    ) -> None:
        (repository / "here.yaml").write_text("n: 2\n")
        before = stored_files(repository)
        with pytest.raises(NotTransactionalError), butler.collections.together():
            act(butler, note)
        assert stored_files(repository) == before
        assert butler.get(note) == {"n": 1}
        assert butler.find_dataset("gain", detector=1) is None

    def test_a_block_that_fails_costs_the_writer_nothing(self, repository: Path) -> None:
        with Butler.open(str(repository), run="run", instrument="Cam") as butler:
            with pytest.raises(KeyError), butler.collections.together():
                butler.collections.register("tag", CollectionType.TAGGED)
                butler.collections.associate("tag", [])
                raise KeyError("x")
            assert butler.collections.query("t*") == []
            butler.put({"n": 2}, "gain", detector=1)
        assert Butler.open(str(repository)).fsck(min_age=0).clean

    def test_a_transaction_of_rows_can_be_inside(self, butler: Butler, note: DatasetRef) -> None:
        with butler.collections.together(), butler.transaction():
            butler.collections.register("tag", CollectionType.TAGGED)
            butler.collections.associate("tag", [note])
            butler.prune([note], unstore=False, disassociate=["tag"])
        assert list(butler.query_datasets("note", collections="tag")) == []


def test_a_record_that_is_inserted_in_the_block_is_not_there_yet(butler: Butler) -> None:
    def use_it(*, inside: bool) -> None:
        with butler.transaction():
            butler.dimension_records.insert("detector", [{"instrument": "Cam", "id": 9, "full_name": "S9"}])
            if inside:
                with butler.transaction():
                    butler.put({"n": 9}, "gain", detector=9)
            butler.put({"n": 9}, "gain", detector=9)

    for inside in (False, True):
        with pytest.raises(DataIdValueError, match="no detector record") as caught:
            use_it(inside=inside)
        assert len([note for note in caught.value.__notes__ if "insert them before it" in note]) == 1
    with pytest.raises(DataIdValueError) as caught, butler.transaction():
        butler.put({"n": 9}, "gain", detector=9)
    assert not hasattr(caught.value, "__notes__")
