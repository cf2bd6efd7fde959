# SPDX-License-Identifier: BSD-3-Clause
import os
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pachon.base import ConflictError, InvalidInputError, NotFoundError
from pachon.butler import Butler
from pachon.datasets import DatasetRef, DatasetType, FileDataset, IdMode, new_id
from pachon.datastore import SourceFileNotFoundError, faults
from pachon.dimensions import DataCoordinate, DataIdValueError
from pachon.registry import ConflictingDefinitionError, DatasetTypeError, MissingDatasetTypeError


def make_files(folder: Path, count: int = 3) -> list[FileDataset]:
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for n in range(count):
        path = folder / f"in{n}.yaml"
        path.write_text(f"n: {n}\n")
        files.append(FileDataset(path, dataset_type="gain", data_ids={"detector": n}))
    return files


def stored(root: Path) -> set[Path]:
    return {path for path in root.rglob("*.yaml") if path.name != "butler.yaml"}


@pytest.mark.parametrize("transfer", ["copy", "move", "link", "hardlink", "symlink", "relsymlink", "auto", "direct"])
def test_transfer_modes(butler: Butler, repository: Path, tmp_path: Path, transfer: str) -> None:
    files = make_files(tmp_path / "in")
    refs = butler.ingest(files, transfer=transfer)
    assert [butler.get(ref) for ref in refs] == [{"n": 0}, {"n": 1}, {"n": 2}]
    assert butler.get("gain", detector="S02") == {"n": 2}
    assert all(Path(file.path).exists() == (transfer != "move") for file in files)
    places = [butler.get_uri(ref).ospath for ref in refs]
    if transfer == "direct":
        assert places == [str(file.path) for file in files]
    else:
        assert all(place.startswith(f"{repository}/run/") for place in places)
    records = butler.datastore_records(refs)
    assert (records.size > 0).all()
    assert all(len(text) == 128 for text in records.checksum)
    butler.prune(refs, purge=True)
    # What the datastore does not own is never removed.
    assert all(Path(file.path).exists() == (transfer != "move") for file in files)
    assert stored(repository) == set()


def test_files_that_are_in_the_repository(butler: Butler, repository: Path, tmp_path: Path) -> None:
    files = make_files(repository / "mine")
    refs = butler.ingest(files, transfer=None)
    assert butler.get_uri(refs[1]).ospath == str(repository / "mine" / "in1.yaml")
    assert butler.datastore_records(refs).path.tolist() == [f"mine/in{n}.yaml" for n in range(3)]
    relative = FileDataset("mine/in0.yaml", dataset_type="note", data_ids={})
    assert butler.get(butler.ingest([relative])[0]) == {"n": 0}
    with pytest.raises(InvalidInputError, match="does not lie in the repository"):
        butler.ingest(make_files(tmp_path / "other"), run="second", transfer=None)
    butler.prune(refs)
    # The file that another dataset is in too stays.
    assert {path.name for path in (repository / "mine").iterdir()} == {"in0.yaml"}


def test_checksums_and_sizes_on_request(butler: Butler, tmp_path: Path) -> None:
    files = make_files(tmp_path / "in", 1)
    (without,) = butler.ingest(files, transfer="direct", checksum=False)
    (nothing,) = butler.ingest(files, transfer="direct", track=False, run="untracked")
    records = butler.datastore_records([without])
    assert (records.size[0] > 0, records.checksum[0]) == (True, "")
    records = butler.datastore_records([nothing])
    assert (records.size[0], records.checksum[0]) == (-1, "")
    Path(files[0].path).write_text("n: 1234\n")
    assert butler.get(nothing) == {"n": 1234}


def test_many_datasets_in_one_file(butler: Butler, tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    path.write_text("a: 1\n")
    file = FileDataset(path, dataset_type="gain", data_ids=[{"detector": n} for n in range(3)])
    refs = butler.ingest([file], transfer="copy")
    assert file.refs == ()
    assert len({butler.get_uri(ref) for ref in refs}) == 1
    butler.prune(refs[:2], purge=True)
    assert butler.get(refs[2]) == {"a": 1}
    place = Path(butler.get_uri(refs[2]).ospath)
    butler.prune(refs[2:], purge=True)
    assert not place.exists()


def test_types_and_runs_are_made(butler: Butler, tmp_path: Path) -> None:
    new = DatasetType("fresh", ("detector",), "StructuredDataDict", universe=butler.universe)
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n")
    (ref,) = butler.ingest([FileDataset(path, dataset_type=new, data_ids={"detector": 1})], run="a/b", transfer="copy")
    assert (ref.run, butler.dataset_types.get("fresh")) == ("a/b", new)
    given = DatasetRef(butler.dataset_types.get("note"), {}, "c/d", id=new_id())
    assert butler.ingest([FileDataset(path, refs=given)], transfer="copy") == [given]
    assert butler.get(given) == {"a": 1}
    assert butler.collections.query() == ["a/b", "c/d"]


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_what_somebody_else_ingests_meanwhile_is_skipped_too(
    butler: Butler, repository: Path, tmp_path: Path, transfer: str
) -> None:
    files = make_files(tmp_path / "in")
    others: list[DatasetRef] = []
    begun: list[str] = []

    def be_faster(point: str) -> None:
        if point == "commit.begin" and not begun:
            begun.append(point)
            with Butler.open(str(repository), run="run", instrument="Cam") as other:
                others[:] = other.ingest(files[1:2], transfer=transfer)

    with faults.install(be_faster):
        refs = butler.ingest(files, transfer=transfer, on_conflict="skip")
    assert [ref.data_id["detector"] for ref in refs] == [0, 2]
    assert [ref.data_id["detector"] for ref in others] == [1]
    assert all(butler.get(ref) for ref in [*refs, *others])
    assert len(stored(repository)) == (3 if transfer == "copy" else 0)


@pytest.mark.parametrize("mode", list(IdMode))
def test_ids(butler: Butler, tmp_path: Path, mode: IdMode) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n")
    files = [FileDataset(path, dataset_type="raw", data_ids={"exposure": 1, "detector": 2})]
    (ref,) = butler.ingest(files, transfer="copy", id_mode=mode)
    assert ref.id.version == (7 if mode is IdMode.UNIQUE else 5)
    expected = {
        IdMode.DATAID_TYPE: "dataset_type=raw,detector=2,exposure=1,instrument=Cam",
        IdMode.DATAID_TYPE_RUN: "dataset_type=raw,run=run,detector=2,exposure=1,instrument=Cam",
    }
    if mode in expected:
        import uuid

        assert ref.id == uuid.uuid5(UUID("840b31d9-05cd-5161-b2c8-00d32b280d0f"), expected[mode])
        with pytest.raises(ConflictError, match="in the repository already"):
            butler.ingest(files, transfer="copy", id_mode=mode)
        assert butler.ingest(files, transfer="copy", id_mode=mode, on_conflict="skip") == []


@pytest.mark.parametrize("transfer", ["copy", "direct"])
def test_what_was_unstored_gets_its_file_again(butler: Butler, tmp_path: Path, transfer: str) -> None:
    files = make_files(tmp_path / "in")
    first = butler.ingest(files[:2], transfer=transfer)
    butler.prune(first[:1], unstore=True)
    with pytest.raises(NotFoundError):
        butler.get(first[0])
    again = butler.ingest(files, transfer=transfer, on_conflict="skip")
    assert [ref.data_id["detector"] for ref in again] == [0, 2]
    assert again[0].id == first[0].id
    assert all(butler.get(ref) for ref in [*first, *again])
    assert list(butler.ingest(files, transfer=transfer, on_conflict="skip")) == []


def test_an_ingest_can_be_resumed(butler: Butler, repository: Path, tmp_path: Path) -> None:
    files = make_files(tmp_path / "in")
    first = butler.ingest(files[:2], transfer="copy")
    with pytest.raises(ConflictingDefinitionError):
        butler.ingest(files, transfer="copy")
    assert len(stored(repository)) == 2
    rest = butler.ingest(files, transfer="copy", on_conflict="skip")
    assert [ref.data_id["detector"] for ref in rest] == [2]
    assert butler.ingest(files, transfer="copy", on_conflict="skip") == []
    both = FileDataset(files[0].path, dataset_type="gain", data_ids=[{"detector": 2}, {"detector": 3}])
    with pytest.raises(ConflictError, match="a file is ingested with all its datasets"):
        butler.ingest([both], transfer="copy", on_conflict="skip")
    assert len(stored(repository)) == 3
    assert len(first) == 2


BAD: list[tuple[Any, type[Exception], str]] = [
    (
        lambda f: FileDataset(f / "missing.yaml", dataset_type="gain", data_ids={"detector": 3}),
        SourceFileNotFoundError,
        "missing",
    ),
    (lambda f: FileDataset(f, dataset_type="gain", data_ids={"detector": 3}), InvalidInputError, "folder"),
    (lambda f: FileDataset(f / "in0.fits", dataset_type="gain", data_ids={"detector": 3}), InvalidInputError, "fits"),
    (
        lambda f: FileDataset(f / "in0.yaml", dataset_type="gain", data_ids={"detector": 77}),
        DataIdValueError,
        "detector",
    ),
    (lambda f: FileDataset(f / "in0.yaml", dataset_type="gain", data_ids={"detector": 0}), ConflictError, "twice"),
    (
        lambda f: FileDataset(f / "in0.yaml", dataset_type="nope", data_ids={"detector": 3}),
        MissingDatasetTypeError,
        "nope",
    ),
    (
        lambda f: FileDataset(f / "in0.yaml", dataset_type="gain.x", data_ids={"detector": 3}),
        DatasetTypeError,
        "component",
    ),
    (
        lambda f: FileDataset(f / "in0.yaml", dataset_type="gain", data_ids={"detector": 3}, formatter="nope"),
        LookupError,
        "nope",
    ),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD)
def test_one_bad_file_and_nothing_is_ingested(
    butler: Butler, repository: Path, tmp_path: Path, bad: Any, error: type[Exception], message: str
) -> None:
    folder = tmp_path / "in"
    files = make_files(folder)
    (folder / "in0.fits").write_text("x")
    with pytest.raises(error, match=message):
        butler.ingest([*files, bad(folder)], transfer="copy")
    assert stored(repository) == set()
    assert len(butler.query_all_datasets("*")) == 0
    assert len(butler.ingest(files, transfer="copy")) == 3


def test_bad_arguments(butler: Butler, tmp_path: Path) -> None:
    files = make_files(tmp_path / "in")
    with pytest.raises(InvalidInputError, match="'error' or 'skip'"):
        butler.ingest(files, on_conflict="replace")  # type: ignore[arg-type]  # wrong on purpose
    with pytest.raises(InvalidInputError, match=r"no transfer mode 'mve'.*move"):
        butler.ingest(files, transfer="mve")
    assert butler.ingest([]) == []


def test_a_source_that_cannot_be_removed(butler: Butler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pachon.base import StorageError
    from pachon.resources import ResourcePath

    files = make_files(tmp_path / "in", 2)

    def fail(self: ResourcePath, **_: object) -> None:
        raise StorageError("not yours")

    monkeypatch.setattr(ResourcePath, "remove", fail)
    with pytest.raises(ExceptionGroup, match="were ingested"):
        butler.ingest(files, transfer="move")
    monkeypatch.undo()
    assert butler.get("gain", detector=1) == {"n": 1}
    assert os.path.exists(files[0].path)


@pytest.mark.parametrize("transfer", [None, "direct", "copy"])
def test_a_name_that_is_not_in_utf_8(butler: Butler, repository: Path, transfer: str | None) -> None:
    path = os.fsdecode(os.fsencode(repository) + b"/x\xff.yaml")
    with open(path, "w") as stream:
        stream.write("n: 1\n")
    with pytest.raises(InvalidInputError, match="not in UTF-8"):
        butler.ingest([FileDataset(path, dataset_type="gain", data_ids={"detector": 0})], transfer=transfer)


def test_the_first_dataset_of_a_file_decides_on_its_path(butler: Butler, tmp_path: Path) -> None:
    first, second = make_files(tmp_path / "in", 2)
    note, gain = butler.dataset_types.get("note"), butler.dataset_types.get("gain")

    def gains(detector: int) -> DatasetRef:
        data_id = DataCoordinate.standardize({"instrument": "Cam", "detector": detector}, dimensions=gain.dimensions)
        return DatasetRef(gain, data_id, "run")

    # Datasets are sorted by type on the way; the file before has another first type.
    both = [DatasetRef(note, {}, "run"), gains(1)]
    butler.ingest(
        [FileDataset(first.path, refs=gains(0)), FileDataset(second.path, refs=both)],
        transfer="copy",
    )
    assert Path(butler.get_uri(both[1]).ospath).name.startswith("note_")
    assert butler.get(both[0]) == butler.get(both[1]) == {"n": 1}
