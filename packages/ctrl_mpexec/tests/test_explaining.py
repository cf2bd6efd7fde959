# SPDX-License-Identifier: BSD-3-Clause
"""Why is there no such quantum? Asked about data IDs that no query gave."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from pachon.base import InvalidInputError
from pachon.butler import Butler
from pachon.ctrl_mpexec.commands.qgraph import qgraph
from pachon.ctrl_mpexec.explaining import explain_lines, parse_subject
from pachon.ctrl_mpexec.testing.sky_survey import PIPELINE, make_survey
from pachon.dimensions import DataIdTable, DimensionUniverse, Timespan, UnknownDimensionError
from pachon.pipe_base import Pipeline, build_quantum_graph
from pachon.quantum_butler import QuantumGraph

SKY = "instrument = 'Cam' AND skymap = 'sky'"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository without raws of detector 1."""
    made = tmp_path_factory.mktemp("survey")
    make_survey(made / "repo", raw_detectors=(0,))
    (made / "pipeline.yaml").write_text(PIPELINE)
    return made


@pytest.fixture
def butler(root: Path) -> Iterator[Butler]:
    with Butler.open(str(root / "repo")) as opened:
        yield opened


def build(root: Path, butler: Butler, **options: object) -> QuantumGraph:
    arguments = {"input_collections": ["defaults"], "output_run": "me/run", "where": SKY} | options
    return build_quantum_graph(Pipeline.read(str(root / "pipeline.yaml")), butler, **arguments)


@pytest.mark.parametrize(
    ("where", "subject", "said"),
    [
        (
            SKY,
            "isr, exposure=11, detector=1",
            "0 quanta.*No dataset 'raw' in raws, calib, refcats satisfies detector = 1",
        ),
        (SKY, "isr, exposure=99, detector=0", "There is no exposure 99 of instrument 'Cam'"),
        (
            SKY,
            "cal, visit=1, detector=1",
            "No dataset 'raw' in .*satisfies detector = 1.*there are some with detector 0",
        ),
        (SKY, "cal, instrument='Cma'", "There is no instrument 'Cma'. Did you mean 'Cam'"),
        (SKY, "warp, visit=1, tract=0, patch=7", "There is no patch 7 of skymap 'sky'"),
        (SKY, "isr, visit=99", "6 quanta.*its quanta have no visit; counted without.*There is no visit 99"),
        (SKY, "isr, exposure=11, detector=0", "1 quantum in the graph"),
        (
            f"{SKY} AND visit < 3",
            "cal, visit=3, detector=0",
            "Nothing with instrument = 'Cam' .*visit = 3 AND detector = 0 satisfies visit < 3",
        ),
        (
            f"{SKY} AND patch = 1",
            "cal, visit=1, detector=0",
            "No region of patch overlaps one of visit_detector_region.*come from one query, over .*patch",
        ),
    ],
)
def test_it_is_the_repository_that_knows(root: Path, butler: Butler, where: str, subject: str, said: str) -> None:
    graph = build(root, butler, where=where)
    assert re.search(said, " ".join(explain_lines(graph, [subject], butler))), list(
        explain_lines(graph, [subject], butler)
    )


def test_a_graph_from_a_file_is_explained_with_the_conditions_of_its_build(
    root: Path, butler: Butler, tmp_path: Path
) -> None:
    bind = {"few": [1, 2], "when": Timespan("2026-01-01T00:00:00", "2026-01-01T00:01:30")}
    where = f"{SKY} AND visit IN (:few) AND visit.timespan OVERLAPS :when"
    build(root, butler, where=where, bind=bind).write(tmp_path / "g.qg")
    graph = QuantumGraph.open(tmp_path / "g.qg")
    assert "no quantum with visit=3" in str(graph.explain("cal", visit=3))
    assert "visit = 3 satisfies visit IN (1, 2)" in str(graph.explain("cal", visit=3, butler=butler))
    assert "visit.timespan OVERLAPS" in str(graph.explain("cal", visit=2, butler=butler))


def test_what_was_not_kept_is_said(root: Path, butler: Butler) -> None:
    rows = [
        {"instrument": "Cam", "exposure": 11, "group": "g1", "physical_filter": "R", "day_obs": 20260101, "band": "r"}
    ]
    table = DataIdTable.from_rows(butler.universe.conform(["exposure"]), rows)
    graph = build(root, butler, data_id_tables=[table])
    assert "not in the tables of data IDs that the build was given (1 rows)" in str(
        graph.explain("isr", exposure=21, butler=butler)
    )
    given = [{"exposure": 11, "detector": 0, "visit": 1, "skymap": "sky", "tract": 0, "patch": 0}]
    graph = build(root, butler, where="", data_id={"instrument": "Cam"}, data_ids=given)
    assert "caller of the build gave all data IDs" in str(graph.explain("isr", exposure=21, butler=butler))


def test_data_that_came_later(tmp_path: Path, root: Path) -> None:
    make_survey(tmp_path / "repo", raw_detectors=(0,))
    with Butler.open(str(tmp_path / "repo"), writeable=True) as butler:
        graph = build(root, butler)
        butler.put({"value": 1}, "raw", {"instrument": "Cam", "exposure": 11, "detector": 1}, run="raws")
        said = str(graph.explain("isr", exposure=11, detector=1, butler=butler))
    assert "had not when the graph was built: build it again" in said


def test_subjects() -> None:
    universe = DimensionUniverse.default()
    assert parse_subject("", universe) == (None, {})
    assert parse_subject(" isr , exposure = 12,detector=3, band='r'", universe) == (
        "isr",
        {"exposure": 12, "detector": 3, "band": "r"},
    )
    with pytest.raises(InvalidInputError, match="names two tasks, 'isr' and 'cal'"):
        parse_subject("isr, cal", universe)
    with pytest.raises(InvalidInputError, match="a detector is a number; got 'x'"):
        parse_subject("isr, detector=x", universe)
    with pytest.raises(UnknownDimensionError, match="'visit'"):
        parse_subject("isr, visti=3", universe)


def test_the_command_explains_also_an_empty_graph(root: Path) -> None:
    common = ["-b", str(root / "repo"), "-p", str(root / "pipeline.yaml"), "-i", "defaults", "-o", "me/out"]
    done = CliRunner().invoke(
        qgraph, [*common, "-d", f"{SKY} AND patch = 1", "--explain", "cal,visit=1,detector=0", "--explain"]
    )
    assert done.exit_code == 1
    assert "No region of patch overlaps one of visit_detector_region with" in done.output
    assert "coadd: 0 quanta" in done.output
