# SPDX-License-Identifier: BSD-3-Clause
import os
from dataclasses import replace
from uuid import uuid4

import pytest

from pachon.datasets import DatasetRef, ids_from_uuids
from pachon.datastore import FileRecords, RemovalOutcome, faults
from pachon.datastore.faults import FAULT_POINTS


@pytest.fixture
def stored(open_files, example, records):
    datastore = open_files()
    dataset_type = example.dataset_type("thing", ("visit",), "StructuredDataDict")
    refs = [example.ref(dataset_type, visit=n) for n in range(3)]
    written = datastore.write_many([({}, ref) for ref in refs])
    records.add(written)
    return datastore, refs, FileRecords(**written.columns())


def outcomes(removal):
    return [outcome.value for outcome in removal.outcomes]


def test_only_what_is_in_the_trash_goes(stored, records, files_in, root):
    datastore, refs, written = stored
    records.move_to_trash(ids_from_uuids([refs[0].id, refs[1].id]))
    removal = datastore.remove_files(written)
    assert outcomes(removal) == ["removed", "removed", "shared"]
    assert removal.removed_paths == tuple(written.path[:2])
    assert files_in(root) == [written.path[2]]
    assert removal.done.all()
    assert removal.errors == ("", "", "")


def test_missing_files_count_as_removed(stored, records):
    datastore, _refs, written = stored
    records.move_to_trash(written.dataset_id)
    os.unlink(datastore.uri(written.row(0)).ospath)
    assert outcomes(datastore.remove_files(written)) == ["missing", "removed", "removed"]
    assert outcomes(datastore.remove_files(written)) == ["missing"] * 3


def test_failures_stay_in_the_trash(stored, records, monkeypatch):
    datastore, _refs, written = stored
    records.move_to_trash(written.dataset_id)
    real = os.unlink

    def deny(path):
        if "_1_" in str(path):
            raise PermissionError(13, "Permission denied")
        real(path)

    monkeypatch.setattr(os, "unlink", deny)
    removal = datastore.remove_files(records.list_trash())
    assert outcomes(removal) == ["removed", "failed", "removed"]
    assert "Permission denied" in removal.errors[1]
    records.drop_trash(removal.records.take(removal.done))
    records.note_trash_failures(removal.records.take(~removal.done), [e for e in removal.errors if e])
    assert len(records.list_trash()) == 1


@pytest.mark.parametrize("path", ["../outside", "a/../../x"])
def test_paths_outside_the_root_are_never_removed(stored, records, path, tmp_path):
    datastore, _refs, written = stored
    (tmp_path / "outside").write_bytes(b"precious")
    evil = FileRecords.from_rows([replace(written.row(0), path=path)])
    records.move_to_trash(written.dataset_id)
    removal = datastore.remove_files(evil)
    assert outcomes(removal) == ["failed"]
    assert (tmp_path / "outside").exists()


def test_links_out_of_the_root_are_not_followed(stored, records, tmp_path, root):
    datastore, _refs, written = stored
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"precious")
    (root / "link").symlink_to(tmp_path / "outside")
    removal = datastore.remove_files(FileRecords.from_rows([replace(written.row(0), path="link/file")]))
    assert outcomes(removal) == ["failed"]
    assert "leads out" in removal.errors[0]
    assert (tmp_path / "outside" / "file").exists()


@pytest.mark.parametrize("path", ["file:///etc/passwd", "s3://bucket/key", "/etc/passwd"])
def test_what_is_not_owned_is_never_removed(stored, path):
    datastore, _refs, written = stored
    removal = datastore.remove_files(FileRecords.from_rows([replace(written.row(0), path=path)]))
    assert removal.outcomes == (RemovalOutcome.NOT_OWNED,)
    assert removal.removed_paths == ()


def test_folders_are_not_removed(stored, records):
    datastore, _refs, written = stored
    removal = datastore.remove_files(FileRecords.from_rows([replace(written.row(0), path="runs/one")]))
    assert outcomes(removal) == ["failed"]


def test_a_new_put_does_not_meet_the_old_file(stored, records):
    datastore, refs, _written = stored
    records.move_to_trash(ids_from_uuids([refs[0].id]))
    again = datastore.write_many([({"new": True}, refs[0])])
    records.add(again)
    removal = datastore.remove_files(records.list_trash())
    assert outcomes(removal) == ["removed"]
    assert datastore.get(refs[0]) == {"new": True}


def test_without_a_record_store_nothing_is_shared(open_files, example):
    datastore = open_files()
    datastore.records = None
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict"))
    assert outcomes(datastore.remove_files(datastore.write_many([({}, ref)]))) == ["removed"]


def test_steps(stored, records):
    datastore, _refs, written = stored
    seen = []
    with faults.install(seen.append):
        datastore.remove_files(written)
    assert seen == ["remove.begin", "remove.looked", "remove.removed", "remove.removed", "remove.removed", "remove.end"]
    assert set(seen) <= set(FAULT_POINTS)


def test_nothing(stored):
    assert outcomes(stored[0].remove_files(FileRecords.empty())) == []


def test_a_file_that_is_stored_again_during_a_large_removal_stays(stored, records, monkeypatch, files_in, root):
    datastore, _refs, written = stored
    monkeypatch.setattr("pachon.datastore.removal.BATCH", 2)
    records.move_to_trash(written.dataset_id)
    seen = []

    def store_last_again(point):
        seen.append(point)
        if seen.count("remove.removed") == 1 and point == "remove.removed":
            records.add(written.take([2]))

    with faults.install(store_last_again):
        assert outcomes(datastore.remove_files(written)) == ["removed", "removed", "shared"]
    assert files_in(root) == [written.path[2]]


def test_objects_of_a_store_are_removed_some_at_a_time(open_files, example, records):
    datastore = open_files(place="memory://removal/")
    dataset_type = example.dataset_type("thing", ("visit",), "StructuredDataDict")
    written = datastore.write_many([({}, example.ref(dataset_type, visit=n)) for n in range(3)])
    records.add(FileRecords(**written.columns()))
    records.move_to_trash(written.dataset_id[:2])
    assert outcomes(datastore.remove_files(written)) == ["removed", "removed", "shared"]
    assert datastore.exists(written).tolist() == [False, False, True]


def test_a_file_that_a_live_row_names_by_its_absolute_path_stays(stored, records):
    datastore, _refs, written = stored
    records.move_to_trash(written.dataset_id)
    other = replace(written.row(1), dataset_id=uuid4(), path=datastore.uri(written.row(1)).geturl())
    records.add(FileRecords.from_rows([other]))
    assert outcomes(datastore.remove_files(records.list_trash())) == ["removed", "shared", "removed"]


def test_many_files_at_once_each_have_their_outcome(open_files, example, records, files_in, root, tmp_path):
    datastore = open_files()
    dataset_type = example.dataset_type("thing", ("visit",), "StructuredDataDict")
    refs = [example.ref(dataset_type, visit=n) for n in range(3)]
    # Other ids and runs, so that there are many files in several folders.
    refs = [replace_run(ref, f"runs/{number % 7}") for number in range(150) for ref in refs]
    written = datastore.write_many([({}, ref) for ref in refs])
    records.add(written)
    records.move_to_trash(written.dataset_id[10:])
    missing, folder = written.path[33], written.path[77]
    os.unlink(root / missing)
    os.unlink(root / folder)
    os.mkdir(root / folder)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_text("precious")
    (root / "link").symlink_to(tmp_path / "outside")
    evil = FileRecords.from_rows([replace(written.row(0), path="link/file"), replace(written.row(0), path="../x")])
    listed = FileRecords.concat([FileRecords(**written.columns()), evil])
    steps = []
    with faults.install(steps.append):
        removal = datastore.remove_files(listed)
    expected = ["shared"] * 10 + ["removed"] * 440 + ["failed"] * 2
    expected[33], expected[77] = "missing", "failed"
    assert outcomes(removal) == expected
    assert [bool(error) for error in removal.errors] == [outcome == "failed" for outcome in expected]
    assert steps.count("remove.removed") == 452
    assert sorted(files_in(root)) == sorted(written.path[:10])
    assert (tmp_path / "outside" / "file").read_text() == "precious"


def replace_run(ref, run):
    return DatasetRef(ref.dataset_type, ref.data_id, run)
