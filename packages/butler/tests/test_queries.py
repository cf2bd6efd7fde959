# SPDX-License-Identifier: BSD-3-Clause
import re
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pachon.base import ConflictError, InvalidInputError, NotFoundError
from pachon.butler import Butler, DatasetNotFoundError
from pachon.butler.result_columns import uuid_texts
from pachon.datasets import CollectionType, ids_from_uuids
from pachon.dimensions import DataIdValueError, Timespan
from pachon.registry import InvalidQueryError, MissingCollectionError, MissingDatasetTypeError, NoDefaultCollectionError


@pytest.fixture
def filled(butler: Butler) -> Butler:
    butler.put_many([({"e": e, "d": d}, "raw", {"exposure": e, "detector": d}) for e in (1, 2, 3) for d in (0, 1)])
    butler.put({}, "note", run="other")
    butler.put({"again": 1}, "raw", exposure=1, detector=0, run="other")
    return butler


def test_datasets(filled: Butler) -> None:
    result = filled.query_datasets("raw")
    assert "not run yet" in repr(result)
    assert len(result) == 6
    assert "6 found" in repr(result)
    assert {ref.run for ref in result} == {"run"}
    assert all(ref.data_id.is_full for ref in result)
    assert len(filled.query_datasets("raw", where="exposure > 1 AND detector.full_name = 'S01'")) == 2
    assert len(filled.query_datasets("raw", where="exposure IN (:e)", bind={"e": [1, 3]})) == 4
    assert len(filled.query_datasets("raw", collections=["other", "run"])) == 6
    assert len(filled.query_datasets("raw", collections=["other", "run"], find_first=False)) == 7
    assert len(filled.query_datasets("raw", collections="*", find_first=False)) == 7
    first = filled.query_datasets("raw", collections=["other", "run"], data_id={"exposure": 1, "detector": 0}).one()
    assert filled.get(first) == {"again": 1}
    ordered = filled.query_datasets("raw", order_by=["-exposure", "detector"], limit=3)
    assert [(ref.data_id["exposure"], ref.data_id["detector"]) for ref in ordered] == [(3, 0), (3, 1), (2, 0)]
    by_key = filled.query_datasets("raw", data_id={"exposure": "obs2", "raft": "R0"})
    assert {ref.data_id["exposure"] for ref in by_key} == {2}
    records = (
        filled.query_datasets("raw", with_records=True, data_id={"exposure": 1, "detector": 1}).one().data_id.records
    )
    assert records is not None
    assert records["exposure"] is not None
    assert records["exposure"].obs_id == "obs1"


def test_data_ids_and_records(filled: Butler) -> None:
    assert {d["exposure"] for d in filled.query_data_ids("exposure", datasets="raw")} == {1, 2, 3}
    assert len(filled.query_data_ids(["exposure", "detector"])) == 16
    assert len(filled.query_data_ids(["exposure", "detector"], data_id={"detector.raft": "R0"})) == 8
    assert len(filled.query_data_ids([])) == 1
    found = filled.query_dimension_records("exposure", where="exposure.seq_num = 1", order_by="-exposure")
    assert [record.obs_id for record in found] == ["obs3", "obs1"]
    assert filled.query_dimension_records("detector", datasets=["raw"], where="detector > 0").one().full_name == "S01"
    assert len(filled.query_dimension_records("band")) == 2


def test_all_datasets(filled: Butler) -> None:
    assert len(filled.query_all_datasets("*")) == 8
    assert {t.dataset_type.name for t in filled.query_all_datasets("*").tables} == {"note", "raw"}
    assert len(filled.query_all_datasets("other")) == 2
    assert len(filled.query_all_datasets("*", name="ra*", where="exposure = 1")) == 3
    assert len(filled.query_all_datasets("*", limit=3)) == 3
    assert filled.query_all_datasets("*").first() is not None
    table = filled.query_all_datasets("*").to_pandas()
    assert table["exposure"].isna().sum() == 1
    assert len(filled.query_all_datasets("*", name="nope")) == 0
    assert "has ever had datasets" in filled.query_all_datasets("*", name="nope").explain().reasons[0]


def test_a_result_is_lazy_and_runs_once(filled: Butler, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    queries = filled._session.registry.query
    for name in ("fetch", "batches", "count"):
        plain = getattr(queries, name)

        def counting(*args: object, name: str = name, plain: Callable[..., object] = plain) -> object:
            limit = args[0].limit  # type: ignore[attr-defined]  # of a QuerySpec
            asked.append(name if limit is None else f"{name} {limit}")
            return plain(*args)

        monkeypatch.setattr(queries, name, counting)
    result = filled.query_datasets("raw")
    assert asked == []
    assert result.first() is not None
    assert result
    assert asked == ["fetch 1", "fetch 1"]
    assert len(list(result)) == len(result) == len(result.columns()["id"]) == result.count() == 6
    assert asked[2:] == ["fetch"]
    # Going through a small result keeps it, and counting one that was not fetched leaves that to the database.
    other = filled.query_datasets("raw")
    assert other.count() == 6
    assert len([ref for ref in other]) == len([ref for ref in other]) == len(other) == 6  # noqa: C416  # list() would ask for the length first
    assert asked[3:] == ["count", "batches"]


def test_one(filled: Butler) -> None:
    assert filled.query_datasets("note", collections="other").one().run == "other"
    with pytest.raises(ConflictError, match="several"):
        filled.query_datasets("raw").one()
    with pytest.raises(NotFoundError, match="exactly one") as caught:
        filled.query_datasets("raw", where="exposure = 4").one()
    assert caught.value.__notes__


def test_an_empty_result_explains_itself(filled: Butler) -> None:
    result = filled.query_datasets("raw", where="exposure = 4")
    assert len(result) == 0
    assert not result
    assert result.first() is None
    text = str(result.explain())
    assert text.startswith("Nothing is found:\n  ")
    assert "SQL:" in text
    assert "exposure" in text
    assert filled.query_datasets("raw", collections="other", where="exposure = 2").explain().reasons
    assert filled.query_datasets("raw").explain().reasons == ()
    assert str(filled.query_datasets("raw").explain()).startswith("Plan:")
    assert filled.query_data_ids("detector", where="detector = 77").explain().reasons
    assert "Nothing is found" in str(filled.query_dimension_records("visit", where="visit = 77").explain())
    assert filled.explain_empty(filled.universe.conform(["visit"]), where="visit = 77")


def test_missing_records_are_those_that_were_asked_for(tmp_path: Path) -> None:
    with Butler.create(str(tmp_path / "empty")) as butler:
        assert butler.query_data_ids("visit").explain().reasons == ("There are no records of instrument.",)
        butler.dimension_records.insert("instrument", [{"name": "Cam"}])
        assert butler.query_data_ids("visit").explain().reasons == ("There are no records of visit.",)


def test_a_negative_limit_warns(filled: Butler) -> None:
    with pytest.warns(UserWarning, match="more than 2|limit"):
        assert len(filled.query_datasets("raw", limit=-2)) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(filled.query_datasets("raw", limit=-6)) == 6
        assert len(filled.query_datasets("raw", limit=0)) == 0
        assert filled.query_datasets("raw", limit=-2).first() is not None


def test_tables(filled: Butler) -> None:
    result = filled.query_datasets("raw", order_by=["exposure", "detector"])
    arrow = result.to_arrow()
    assert arrow.column_names == ["type", "run", "id", *filled.dataset_types.get("raw").dimensions.ordered]
    assert arrow["exposure"].to_pylist() == [1, 1, 2, 2, 3, 3]
    assert arrow["id"].to_pylist() == [str(ref.id) for ref in result]
    frame = result.to_pandas()
    assert frame["detector"].tolist() == [0, 1, 0, 1, 0, 1]
    table = result.to_astropy()
    assert list(table["run"]) == ["run"] * 6
    records = filled.query_dimension_records("exposure", order_by="exposure")
    assert records.to_arrow()["timespan_begin"].to_pylist()[0] is not None
    assert records.to_arrow()["tracking_ra"].null_count == 4
    assert records.to_pandas()["obs_id"].tolist() == ["obs1", "obs2", "obs3", "obs4"]
    assert records.to_astropy()["obs_id"][1] == "obs2"
    assert filled.query_data_ids("detector").to_pandas()["instrument"].tolist() == ["Cam"] * 4
    assert len(filled.query_datasets("raw", where="exposure = 4").to_arrow()) == 0
    text = result._repr_html_()
    assert text.count("<tr>") == 7
    assert re.search(r"<th>exposure</th>", text)


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_records_are_inserted_from_tables(filled: Butler, library: str) -> None:
    pytest.importorskip(library)
    found = filled.query_dimension_records("exposure", order_by=["exposure"])
    made = found.to_pandas() if library == "pandas" else found.to_arrow()
    plain = ["instrument", "id", "obs_id", "physical_filter", "group", "day_obs", "exposure_time"]
    table = made[plain] if library == "pandas" else made.select(plain)
    changed = table.assign(exposure_time=5.0) if library == "pandas" else table.drop_columns(["exposure_time"])
    filled.dimension_records.insert("exposure", changed, skip_existing=True)
    filled.dimension_records.insert("exposure", changed, replace=True)
    after = list(filled.query_dimension_records("exposure", order_by=["exposure"]))
    assert [record.obs_id for record in after] == ["obs1", "obs2", "obs3", "obs4"]
    assert {record.exposure_time for record in after} == {5.0 if library == "pandas" else None}


def test_ids_as_text() -> None:
    from uuid import uuid4

    ids = [uuid4() for _ in range(5)]
    assert uuid_texts(ids_from_uuids(ids)).tolist() == [str(item) for item in ids]
    assert uuid_texts(np.empty((0, 16), dtype=np.uint8)).tolist() == []


def test_calibrations_are_queried_by_time(butler: Butler) -> None:
    refs = [butler.put({"n": n}, "bias", detector=0, run=f"calib/{n}") for n in (1, 2)]
    butler.collections.register("calib", CollectionType.CALIBRATION)
    butler.collections.certify("calib", refs[:1], Timespan(None, "2026-01-02"))
    butler.collections.certify("calib", refs[1:], Timespan("2026-01-02", None))
    found = butler.query_datasets("bias", collections="calib", where="exposure = 3", data_id={"detector": 0})
    assert found.one() == refs[1]
    assert len(butler.query_datasets("bias", collections="calib", find_first=False)) == 2


def test_a_calibration_of_an_unknown_time_is_not_found(butler: Butler) -> None:
    # As a query of the same exposure has no rows.
    ref = butler.put({"n": 1}, "bias", detector=0, run="calib/1")
    butler.collections.register("calib", CollectionType.CALIBRATION)
    butler.collections.certify("calib", [ref], Timespan("2026-01-01", "2027-01-01"))
    (known,) = butler.query_dimension_records("exposure", where="exposure = 1")
    butler.dimension_records.insert("exposure", [{**known.as_dict(), "id": 77, "obs_id": "77", "timespan": None}])
    asked = {"exposure": 77, "detector": 0}
    assert butler.find_dataset("bias", asked, collections="calib") is None
    with pytest.raises(DatasetNotFoundError) as caught:
        butler.get("bias", asked, collections="calib")
    assert "do not say at what time" in "".join(caught.value.__notes__)
    assert len(butler.query_data_ids("exposure", datasets="bias", collections="calib", where="exposure = 77")) == 0
    assert butler.get("bias", asked, collections="calib", timespan=Timespan("2026-02-01", "2026-02-02")) == {"n": 1}
    assert butler.get("bias", detector=0, collections="calib") == {"n": 1}


def test_bad_queries(filled: Butler) -> None:
    with pytest.raises(MissingDatasetTypeError):
        filled.query_datasets("nope")
    with pytest.raises(MissingCollectionError):
        len(filled.query_datasets("raw", collections="nope"))
    with pytest.raises(InvalidInputError, match="Patterns of collections"):
        len(filled.query_datasets("raw", collections="*"))
    with pytest.raises(InvalidQueryError, match="exposur"):
        len(filled.query_datasets("raw", where="exposur = 1"))
    with pytest.raises(DataIdValueError, match="unknown keys"):
        filled.query_datasets("raw", data_id={"nope": 1})
    with pytest.raises(InvalidInputError):
        filled.query_data_ids(["nope"])
    with pytest.raises(InvalidInputError):
        filled.query_dimension_records("nope")
    with pytest.raises(NoDefaultCollectionError):
        filled.clone(collections=None, run=None).query_datasets("raw")


def test_facts(filled: Butler) -> None:
    from pachon.datasets import DatasetSearch, FactSource

    source: FactSource = filled
    group = source.universe.conform(["exposure", "detector"])
    assert set(source.fetch_dataset_types(["raw", "nope"])) == {"raw"}
    assert set(source.fetch_collections(["run", "nope"])) == {"run"}
    assert source.flatten_collections(["run", "other"]) == ("run", "other")
    search = DatasetSearch(dataset_type="raw", collections=("run",))
    table = source.fetch_data_ids(group, datasets=[search], where="exposure < 3")
    assert len(table) == 4
    assert table.is_full
    raw = filled.dataset_types.get("raw")
    assert len(source.fetch_datasets(raw, ["other", "run"], data_ids=table)) == 4
    assert len(source.fetch_records("exposure", table)) == 2
    assert len(source.fetch_validity(raw, ["run"])) == 6
    document = filled.datastore_document()
    assert document["type"] == "file"
    assert document["root"].startswith("file://")


def test_a_default_that_does_not_exist_is_told(filled: Butler, repository: Path) -> None:
    with Butler.open(str(repository), collections="run", instrument="Camm") as butler:
        for ask in (butler.query_dimension_records("detector").count, lambda: list(butler.query_datasets("raw"))):
            with pytest.warns(UserWarning, match=r"for instrument = 'Camm', a default .* Did you mean 'Cam'\?"):
                assert not ask()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Another one is asked for, or none is of any concern.
            assert len(butler.query_dimension_records("detector", where="instrument = 'Cam' AND detector < 0")) == 0
            assert len(butler.query_dimension_records("skymap", where="skymap = 'none'")) == 0
    with Butler.open(str(repository), collections="run", instrument="Cam") as butler, warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(butler.query_datasets("raw", where="exposure = 99")) == 0


def test_a_dataset_type_is_no_dimension(filled: Butler) -> None:
    with pytest.raises(InvalidInputError, match="There is no dimension 'raw'") as caught:
        filled.query_dimension_records("raw")
    assert caught.value.__notes__ == [
        "'raw' is a dataset type: query_datasets (butler query-datasets) gives its datasets."
    ]
    with pytest.raises(InvalidInputError, match="There is no dimension 'rawww'") as caught:
        filled.query_dimension_records("rawww")
    assert not hasattr(caught.value, "__notes__")
