# SPDX-License-Identifier: BSD-3-Clause
"""Ingest in place as columns: a table of files, and many objects that are alike, give what single files give."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pachon.base import ConflictError, InvalidInputError, PachonError
from pachon.butler import Butler
from pachon.datasets import DatasetType, FileDataset, FileTable, IdMode
from pachon.datastore import PathOutsideRootError, SourceFileNotFoundError
from pachon.dimensions import DataIdValueError, InconsistentDataIdError
from pachon.registry import MissingDatasetTypeError

NAMES = ["a.yaml", "b c.yaml", "d#e.yaml", "f%20g.yaml", "ü.yml"]


def make_names(folder: Path, names: list[str] = NAMES) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        (folder / name).write_text(f"n: {number}\n")
    return [str(folder / name) for name in names]


def rows(butler: Butler, refs: Any) -> list[tuple[Any, ...]]:
    """Give the records of datasets without their ids, in the order of the datasets."""
    records = butler.datastore_records(list(refs))
    by_id = {row.dataset_id: row for row in records.rows()}
    found = [by_id[ref.id] for ref in refs]
    return [(r.path, r.size, r.checksum, r.formatter, r.storage_class, r.component, r.datastore) for r in found]


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("transfer", [None, "direct"])
def test_all_forms_give_the_same_records(
    butler: Butler, repository: Path, transfer: str | None, track: bool, checksum: bool
) -> None:
    paths = make_names(repository / "mine" / "deep er")
    options: dict[str, Any] = {"transfer": transfer, "checksum": checksum, "track": track}
    # A file that holds two datasets makes a call take the way of single files.
    pair = FileDataset(paths[0], dataset_type="gain", data_ids=[{"detector": 0}, {"detector": 3}])
    single = [FileDataset(path, dataset_type="gain", data_ids={"detector": n}) for n, path in enumerate(paths)]
    one_by_one = [ref for n in range(1, 3) for ref in butler.ingest([single[n]], run="single", **options)]
    mixed = butler.ingest([pair, single[1], single[2]], run="mixed", **options)
    alike = butler.ingest(iter(single[:3]), run="alike", **options)
    columns = {"detector": np.arange(3), "instrument": "Cam"}
    table = butler.ingest(FileTable(paths[:3], dataset_type="gain", data_ids=columns), run="table", **options)
    expected = rows(butler, [mixed[0], *mixed[2:]])
    assert rows(butler, alike) == rows(butler, table) == expected
    assert rows(butler, one_by_one) == expected[1:]
    assert [butler.get(ref) for ref in table] == [{"n": n} for n in range(3)]
    assert [ref.data_id["detector"] for ref in alike] == [0, 1, 2]


def test_names_with_special_characters(butler: Butler, repository: Path, tmp_path: Path) -> None:
    for number, folder in enumerate([repository / "x y", tmp_path / "other %41"]):
        for place, path in enumerate(make_names(folder)):
            for transfer in (None, "direct") if number == 0 else ("direct",):
                table = FileTable([path], dataset_type="note", data_ids={})
                (ref,) = butler.ingest(table, transfer=transfer, run=f"run{number}/{place}/{transfer}")
                assert butler.get(ref) == {"n": place}


def test_relative_paths_are_below_the_root(butler: Butler, repository: Path) -> None:
    make_names(repository / "in", ["a.yaml"])
    (repository / "top.yaml").write_text("n: 9\n")
    files = FileTable(["in/a.yaml", "top.yaml"], dataset_type="gain", data_ids={"detector": [0, 1]})
    refs = butler.ingest(files, transfer=None)
    assert butler.datastore_records(refs).path.tolist() == ["in/a.yaml", "top.yaml"]
    assert butler.get(refs[1]) == {"n": 9}


@pytest.mark.parametrize("transfer", ["copy", "move"])
def test_a_table_is_brought_in_too(butler: Butler, repository: Path, tmp_path: Path, transfer: str) -> None:
    paths = make_names(tmp_path / "in", ["a.yaml", "b.yaml"])
    refs = butler.ingest(FileTable(paths, dataset_type="gain", data_ids={"detector": [0, 1]}), transfer=transfer)
    assert [butler.get(ref) for ref in refs] == [{"n": 0}, {"n": 1}]
    assert all(butler.get_uri(ref).ospath.startswith(str(repository)) for ref in refs)
    assert all(Path(path).exists() == (transfer == "copy") for path in paths)


def test_alternate_keys_and_defaults(butler: Butler, tmp_path: Path) -> None:
    paths = make_names(tmp_path / "in", ["a.yaml", "b.yaml"])
    table = FileTable(paths, dataset_type="gain", data_ids={"detector": ["S01", "S02"]})
    refs = butler.ingest(table, transfer="direct")
    assert [ref.data_id["detector"] for ref in refs] == [1, 2]
    files = [FileDataset(p, dataset_type="gain", data_ids={"detector": f"S0{n}"}) for n, p in enumerate(paths)]
    assert [ref.data_id["detector"] for ref in butler.ingest(files, transfer="direct", run="second")] == [0, 1]


def test_an_ingest_that_was_cut_short_is_resumed(butler: Butler, tmp_path: Path) -> None:
    paths = make_names(tmp_path / "in", ["a.yaml", "b.yaml", "c.yaml"])
    butler.ingest(FileTable(paths[:2], dataset_type="gain", data_ids={"detector": [0, 1]}), transfer="direct")
    table = FileTable(paths, dataset_type="gain", data_ids={"detector": [0, 1, 2]})
    with pytest.raises(ConflictError):
        butler.ingest(table, transfer="direct")
    refs = butler.ingest(table, transfer="direct", on_conflict="skip")
    assert [ref.data_id["detector"] for ref in refs] == [2]
    assert butler.ingest(table, transfer="direct", on_conflict="skip") == []


def test_ids_that_can_be_made_again(butler: Butler, tmp_path: Path) -> None:
    paths = make_names(tmp_path / "in", ["a.yaml", "b.yaml"])
    table = FileTable(paths, dataset_type="gain", data_ids={"detector": [0, 1]})
    first = butler.ingest(table, transfer="direct", id_mode=IdMode.DATAID_TYPE_RUN)
    files = [FileDataset(path, dataset_type="gain", data_ids={"detector": n}) for n, path in enumerate(paths)]
    with pytest.raises(ConflictError, match="already"):
        butler.ingest(files, transfer="direct", id_mode=IdMode.DATAID_TYPE_RUN)
    butler.prune(list(first), purge=True)
    again = butler.ingest(files, transfer="copy", id_mode=IdMode.DATAID_TYPE_RUN)
    assert [ref.id for ref in again] == [ref.id for ref in first]


BAD: dict[str, tuple[Any, type[PachonError]]] = {
    "missing file": (lambda p: FileTable([p[0], p[1] + "x"], dataset_type="gain", data_ids={"detector": [0, 1]}),
                     SourceFileNotFoundError),
    "folder": (lambda p: FileTable([str(Path(p[0]).parent)], dataset_type="gain", data_ids={"detector": 0}),
               InvalidInputError),
    "folder with slash": (lambda p: FileTable([f"{Path(p[0]).parent}/"], dataset_type="gain", data_ids={"detector": 0}),
                          InvalidInputError),
    "NUL": (lambda p: FileTable([p[0] + "\0"], dataset_type="gain", data_ids={"detector": 0}), InvalidInputError),
    "part of a zip file": (lambda p: FileTable([p[0] + "#zip-path=x"], dataset_type="gain", data_ids={"detector": 0}),
                           InvalidInputError),
    "repeated": (lambda p: FileTable(p[:2], dataset_type="gain", data_ids={"detector": 0}), ConflictError),
    "no detector": (lambda p: FileTable(p[:2], dataset_type="gain", data_ids={}), DataIdValueError),
    "unknown detector": (lambda p: FileTable(p[:2], dataset_type="gain", data_ids={"detector": [0, 99]}),
                         PachonError),
    "float": (lambda p: FileTable(p[:2], dataset_type="gain", data_ids={"detector": [0, 1.5]}), InvalidInputError),
    "null": (lambda p: FileTable(p[:2], dataset_type="gain", data_ids={"detector": [0, None]}), InvalidInputError),
    "large": (lambda p: FileTable(p[:2], dataset_type="gain", data_ids={"detector": [0, 2**70]}), InvalidInputError),
    "no dimension": (lambda p: FileTable(p[:1], dataset_type="gain", data_ids={"detector": 0, "colour": 1}),
                     PachonError),
    "type": (lambda p: FileTable(p[:1], dataset_type="nothing", data_ids={}), MissingDatasetTypeError),
    "formatter": (lambda p: FileTable(p[:1], dataset_type="gain", data_ids={"detector": 0}, formatter="no"),
                  PachonError),
    "wrong extension": (
        lambda p: FileTable(p[:1], dataset_type="gain", data_ids={"detector": 0}, formatter="fits_image"), PachonError
    ),
    "path that is a number": (lambda p: FileTable([3], dataset_type="gain", data_ids={"detector": 0}), PachonError),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_writes_nothing(butler: Butler, repository: Path, tmp_path: Path, case: str) -> None:
    paths = make_names(tmp_path / "in", ["a.yaml", "b.yaml"])
    make, expected = BAD[case]
    with pytest.raises(expected):
        butler.ingest(make(paths), transfer="direct", run="new")
    assert "new" not in butler.collections.query("*")
    assert sorted(Path(tmp_path / "in").iterdir()) == [Path(path) for path in paths]


WRONG_FILTER = {"exposure": 1, "detector": 1, "physical_filter": "Cam-none"}


@pytest.mark.parametrize("transfer", ["direct", "copy"])
@pytest.mark.parametrize(
    "files",
    [
        lambda p: [FileDataset(p, dataset_type="raw", data_ids=WRONG_FILTER)],
        lambda p: [FileDataset(p, dataset_type="raw", data_ids=[WRONG_FILTER, {"exposure": 1, "detector": 2}])],
        lambda p: FileTable([p], dataset_type="raw", data_ids=WRONG_FILTER),
    ],
    ids=["a file", "a file of two", "a table"],
)
def test_a_data_id_that_contradicts_itself_is_refused(
    butler: Butler, tmp_path: Path, files: Callable[[str], Any], transfer: str
) -> None:
    (path,) = make_names(tmp_path / "in", ["a.yaml"])
    with pytest.raises(InconsistentDataIdError, match="Cam-none"):
        butler.ingest(files(path), transfer=transfer)
    with pytest.raises(InconsistentDataIdError, match="Cam-none"):
        butler.put_many([({}, "raw", {"exposure": 1, "detector": 2}), ({}, "raw", WRONG_FILTER)])
    assert len(butler.query_all_datasets("*")) == 0


def test_paths_that_leave_the_root(butler: Butler, repository: Path, tmp_path: Path) -> None:
    (path,) = make_names(tmp_path / "out", ["a.yaml"])
    (repository / "link").symlink_to(tmp_path / "out")
    for wrong in ("link/a.yaml", "../out/a.yaml", f"{repository}/link/a.yaml"):
        with pytest.raises(PathOutsideRootError, match=r"out") as caught:
            butler.ingest(FileTable([wrong], dataset_type="note", data_ids={}), transfer=None)
        assert caught.value.__notes__ == [f"The first file there is {wrong}; nothing was ingested."]
    with pytest.raises(PathOutsideRootError, match=r"^The folder 'in/\.\./\.\.' is not inside the root"):
        butler.ingest(FileTable(["in/../../a.yaml"], dataset_type="note", data_ids={}), transfer=None)
    for wrong in (path, f"{repository}/../out/a.yaml"):
        with pytest.raises(InvalidInputError, match="does not lie in the repository"):
            butler.ingest(FileTable([wrong], dataset_type="note", data_ids={}), transfer=None)


def test_tables_of_unequal_columns() -> None:
    with pytest.raises(InvalidInputError, match="2 values of detector"):
        FileTable(["a"], dataset_type="gain", data_ids={"detector": [1, 2]})
    with pytest.raises(InvalidInputError, match="list of paths"):
        FileTable("a", dataset_type="gain", data_ids={"detector": 1})  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="columns by dimension"):
        FileTable(["a"], dataset_type="gain", data_ids=[1])  # type: ignore[arg-type]


@pytest.mark.parametrize(("few", "block"), [(2, 2), (1, 2), (2, 4)])
def test_many_rows_are_written_in_parts(
    butler: Butler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, block: int
) -> None:
    monkeypatch.setattr("pachon.butler.ingest._PART", 2)
    monkeypatch.setattr("pachon.butler.ingest_columns._FEW", few)
    monkeypatch.setattr("pachon.butler.ingest_columns._BLOCK", block)
    paths = make_names(tmp_path / "in", ["a.yaml", "b.yaml", "c.yaml"])
    files = [FileDataset(path, dataset_type="gain", data_ids={"detector": n}) for n, path in enumerate(paths)]
    assert len(butler.ingest(iter(files), transfer="direct")) == 3
    other = [*files[:2], FileDataset(paths[2], dataset_type="note", data_ids={})]
    refs = butler.ingest(iter(other), transfer="direct", run="second")
    assert [(ref.dataset_type.name, butler.get(ref)["n"]) for ref in refs] == [("gain", 0), ("gain", 1), ("note", 2)]
    assert len(list(butler.query_datasets("gain", collections="run"))) == 3


def many(butler: Butler, repository: Path, count: int) -> dict[str, Any]:
    """Give columns of a table of so many files that what their rows refer to is looked up once a call."""
    (path,) = make_names(repository / "many", ["x.yaml"])
    nights = 20_300_000 + np.arange(count)
    butler.dimension_records.insert("day_obs", [{"instrument": "Cam", "id": night} for night in nights.tolist()])
    dataset_type = DatasetType("nightly", ("day_obs",), "StructuredDataDict", universe=butler.universe)
    butler.dataset_types.register(dataset_type)
    return {"paths": [path] * count, "dataset_type": "nightly", "data_ids": {"day_obs": nights, "instrument": "Cam"}}


def test_many_files_at_once(root: Path, repository: Path) -> None:
    with Butler.open(str(root), run="run", instrument="Cam") as butler:
        columns = many(butler, root, 2_500)
        refs = butler.ingest(FileTable(**columns), transfer=None)
        assert len(refs) == len(butler.query_datasets("nightly", collections="run")) == 2_500
        assert butler.get(refs[-1]) == {"n": 0}
        with pytest.raises(ConflictError, match="exists"):
            butler.ingest(FileTable(**columns), transfer=None)
        assert butler.ingest(FileTable(**columns), transfer=None, on_conflict="skip") == []
        butler.remove_runs(["run"])
        assert not butler.fsck().findings


def test_many_files_of_which_one_has_no_record(root: Path, repository: Path) -> None:
    with Butler.open(str(root), run="run", instrument="Cam") as butler:
        columns = many(butler, root, 2_500)
        columns["data_ids"]["day_obs"][1_234] = 1
        with pytest.raises(DataIdValueError, match=r"day_obs record for .*1"):
            butler.ingest(FileTable(**columns), transfer=None)
        assert "run" not in butler.collections.query("*")
        columns["data_ids"]["day_obs"][1_234] = 20_300_000 + 1_234
        assert len(butler.ingest(FileTable(**columns), transfer=None)) == 2_500
