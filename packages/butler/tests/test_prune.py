# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace
from pathlib import Path

import pytest

from pachon.base import ConflictError, InvalidInputError, NotFoundError
from pachon.butler import Butler, prune
from pachon.datasets import CollectionType, DatasetRef, ids_from_uuids
from pachon.datastore.records import text_array
from pachon.quantum_butler.run_lock import RunBusyError, lock_run
from pachon.quantum_butler.testing import busy_run
from pachon.registry import CollectionTypeError, MissingCollectionError, OrphanedRecordError


def stored(root: Path) -> set[str]:
    return {path.name for path in root.rglob("*.yaml")} - {"butler.yaml"}


@pytest.fixture
def refs(butler: Butler) -> list[DatasetRef]:
    return butler.put_many([({"n": n}, "gain", {"detector": n}) for n in range(4)])


def test_unstore_keeps_the_dataset_known(butler: Butler, refs: list[DatasetRef], repository: Path) -> None:
    butler.prune(refs[:2])
    assert len(stored(repository)) == 2
    assert butler.find_dataset("gain", detector=0) == refs[0]
    assert not butler.exists(refs[0])
    assert butler.get(refs[2]) == {"n": 2}
    butler.prune(refs[:2])


def test_purge_removes_it_everywhere(butler: Butler, refs: list[DatasetRef], repository: Path) -> None:
    butler.collections.register("tag", CollectionType.TAGGED)
    butler.collections.associate("tag", refs)
    butler.prune(refs[:3], purge=True)
    assert [ref.id for ref in butler.query_datasets("gain", collections="tag")] == [refs[3].id]
    assert len(stored(repository)) == 1
    butler.put({"n": 7}, "gain", detector=0)
    assert butler.get("gain", detector=0) == {"n": 7}


def test_a_zip_file_stays_as_long_as_a_member_is_in_use(
    butler: Butler, refs: list[DatasetRef], repository: Path
) -> None:
    records = butler._session.records
    rows = butler.datastore_records(refs[:2])
    (repository / "two.zip").write_bytes(b"two")
    records.forget(rows.dataset_id)
    records.add(replace(rows, path=text_array([f"two.zip#zip-path={n}" for n in range(2)])))
    for ref, is_last in zip(refs[:2], (False, True), strict=True):
        butler.trash([ref])
        would = butler.empty_trash(dry_run=True)
        assert [place.basename() for place in would] == ["two.zip"] * is_last
        assert len(butler.empty_trash()) == is_last
        assert (repository / "two.zip").exists() is not is_last


def test_what_to_do_about_an_unstored_dataset_is_said(butler: Butler, refs: list[DatasetRef]) -> None:
    butler.prune(refs[:1])
    with pytest.raises(NotFoundError, match="never stored here, or was unstored"):
        butler.get(refs[0])
    with pytest.raises(ConflictError, match="choose another run, or remove that dataset first"):
        butler.put({"n": 5}, "gain", detector=0)
    butler.put({"n": 5}, refs[0])
    assert butler.get("gain", detector=0) == {"n": 5}


def test_disassociate_keeps_the_files(butler: Butler, refs: list[DatasetRef], repository: Path) -> None:
    butler.collections.register("tag", CollectionType.TAGGED)
    butler.collections.associate("tag", refs)
    butler.prune(refs[:1], unstore=False, disassociate=["tag"])
    assert len(butler.query_datasets("gain", collections="tag")) == 3
    assert len(stored(repository)) == 4
    butler.prune(refs[1:2], disassociate="tag")  # files go only if that is asked for, too
    assert len(butler.query_datasets("gain", collections="tag")) == 2
    assert len(stored(repository)) == 4
    butler.prune(refs[2:3], unstore=True, disassociate="tag")
    assert len(butler.query_datasets("gain", collections="tag")) == 1
    assert len(stored(repository)) == 3


def test_options_must_go_together(butler: Butler, refs: list[DatasetRef]) -> None:
    with pytest.raises(InvalidInputError, match="purge"):
        butler.prune(refs, unstore=False, purge=True)
    with pytest.raises(InvalidInputError, match="Nothing is to be removed"):
        butler.prune(refs, unstore=False)
    with pytest.raises(CollectionTypeError, match="TAGGED"):
        butler.prune(refs, disassociate=["run"])
    with pytest.raises(MissingCollectionError):
        butler.prune(refs, disassociate=["nope"])
    butler.dataset_types.get("gain")
    table = butler.datastore_records(refs)
    assert len(table) == 4


def test_trash_is_out_of_sight_and_emptied_later(butler: Butler, refs: list[DatasetRef], repository: Path) -> None:
    places = {butler.get_uri(ref) for ref in refs}
    butler.trash(refs)
    assert not butler.exists(refs[0])
    assert len(stored(repository)) == 4
    assert set(butler.empty_trash(dry_run=True)) == places
    assert set(butler.empty_trash(refs[:1])) < places
    assert len(stored(repository)) == 3
    assert len(butler.empty_trash()) == 3
    assert butler.empty_trash() == []
    assert stored(repository) == set()


def test_a_path_that_leads_out_of_the_root_stops_no_other_removal(
    butler: Butler, repository: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    refs = [butler.put({"n": n}, "raw", {"exposure": 1, "detector": n}) for n in range(2)]
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file.yaml").write_text("precious")
    (repository / "link").symlink_to(tmp_path / "outside")
    session = butler._session
    with session.registry.write():
        session.records._records.update({"dataset_id": ids_from_uuids([refs[0].id])}, {"path": ["link/file.yaml"]})
    place = butler.get_uri(refs[1]).ospath
    butler.prune(refs, purge=True)
    assert "A file of a removed dataset stays in the trash" in caplog.text
    assert "leads out of the root" in caplog.text
    assert not Path(place).exists()
    assert (tmp_path / "outside" / "file.yaml").read_text() == "precious"
    assert len(session.records.list_trash()) == 1


def test_what_cannot_be_removed_stays_in_the_trash(
    butler: Butler, refs: list[DatasetRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    from pachon.base import StorageError
    from pachon.datastore.file_store import FileStore

    plain = FileStore.remove

    def fail(self: FileStore, path: str, known: set[str] | None = None) -> bool:
        if "S01" in path:
            raise StorageError("busy")
        return plain(self, path, known)

    monkeypatch.setattr(FileStore, "remove", fail)
    butler.prune(refs, purge=True)
    assert len(butler.empty_trash(dry_run=True)) == 1
    assert butler.empty_trash() == []
    trash = butler._session.records._trash.fetch()
    assert (trash["attempts"], trash["last_error"]) == ([2], ["busy"])
    monkeypatch.undo()
    assert len(butler.empty_trash()) == 1


def test_large_removals_go_in_parts(
    butler: Butler, refs: list[DatasetRef], repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "CHUNK", 3)
    butler.prune(refs, purge=True)
    assert stored(repository) == set()
    butler.put_many([({"n": n}, "gain", {"detector": n}) for n in range(4)])
    butler.remove_runs("run")
    assert stored(repository) == set()
    assert butler.collections.query() == []


@pytest.mark.parametrize("run", ["my run", "a b/c d", "x#1", "50%", "a:b", "it's"])
def test_a_run_whose_name_is_not_that_of_its_folder(butler: Butler, repository: Path, run: str) -> None:
    def folders() -> list[Path]:
        return [path for path in repository.iterdir() if path.is_dir()]

    butler.put({"n": 1}, "gain", detector=0, run=run)
    assert folders()
    butler.remove_runs(run)
    assert not folders()


def test_the_folder_of_another_run_stays(butler: Butler, repository: Path) -> None:
    ref = butler.put({"n": 1}, "gain", detector=0, run="a_b/c")
    butler.collections.register("a b/empty")
    (repository / "a_b" / "empty").mkdir()
    butler.put({"n": 2}, "gain", detector=0, run="a b")
    butler.put({"n": 3}, "gain", detector=0, run="a b/c")
    butler.remove_runs(["a b", "a b/c"])
    assert butler.get(ref) == {"n": 1}
    assert (repository / "a_b" / "empty").is_dir()
    assert not (repository / "a_b" / "gain").exists()
    assert not butler.fsck().findings


def test_remove_runs(butler: Butler, refs: list[DatasetRef], repository: Path) -> None:
    butler.put({}, "note", run="other")
    butler.collections.register("chain", CollectionType.CHAINED)
    butler.collections.set_chain("chain", ["other", "run"])
    with pytest.raises(OrphanedRecordError, match="child of chain"):
        butler.remove_runs(["other", "run"])
    # It was checked before anything was removed.
    assert len(stored(repository)) == 5
    with pytest.raises(CollectionTypeError, match="CHAINED"):
        butler.remove_runs("chain")
    with pytest.raises(MissingCollectionError):
        butler.remove_runs("nope")
    butler.remove_runs(["other", "run"], unlink_from_chains=True)
    assert stored(repository) == set()
    assert butler.collections.query() == ["chain"]
    assert butler.collections.get("chain").children == ()
    assert butler.get_dataset(refs[0].id) is None


def test_what_executions_kept_of_a_run_goes_with_it(butler: Butler, refs: list[DatasetRef], repository: Path) -> None:
    butler.put({}, "note", run="run/below")
    notes = repository / "run" / ".receipts"
    (notes / "graphs").mkdir(parents=True)
    for name in ("running", "graphs/a b#1.qg", "graphs/x.provenance.qg"):
        (notes / name).write_text("x")
    mine = repository / "run" / "notes.txt"
    mine.write_text("of the user")
    (repository / "run" / "below" / "empty").mkdir()
    butler.remove_runs("run")
    assert not notes.exists()
    # What is not the run's stays: a file of the user, and another run.
    assert sorted(path.name for path in (repository / "run").iterdir()) == ["below", "notes.txt"]
    assert (repository / "run" / "below" / "empty").is_dir()
    mine.unlink()
    butler.remove_runs("run/below")
    assert not (repository / "run").exists()
    assert repository.is_dir()


def test_nothing_is_removed_of_a_run_into_which_a_process_runs_quanta(
    butler: Butler, refs: list[DatasetRef], repository: Path
) -> None:
    run, before = refs[0].run, stored(repository)
    with busy_run(str(repository), run) as holder:
        complaint = (
            rf"Run '{run}' is being written by another process \(process {holder} .*; wait for its end, or end it"
        )
        with pytest.raises(RunBusyError, match=complaint):
            butler.remove_runs(run, unlink_from_chains=True)
        with pytest.raises(RunBusyError, match=complaint):
            butler.prune(refs)
        with pytest.raises(RunBusyError, match=complaint):
            butler.prune(refs, purge=True)
        with pytest.raises(RunBusyError, match=complaint):
            butler.trash(refs)
        assert all(butler.exists_many(refs).values())
        assert stored(repository) >= before
    with lock_run(str(repository), run):
        butler.prune(refs[:1])  # who runs the quanta may remove outputs of its own
    butler.remove_runs(run, unlink_from_chains=True)
    assert not stored(repository)


def test_components_are_not_removed(butler: Butler, refs: list[DatasetRef]) -> None:
    part = refs[0].with_dataset_type(
        refs[0].dataset_type._replaced(name="gain.part", parent_storage_class="StructuredDataDict")
    )
    with pytest.raises(InvalidInputError, match="component"):
        butler.prune([part])
    with pytest.raises(InvalidInputError, match="component"):
        butler.trash([part])
