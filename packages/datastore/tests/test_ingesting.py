# SPDX-License-Identifier: BSD-3-Clause
import errno
import os
import sys
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from pachon.base import ConflictError, InvalidInputError, StorageError
from pachon.datasets import DatasetTable, FileDataset
from pachon.datastore import (
    DatasetTypeNotSupportedError,
    FileIntegrityError,
    PathOutsideRootError,
    RemovalOutcome,
    SourceFileNotFoundError,
    faults,
)
from pachon.datastore.faults import FAULT_POINTS
from pachon.datastore.file_store import checksum_of_bytes
from pachon.resources import ResourcePath, UnsupportedOperationError

CONTENT = b"{a: 1}\n"


class StopError(Exception):
    """What a fault raises."""


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    for name in ("one.yaml", "two.yaml"):
        (folder / name).write_bytes(CONTENT)
    return folder


@pytest.fixture
def inside(root):
    folder = root / "in place"
    folder.mkdir(parents=True)
    for name in ("one.yaml", "two.yaml"):
        (folder / name).write_bytes(CONTENT)
    return folder


@pytest.fixture
def ref(example):
    dataset_type = example.dataset_type("raw", ("exposure", "detector"), "StructuredDataDict")
    return lambda **values: example.ref(dataset_type, **values)


def files(folder, ref, *names):
    return [
        FileDataset(str(folder / name), refs=ref(detector=n))
        for n, name in enumerate(names or ("one.yaml", "two.yaml"))
    ]


@pytest.mark.parametrize("mode", ["copy", "move", "link", "hardlink", "symlink", "relsymlink", "auto"])
def test_modes_that_bring_files(open_files, ref, outside, root, files_in, mode):
    datastore = open_files()
    wanted = files(outside, ref)
    written = datastore.ingest_files(wanted, transfer=mode)
    assert written.created.all()
    assert written.owned().all()
    assert files_in(root) == sorted(written.path)
    for row, file in zip(written.rows(), wanted, strict=True):
        assert row.path.startswith("runs/one/raw/20250301/obs7/raw_Cam_Cam-R_obs7_S0")
        assert row.path.endswith(".yaml")
        assert row.size == len(CONTENT)
        assert row.checksum == checksum_of_bytes(CONTENT)
        assert datastore.get(file.refs[0], records=written) == {"a": 1}
        place = Path(datastore.uri(row).ospath)
        assert place.is_symlink() == (mode in ("symlink", "relsymlink"))
        if mode == "relsymlink":
            assert not os.readlink(place).startswith("/")
        shares = os.stat(place).st_ino == os.stat(file.path).st_ino
        assert shares == (mode != "copy")
        assert os.path.exists(file.path)
    if mode == "move":
        datastore.remove_sources(wanted)
        assert files_in(outside) == []
        datastore.remove_sources(wanted)
    assert datastore.get(wanted[0].refs[0], records=written) == {"a": 1}


def test_move_without_hard_links(open_files, ref, outside, monkeypatch):
    def no_link(*_args, **_kwargs):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    datastore = open_files()
    monkeypatch.setattr(os, "link", no_link)
    written = datastore.ingest_files(files(outside, ref), transfer="move")
    assert datastore.exists(written).all()
    assert os.path.exists(outside / "one.yaml")


def test_in_place(open_files, ref, inside, files_in, root):
    datastore = open_files()
    before = files_in(root)
    absolute = FileDataset(inside / "one.yaml", refs=ref(detector=1))
    relative = FileDataset("in place/two.yaml", refs=ref(detector=2))
    written = datastore.ingest_files([absolute, relative], transfer=None)
    assert list(written.path) == ["in place/one.yaml", "in place/two.yaml"]
    assert not written.created.any()
    assert set(written.checksum) == {checksum_of_bytes(CONTENT)}
    assert datastore.get(relative.refs[0], records=written) == {"a": 1}
    datastore.discard(written)
    assert files_in(root) == before


def test_in_place_must_lie_inside(open_files, ref, outside):
    with pytest.raises(InvalidInputError, match=r"one.yaml and 1 more does not lie in the repository"):
        open_files().ingest_files(files(outside, ref), transfer=None)
    with pytest.raises(PathOutsideRootError):
        open_files().ingest_files([FileDataset("../outside/one.yaml", refs=ref())], transfer=None)


@pytest.mark.parametrize("mode", ["direct", "split"])
def test_where_they_are(open_files, ref, outside, mode):
    datastore = open_files()
    wanted = files(outside, ref)
    written = datastore.ingest_files(wanted, transfer=mode)
    assert list(written.path) == [f"file://{outside}/one.yaml", f"file://{outside}/two.yaml"]
    assert not written.owned().any()
    assert not written.created.any()
    assert datastore.get(wanted[1].refs[0], records=written) == {"a": 1}
    assert datastore.exists(written).all()
    removal = datastore.remove_files(written)
    assert set(removal.outcomes) == {RemovalOutcome.NOT_OWNED}
    datastore.discard(written)
    assert datastore.exists(written).all()


def test_names_with_special_characters(open_files, ref, tmp_path, root):
    datastore = open_files()
    for folder in (tmp_path / "outside", root):
        folder.mkdir(exist_ok=True)
        for number, name in enumerate(["a b.yaml", "a#b.yaml", "a%20b.yaml", "a?b.yaml", "ü.yaml"]):
            (folder / name).write_bytes(CONTENT)
            file = FileDataset(folder / name, refs=ref(detector=number))
            for mode in ("direct", "split", "auto", "copy"):
                written = datastore.ingest_files([file], transfer=mode)
                assert datastore.get(file.refs[0], records=written) == {"a": 1}
                assert datastore.exists(written).all()


def test_auto_and_split_by_place(open_files, ref, inside, outside, caplog):
    datastore = open_files()
    within, without = files(inside, ref), files(outside, ref)
    assert not datastore.ingest_files(within, transfer="auto").created.any()
    assert datastore.ingest_files(without, transfer="auto").created.all()
    mixed = datastore.ingest_files([within[0], without[0]], transfer="auto")
    assert list(mixed.owned()) == [True, False]
    assert "1 of 2 files lie in the repository" in caplog.text
    assert list(datastore.ingest_files([within[0], without[0]], transfer="split").owned()) == [True, False]
    assert len(datastore.ingest_files([], transfer="auto")) == 0


def test_copies_of_files_that_are_inside(open_files, ref, inside):
    datastore = open_files()
    written = datastore.ingest_files(files(inside, ref), transfer="copy")
    assert written.created.all()
    datastore.discard(written)
    assert (inside / "one.yaml").exists()
    moved = files(inside, ref)
    datastore.ingest_files(moved, transfer="move")
    datastore.remove_sources(moved)
    assert (inside / "one.yaml").exists()


@pytest.mark.parametrize("mode", ["copy", "auto", "move", "direct", "split"])
def test_into_an_object_store(open_files, ref, outside, mode):
    datastore = open_files(place=f"memory://ingest-{uuid4()}/repo", verify_checksum=True)
    wanted = files(outside, ref)
    written = datastore.ingest_files(wanted, transfer=mode)
    assert datastore.get(wanted[0].refs[0], records=written) == {"a": 1}
    assert set(written.checksum) == {checksum_of_bytes(CONTENT)}


def test_from_and_in_an_object_store(open_files, ref):
    place = f"memory://ingest-{uuid4()}"
    datastore = open_files(place=f"{place}/repo")
    ResourcePath(f"{place}/repo/x/one.yaml").write(CONTENT)
    ResourcePath(f"{place}/two.yaml").write(CONTENT)
    within = FileDataset(f"{place}/repo/x/one.yaml", refs=ref())
    without = FileDataset(ResourcePath(f"{place}/two.yaml"), refs=ref())
    assert list(datastore.ingest_files([within], transfer=None).path) == ["x/one.yaml"]
    assert list(datastore.ingest_files([FileDataset("x/one.yaml", refs=ref())], transfer=None).path) == ["x/one.yaml"]
    written = datastore.ingest_files([without], transfer="copy")
    assert written.created.all()
    assert datastore.get(without.refs[0], records=written) == {"a": 1}
    with pytest.raises(UnsupportedOperationError):
        datastore.ingest_files([without], transfer="symlink")
    local = open_files()
    written = local.ingest_files([without], transfer="auto")
    assert local.get(without.refs[0], records=written) == {"a": 1}


def test_one_file_with_many_datasets(open_files, ref, outside, root, files_in, records):
    datastore = open_files()
    refs = [ref(detector=n) for n in range(4)]
    written = datastore.ingest_files([FileDataset(outside / "one.yaml", refs=refs)], transfer="copy")
    assert len(written) == 4
    assert len(set(written.path)) == 1
    assert [row.dataset_id for row in written.rows()] == [ref.id for ref in refs]
    records.add(written)
    assert datastore.get(refs[3]) == {"a": 1}
    # The file goes with the last dataset in it.
    for number, one in enumerate(refs):
        records.move_to_trash(written.dataset_id[[number]])
        removal = datastore.remove_files(records.list_trash())
        expected = RemovalOutcome.REMOVED if number == 3 else RemovalOutcome.SHARED
        assert removal.outcomes == (expected,)
        records.drop_trash(removal.records)
        del one
    assert files_in(root) == []


def test_what_is_recorded_can_be_left_out(open_files, ref, outside):
    datastore = open_files()
    wanted = files(outside, ref)
    no_sums = datastore.ingest_files(wanted, transfer="direct", checksum=False)
    assert set(no_sums.checksum) == {""}
    assert (no_sums.size == len(CONTENT)).all()
    nothing = datastore.ingest_files(wanted, transfer="direct", track=False)
    assert set(nothing.checksum) == {""}
    assert (nothing.size == -1).all()
    (outside / "one.yaml").write_bytes(b"{a: 1, b: 2}")
    assert datastore.get(wanted[0].refs[0], records=nothing) == {"a": 1, "b": 2}
    with pytest.raises(FileIntegrityError):
        datastore.get(wanted[0].refs[0], records=no_sums)
    assert set(open_files(checksum=False).ingest_files(wanted, transfer="direct").checksum) == {""}


def test_formatter_of_the_file(open_files, ref, outside):
    datastore = open_files()
    (outside / "one.json").write_bytes(b'{"a": 2}')
    file = FileDataset(outside / "one.json", refs=ref(), formatter="json")
    written = datastore.ingest_files([file], transfer="copy")
    assert written.row(0).formatter == "json"
    assert datastore.get(file.refs[0], records=written) == {"a": 2}
    lsst = FileDataset(outside / "one.json", refs=ref(), formatter="lsst.daf.butler.formatters.json.JsonFormatter")
    assert datastore.ingest_files([lsst], transfer="copy").row(0).formatter == "json"


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"transfer": "cpy"}, InvalidInputError, "Did you mean 'copy'?"),
        ({"formatter": "jsonn"}, LookupError, "Did you mean 'json'"),
        ({"formatter": "some.module.Formatter"}, InvalidInputError, "classes are never imported by name"),
        ({"formatter": "fits_ccd"}, InvalidInputError, r"'\.yaml' is not read by FitsCcdFormatter"),
        ({"formatter": "pickle"}, InvalidInputError, "allow_pickle"),
        ({"path": "nothing.yaml"}, SourceFileNotFoundError, "does not exist"),
        ({"path": "."}, InvalidInputError, "folder"),
    ],
)
def test_bad_input(open_files, ref, outside, root, files_in, changes, error, message):
    datastore = open_files()
    good = FileDataset(outside / "two.yaml", refs=ref(detector=9))
    bad = FileDataset(outside / changes.get("path", "one.yaml"), refs=ref(), formatter=changes.get("formatter"))
    with pytest.raises(error, match=message):
        datastore.ingest_files([good, bad], transfer=changes.get("transfer", "copy"))
    assert files_in(root) == []


def test_datasets_twice(open_files, ref, outside):
    one = ref()
    with pytest.raises(ConflictError, match="twice"):
        open_files().ingest_files(
            [FileDataset(outside / n, refs=one) for n in ("one.yaml", "two.yaml")], transfer="copy"
        )


def test_datasets_need_ids(open_files, outside):
    file = FileDataset(outside / "one.yaml", dataset_type="raw", data_ids={"exposure": 1})
    with pytest.raises(InvalidInputError, match="must have ids"):
        open_files().ingest_files([file], transfer="copy")


def test_rejected_datasets_are_all_said(open_files, ref, outside):
    datastore = open_files(constraints={"reject": ["raw"]})
    with pytest.raises(DatasetTypeNotSupportedError, match="raw") as caught:
        datastore.ingest_files(files(outside, ref), transfer="copy")
    assert "2 of 2 datasets are rejected" in caught.value.__notes__[0]


@pytest.mark.parametrize("point", ["ingest.begin", "ingest.transferred", "ingest.all_transferred", "ingest.synced"])
def test_a_failure_at_any_step_leaves_no_file(open_files, ref, outside, root, files_in, point):
    assert point in FAULT_POINTS
    datastore = open_files()

    def fail(name):
        if name == point:
            raise StopError(name)

    with faults.install(fail), pytest.raises(StopError):
        datastore.ingest_files(files(outside, ref), transfer="move")
    assert files_in(root) == []
    assert files_in(outside) == ["one.yaml", "two.yaml"]


@pytest.mark.parametrize(("mode", "function"), [("hardlink", os.link), ("symlink", os.symlink), ("copy", os.open)])
def test_an_interrupt_just_after_a_file_is_there_leaves_none(open_files, ref, outside, root, files_in, mode, function):
    datastore = open_files()
    interrupts = 0

    def interrupt(_frame, event, argument):
        nonlocal interrupts
        if event == "c_return" and argument is function and files_in(root):
            sys.setprofile(None)
            interrupts += 1
            raise KeyboardInterrupt

    sys.setprofile(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            datastore.ingest_files(files(outside, ref), transfer=mode)
    finally:
        sys.setprofile(None)
    assert interrupts == 1
    assert files_in(root) == []
    assert len(files_in(outside)) == 2


def test_steps_in_order(open_files, ref, outside):
    datastore = open_files()
    seen = []
    with faults.install(seen.append):
        wanted = files(outside, ref)
        written = datastore.ingest_files(wanted, transfer="move")
        datastore.remove_sources(wanted)
        datastore.discard(written)
    assert seen == [
        "ingest.begin", "ingest.transferred", "ingest.transferred", "ingest.all_transferred", "ingest.synced",
        "ingest.before_source_removed", "ingest.source_removed", "ingest.before_source_removed",
        "ingest.source_removed", "discard.begin", "discard.removed", "discard.removed",
    ]  # fmt: skip


def test_sources_that_cannot_be_removed(open_files, ref, outside, monkeypatch):
    datastore = open_files()
    wanted = files(outside, ref)
    written = datastore.ingest_files(wanted, transfer="move")

    def deny(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "unlink", deny)
    with pytest.raises(ExceptionGroup, match="were ingested") as caught:
        datastore.remove_sources(wanted)
    assert len(caught.value.exceptions) == 2
    assert all(isinstance(error, StorageError) for error in caught.value.exceptions)
    with pytest.raises(ExceptionGroup, match="could not be removed"):
        datastore.discard(written)


def test_components_can_be_ingested_apart(open_files, example, outside, classes):
    datastore = open_files(composites={"default": True})
    whole = example.dataset_type("metric", ("visit",), "TestMetric")
    ref = example.ref(whole)
    (outside / "data.json").write_text("[1, 2, 3]")
    (outside / "summary.yaml").write_text("{a: 1}")
    parts = [
        FileDataset(outside / "data.json", refs=ref.with_dataset_type(whole.component_type("data", classes))),
        FileDataset(outside / "summary.yaml", refs=ref.with_dataset_type(whole.component_type("summary", classes))),
    ]
    written = datastore.ingest_files(parts, transfer="copy")
    assert list(written.component) == ["data", "summary"]
    assert datastore.get(ref, records=written).data == [1, 2, 3]


def test_links_out_of_the_root_are_refused(open_files, ref, inside, outside, root):
    datastore = open_files()
    (root / "link").symlink_to(outside)
    with pytest.raises(PathOutsideRootError, match="leads out"):
        datastore.ingest_files([FileDataset("link/one.yaml", refs=ref())], transfer=None)


def test_many_files(open_files, ref, inside, example):
    datastore = open_files()
    dataset_type = example.dataset_type("raw", ("exposure", "detector"), "StructuredDataDict")
    data_id = example.data_id(dataset_type.dimensions.names)
    wanted = []
    from pachon.datasets import DatasetRef

    for n in range(300):
        (inside / f"{n}.yaml").write_bytes(b"{n: %d}" % n)
        wanted.append(FileDataset(f"in place/{n}.yaml", refs=DatasetRef(dataset_type, data_id, "run")))
    written = datastore.ingest_files(wanted, transfer=None)
    assert np.array_equal(written.size, [len(b"{n: %d}" % n) for n in range(300)])
    assert datastore.get(wanted[123].refs[0], records=written) == {"n": 123}


@pytest.mark.parametrize("transfer", ["copy", "link", "direct"])
def test_what_is_no_file_is_refused_and_not_waited_for(open_files, ref, tmp_path, transfer):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InvalidInputError, match=r"pipe\.yaml is a pipe, socket or device"):
        open_files().ingest_files(files(tmp_path, ref, "pipe.yaml"), transfer=transfer)


@pytest.mark.parametrize("checksum", [True, False])
def test_what_is_no_file_is_refused_in_a_table_too(open_files, ref, tmp_path, checksum):
    os.mkfifo(tmp_path / "pipe.yaml")
    table = DatasetTable.from_refs(ref(detector=0).dataset_type, [ref(detector=0)])
    with pytest.raises(InvalidInputError, match=r"pipe\.yaml is a pipe, socket or device"):
        open_files().ingest_table([str(tmp_path / "pipe.yaml")], table, transfer="direct", checksum=checksum)


def test_a_link_that_is_moved_leaves_what_it_leads_to(open_files, outside, ref):
    (outside / "link.yaml").symlink_to("one.yaml")
    datastore = open_files()
    moved = files(outside, ref, "link.yaml")
    written = datastore.ingest_files(moved, transfer="move")
    datastore.remove_sources(moved)
    assert not (outside / "link.yaml").is_symlink()
    # A later change of the original is no change of the dataset.
    (outside / "one.yaml").write_bytes(b"{a: 2}\n")
    assert datastore.get(moved[0].refs[0], records=written) == {"a": 1}


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_a_member_of_a_zip_file_is_refused(open_files, outside, ref, transfer):
    (outside / "all.zip").write_bytes(b"PK")
    member = FileDataset(f"file://{outside}/all.zip#zip-path=one.yaml", refs=ref(detector=0))
    with pytest.raises(InvalidInputError, match="member of a zip file"):
        open_files().ingest_files([member], transfer=transfer)


_SPELLINGS = {
    "below the root": ["in place/one.yaml", "in place/two.yaml"],
    "absolute": ["{inside}/one.yaml", "{inside}/two.yaml"],
    "both": ["in place/one.yaml", "{inside}/two.yaml", "{root}/in place/../in place/one.yaml"],
    "in the root itself": ["{root}/top.yaml", "top.yaml", "in place/one.yaml", "./top.yaml"],
    "doubled slashes": ["{root}//in place//one.yaml", "in place//two.yaml"],
    "through links inside": ["inner/one.yaml", "{root}/inner/deep/three.yaml", "in place/deep/three.yaml"],
    "through a link from elsewhere": ["{outside}/back/one.yaml", "{inside}/one.yaml"],
    "through a link out": ["in place/one.yaml", "out/one.yaml"],
    "elsewhere": ["{outside}/one.yaml", "{outside}/a b.yaml", "{outside}/../outside/two.yaml"],
    "one elsewhere": ["in place/one.yaml", "{outside}/one.yaml", "{inside}/"],
    "a folder": ["in place/one.yaml", "{inside}/deep/", "{outside}/one.yaml"],
    "above the root": ["in place/one.yaml", "../one.yaml"],
    "of a missing folder": ["in place/one.yaml", "{root}/nothing/one.yaml"],
}


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("transfer", [None, "direct"])
@pytest.mark.parametrize("spellings", _SPELLINGS)
def test_many_files_are_recorded_as_single_ones(open_files, ref, root, inside, outside, spellings, transfer, checksum):
    datastore = open_files()
    (inside / "deep").mkdir()
    for place in (root / "top.yaml", inside / "deep" / "three.yaml", outside / "a b.yaml"):
        place.write_bytes(CONTENT)
    (root / "inner").symlink_to(inside)
    (root / "out").symlink_to(outside)
    (outside / "back").symlink_to(inside)
    paths = [text.format(root=root, inside=inside, outside=outside) for text in _SPELLINGS[spellings]]
    refs = [ref(detector=number) for number in range(len(paths))]

    def outcome(take_in):
        try:
            return take_in(transfer=transfer, checksum=checksum)
        except (InvalidInputError, StorageError, LookupError) as error:
            return type(error)

    single = [FileDataset(path, refs=one) for path, one in zip(paths, refs, strict=True)]
    expected = outcome(lambda **how: datastore.ingest_files(single, **how))
    table = DatasetTable.from_refs(refs[0].dataset_type, refs)
    assert outcome(lambda **how: datastore.ingest_table(paths, table, **how)) == expected


def test_what_a_relative_path_is_relative_to_is_said(open_files, ref, tmp_path, monkeypatch):
    (tmp_path / "here.yaml").write_text("n: 1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceFileNotFoundError, match=r"here\.yaml") as caught:
        open_files().ingest_files([FileDataset("here.yaml", refs=ref(detector=0))], transfer="copy")
    assert "below the root of the repository" in caught.value.__notes__[0]
    with pytest.raises(SourceFileNotFoundError) as caught:
        open_files().ingest_files([FileDataset(tmp_path / "nothing.yaml", refs=ref(detector=0))], transfer="copy")
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("path", ["/nothing-there.yaml", "//nothing-there.yaml"])
def test_a_file_of_the_topmost_folder(open_files, ref, path):
    table = DatasetTable.from_refs(ref(detector=0).dataset_type, [ref(detector=0)])
    with pytest.raises(SourceFileNotFoundError, match=r"/nothing-there\.yaml"):
        open_files().ingest_table([path], table, transfer="direct")
    with pytest.raises(InvalidInputError, match=r"^/ does not lie in the repository"):
        open_files().ingest_table([path], table, transfer=None)
