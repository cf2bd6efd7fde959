# SPDX-License-Identifier: BSD-3-Clause
import json
from pathlib import Path

import pytest

from pachon.base import FormatError, InvalidInputError
from pachon.butler import Butler
from pachon.butler.errors import RetrievalConflictError
from pachon.butler.retrieve import INDEX_NAME
from pachon.datasets import DatasetExistence, DatasetRef, FileDataset
from pachon.datastore import FileIntegrityError

# Signs that mean something in a URI or to a shell, and nothing in the name of a file.
NAMES = ("a#1.yaml", "a#2.yaml", "~b%41.yaml", "$HOME.yaml")


@pytest.fixture
def refs(butler: Butler, repository: Path) -> list[DatasetRef]:
    """Datasets in files with odd names, which lie in the repository."""
    (repository / "in place").mkdir()
    files = []
    for number, name in enumerate(NAMES):
        (repository / "in place" / name).write_text(f"n: {number}\n")
        files.append(FileDataset(f"in place/{name}", dataset_type="gain", data_ids={"detector": number}))
    return list(butler.ingest(files, transfer=None))


@pytest.mark.parametrize("preserve_path", [True, False])
def test_names_are_kept_as_they_are(
    butler: Butler, refs: list[DatasetRef], tmp_path: Path, preserve_path: bool
) -> None:
    folder = tmp_path / "out"
    places = butler.retrieve(refs, str(folder), preserve_path=preserve_path)
    names = [f"in place/{name}" if preserve_path else name for name in NAMES]
    assert [place.ospath for place in places] == [str(folder / name) for name in names]
    assert [(folder / name).read_text() for name in names] == [f"n: {number}\n" for number in range(4)]
    assert sorted(json.loads((folder / INDEX_NAME).read_text())["files"]) == sorted(names)


def test_two_files_of_one_name(butler: Butler, repository: Path, refs: list[DatasetRef], tmp_path: Path) -> None:
    (repository / "other").mkdir()
    (repository / "other" / NAMES[0]).write_text("n: 7\n")
    other = butler.ingest(
        [FileDataset(f"other/{NAMES[0]}", dataset_type="note", data_ids={})], transfer=None, run="other"
    )
    with pytest.raises(RetrievalConflictError, match=r"in place.*other"):
        butler.retrieve([*refs, *other], str(tmp_path / "out"), preserve_path=False)


@pytest.mark.parametrize("transfer", ["move", "direct", "sideways", None])
def test_modes_that_make_no_sense(butler: Butler, refs: list[DatasetRef], tmp_path: Path, transfer: str | None) -> None:
    with pytest.raises(InvalidInputError):
        butler.retrieve(refs, str(tmp_path / "out"), transfer=transfer)  # type: ignore[arg-type]  # odd on purpose
    assert butler.get(refs[0]) == {"n": 0}


@pytest.mark.parametrize("transfer", ["copy", "symlink"])
@pytest.mark.parametrize("through_link", [False, True])
def test_the_files_of_the_repository_are_not_retrieved_onto_themselves(
    butler: Butler, repository: Path, refs: list[DatasetRef], tmp_path: Path, transfer: str, through_link: bool
) -> None:
    folder = repository
    if through_link:
        folder = tmp_path / "link"
        folder.symlink_to(repository)
    with pytest.raises(InvalidInputError, match="is where the repository has its files; choose another folder"):
        butler.retrieve(refs, str(folder), transfer=transfer, overwrite=True)  # type: ignore[arg-type]
    assert not (repository / INDEX_NAME).exists()
    assert [butler.get(ref) for ref in refs] == [{"n": number} for number in range(4)]


def test_files_that_somebody_changed(butler: Butler, repository: Path, refs: list[DatasetRef], tmp_path: Path) -> None:
    (repository / "in place" / NAMES[1]).write_text("n: 1 # longer\n")
    with pytest.raises(FileIntegrityError, match="size"):
        butler.retrieve(refs, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    flags = butler.exists_many(refs, verify=True)
    assert [bool(flags[ref]) for ref in refs] == [True, False, True, True]
    assert DatasetExistence.ARTIFACT not in flags[refs[1]]
    (repository / "in place" / NAMES[1]).unlink()
    assert not butler.exists(refs[1], verify=True)


def test_a_flipped_bit_where_checksums_are_verified(
    repository: Path, butler: Butler, refs: list[DatasetRef], tmp_path: Path
) -> None:
    (repository / "in place" / NAMES[2]).write_text("n: 9\n")
    assert len(butler.retrieve(refs, str(tmp_path / "unseen"))) == 4
    config = repository / "butler.yaml"
    config.write_text(config.read_text().replace("datastore:\n", "datastore:\n  verify_checksum: true\n"))
    with Butler.open(str(repository)) as reading, pytest.raises(FileIntegrityError, match="checksum"):
        reading.retrieve(refs, str(tmp_path / "out"))


def test_the_index_keeps_what_was_retrieved_before(butler: Butler, refs: list[DatasetRef], tmp_path: Path) -> None:
    folder = tmp_path / "out"
    butler.retrieve(refs[:2], str(folder))
    butler.retrieve(refs[1:3], str(folder), overwrite=True)
    files = json.loads((folder / INDEX_NAME).read_text())["files"]
    assert [entry["id"] for entries in files.values() for entry in entries] == [str(ref.id) for ref in refs[:3]]


@pytest.mark.parametrize("content", ["{", "[]", '{"version": 7, "files": {}}', '{"version": 1, "files": []}', "\xff"])
def test_a_file_that_is_no_index(butler: Butler, refs: list[DatasetRef], tmp_path: Path, content: str) -> None:
    (tmp_path / INDEX_NAME).write_text(content, encoding="latin-1")
    with pytest.raises(FormatError, match="no index of retrieved files"):
        butler.retrieve(refs, str(tmp_path))
    assert [path.name for path in tmp_path.glob("in*")] == []
    assert (tmp_path / INDEX_NAME).read_text(encoding="latin-1") == content
