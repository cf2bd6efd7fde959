# SPDX-License-Identifier: BSD-3-Clause
"""Faults that were made on purpose; each is named, in one sentence, with what exists instead."""

from typing import Any

import pytest

from pachon.datasets import DatasetSearch
from pachon.dimensions import DataIdTable
from pachon.registry import SqlRegistry

X = "instrument = 'Cam1' AND "

OF_RECORDS: list[tuple[str, str, list[str]]] = [
    # A value of a dimension that does not exist.
    ("detector", X + "detector = 77", ["There is no detector 77", "4 exists"]),
    ("exposure", X + "exposure = 0", ["There is no exposure 0", "1 exists"]),
    ("visit", X + "visit IN (903335, 903336)", ["None of visit 903335, 903336", "2 exists"]),
    ("detector", "instrument = 'Cam11'", ["There is no instrument 'Cam11'", "Did you mean 'Cam1'"]),
    ("physical_filter", X + "physical_filter = 'Cam1-Z'", ["'Cam1-Z' of instrument 'Cam1'", "Did you mean 'Cam1-"]),
    ("exposure", "band = 'z'", ["There is no band 'z'", "g, r"]),
    # Two conditions that contradict each other, or only together leave nothing.
    ("detector", "instrument = 'Cam1' AND instrument = 'Cam2'", ["instrument = 'Cam1' and instrument = 'Cam2'"]),
    ("detector", "instrument = 'Cam2' AND raft = 'A'", ["detector.raft = 'A' together with instrument = 'Cam2'"]),
    ("visit", X + "visit = 1 AND exposure = 2", ["exposure = 2 together with", "visit = 1"]),
    # A field that has no such value.
    ("detector", "detector.raft = 'Z'", ["Nothing satisfies detector.raft = 'Z'", "'A'", "'B'"]),
    ("exposure", X + "exposure.obs_id = 'obs77'", ["exposure.obs_id = 'obs77'", "'obs1'"]),
    ("exposure", X + "exposure.seq_num > 100", ["exposure.seq_num > 100", "is 1 to 2"]),
    ("exposure", X + "exposure.exposure_time IN (1.0, 2.0)", ["exposure.exposure_time", "30.0 to 60.0"]),
    ("exposure", "GLOB(exposure.observation_type, 'z*')", ["GLOB", "'science'"]),
    ("exposure", "exposure.timespan OVERLAPS T'2030-01-01'", ["exposure.timespan", "2021-09-09", "2021-09-10"]),
    ("exposure", "exposure.timespan.begin > T'2030-01-01'", ["exposure.timespan", "2021-09-09"]),
    # A region where nothing is.
    ("visit", "visit.region OVERLAPS POINT(180, 0)", ["visit.region OVERLAPS"]),
    # Nothing was ever inserted.
    ("subfilter", "", ["no records of subfilter"]),
]

OF_DATASETS: list[tuple[str, tuple[str, ...], str, list[str]]] = [
    ("bias", (), "", ["No collections were given", "'bias'"]),
    ("coadd", ("imported_g",), "", ["'imported_g' never held a 'coadd'"]),
    ("raw", ("imported_g", "tagged"), "", ["'imported_g', 'tagged' never held", "are in 'proc'"]),
    ("bias", ("imported_g",), "instrument = 'Cam2'", ["'imported_g' never held instrument = 'Cam2'"]),
    (
        "bias",
        ("imported_g",),
        X + "detector = 4",
        ["'bias' in imported_g", "detector = 4", "detector 3", "'imported_r'"],
    ),
    ("bias", ("imported_g",), "ingest_date < T'2020-01-01'", ["'bias' in imported_g", "bias.ingest_date"]),
    ("bias", ("imported_g",), "run = 'imported_x'", ["bias.run = 'imported_x'"]),
    ("raw", ("proc",), X + "exposure = 4", ["'raw' in proc", "exposure = 4", "exposure 3"]),
    ("raw", ("proc",), X + "exposure.observation_type = 'bias'", ["'raw' in proc", "observation_type = 'bias'"]),
]


@pytest.mark.parametrize(("dimension", "where", "words"), OF_RECORDS)
def test_records(example: SqlRegistry, dimension: str, where: str, words: list[str]) -> None:
    assert len(example.query.data_ids([dimension], where=where)) == 0
    _check(example.query.explain_empty(example.query.spec([dimension], where=where)), words)


@pytest.mark.parametrize(("dataset_type", "collections", "where", "words"), OF_DATASETS)
def test_datasets(
    example: SqlRegistry, dataset_type: str, collections: tuple[str, ...], where: str, words: list[str]
) -> None:
    spec = example.query.dataset_spec(dataset_type, collections, where=where)
    assert len(example.query.datasets(dataset_type, collections, where=where)) == 0
    _check(example.query.explain_empty(spec), words)


def _check(reasons: list[str], words: list[str]) -> None:
    assert reasons
    text = " ".join(reasons)
    for word in words:
        assert word in text, text
    assert all(reason.endswith((".", "?")) for reason in reasons), reasons


def test_searches_of_several_types(example: SqlRegistry) -> None:
    searches = [DatasetSearch(dataset_type=name, collections=("proc",)) for name in ("raw", "calexp")]
    spec = example.query.spec(["exposure", "detector", "visit"], datasets=searches, where=X + "exposure = 3")
    _check(example.query.explain_empty(spec), ["exposure = 3"])
    spec = example.query.spec(["exposure"], datasets=searches, where=X + "detector = 3")
    _check(example.query.explain_empty(spec), ["detector = 3", "'raw' in proc"])


def test_given_data_ids(example: SqlRegistry) -> None:
    group = example.universe.conform(["detector"])
    table = DataIdTable.from_rows(group, [{"instrument": "Cam1", "detector": 55}])
    _check(example.query.explain_empty(example.query.spec(group, tables=[table])), ["given data IDs"])
    table = DataIdTable.from_rows(group, [{"instrument": "Cam1", "detector": 1}])
    spec = example.query.spec(group, tables=[table], where="detector > 2")
    _check(example.query.explain_empty(spec), ["given data IDs", "detector > 2"])
    spec = example.query.dataset_spec("raw", "proc", tables=[table], where=X + "detector = 2")
    assert example.query.explain_empty(spec)


def test_calibrations_that_are_not_valid(registry: SqlRegistry) -> None:
    from pachon.registry.testing.sample_data import SampleData, span

    sample = SampleData(registry)
    bias = sample.put(sample.bias, "one", detector=0)
    registry.collections.certify("calib", [bias], span(1, 3))
    where = "instrument = 'Cam' AND exposure = 5"
    assert len(registry.query.datasets("bias", "calib", where=where)) == 0
    spec = registry.query.dataset_spec("bias", "calib", where=where)
    _check(registry.query.explain_empty(spec), ["'bias' in calib", "valid"])


def test_removed_datasets(registry: SqlRegistry) -> None:
    from pachon.registry.testing.sample_data import SampleData

    sample = SampleData(registry)
    ref = sample.put(sample.raw, "one", detector=0, exposure=0)
    registry.datasets.remove([ref.id])
    spec = registry.query.dataset_spec("raw", "one")
    _check(registry.query.explain_empty(spec), ["no datasets 'raw' in one"])


def test_a_limit_of_zero(example: SqlRegistry) -> None:
    query = example.query
    assert query.explain_empty(query.spec(["detector"], limit=0)) == ["The limit is 0."]
    nothing = query.spec(["detector"], where="instrument = 'Cam1' AND detector IN (70..80)", limit=0)
    assert query.explain_empty(nothing) == ["Nothing satisfies detector IN (70..80)."]


def test_pixels_of_what_is_missing(example: SqlRegistry) -> None:
    spec = example.query.spec(["htm7", "visit"], where="instrument = 'Cam2'")
    assert len(example.query.fetch(spec)) == 0
    _check(example.query.explain_empty(spec), ["no records of visit", "instrument = 'Cam2'"])
    spec = example.query.spec(["htm7"], fields=("visit.region",), where="instrument = 'Cam2'")
    _check(example.query.explain_empty(spec), ["instrument = 'Cam2'"])


def test_fields_whose_records_are_missing(example: SqlRegistry) -> None:
    for conditions in ({"data_id": {"instrument": "Cam2"}}, {"defaults": {"instrument": "Cam2"}}):
        spec = example.query.spec(["skymap"], fields=("exposure.obs_id",), **conditions)
        assert len(example.query.fetch(spec)) == 0
        _check(example.query.explain_empty(spec), ["instrument = 'Cam2'"])
    # Beside the visit that a field joins, the name alone would not be clear.
    spec = example.query.spec(["exposure"], fields=("visit.name",), where=X + "exposure = 3 AND seq_num = 1")
    assert len(example.query.fetch(spec)) == 0
    _check(example.query.explain_empty(spec), ["exposure = 3"])


def test_a_result_with_rows_needs_no_explanation(example: SqlRegistry) -> None:
    assert example.query.explain_empty(example.query.dataset_spec("bias", "chain")) == []
    spec = example.query.spec(["exposure"], fields=("raw.run",), datasets=(_raw(),), order_by=["-exposure"])
    assert example.query.explain_empty(spec) == []


def _raw() -> Any:
    return DatasetSearch(dataset_type="raw", collections=("proc",))
