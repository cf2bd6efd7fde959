# SPDX-License-Identifier: BSD-3-Clause
"""Graphs of data IDs that the caller gives: no query for data IDs is made."""

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec import run_quantum_graph
from pachon.ctrl_mpexec.testing.sky_survey import PIPELINE, make_survey
from pachon.dimensions import DataIdTable
from pachon.pipe_base import Pipeline, build_quantum_graph
from pachon.pipe_base.graph_builder.errors import GraphBuildError


@pytest.fixture
def butler(tmp_path, monkeypatch):
    make_survey(tmp_path / "repo", visits=3)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "p.yaml").write_text(PIPELINE)
    with Butler.open(str(tmp_path / "repo"), writeable=True) as opened:
        yield opened


@pytest.fixture
def no_query(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a query for data IDs")

    monkeypatch.setattr(Butler, "fetch_data_ids", refuse)


def build(butler, part, **options):
    pipeline = Pipeline.read(f"p.yaml#{','.join(part)}" if part else "p.yaml")
    return build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="me/run", **options)


IMAGES = [
    {"instrument": "Cam", "exposure": 10 * visit + i, "visit": visit, "detector": 0} for visit in (1, 3) for i in (1, 2)
]
SKY = [{**row, "skymap": "sky", "tract": 0, "patch": patch} for row in IMAGES for patch in (0, 2)]


def keys(graph, label):
    return {tuple(q.data_id.required.values()) for q in graph.iter_quanta(label)}


def test_rows_give_the_quanta_of_a_query(butler, no_query):
    rows = build(butler, ["isr", "cal"], data_ids=IMAGES)
    assert rows.task_counts() == {"isr": 4, "cal": 2}
    group = butler.universe.conform(["exposure", "visit", "detector"])
    table = build(butler, ["isr", "cal"], data_ids=DataIdTable.from_rows(group, IMAGES), reproducible_ids=True)
    assert {label: keys(table, label) for label in ("isr", "cal")} == {
        name: keys(rows, name) for name in rows.task_counts()
    }
    (first, _) = rows.iter_quanta("cal")
    assert first.data_id["band"] == "r"
    assert sorted(ref.data_id["exposure"] for ref in first.inputs["images"]) == [11, 12]
    assert len(first.inputs["stars"]) > 0
    # What is fixed elsewhere need not be named.
    short = [{name: value for name, value in row.items() if name != "instrument"} for row in IMAGES]
    again = build(butler, ["isr", "cal"], data_ids=iter(short), data_id={"instrument": "Cam"}, reproducible_ids=True)
    assert list(again) == list(table)


def test_the_same_as_by_a_query_and_it_runs(butler):
    asked = build(
        butler, [], where="instrument='Cam' AND skymap='sky' AND detector=0 AND visit IN (1, 3)", reproducible_ids=True
    )
    given = build(butler, [], data_ids=SKY, reproducible_ids=True)
    assert asked.task_counts() == given.task_counts() == {"isr": 4, "cal": 2, "warp": 4, "coadd": 2}
    assert list(asked) == list(given)
    for label in asked.task_counts():
        for left, right in zip(asked.iter_quanta(label), given.iter_quanta(label), strict=True):
            assert left.inputs == right.inputs
            assert left.outputs == right.outputs
    for dataset_type in given.dataset_types.values():
        butler.dataset_types.register(dataset_type)
    assert run_quantum_graph(given, butler).is_success
    assert butler.get("coadd", skymap="sky", tract=0, patch=2, band="r", collections=["me/run"])["value"] == 8


def test_what_is_not_there_is_dropped_with_its_reason(butler, no_query):
    butler.prune(
        [ref for ref in butler.query_all_datasets("raws") if ref.data_id["exposure"] in (11, 12)],
        unstore=True,
        purge=True,
    )
    graph = build(butler, ["isr", "cal"], data_ids=IMAGES)
    assert graph.task_counts() == {"isr": 2, "cal": 1}
    assert "2 of 4 quanta without inputs (no raw in raws, calib, refcats)" in " ".join(graph.explain().sentences)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"data_ids": []}, "data_ids is empty"),
        (
            {"data_ids": [{"exposure": 11, "detector": 0, "instrument": "Cam"}]},
            "data_ids lacks visit, which tasks isr, cal",
        ),
        ({"data_ids": [*IMAGES, {"detector": 0}]}, "must name the same dimensions"),
        ({"data_ids": [{**IMAGES[0], "exposure": 99}]}, r"no exposure .*exposure=99.* in the repository"),
        (
            {"data_ids": IMAGES, "data_id": {"instrument": "Other"}},
            "has instrument='Cam', and the pipeline or data_id 'Other'",
        ),
        ({"data_ids": IMAGES, "where": "visit = 1"}, "leave out where and data_id_tables"),
    ],
)
def test_what_makes_no_sense_is_refused(butler, no_query, options, words):
    with pytest.raises(GraphBuildError, match=words):
        build(butler, ["isr", "cal"], **options)
