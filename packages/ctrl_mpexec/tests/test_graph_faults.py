# SPDX-License-Identifier: BSD-3-Clause
"""Things that go wrong when a graph is built: the first line of what is said names the culprit."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pachon.base import PachonError
from pachon.butler import Butler
from pachon.ctrl_mpexec.graph_request import EmptyGraphError, find_reasons
from pachon.ctrl_mpexec.testing.sky_survey import PIPELINE, make_survey
from pachon.datasets import CollectionType
from pachon.dimensions import DataIdTable, Timespan
from pachon.pipe_base import Pipeline, build_quantum_graph
from pachon.quantum_butler import QuantumGraph

SKY = "instrument = 'Cam' AND skymap = 'sky'"
HALF = "2026-01-01T00:01:10"
EARLY = Timespan("2020-01-01", "2020-02-01")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong, and what must be said of it in the first line."""

    said: str
    """A regular expression."""
    survey: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    config: tuple[str, str, Any] | None = None
    prepare: Callable[[Butler, Pipeline], Any] | None = None
    """Called before; may give further options."""
    tasks: str = ""


def build(butler: Butler, pipeline: Pipeline, **options: Any) -> QuantumGraph:
    arguments: dict[str, Any] = {"input_collections": ["defaults"], "output_run": "me/run", "where": SKY}
    return build_quantum_graph(pipeline, butler, **(arguments | options))


def finish(butler: Butler, pipeline: Pipeline, *, types: str = "", tasks: str = "", **options: Any) -> None:
    """Let all quanta be done: put their outputs, of some types or of all, and those of their tasks."""
    graph = build(butler, pipeline, **options)
    butler.collections.register("me/run", CollectionType.RUN)
    for name, dataset_type in graph.dataset_types.items():
        if re.search(types, name) and re.search(tasks, name):
            butler.dataset_types.register(dataset_type)
            predicted = np.flatnonzero(graph.dataset_states(name) == 0)
            butler.put_many([({"done": True}, ref) for ref in graph.refs(name, predicted)])


def _certify_twice(butler: Butler, pipeline: Pipeline) -> None:
    data = [({"value": 0}, "bias", {"instrument": "Cam", "detector": 1})]
    butler.collections.certify("calib", butler.put_many(data, run="calib/second"), Timespan(HALF, None))


def _foreign_table(butler: Butler, pipeline: Pipeline) -> dict[str, Any]:
    group = butler.universe.conform(["exposure"])
    rows = [{"instrument": "Cam", "exposure": 77, "group": "g", "physical_filter": "R", "day_obs": 1, "band": "r"}]
    return {"data_id_tables": [DataIdTable.from_rows(group, rows)]}


FAULTS = {
    # The user's constraint.
    "visit that does not exist": Fault(options={"where": f"{SKY} AND visit = 99"}, said="no visit 99.*3 exists"),
    "instrument misspelled": Fault(
        options={"where": "instrument = 'Cma' AND skymap = 'sky'"}, said="no instrument 'Cma'.*'Cam'"
    ),
    "detector that does not exist": Fault(options={"where": f"{SKY} AND detector = 7"}, said="no detector 7.*1 exists"),
    "tract that does not exist": Fault(options={"where": f"{SKY} AND tract = 5"}, said="no tract 5.*0 exists"),
    "band that does not exist": Fault(options={"where": f"{SKY} AND band = 'z'"}, said="no band 'z'"),
    "condition that nothing satisfies": Fault(
        options={"where": f"{SKY} AND exposure.seq_num > 1000"}, said=r"satisfies exposure\.seq_num > 1000"
    ),
    "conditions that exclude each other": Fault(
        options={"where": f"{SKY} AND visit = 1 AND exposure.seq_num > 15"},
        said=r"satisfies .*exposure\.seq_num > 15.*together with.*visit = 1",
    ),
    "patch elsewhere": Fault(
        options={"where": f"{SKY} AND detector = 0 AND patch = 1"},
        said="No region of .* with .*detector = 0 AND patch = 1",
    ),
    "keys that exclude each other": Fault(options={"where": f"{SKY} AND visit = 1 AND visit = 2"}, said="visit.*1.*2"),
    "name misspelled": Fault(options={"where": f"{SKY} AND exposur = 11"}, said="exposur.*exposure"),
    "no instrument said": Fault(options={"where": "visit = 1 AND skymap = 'sky'"}, said="add instrument"),
    "table of other data IDs": Fault(prepare=_foreign_table, said="given data IDs"),
    # Collections and dataset types.
    "collection misspelled": Fault(options={"input_collections": ["default"]}, said="'default'.*'defaults'"),
    "collection without raws": Fault(options={"input_collections": ["calib", "refcats"]}, said="'?raw'?.*calib"),
    "no collection at all": Fault(options={"input_collections": []}, said="at least one input collection"),
    "raw not registered": Fault(survey={"without": ["type:raw"]}, said="'?raw'?"),
    "no raws were ingested": Fault(survey={"without": ["raw"]}, said="'raw'"),
    "no raws of that detector": Fault(
        survey={"raw_detectors": [0]}, options={"where": f"{SKY} AND detector = 1"}, said="'raw'"
    ),
    "raws do not limit and are missing": Fault(
        survey={"without": ["raw"]}, options={"dataset_query_constraint": "off"}, said="'isr': 12 of 12.*no raw in raws"
    ),
    "constraint misspelled": Fault(options={"dataset_query_constraint": ["rwa"]}, said="'rwa'.*'raw'"),
    "constraint is a prerequisite": Fault(
        options={"dataset_query_constraint": ["bias"]}, said="the prerequisite 'bias'.*regular inputs are raw"
    ),
    "constraint is an init-input": Fault(
        options={"dataset_query_constraint": ["scales"]}, said="the init-input 'scales'.*regular inputs are raw"
    ),
    "constraint of nothing": Fault(options={"dataset_query_constraint": []}, said="names no dataset type; say 'off'"),
    "output run is a chain": Fault(options={"output_run": "defaults"}, said="'defaults' is a CHAINED"),
    # Prerequisites.
    "no calibrations in the collections": Fault(
        options={"input_collections": ["raws", "refcats"]}, said="'isr'.*'bias'.*no 'bias' at all in raws"
    ),
    "calibrations of another time": Fault(
        survey={"biases": EARLY}, said="'isr'.*'bias'.*nearest validity.*2020-01-01.*2020-02-01"
    ),
    "calibrations, and exposures without time": Fault(
        survey={"biases": EARLY, "without": ["timespan"]}, said="'isr'.*'bias'.*time.*not known"
    ),
    "two calibrations": Fault(
        survey={"biases": Timespan(None, HALF)}, prepare=_certify_twice, said="'isr'.*2 datasets of 'bias'.*detector=1"
    ),
    "no reference catalogue": Fault(survey={"without": ["refcat"]}, said="'cal'.*'refcat'.*no 'refcat' at all"),
    "no init-input": Fault(survey={"without": ["scales"]}, said="'cal' needs 'scales'"),
    # Records and the sky.
    "no visits": Fault(survey={"without": ["visit"]}, said="no records of visit"),
    "visits without exposures": Fault(survey={"without": ["visit_definition"]}, said="no records of visit_definition"),
    "no sky map": Fault(survey={"without": ["skymap"]}, said="no skymap 'sky'|no records of skymap"),
    "no regions of detectors": Fault(
        survey={"without": ["visit_detector_region"]}, said="no records of visit_detector_region with a region"
    ),
    "visits elsewhere on the sky": Fault(
        survey={"centre": 50},
        said="No region of .*visit_detector_region overlaps one of patch|No region of patch overlaps one of visit_detector_region",
    ),
    # Hooks, and what was done before.
    "hook finds nothing to do": Fault(config=("isr", "idle", "all"), said="'isr': 12 of 12.*the shutter was closed"),
    "everything is done": Fault(
        prepare=finish,
        options={"skip_existing_in": ["me/run"], "output_run": "me/again"},
        said="'isr': 12 of 12 quanta already done .metadata in me/run",
    ),
    "outputs in the way": Fault(
        prepare=finish, said="outputs exist in 'me/run' already: .*@.*exposure=11.* .task 'isr', output '"
    ),
    "done, but init-outputs are gone": Fault(
        prepare=lambda butler, pipeline: finish(butler, pipeline, types="metadata"),
        options={"skip_existing_in": ["me/run"], "output_run": "me/again"},
        said="'isr'.*init-output 'flags'",
    ),
    "all is done, one run as text": Fault(
        prepare=finish,
        options={"skip_existing_in": "me/run", "output_run": "me/again"},
        said="'isr': 12 of 12 quanta already done",
    ),
    "skipping is misunderstood": Fault(options={"retained_dataset_types": ["warp"]}, said="skip_existing_in"),
}


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> Callable[[dict[str, Any]], Path]:
    """Make a repository; those that nothing is left out of and nothing is put into are made once."""
    made: dict[str, Path] = {}

    def make(survey: dict[str, Any]) -> Path:
        key = repr(survey)
        if key not in made:
            made[key] = tmp_path_factory.mktemp("survey") / "repo"
            make_survey(made[key], **survey)
        return made[key]

    return make


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    path = tmp_path_factory.mktemp("pipeline") / "pipeline.yaml"
    path.write_text(PIPELINE)
    return Pipeline.read(str(path))


def what_is_said(butler: Butler, pipeline: Pipeline, fault: Fault) -> str:
    """Give the first line, as a user sees it."""
    try:
        more = fault.prepare(butler, pipeline) if fault.prepare is not None else None
        graph = build(butler, pipeline, **fault.options, **(more or {}))
        done, reasons = find_reasons(graph)
        assert not len(graph)
        text = reasons[0] if done else str(EmptyGraphError(reasons))
    except PachonError as error:
        text = " ".join([str(error), *getattr(error, "__notes__", ())])
    return text.splitlines()[0]


@pytest.mark.parametrize("name", FAULTS)
def test_the_first_line_names_the_culprit(
    name: str, surveys: Callable[[dict[str, Any]], Path], pipeline: Pipeline, tmp_path: Path
) -> None:
    fault = FAULTS[name]
    root = surveys(fault.survey)
    if fault.prepare is not None:
        root = Path(shutil.copytree(root, tmp_path / "repo"))
    if fault.config is not None:
        pipeline = pipeline.with_config(*fault.config)
    with Butler.open(str(root), writeable=fault.prepare is not None) as butler:
        said = what_is_said(butler, pipeline, fault)
    assert re.search(fault.said, said), said


def test_a_task_of_an_empty_graph_can_be_asked_about(
    surveys: Callable[[dict[str, Any]], Path], pipeline: Pipeline
) -> None:
    with Butler.open(str(surveys({}))) as butler:
        graph = build(butler, pipeline, where=f"{SKY} AND visit = 99")
    assert [task.label for task in graph.explain().tasks] == ["isr", "cal", "warp", "coadd"]
    assert "no such data ID came out of the query" in str(graph.explain("isr"))
