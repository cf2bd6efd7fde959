# SPDX-License-Identifier: BSD-3-Clause
import hashlib
import os
import shutil
import stat
import sys
import threading
import time
from contextlib import contextmanager
from uuid import uuid4

import numpy as np
import pytest
from astropy.table import Table

from pachon.base import ConflictError, InvalidInputError, StorageError
from pachon.datastore import DatasetWriteError, Datastore, DatastoreConfig, PathOutsideRootError, TemplateError, faults
from pachon.datastore.faults import FAULT_POINTS
from pachon.datastore.file_store import FileStore, checksum_of_bytes, checksum_of_file
from pachon.resources import ResourcePath


class StopError(Exception):
    """What a fault raises."""


@pytest.fixture
def things(example):
    dataset_type = example.dataset_type("thing", ("instrument", "visit"), "StructuredDataDict")
    return [({"n": n}, example.ref(dataset_type, visit=n)) for n in range(5)]


@pytest.fixture
def synced(monkeypatch):
    """Paths of the files and folders that were synced, in order."""
    places = []
    real = os.fsync

    def fsync(descriptor):
        places.append(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return places


def reach_all(action):
    seen = []
    with faults.install(seen.append):
        action()
    assert set(seen) <= set(FAULT_POINTS)
    return seen


def stop_at(point, count=1, reached=None):
    """Give a hook that raises when a point is reached for the nth time; ``reached`` gets an item for each time."""
    times = [] if reached is None else reached

    def stop(name):
        if name == point:
            times.append(name)
            if len(times) == count:
                raise StopError(name)

    return stop


def stop_leaves_no_file(write, point, count, list_files):
    """Write until a point is reached for the nth time, if it is, and check that no file is left then."""
    reached = []
    with faults.install(stop_at(point, count, reached)):
        try:
            write()
        except StopError:
            assert list_files() == []
            return
    assert len(reached) < count  # this write has fewer such steps


def test_records_say_what_was_written(open_files, things):
    datastore = open_files()
    written = datastore.write_many(things)
    for row in written.rows():
        content = datastore.uri(row).read()
        assert row.size == len(content)
        assert row.checksum == hashlib.blake2b(content).hexdigest()
        assert (row.formatter, row.storage_class, row.component) == ("yaml", "StructuredDataDict", None)
        assert row.datastore == "file"
        assert row.path.startswith("runs/one/thing/20250301/")


def test_no_checksums(open_files, things):
    written = open_files(checksum=False).write_many(things)
    assert set(written.checksum) == {""}
    assert (written.size > 0).all()


def test_steps_in_order(open_files, things):
    datastore = open_files()
    seen = reach_all(lambda: datastore.write_many(things))
    assert seen == ["write.begin", *["write.written"] * 5, "write.all_written", "write.files_synced"]
    seen = reach_all(lambda: datastore.write_many(things, predicted=True))
    assert seen == [
        "write.begin", *["write.written"] * 5, "write.all_written", "write.files_synced", *["write.renamed"] * 5,
        "write.folders_synced",
    ]  # fmt: skip


def test_files_are_synced_before_the_call_returns(open_files, things, synced):
    datastore = open_files()
    written = datastore.write_many(things)
    paths = {os.path.realpath(uri.ospath) for uri in datastore.uris(written)}
    assert paths <= set(synced)
    # Each folder that names a file, and each folder that names a new folder.
    folders = {os.path.dirname(path) for path in paths}
    assert folders <= set(synced)
    assert {os.path.dirname(folder) for folder in folders} <= set(synced)


@pytest.mark.parametrize("count", [1, 5])
def test_a_renamed_file_is_synced_before_and_its_folder_once_after(open_files, things, monkeypatch, count):
    events = []
    real_sync, real_rename = os.fsync, os.replace

    def fsync(descriptor):
        place = os.path.realpath(f"/proc/self/fd/{descriptor}")
        events.append(("folder" if os.path.isdir(place) else "file", place))
        real_sync(descriptor)

    def replace(source, target):
        events.append(("rename", os.path.realpath(source)))
        real_rename(source, target)

    datastore = open_files()
    datastore.write_many(things[:count], predicted=True)  # the folders exist now
    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    written = datastore.write_many(things[:count], predicted=True)
    renames = [position for position, (kind, _) in enumerate(events) if kind == "rename"]
    synced = {place for kind, place in events[: renames[0]] if kind == "file"}
    assert {events[position][1] for position in renames} == synced
    folders = [(position, place) for position, (kind, place) in enumerate(events) if kind == "folder"]
    assert min(position for position, _ in folders) > renames[-1]
    wanted = {os.path.dirname(os.path.realpath(uri.ospath)) for uri in datastore.uris(written)}
    assert sorted(place for _, place in folders) == sorted(wanted)


@pytest.mark.parametrize("predicted", [False, True])
@pytest.mark.parametrize("point", [point for point in FAULT_POINTS if point.startswith("write.")])
@pytest.mark.parametrize("count", [1, 3])
def test_a_failure_at_any_step_leaves_no_file(open_files, things, files_in, root, point, count, predicted):
    datastore = open_files()
    stop_leaves_no_file(lambda: datastore.write_many(things, predicted=predicted), point, count, lambda: files_in(root))


def test_a_failed_sync_is_not_tried_again(open_files, things, files_in, root, monkeypatch):
    calls = []

    def fsync(descriptor):
        status = os.fstat(descriptor)
        calls.append((status.st_dev, status.st_ino))
        raise OSError(5, "Input/output error")

    datastore = open_files()
    root.joinpath("runs").mkdir(parents=True)
    one = things[:1]
    datastore.write_many(one)  # the folders exist now
    before = files_in(root)
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StorageError, match="medium"):
        datastore.write_many(one)
    # The file and its folder, each once.
    assert len(calls) == len(set(calls)) == 2
    assert files_in(root) == before


def test_a_full_disk(open_files, things, files_in, root, monkeypatch):
    datastore = open_files()
    real = os.open

    def full(path, flags, *rest):
        if flags & os.O_CREAT and "_2_" in str(path):
            raise OSError(28, "No space left on device")
        return real(path, flags, *rest)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(StorageError, match="No space left"):
        datastore.write_many(things)
    assert files_in(root) == []


@pytest.fixture
def slow_fsync(monkeypatch):
    """A disk that takes its time, so that files are written by several threads; gives the threads that synced."""
    threads = set()
    real = os.fsync

    def fsync(descriptor):
        time.sleep(0.002)
        threads.add(threading.get_ident())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    return threads


def new_things(example, count, name="thing"):
    thing = example.dataset_type(name, ("instrument", "visit"), "StructuredDataDict")
    return [({"v": number}, example.ref(thing, visit=number)) for number in range(count)]


@pytest.mark.parametrize("predicted", [False, True])
def test_many_files_are_written_by_several_threads(open_files, example, slow_fsync, files_in, root, predicted):
    datastore = open_files()
    things = new_things(example, 60)
    written = datastore.write_many(things, predicted=predicted)
    assert len(slow_fsync) > 4
    assert len(files_in(root)) == len(written) == 60
    for (obj, ref), row in zip(things, written.rows(), strict=True):
        assert row.dataset_id == ref.id
        assert row.checksum == hashlib.blake2b(datastore.uri(row).read()).hexdigest()
        assert datastore.get(ref, records=written.take([row.dataset_id == one.id for _, one in things])) == obj


@pytest.mark.parametrize("predicted", [False, True])
@pytest.mark.parametrize("count", [1, 5, 30, 60])
@pytest.mark.parametrize("point", ["write.written", "write.all_written", "write.files_synced", "write.renamed"])
def test_a_failure_of_a_thread_leaves_no_file(open_files, example, slow_fsync, files_in, root, point, count, predicted):
    datastore, things = open_files(), new_things(example, 60)
    stop_leaves_no_file(lambda: datastore.write_many(things, predicted=predicted), point, count, lambda: files_in(root))


def test_the_folders_of_many_files_are_synced_before_the_call_returns(open_files, example, root, synced):
    """Also the names of folders that were made, up to the root, and once each: not one after the other as they are made."""
    datastore = open_files()
    written = datastore.write_many(new_things(example, 20))
    folders = {os.path.dirname(os.path.realpath(uri.ospath)) for uri in datastore.uris(written)}
    above = {os.path.dirname(folder) for folder in folders}
    while root_above := {os.path.dirname(folder) for folder in above if folder != os.path.realpath(root)} - above:
        above |= root_above
    wanted = {folder for folder in folders | above if folder.startswith(os.path.realpath(root))}
    of_folders = [place for place in synced if os.path.isdir(place)]
    assert wanted <= set(of_folders)
    assert len(of_folders) == len(set(of_folders))
    synced.clear()
    datastore.write_many(new_things(example, 20))
    assert {place for place in synced if os.path.isdir(place)} == folders
    for top in root.iterdir():
        shutil.rmtree(top)
    synced.clear()
    with faults.install(stop_at("write.all_written")), pytest.raises(StopError):
        datastore.write_many(new_things(example, 20, "later"))
    datastore.write_many(new_things(example, 20, "later"))
    assert {folder for folder in wanted if os.path.isdir(folder)} <= set(synced), (
        "what is made again is as new as it was"
    )


def test_the_folders_above_a_root_that_is_missing_are_synced(tmp_path, synced):
    store = FileStore(ResourcePath(tmp_path / "above" / "root", force_directory=True))
    store.create("a/file", b"content", sync=True)
    top = os.path.realpath(tmp_path)
    assert {top, f"{top}/above", f"{top}/above/root", f"{top}/above/root/a"} <= set(synced)


def test_what_cannot_be_removed_is_noted(open_files, things, monkeypatch):
    datastore = open_files()

    def fail(name):
        if name == "write.all_written":
            monkeypatch.setattr(os, "unlink", deny)
            raise StopError

    def deny(path):
        raise PermissionError(13, "Permission denied")

    with faults.install(fail), pytest.raises(StopError) as caught:
        datastore.write_many(things[:1])
    assert "could not be removed" in caught.value.__notes__[0]


def test_bad_input_is_found_before_anything_is_written(open_files, things, example, files_in, root):
    datastore = open_files()
    bad = example.ref(example.dataset_type("thing", ("instrument", "visit"), "NumpyArray"))
    with pytest.raises(InvalidInputError):
        datastore.write_many([*things, ({"no": "array"}, bad)])
    assert files_in(root) == []


def test_an_object_that_cannot_be_written_takes_the_others_along(open_files, things, files_in, root):
    datastore = open_files()
    _, ref = things[-1]
    with pytest.raises(DatasetWriteError, match=str(ref.id)):
        datastore.write_many([*things[:-1], ({"a": object()}, ref)])
    assert files_in(root) == []


def test_a_retry_replaces_predicted_files_and_leaves_nothing_beside(open_files, things, files_in, root):
    datastore = open_files()
    first = datastore.write_many(things, predicted=True)
    again = datastore.write_many([({"n": -1}, ref) for _, ref in things], predicted=True)
    assert list(first.path) == list(again.path)
    assert files_in(root) == sorted(first.path)


def test_predicted_files_in_an_object_store(open_files, things):
    datastore = open_files(place=f"memory://predicted-{uuid4()}/repo")
    first = datastore.write_many(things, predicted=True)
    again = datastore.write_many(things, predicted=True)
    assert list(first.path) == list(again.path)
    assert datastore.exists(again).all()


def test_predicted_records_match(open_files, example):
    datastore = open_files(composites={"default": True})
    dataset_type = example.dataset_type("image", ("visit", "detector"), "CCDData")
    ref = example.ref(dataset_type)
    from astropy.nddata import CCDData

    rows = {row.component: row for row in datastore.predicted_records([ref]).rows()}
    assert rows.keys() == {"image", "mask", "uncertainty", "header", "wcs"}
    written = datastore.write_many([(CCDData(np.ones((2, 3)), unit="electron"), ref)], predicted=True)
    assert set(written.component) == {"image", "header"}
    for row in written.rows():
        predicted = rows[row.component]
        assert (row.path, row.formatter, row.storage_class) == (
            predicted.path,
            predicted.formatter,
            predicted.storage_class,
        )
    with pytest.raises(InvalidInputError, match="5 files"):
        datastore.predicted_path(ref)
    # Without knowing which components were written, the dataset can be read.
    found = datastore.get(ref, records=datastore.predicted_records([ref]))
    assert found.mask is None
    assert found.unit == "electron"


def test_formatters_that_write_files_themselves(open_files, example, files_in, root):
    import pyarrow as pa

    datastore = open_files()
    ref = example.ref(example.dataset_type("table", ("visit",), "ArrowTable"))
    seen = reach_all(lambda: datastore.write_many([(pa.table({"a": [1]}), ref)]))
    assert seen[:3] == ["write.begin", "write.created", "write.written"]
    with pytest.raises(DatasetWriteError, match="parquet"):
        datastore.write_many([(pa.table({"a": pa.array([1])}).schema, ref)] and [({"a": [1], "b": [1, 2]}, ref)])
    assert len(files_in(root)) == 1


def test_a_formatter_must_write_in_place(open_files, example, files_in, root, monkeypatch):
    from pachon.datastore.formatters.parquet import ParquetFormatter

    def replace(self, obj, path):
        os.unlink(path)
        open(path, "wb").close()

    monkeypatch.setattr(ParquetFormatter, "write_local_file", replace)
    datastore = open_files()
    ref = example.ref(example.dataset_type("table", ("visit",), "ArrowNumpyDict"))
    with pytest.raises(DatasetWriteError, match="replaced the file"):
        datastore.write_many([({"a": [1]}, ref)])
    assert files_in(root) == []


def test_a_formatter_that_only_reads(open_files, example, monkeypatch):
    from pachon.datastore.formatters.numpy import NumpyFormatter

    monkeypatch.setattr(NumpyFormatter, "to_bytes", lambda self, obj: NotImplemented)
    ref = example.ref(example.dataset_type("array", ("visit",), "NumpyArray"))
    with pytest.raises(DatasetWriteError, match="can only read"):
        open_files().write_many([(np.ones(2), ref)])


def test_long_names(open_files, example):
    datastore = open_files(templates={"thing": "{run:/}/{visit}_{instrument}_" + "x" * 300})
    dataset_type = example.dataset_type("thing", ("visit",), "StructuredDataDict")
    written = datastore.write_many([({"a": 1}, example.ref(dataset_type))])
    assert datastore.get(example.ref(dataset_type, id=written.row(0).dataset_id), records=written) == {"a": 1}
    again = datastore.write_many([({"a": 1}, example.ref(dataset_type))], predicted=True)
    assert datastore.exists(again).all()


def test_paths_that_are_too_long_for_the_record(open_files, example, files_in, root):
    run = "/".join(["r" * 200] * 6)
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict"), run=run)
    with pytest.raises(InvalidInputError, match="path holds at most 1024"):
        open_files().write_many([({}, ref)])
    assert files_in(root) == []


def test_unusual_run_names(open_files, example):
    datastore = open_files()
    dataset_type = example.dataset_type("thing", ("visit",), "StructuredDataDict")
    for run in ("~root/x", "$HOME/x", "a%2Fb", "a#b/c", "a b/ü", "x:y", "-rf", "a;b", "a&b=c"):
        ref = example.ref(dataset_type, run=run)
        written = datastore.write_many([({"run": run}, ref)])
        assert datastore.get(ref, records=written) == {"run": run}
        assert datastore.uri(written.row(0)).exists()
        assert datastore.remove_files(written).done.all()
        assert not datastore.exists(written).any()


def test_folders_that_are_links_out_of_the_root(open_files, example, root, tmp_path, files_in):
    datastore = open_files()
    (tmp_path / "outside").mkdir()
    root.mkdir()
    (root / "runs").symlink_to(tmp_path / "outside")
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict"))
    with pytest.raises(PathOutsideRootError, match="leads out"):
        datastore.write_many([({}, ref)])
    assert files_in(tmp_path / "outside") == []


def test_runs_that_lead_out_of_the_root(open_files, example):
    ref = example.ref(example.dataset_type("thing", ("visit",), "StructuredDataDict"), run="../../x")
    with pytest.raises(TemplateError, match="no path below the root"):
        open_files().write_many([({}, ref)])


def test_modes_follow_the_umask(open_files, things):
    old = os.umask(0o027)
    try:
        datastore = open_files()
        written = datastore.write_many(things[:1])
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(datastore.uri(written.row(0)).ospath).st_mode) == 0o640


def test_hooks_are_gone_after_the_block(open_files, things):
    seen = reach_all(lambda: None)
    open_files().write_many(things)
    assert seen == []


def test_file_store_knows_what_lies_inside(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "store").symlink_to(tmp_path / "real")
    store = FileStore(ResourcePath(tmp_path / "store", force_directory=True))
    assert store.path_inside(f"{tmp_path}/store/a/b.fits") == "a/b.fits"
    assert store.path_inside(f"{tmp_path}/real/a/b.fits") == "a/b.fits"
    assert store.path_inside(f"{tmp_path}/store/a/../b.fits") == "b.fits"
    assert store.path_inside(f"{tmp_path}/stored/b.fits") is None
    assert store.path_inside(f"{tmp_path}/store/../x.fits") is None
    assert store.path_inside("a//b.fits") == "a/b.fits"
    assert store.path_inside(tmp_path / "store" / "b.fits") == "b.fits"
    assert store.path_inside(ResourcePath(f"file://{tmp_path}/store/a%20b.fits")) == "a b.fits"
    assert store.path_inside("s3://bucket/store/b.fits") is None
    with pytest.raises(PathOutsideRootError):
        store.path_inside("../b.fits")
    remote = FileStore(ResourcePath("memory://bucket/store/", force_directory=True))
    assert remote.path_inside("memory://bucket/store/a%20b") == "a b"
    assert remote.path_inside("/store/a") is None
    assert remote.path_inside("a/b") == "a/b"
    assert remote.local_path("a/b") is None


def test_checksums(tmp_path):
    (tmp_path / "x").write_bytes(b"abc" * 10_000)
    expected = hashlib.blake2b(b"abc" * 10_000).hexdigest()
    assert checksum_of_bytes(b"abc" * 10_000) == expected
    assert checksum_of_file(str(tmp_path / "x")) == expected
    assert checksum_of_file(ResourcePath(tmp_path / "x")) == expected


def test_the_same_output_written_by_many_at_once(open_files, things, files_in, root):
    from concurrent.futures import ThreadPoolExecutor

    datastore = open_files()
    refs = [ref for _, ref in things]

    def write(attempt):
        return datastore.write_many([({"attempt": [attempt] * 1000}, ref) for ref in refs], predicted=True)

    with ThreadPoolExecutor(8) as threads:
        tables = list(threads.map(write, range(24)))
    assert files_in(root) == sorted(tables[0].path)
    for ref in refs:
        found = datastore.get(ref, records=datastore.predicted_records([ref]))["attempt"]
        assert len(found) == 1000
        assert len(set(found)) == 1


def test_new_datasets_written_by_many_at_once(open_files, things):
    from concurrent.futures import ThreadPoolExecutor

    datastore = open_files()
    with ThreadPoolExecutor(8) as threads:
        tables = list(threads.map(lambda _: datastore.write_many(things), range(24)))
    paths = [path for table in tables for path in table.path]
    assert len(set(paths)) == len(paths) == 24 * len(things)
    assert all(datastore.exists(table).all() for table in tables)


def test_a_view_of_wide_elements_is_measured_in_bytes(open_files, example):
    ref = example.ref(example.dataset_type("blob", ("instrument",), "Bytes"))
    datastore = open_files()
    written = datastore.write_many([(memoryview(np.arange(10.0)), ref)])
    assert written.size.tolist() == [80]
    assert datastore.get(ref, records=written) == np.arange(10.0).tobytes()


@pytest.mark.parametrize(("storage_class", "extension"), [("Bytes", ".bin"), ("File", "")])
def test_the_path_of_an_opaque_output_of_a_graph_is_known_before_it_is_written(
    open_files, example, tmp_path, storage_class, extension
):
    ref = example.ref(example.dataset_type("blob", ("instrument",), storage_class))
    datastore = open_files()
    (predicted,) = datastore.predicted_records([ref]).path
    assert os.path.splitext(predicted)[1] == extension
    (tmp_path / "made.dat").write_bytes(b"abc")
    written = datastore.write_many(
        [(b"abc" if storage_class == "Bytes" else str(tmp_path / "made.dat"), ref)], predicted=True
    )
    assert written.path.tolist() == [predicted]
    found = datastore.get(ref, records=written)
    assert (found if storage_class == "Bytes" else found.read_bytes()) == b"abc"


def test_a_folder_that_was_moved_away_and_linked_is_refused(tmp_path):
    store = FileStore(ResourcePath(f"{tmp_path}/store", force_directory=True))
    store.create("run/flat/a.fits", b"x")
    os.rename(tmp_path / "store/run", tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", tmp_path / "store/run")
    with pytest.raises(PathOutsideRootError):
        store.local_path("run/flat/a.fits")


@contextmanager
def interrupted_after(function, count):
    """Raise KeyboardInterrupt just after a function of C returns for the nth time, before its caller has the result."""
    left = [count]

    def look(frame, event, argument):
        if event == "c_return" and argument is function:
            left[0] -= 1
            if not left[0]:
                sys.setprofile(None)
                raise KeyboardInterrupt

    sys.setprofile(look)
    try:
        yield left
    finally:
        sys.setprofile(None)


@pytest.mark.parametrize("predicted", [False, True])
@pytest.mark.parametrize("function", [os.open, os.write, os.fsync, os.close])
def test_an_interrupt_after_any_call_leaves_no_file(open_files, things, files_in, root, function, predicted):
    datastore = open_files()
    for count in range(1, 50):
        with interrupted_after(function, count) as left:
            try:
                datastore.write_many(things, predicted=predicted)
            except KeyboardInterrupt:
                assert files_in(root) == []
        if left[0] > 0:
            break
    else:
        raise AssertionError("there is no end of calls")
    assert count >= len(things)


def test_an_interrupt_leaves_no_file_of_a_formatter(open_files, example, files_in, root):
    table = example.ref(example.dataset_type("table", ("instrument", "visit"), "ArrowAstropy"), visit=1)
    with interrupted_after(os.open, 1), pytest.raises(KeyboardInterrupt):
        open_files().write_many([(Table({"x": [1]}), table)])
    assert files_in(root) == []


@pytest.mark.parametrize("count", [1, 5])
def test_a_path_that_somebody_has_is_left_alone(example, classes, things, root, files_in, count):
    datastore = Datastore.open(
        DatastoreConfig.from_document(None),
        root=root,
        universe=example.universe,
        storage_classes=classes,
        new_token=lambda: f"w{'0' * 12}",
    )
    (path,) = datastore.write_many(things[:1]).path
    content = (root / path).read_bytes()
    with pytest.raises(ConflictError):
        datastore.write_many(things[:count])
    assert (root / path).read_bytes() == content
    assert len(files_in(root)) == 1
