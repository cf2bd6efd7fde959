# SPDX-License-Identifier: BSD-3-Clause
import warnings
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pachon.base import ConflictError, InvalidInputError, NotFoundError, PachonError
from pachon.butler import Butler, DatasetNotFoundError
from pachon.datasets import CollectionType, DatasetExistence, DatasetRef, DatasetType, new_id
from pachon.datastore import DatasetFileNotFoundError, DatasetWriteError, FileIntegrityError
from pachon.dimensions import DataIdValueError, InconsistentDataIdError
from pachon.registry import (
    ConflictingDefinitionError,
    DatasetTypeError,
    MissingCollectionError,
    MissingDatasetTypeError,
    NoDefaultCollectionError,
)


def files_below(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() and "registry.sqlite3" not in p.name} - {
        "butler.yaml"
    }


def test_put_and_get(butler: Butler, repository: Path) -> None:
    ref = butler.put({"a": [1, 2]}, "raw", exposure=1, detector=2)
    assert ref.run == "run"
    assert ref.data_id.full == {
        "instrument": "Cam", "detector": 2, "exposure": 1, "band": "g", "day_obs": 20260101, "group": "g1",
        "physical_filter": "Cam-g",
    }  # fmt: skip
    assert butler.get("raw", exposure=1, detector=2) == {"a": [1, 2]}
    assert butler.get(ref) == {"a": [1, 2]}
    assert butler.get(ref.dataset_type, ref.data_id) == {"a": [1, 2]}
    assert butler.get("raw", {"exposure": 1}, detector=2, collections=["run"]) == {"a": [1, 2]}
    assert butler.get_deferred(ref).get() == {"a": [1, 2]}
    assert butler.get_dataset(ref.id) == ref
    assert butler.get_dataset(uuid4()) is None
    (path,) = files_below(repository)
    assert butler.get_uri(ref).ospath == str(repository / path)
    assert butler.get_uris([ref])[ref].primary == butler.get_uri("raw", exposure=1, detector=2)
    records = butler.datastore_records([ref])
    assert (len(records), records.size[0]) == (1, (repository / path).stat().st_size)
    assert len(records.checksum[0]) == 128


def test_a_put_that_fails_leaves_no_run(butler: Butler) -> None:
    with pytest.raises(DataIdValueError):
        butler.put({"a": 1}, "raw", exposure=1, detector=77, run="new")
    with pytest.raises(InvalidInputError):
        butler.put(object(), "note", run="new")
    with pytest.raises(DataIdValueError):
        butler.put_many([({"a": 1}, "note", {}), ({"a": 1}, "raw", {"exposure": 1, "detector": 77})], run="new")
    assert "new" not in butler.collections.query()
    butler.put({"a": 1}, "note", run="new")
    assert butler.collections.get("new").type is CollectionType.RUN


def test_a_run_must_be_one(butler: Butler) -> None:
    butler.collections.register("chain", CollectionType.CHAINED)
    for name in ("chain", "not allowed*"):
        with pytest.raises(PachonError):
            butler.put({"a": 1}, "note", run=name)


def test_another_process_sees_it(butler: Butler, repository: Path) -> None:
    butler.put({"a": 1}, "note")
    with Butler.open(str(repository), collections="run") as other:
        assert other.get("note") == {"a": 1}


def test_components_and_other_storage_classes(butler: Butler) -> None:
    butler.dataset_types.register(DatasetType("table", (), "ArrowAstropy", universe=butler.universe))
    table = pytest.importorskip("astropy.table").Table({"x": [1, 2, 3], "y": [4.0, 5.0, 6.0]})
    ref = butler.put(table, "table")
    assert butler.get("table.rowcount") == 3
    assert list(butler.get("table.columns")) == ["x", "y"]
    assert butler.dataset_types.get("table.columns").component == "columns"
    assert butler.get("table", parameters={"columns": "x"}).colnames == ["x"]
    assert butler.get("table", storage_class="DataFrame").shape == (3, 2)
    frame_type = DatasetType("table", (), "DataFrame", universe=butler.universe)
    assert butler.get(frame_type).shape == (3, 2)
    found = butler.find_dataset(frame_type)
    assert found is not None
    assert found.dataset_type.storage_class == "DataFrame"
    assert butler.get(found).shape == (3, 2)
    # An object of another class is converted to the registered one before it is written.
    frame = table.to_pandas()
    other = butler.put(frame, frame_type, run="other")
    assert butler.datastore_records([other]).storage_class[0] == "ArrowAstropy"
    assert type(butler.get(ref)) is type(butler.get(other))
    with pytest.raises(NotFoundError, match="component"):
        butler.get("table.nope")


def test_nothing_is_no_dataset_type(butler: Butler) -> None:
    with pytest.raises(InvalidInputError, match=r"is needed, not None\."):
        butler.get(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="not an object of type int"):
        butler.put({}, 3)  # type: ignore[arg-type]


def test_dataset_types_must_fit(butler: Butler) -> None:
    wrong = DatasetType("note", ("instrument",), "StructuredDataDict", universe=butler.universe)
    with pytest.raises(DatasetTypeError, match="registered as"):
        butler.put({}, wrong)
    with pytest.raises(DatasetTypeError, match="cannot be"):
        butler.get(DatasetType("note", (), "NumpyArray", universe=butler.universe))
    with pytest.raises(MissingDatasetTypeError, match="Did you mean 'note'") as caught:
        butler.put({}, "not")
    assert "register-dataset-type" in caught.value.__notes__[0]
    with pytest.raises(NotFoundError):
        butler.put({}, "note.part")


@pytest.mark.parametrize(
    ("obj", "dataset_type", "data_id", "error"),
    [
        (None, "note", {}, InvalidInputError),
        ([1], "note", {}, InvalidInputError),
        ({"a": object()}, "note", {}, DatasetWriteError),
        ({}, "raw", {"exposure": 1, "detector": 77}, DataIdValueError),
        ({}, "raw", {"exposure": 77, "detector": 1}, DataIdValueError),
        ({}, "raw", {"exposure": 1}, DataIdValueError),
        ({}, "raw", {"exposure": 1, "detector": 1, "physical_filter": "Cam-r"}, InconsistentDataIdError),
        ({}, "raw", {"exposure": 1, "detector": 1, "unknown": 1}, DataIdValueError),
        ({}, "raw", [1], InvalidInputError),
    ],
)
def test_a_bad_put_leaves_nothing(
    butler: Butler, repository: Path, obj: Any, dataset_type: str, data_id: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        butler.put(obj, dataset_type, data_id)
    assert files_below(repository) == set()
    assert len(butler.query_all_datasets("*")) == 0


def test_the_same_data_id_twice_is_a_conflict(butler: Butler, repository: Path) -> None:
    ref = butler.put({"a": 1}, "note")
    with pytest.raises(ConflictingDefinitionError):
        butler.put({"a": 2}, "note")
    assert butler.get("note") == {"a": 1}
    assert len(files_below(repository)) == 1
    other = butler.put({"a": 3}, "note", run="other")
    assert other.id != ref.id
    assert butler.get("note", collections=["other", "run"]) == {"a": 3}
    assert butler.get("note", collections=["run", "other"]) == {"a": 1}


def test_a_run_is_needed(repository: Path) -> None:
    with Butler.open(str(repository), writeable=True) as butler:
        with pytest.raises(InvalidInputError, match="A run is needed"):
            butler.put({}, "note")
        with pytest.raises(NoDefaultCollectionError, match="collections="):
            butler.get("note")
        butler.put({}, "note", run="made/now")
        assert butler.collections.query() == ["made/now"]


def test_put_by_reference(butler: Butler) -> None:
    note = butler.dataset_types.get("note")
    ref = DatasetRef(note, {}, "run", id=new_id())
    with pytest.raises(MissingCollectionError, match="'run'"):
        butler.put({"a": 1}, ref)
    butler.collections.register("run")
    assert butler.put({"a": 1}, ref) == ref
    assert butler.get(ref) == {"a": 1}
    with pytest.raises(ConflictError, match="stored already"):
        butler.put({"a": 2}, ref)
    with pytest.raises(ConflictError, match=str(ref.id)):
        butler.put({"a": 2}, DatasetRef(note, {}, "elsewhere", id=ref.id))
    with pytest.raises(ConflictingDefinitionError):
        butler.put({"a": 2}, DatasetRef(note, {}, "run", id=new_id()))
    with pytest.raises(InvalidInputError, match="neither data ID nor run"):
        butler.put({"a": 2}, ref, run="other")
    # After the file is gone the reference can be stored again.
    butler.prune([ref])
    with pytest.raises(DatasetFileNotFoundError):
        butler.get(ref)
    butler.put({"a": 3}, ref)
    assert butler.get("note") == {"a": 3}


def test_references_are_used_as_they_are(butler: Butler) -> None:
    ref = butler.put({"a": 1}, "note")
    with pytest.raises(InvalidInputError, match="cannot be given too"):
        butler.get(ref, detector=1)
    with pytest.warns(UserWarning, match="not searched"):
        assert butler.get(ref, collections="nowhere") == {"a": 1}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert butler.get(ref) == {"a": 1}


def test_put_many_is_one_commit(butler: Butler, repository: Path) -> None:
    items = [({"n": n}, "gain", {"detector": n}) for n in range(4)]
    refs = butler.put_many(items, run="many")
    assert [butler.get(ref) for ref in refs] == [{"n": n} for n in range(4)]
    assert [ref for ref, _ in butler.get_many(refs)] == refs
    assert [obj for _, obj in butler.get_many(refs, parallel=1)] == [{"n": n} for n in range(4)]
    before = files_below(repository)
    with pytest.raises(ConflictingDefinitionError):
        butler.put_many([({}, "gain", {"detector": 3}), ({}, "note", {})], run="many")
    with pytest.raises(ConflictError, match="twice"):
        butler.put_many([({}, "gain", {"detector": 3}), ({}, "gain", {"detector": "S03"})], run="twice")
    assert files_below(repository) == before
    assert len(butler.query_all_datasets("*")) == 4
    assert butler.put_many([]) == []
    given = DatasetRef(butler.dataset_types.get("note"), {}, "many", id=new_id())
    assert butler.put_many([({"x": 1}, given), ({"n": 9}, "gain", {"detector": 0})])[0].id == given.id
    assert butler.get(given) == {"x": 1}


def test_find_datasets_in_bulk(butler: Butler) -> None:
    refs = butler.put_many([({"n": n}, "gain", {"detector": n}) for n in (0, 2)])
    found = butler.find_datasets("gain", [{"detector": n} for n in range(4)])
    assert found == [refs[0], None, refs[1], None]
    assert butler.find_datasets("gain", []) == []


def test_not_found_says_where_it_is(butler: Butler) -> None:
    butler.put({}, "note", run="elsewhere")
    butler.collections.register("run")
    assert butler.find_dataset("note") is None
    with pytest.raises(DatasetNotFoundError, match="No 'note' with") as caught:
        butler.get("note")
    assert "elsewhere" in caught.value.__notes__[0]
    assert isinstance(caught.value, LookupError)
    with pytest.raises(MissingCollectionError, match=r"'elsewher'.*Did you mean"):
        butler.find_dataset("note", collections="elsewher")
    with pytest.raises(InvalidInputError, match=r"pattern|glob"):
        butler.find_dataset("note", collections="else*")


def test_existence_flags(butler: Butler, repository: Path) -> None:
    butler.collections.register("run")
    assert butler.exists("note") == DatasetExistence.UNRECOGNIZED
    ref = butler.put({"a": 1}, "note")
    assert butler.exists("note") == DatasetExistence.KNOWN
    assert butler.exists(ref, verify=True) == DatasetExistence.VERIFIED
    other = DatasetRef(ref.dataset_type, {}, "run", id=new_id())
    assert butler.exists(other) == DatasetExistence.UNRECOGNIZED
    with pytest.raises(ConflictError, match="registered as"):
        butler.exists(DatasetRef(ref.dataset_type, {}, "other", id=ref.id))
    file = Path(butler.get_uri(ref).ospath)
    file.unlink()
    assert butler.exists(ref)
    gone = butler.exists(ref, verify=True)
    assert gone == DatasetExistence.RECORDED | DatasetExistence.DATASTORE
    assert not gone
    with pytest.raises(DatasetFileNotFoundError, match="missing"):
        butler.get(ref)
    butler.prune([ref])
    assert butler.exists(ref) == DatasetExistence.RECORDED
    assert not butler.exists(ref)
    assert butler.exists_many([ref, other]) == {
        ref: DatasetExistence.RECORDED,
        other: DatasetExistence.UNRECOGNIZED,
    }
    with Butler.open(str(repository)) as nowhere, pytest.raises(NoDefaultCollectionError):
        nowhere.exists("note")


def test_a_changed_file_is_noticed(butler: Butler) -> None:
    ref = butler.put({"a": 1}, "note")
    file = Path(butler.get_uri(ref).ospath)
    file.chmod(0o644)
    file.write_text("{a: 1, b: 2}\n")
    with pytest.raises(FileIntegrityError, match="size"):
        butler.get(ref)


def test_the_governor_is_inferred_if_there_is_one(repository: Path) -> None:
    from pachon.butler.testing import add_example_records

    with Butler.open(str(repository), run="run") as butler:
        with pytest.raises(DataIdValueError, match="lacks a value for instrument"):
            butler.put({}, "gain", detector=1)
        butler.put({"n": 1}, "gain", instrument="Cam", detector=1)
        assert dict(butler.default_data_id) == {"instrument": "Cam"}
        assert butler.get("gain", detector="S01") == {"n": 1}
        add_example_records(butler, "Other")
        butler.put({}, "gain", instrument="Other", detector=1)
        assert dict(butler.default_data_id) == {}
        with pytest.raises(DataIdValueError):
            butler.get("gain", detector=1)
    with Butler.open(str(repository), run="run", infer_data_id=False) as butler:
        assert dict(butler.default_data_id) == {}


class TestReadingMany:
    @pytest.fixture
    def refs(self, butler: Butler) -> list[DatasetRef]:
        return butler.put_many(
            [({"n": 4 * e + d}, "raw", {"exposure": e, "detector": d}) for e in range(1, 5) for d in range(4)]
        )

    def test_reads_a_few_ahead_and_not_all(
        self, butler: Butler, refs: list[DatasetRef], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read: list[DatasetRef] = []
        real = butler._session.datastore.get

        def noted(ref: DatasetRef, **options: Any) -> Any:
            read.append(ref)
            return real(ref, **options)

        monkeypatch.setattr(butler._session.datastore, "get", noted)
        results = butler.get_many(refs, parallel=2)
        assert next(results) == (refs[0], {"n": 4})
        assert next(results) == (refs[1], {"n": 5})
        results.close()
        assert len(read) <= 6

    def test_one_that_cannot_be_read(self, butler: Butler, refs: list[DatasetRef]) -> None:
        butler.prune([refs[3]])
        results = butler.get_many(refs, parallel=2)
        assert [next(results)[0] for _ in range(3)] == refs[:3]
        with pytest.raises(DatasetFileNotFoundError):
            next(results)

    def test_all_are_read_in_order(self, butler: Butler, refs: list[DatasetRef]) -> None:
        mixed = [*refs[8:], *refs[:8], refs[0]]
        assert [ref for ref, _ in butler.get_many(mixed, parallel=3)] == mixed


def test_arguments_of_the_wrong_kind_are_told(butler: Butler, tmp_path: Path) -> None:
    root = str(butler.root)
    for call in (
        lambda: Butler.open(root, run=3, writeable=True),  # type: ignore[arg-type]
        lambda: Butler.open(root, writeable="no"),  # type: ignore[arg-type]
        lambda: butler.clone(run=3),  # type: ignore[arg-type]
        Butler,
        lambda: DatasetRef("gain", {"instrument": "Cam", "detector": 1}, "r"),  # type: ignore[arg-type]
        lambda: butler.get("gain", instrument="Cam", detector=1, timespan="today", collections="run"),  # type: ignore[arg-type]
        lambda: butler.dimension_records.insert("detector"),
    ):
        with pytest.raises(InvalidInputError):
            call()
