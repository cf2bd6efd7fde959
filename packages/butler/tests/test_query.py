# SPDX-License-Identifier: BSD-3-Clause
"""Queries that are put together: joins, constraints, given data IDs, materialisation, and results of every form."""

import uuid
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pachon.base import InvalidInputError
from pachon.butler import Butler
from pachon.butler.query_results import QueryResult
from pachon.datasets import CollectionType
from pachon.dimensions import DataIdTable, DataIdValueError, Timespan, UnknownDimensionError
from pachon.registry import InvalidQueryError, MissingCollectionError


@pytest.fixture
def filled(butler: Butler) -> Butler:
    butler.put_many([({"e": e, "d": d}, "raw", {"exposure": e, "detector": d}) for e in (1, 2, 3) for d in (0, 1)])
    butler.put({"again": 1}, "raw", exposure=1, detector=0, run="other")
    return butler


def test_steps_make_new_queries(filled: Butler) -> None:
    with filled.query() as q:
        raws = q.join_datasets("raw")
        late = raws.where("exposure > :e", bind={"e": 1})
        assert {d["exposure"] for d in raws.data_ids("exposure")} == {1, 2, 3}
        assert {d["exposure"] for d in late.data_ids("exposure")} == {2, 3}
        assert {d["exposure"] for d in late.where("exposure < 3 OR exposure = 9").data_ids("exposure")} == {2}
        assert len(late.where(detector=1).datasets("raw")) == 2
        assert len(late.where(data_id={"detector": "S01"}).datasets("raw")) == 2
        assert {r.obs_id for r in late.dimension_records("exposure")} == {"obs2", "obs3"}
        assert late.any()
        assert not late.where("exposure = 4").any()
        assert "exposure" in late.where("exposure = 44").explain()
        with pytest.raises(InvalidInputError, match=":e"):
            late.where("exposure < :e", bind={"e": 9})
        with pytest.raises(InvalidInputError, match="already"):
            late.where(detector=1).where(detector=2)


def test_joined_dimensions_restrict(filled: Butler) -> None:
    with filled.query() as q:
        assert len(q.data_ids("exposure")) == 4
        days = q.join_dimensions("visit").where("visit.seq_num = 1").data_ids("day_obs")
        assert [d["day_obs"] for d in days.order_by("day_obs")] == [20260101, 20260102]


def test_general_results(filled: Butler) -> None:
    with filled.query() as q:
        raws = q.join_datasets("raw", collections=["other", "run"])
        names = [
            "exposure.obs_id",
            "exposure.timespan",
            "exposure.tracking_ra",
            "raw.run",
            "raw.dataset_id",
            "raw.ingest_date",
        ]
        found = raws.where("exposure < 3").general(["exposure", "detector"], names, order_by=["exposure", "detector"])
        rows = list(found)
        assert [(r["exposure"], r["detector"], r["raw.run"]) for r in rows] == [
            (1, 0, "other"),
            (1, 1, "run"),
            (2, 0, "run"),
            (2, 1, "run"),
        ]
        assert rows[0]["exposure.obs_id"] == "obs1"
        assert isinstance(rows[0]["exposure.timespan"], Timespan)
        assert rows[0]["exposure.tracking_ra"] is None
        assert isinstance(rows[0]["raw.dataset_id"], uuid.UUID)
        every = raws.where("exposure < 3").general(["exposure"], ["raw.run"], find_first=False)
        assert sorted((r["exposure"], r["raw.run"]) for r in every) == [(1, "other"), (1, "run"), (2, "run")]
        table = found.to_arrow()
        assert table.num_rows == 4
        assert str(table.schema.field("exposure.timespan_begin").type) == "timestamp[ns]"
        assert table["exposure.tracking_ra"].null_count == 4
        assert len(found.to_pandas()) == len(found.to_astropy()) == 4
        assert len(raws.general([], ["exposure.obs_id"])) == 3
        assert q.general("exposure", "visit.region").where("exposure = 1").one()["exposure"] == 1
        with pytest.raises(InvalidQueryError, match="obs"):
            len(q.general("exposure", ["exposure.obs"]))


def test_given_data_ids(filled: Butler) -> None:
    with filled.query() as q:
        ids = [{"instrument": "Cam", "exposure": e, "detector": 1} for e in (1, 2, 9)]
        assert len(q.join_data_ids(ids).datasets("raw")) == 2
        assert len(q.join_data_ids(filled.query_data_ids("exposure", where="exposure < 3").table).datasets("raw")) == 4
        # A missing column is known from a condition.
        columns = {"exposure": np.array([1, 3]), "detector": np.array([0, 0])}
        assert len(q.where("instrument = 'Cam'").join_table(columns).datasets("raw")) == 2
        with pytest.raises(InvalidInputError, match="'instrument'"):
            Butler.open(filled._session.root).__enter__().query().__enter__().join_table(columns)
        with pytest.raises(InvalidInputError, match="at least one"):
            q.join_data_ids([])
        with pytest.raises(InvalidInputError, match="same dimensions"):
            q.join_data_ids([ids[0], {"instrument": "Cam", "detector": 1}])
        with pytest.raises(UnknownDimensionError) as caught:
            q.join_table({"nope": [1], "exposure": [1]})
        assert "give it without the others" in caught.value.__notes__[0]
        with pytest.raises(InvalidInputError, match="no list; join_data_ids takes"):
            q.join_table(ids)


def test_what_given_data_ids_lack_is_a_default_or_a_condition(filled: Butler) -> None:
    with filled.query() as q:
        found = q.join_data_ids([{"exposure": 1}, {"instrument": "Cam", "exposure": 2}]).datasets("raw")
        assert {ref.data_id["exposure"] for ref in found} == {1, 2}
        assert len(q.join_table({"exposure": [1, 2]}).datasets("raw")) == 4
    with Butler.open(filled.root) as other, other.query() as q:
        with pytest.raises(DataIdValueError, match="lacks a value for instrument"):
            q.join_data_ids([{"exposure": 1}])
        known = q.where("instrument = 'Cam'").join_data_ids([{"exposure": 1}])
        assert len(known.datasets("raw", collections="run")) == 2


def test_tables_of_other_libraries(filled: Butler) -> None:
    pandas = pytest.importorskip("pandas")
    pyarrow = pytest.importorskip("pyarrow")
    table = pytest.importorskip("astropy.table")
    columns = {"instrument": ["Cam", "Cam"], "exposure": [1, 2]}
    with filled.query() as q:
        for given in (pandas.DataFrame(columns), pyarrow.table(columns), table.Table(columns), columns):
            assert len(q.join_table(given).datasets("raw")) == 4


def test_tables_with_values_of_another_type(filled: Butler) -> None:
    with filled.query() as q:
        assert len(q.join_table({"exposure": [1.0, 2.0]}).datasets("raw")) == 4
        for column, message in (
            ({"exposure": [1.0, 1.5]}, r"exposure must be of type int; got 1\.5 \(float\) in row 1"),
            (
                {"exposure": np.array([1, 2**63], dtype=np.uint64)},
                "'exposure' .* 9223372036854775808, which does not fit",
            ),
            ({"exposure": [1, -(2**63) - 1]}, "'exposure' .* -9223372036854775809, which does not fit"),
            ({"exposure": [2**70]}, "'exposure' .* 1180591620717411303424, which does not fit"),
            ({"exposure": [1.0, 1e300]}, r"'exposure' .* 1e\+300, which does not fit"),
            ({"exposure": ["e1", "e2"]}, r"exposure must be of type int; got 'e1' \(str\) in row 0"),
            ({"instrument": [7], "exposure": [1]}, r"instrument must be of type string; got 7 \(int\) in row 0"),
        ):
            with pytest.raises(DataIdValueError, match=message):
                q.join_table(column)
        for missing in (None, float("nan")):
            with pytest.raises(InvalidInputError, match=r"The table has no value of 'exposure' in row 1"):
                q.join_table({"exposure": [1, missing]})


def test_a_million_given_rows(filled: Butler) -> None:
    many = 1_000_000
    group = filled.universe.conform(["exposure", "detector"])
    columns = {"exposure": np.arange(many) // 300, "detector": np.arange(many) % 300}
    columns["instrument"] = np.full(many, "Cam", dtype=object)
    with filled.query() as q:
        assert len(q.join_data_ids(DataIdTable.from_arrays(group, columns)).datasets("raw")) == 6


def test_materialized(filled: Butler) -> None:
    with filled.query() as q:
        base = q.join_datasets("raw", collections=["other", "run"]).where("exposure < 3")
        held = base.materialize(["exposure", "detector"])
        filled.put({}, "raw", exposure=2, detector=3)
        assert len(base.data_ids(["exposure", "detector"])) == 5
        assert len(held.data_ids(["exposure", "detector"])) == 4
        assert len(held.where("detector = 0").data_ids("exposure")) == 2
        # The searches still give columns, and the collections in which they look.
        assert {ref.run for ref in held.datasets("raw")} == {"other", "run"}
        assert {row["raw.run"] for row in held.general("exposure", ["raw.run"])} == {"other", "run"}
        assert "given_0" in str(held.data_ids("exposure").explain())
        assert len(base.materialize().data_ids("exposure")) == 2
        assert len(held.materialize(["exposure"], datasets=[]).data_ids(["exposure", "detector"])) == 8
        with pytest.raises(InvalidInputError, match="joined"):
            base.materialize(["exposure"], datasets=["bias"])


def test_materialized_rows_keep_their_governors(filled: Butler) -> None:
    from pachon.butler.testing.example_repository import add_example_records

    add_example_records(filled, "Cam2")
    with filled.query() as q:
        held = q.where("instrument = 'Cam2'").materialize(["detector"])
        assert {d["instrument"] for d in held.data_ids("detector")} == {"Cam2"}
        assert {d["instrument"] for d in q.data_ids("detector")} == {"Cam"}


def test_what_relates_is_not_joined_again(filled: Butler) -> None:
    """Data IDs that hold regions of two families together need no overlap; that is said in the query language's description."""
    with filled.query() as q:
        held = q.where("visit = 1").materialize(["visit", "detector"])
        assert len(held.data_ids(["visit"])) == 1


def test_refined_results(filled: Butler) -> None:
    result = filled.query_datasets("raw", where="exposure < 3")
    assert len(result) == 4
    assert len(result.where("detector = :d", bind={"d": 0})) == 2
    assert [r.data_id["exposure"] for r in result.where("detector = 0").order_by("-exposure")] == [2, 1]
    assert len(result.order_by("exposure", "detector").limit(3)) == 3
    assert len(filled.query_all_datasets("*").where("exposure = 1").limit(2)) == 2
    assert filled.query_all_datasets("*").count() == 7
    with pytest.raises(InvalidInputError, match=r"limit\(\): limit is a whole number, or None, not '3' \(str\)"):
        result.limit("3")  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"order_by\(\): names is"):
        result.order_by(3)  # type: ignore[arg-type]


def test_a_query_shows_what_it_asks(filled: Butler) -> None:
    with filled.query() as q:
        assert repr(q) == "<Query: nothing joined or constrained>"
        q = q.join_datasets("raw", collections="raw/all").where("detector > :n", bind={"n": 0}, exposure=1)
        assert repr(q).startswith("<Query: datasets 'raw' in raw/all; ")
        assert "exposure = 1" in repr(q)
        assert "detector > :n" in repr(q)


def test_results_take_values_of_dimensions(filled: Butler) -> None:
    result = filled.query_datasets("raw", where="exposure < 3")
    assert {r.data_id["exposure"] for r in result.where(detector=1)} == {1, 2}
    assert [r.data_id["exposure"] for r in result.where("exposure > 1", data_id={"detector": "S01"})] == [2]
    assert len(result.where(data_id={"exposure.obs_id": "obs2"}, detector=1)) == 1
    assert [d["detector"] for d in filled.query_data_ids("detector").where(detector=0)] == [0]
    # Of a dimension that the result has not.
    assert {
        r.id for r in filled.query_dimension_records("detector", datasets="raw", collections="other").where(exposure=1)
    } == {0}
    several = filled.query_all_datasets("*")
    assert len(several.where(exposure=1)) == len(several.where("exposure = 1"))
    assert len(several.where(exposure=1).where(detector=0)) == len(several.where("exposure = 1 AND detector = 0"))
    for found in (result, several):
        with pytest.raises(InvalidInputError, match="exposure is 1 in this query already"):
            found.where(exposure=1).where(exposure=2)
    with pytest.raises(InvalidInputError, match=r"exposure\.id is of type int"):
        result.where(exposure=[1])
    with pytest.raises(DataIdValueError, match="exposur"):
        result.where(exposur=1)


def test_batches(filled: Butler) -> None:
    result = filled.query_datasets("raw", collections=["other", "run"])
    parts = list(result.batches(2))
    assert len(parts) > 2
    assert sum(map(len, parts)) == 6
    assert {ref.run for part in parts for ref in part} == {"other", "run"}
    ordered = [ref.data_id["exposure"] for part in result.order_by("-exposure").batches(2) for ref in part]
    assert ordered == [3, 3, 2, 2, 1, 1]
    tables = list(result.to_arrow_batches(4, records=True, uris=True))
    assert len({table.schema for table in tables}) == 1
    assert sum(table.num_rows for table in tables) == 6
    records = filled.query_dimension_records("exposure")
    assert sum(map(len, records.batches(3))) == 4
    assert sum(map(len, filled.query_all_datasets("*").batches(2))) == 7
    with pytest.raises(InvalidInputError):
        result.batches(0)


def test_the_repository_can_be_changed_between_batches(filled: Butler) -> None:
    seen = []
    for part in filled.query_datasets("raw", collections="run").batches(2):
        for ref in part:
            seen.append(ref)
            filled.put({}, "raw", exposure=4, detector=len(seen) % 4, run=f"new/{len(seen)}")
            assert filled.find_dataset("raw", exposure=4, detector=len(seen) % 4, collections=f"new/{len(seen)}")
    assert len(seen) == 6


def test_batches_in_a_transaction(filled: Butler) -> None:
    with filled.transaction():
        filled.put({}, "raw", exposure=4, detector=0)
        assert sum(map(len, filled.query_datasets("raw").batches(2))) in (6, 7)


def test_records_and_uris_beside(filled: Butler) -> None:
    result = filled.query_datasets("raw", order_by=["exposure", "detector"])
    frame = result.to_pandas(records=True, uris=True)
    assert frame["exposure.obs_id"].tolist() == ["obs1", "obs1", "obs2", "obs2", "obs3", "obs3"]
    assert frame["detector.raft"].tolist() == ["R0"] * 6
    assert frame["uri"].tolist() == [str(filled.get_uri(ref)) for ref in result]
    assert "visit.name" not in frame
    ids = filled.query_data_ids("visit", where="visit = 1").to_arrow(records=True)
    assert ids["visit.name"].to_pylist() != [None]
    with pytest.raises(InvalidInputError, match="URIs"):
        filled.query_data_ids("visit").to_arrow(uris=True)
    with pytest.raises(InvalidInputError, match="records"):
        filled.query_dimension_records("visit").to_arrow(records=True)


def test_calibrations_beside_exposures(butler: Butler) -> None:
    refs = [butler.put({"n": n}, "bias", detector=0, run=f"calib/{n}") for n in (1, 2)]
    butler.collections.register("calib", CollectionType.CALIBRATION)
    butler.collections.certify("calib", refs[:1], Timespan(None, "2026-01-02"))
    butler.collections.certify("calib", refs[1:], Timespan("2026-01-02", None))
    with butler.query() as q:
        q = q.join_datasets("bias", collections="calib")
        rows = list(q.general(["exposure", "detector"], ["bias.dataset_id", "bias.timespan"], order_by="exposure"))
    assert [row["bias.dataset_id"] for row in rows] == [refs[0].id, refs[0].id, refs[1].id, refs[1].id]


@pytest.mark.parametrize("empty", [True, False])
def test_every_form_of_every_result(filled: Butler, empty: bool) -> None:
    where = "exposure = 77" if empty else "exposure = 1"
    with filled.query() as q:
        q = q.where(where)
        raws = q.join_datasets("raw")
        results: list[QueryResult[Any, Any]] = [
            q.data_ids("exposure"),
            q.datasets("raw"),
            q.dimension_records("exposure"),
            raws.general("exposure", ["exposure.timespan", "raw.dataset_id", "exposure.dark_time", "raw.timespan"]),
            raws.general(
                "exposure", ["exposure.timespan.begin", "exposure.has_simulated", "visit.region", "raw.collection"]
            ),
        ]
    for result in results:
        assert (len(result) == 0) is empty
        assert len(list(result)) == len(result.to_arrow()) == len(result.to_pandas()) == len(result.to_astropy())
        assert len(result._repr_html_()) > 20
        assert (result.first() is None) is empty
        assert result.count() == len(result)
        assert bool(result.explain().reasons) is empty


def test_a_bound_value_without_colon_warns(filled: Butler) -> None:
    with pytest.warns(FutureWarning, match="Write ':e' for a bound value"):
        assert len(filled.query_data_ids("exposure", where="exposure > e", bind={"e": 2})) == 2


def test_binds_stay_what_they_were(filled: Butler) -> None:
    values = [1, 2]
    listed = filled.query_data_ids("exposure", where="exposure IN (:e)", bind={"e": values})
    values.append(3)
    assert [listed.count(), len(listed)] == [2, 2]
    once = filled.query_data_ids("exposure", where="exposure IN (:e)", bind={"e": iter([1, 2])})
    assert [once.count(), len(once), once.where("exposure > 1").count()] == [2, 2, 1]
    with filled.query() as q:
        some = q.where("exposure IN (:e)", bind={"e": iter([1, 2])})
        assert [len(some.data_ids("exposure")), len(some.data_ids(["exposure", "detector"]))] == [2, 8]


def test_halves_of_a_parenthesis_are_not_joined(filled: Butler) -> None:
    with filled.query() as q, pytest.raises(InvalidQueryError):
        q.where("exposure = 1").where("exposure = 1) OR (exposure = 2")


def test_general_results_are_ordered_by_fields_of_datasets(filled: Butler) -> None:
    with filled.query() as q:
        raws = q.join_datasets("raw", collections=["other", "run"])
        found = raws.general(["exposure", "detector"], ["raw.run"]).order_by("raw.run", "-exposure", "detector")
        assert [(row["raw.run"], row["exposure"], row["detector"]) for row in found] == [
            ("other", 1, 0), ("run", 3, 0), ("run", 3, 1), ("run", 2, 0), ("run", 2, 1), ("run", 1, 1),
        ]  # fmt: skip
        assert [row["exposure"] for part in found.batches(2) for row in part] == [1, 3, 3, 2, 2, 1]
        with pytest.raises(InvalidQueryError, match="data IDs cannot be ordered by a field of the dataset type 'raw'"):
            raws.data_ids("exposure").order_by("raw.run").any()
    with pytest.raises(InvalidQueryError, match="data IDs cannot be ordered"):
        filled.query_data_ids("exposure", datasets="raw", order_by="raw.run").any()


@pytest.mark.parametrize("wrong", [{"instrument": "Cam"}, None, 3, b"exposure = 1", ["exposure = 1"]])
def test_every_where_takes_text_alone(filled: Butler, wrong: Any) -> None:
    told = r"where\(\): where is text, not .*" + ("data_id={" if isinstance(wrong, dict) else "")
    for result in (
        filled.query_datasets("raw"),
        filled.query_data_ids("exposure"),
        filled.query_dimension_records("exposure"),
        filled.query_all_datasets("*"),
    ):
        with pytest.raises(InvalidInputError, match=told):
            result.where(wrong)
    with filled.query() as q:
        with pytest.raises(InvalidInputError, match=told):
            q.where(wrong)
        with pytest.raises(InvalidInputError, match=told):
            q.where("exposure = 1").where(wrong)
        with pytest.raises(InvalidInputError, match=told):
            q.general("exposure", ["exposure.obs_id"]).where(wrong)
    for function, first in (
        (filled.query_datasets, "raw"),
        (filled.query_data_ids, "exposure"),
        (filled.query_dimension_records, "exposure"),
        (filled.query_all_datasets, "*"),
    ):
        with pytest.raises(InvalidInputError, match="where is text"):
            function(first, where=wrong)


def test_what_is_written_instead(filled: Butler) -> None:
    with pytest.raises(InvalidInputError, match="Give the names as separate arguments"):
        filled.query_data_ids("exposure").order_by(["exposure"])  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match=r"with butler\.query\(\) as q: q\.where"):
        filled.query().where("exposure = 1")  # type: ignore[attr-defined]
    assert not hasattr(filled.query(), "__len__")
    assert "with butler.query() as q" in repr(filled.query())
    with pytest.raises(MissingCollectionError, match=r"as a list of names: \['run', 'other'\]"):
        filled.query_datasets("raw", collections="run,other").any()
    with pytest.raises(InvalidInputError, match=r"get_dataset\(UUID\)"):
        filled.get(uuid.uuid4())  # type: ignore[arg-type]


def test_conditions_on_datasets_act_before_one_is_chosen(filled: Butler) -> None:
    both: dict[str, Any] = {"collections": ["other", "run"], "data_id": {"exposure": 1, "detector": 0}}
    assert [ref.run for ref in filled.query_datasets("raw", **both)] == ["other"]
    for where in ("run = 'run'", "raw.collection = 'run'"):
        assert [ref.run for ref in filled.query_datasets("raw", where=where, **both)] == ["run"]
    assert {ref.run for ref in filled.query_datasets("raw", find_first=False, **both)} == {"other", "run"}
    assert len(filled.query_all_datasets(["other", "run"])) == 7


def test_tables_and_batches_of_wrong_kinds(filled: Butler) -> None:
    with filled.query() as q:
        for column in (3, [[1, 2], [3, 4]], [[1], [2, 3]], np.ones((2, 2), dtype=np.int64)):
            with pytest.raises(
                InvalidInputError, match="'exposure' of a table that is joined is no list of single values"
            ):
                q.join_table({"exposure": column})
        for given in ({"exposure": 1, "detector": 1}, {"exposure": [1, 2]}, "exposure", pa.table({"exposure": [1]})):
            with pytest.raises(InvalidInputError, match=r"takes a list of data IDs, not one \w+; join_table takes"):
                q.join_data_ids(given)  # type: ignore[arg-type]
        result = filled.query_data_ids("exposure", where="exposure < 3")
        assert len(q.join_data_ids(result).datasets("raw")) == len(q.join_data_ids(list(result)).datasets("raw")) > 0
    found = filled.query_datasets("raw")
    for size in (0, -1, "x", 1.5, None):
        with pytest.raises(InvalidInputError, match="A batch has a number of rows, at least one"):
            found.batches(size)  # type: ignore[arg-type]
        with pytest.raises(InvalidInputError, match="A batch has a number of rows, at least one"):
            next(found.to_arrow_batches(size))  # type: ignore[arg-type]
