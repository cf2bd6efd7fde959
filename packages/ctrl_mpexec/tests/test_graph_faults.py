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
from pachon.ctrl_mpexec.explaining import nothing_to_do
from pachon.ctrl_mpexec.graph_request import EmptyGraphError, find_reasons
from pachon.ctrl_mpexec.testing.sky_survey import PIPELINE, make_survey
from pachon.datasets import CollectionType, DatasetType
from pachon.dimensions import DataIdTable, Timespan
from pachon.pipe_base import (
    Input,
    Output,
    Pipeline,
    PipelineTask,
    PipelineTaskConfig,
    PipelineTaskConnections,
    PrerequisiteInput,
    build_quantum_graph,
)
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
    select: tuple[str, ...] = ()
    """Labels of the tasks, if not all of them."""
    task: type[PipelineTask] | None = None
    """Another task, instead of all of them."""


_EXPOSURE = ("instrument", "exposure", "detector")


class NightConnections(PipelineTaskConnections, dimensions=("instrument", "day_obs")):
    """It wants more raws than there are."""

    raws = Input(name="raw", storage_class="StructuredDataDict", dimensions=_EXPOSURE, multiple=True, minimum=50)
    night = Output(name="night", storage_class="StructuredDataDict", dimensions=("instrument", "day_obs"))


class WholeConnections(PipelineTaskConnections, dimensions=("instrument", "exposure")):
    """It forgot that there is a raw for each detector."""

    raw = Input(name="raw", storage_class="StructuredDataDict", dimensions=_EXPOSURE)
    whole = Output(name="whole", storage_class="StructuredDataDict", dimensions=("instrument", "exposure"))


class FlatConnections(PipelineTaskConnections, dimensions=_EXPOSURE):
    """A calibration by filter."""

    raw = Input(name="raw", storage_class="StructuredDataDict", dimensions=_EXPOSURE)
    flat = PrerequisiteInput(
        name="flat",
        storage_class="StructuredDataDict",
        dimensions=("instrument", "detector", "physical_filter"),
        is_calibration=True,
    )
    flattened = Output(name="flattened", storage_class="StructuredDataDict", dimensions=_EXPOSURE)


class MistypedConnections(PipelineTaskConnections, dimensions=_EXPOSURE):
    """A storage class that does not exist."""

    raw = Input(name="raw", storage_class="StructuredDataDict", dimensions=_EXPOSURE)
    copy = Output(name="copy", storage_class="StructuredDataDct", dimensions=_EXPOSURE)


def _task(label: str, connections: type[PipelineTaskConnections]) -> type[PipelineTask]:
    config = type(f"{label}Config", (PipelineTaskConfig,), {"__module__": __name__}, connections=connections)
    members = {"config_class": config, "default_name": label, "__module__": __name__}
    made: type[PipelineTask] = type(f"{label}Task", (PipelineTask,), members)
    for item in (config, made):
        globals()[item.__name__] = item
    return made


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


def _given(butler: Butler, *exposures: int) -> dict[str, Any]:
    group = butler.universe.conform(["exposure"])
    shared = {"instrument": "Cam", "physical_filter": "R", "day_obs": 20260101, "band": "r"}
    rows = [shared | {"exposure": exposure, "group": f"g{exposure // 10}"} for exposure in exposures]
    return {"data_id_tables": [DataIdTable.from_rows(group, rows)]}


def _bias_of_detector_1(butler: Butler, pipeline: Pipeline) -> None:
    data = [({"value": 0}, "bias", {"instrument": "Cam", "detector": 1})]
    butler.collections.certify("calib", butler.put_many(data, run="calib/run"), Timespan(None, None))


def _second_instrument(butler: Butler, pipeline: Pipeline) -> None:
    butler.dimension_records.insert("instrument", [{"name": "Spec", "detector_max": 2, "class_name": "none"}])


def _data_of_two_instruments(butler: Butler, pipeline: Pipeline) -> None:
    """So none is the only one that the inputs are of."""
    _second_instrument(butler, pipeline)
    note = DatasetType("note", ["instrument"], "StructuredDataDict", universe=butler.universe)
    butler.dataset_types.register(note)
    butler.put({"value": 1}, note, {"instrument": "Spec"}, run="raws")


def _second_skymap(butler: Butler, pipeline: Pipeline) -> None:
    butler.dimension_records.insert("skymap", [{"name": "rings", "hash": b"y"}])


def _raw_of_whole_exposures(butler: Butler, pipeline: Pipeline) -> None:
    butler.dataset_types.register(
        DatasetType("raw", ["instrument", "exposure"], "StructuredDataDict", universe=butler.universe)
    )


def _raw_of_another_class(butler: Butler, pipeline: Pipeline) -> None:
    dimensions = ["instrument", "exposure", "detector"]
    butler.dataset_types.register(DatasetType("raw", dimensions, "TaskMetadata", universe=butler.universe))


def _far_stars(butler: Butler, pipeline: Pipeline) -> None:
    butler.collections.register("refcats/far", CollectionType.RUN)
    butler.put({"value": 0}, "refcat", {"htm7": 131072}, run="refcats/far")


def _put_by_hand(butler: Butler, pipeline: Pipeline) -> None:
    kind = DatasetType("image", ["instrument", "exposure", "detector"], "StructuredDataDict", universe=butler.universe)
    butler.dataset_types.register(kind)
    butler.collections.register("me/run", CollectionType.RUN)
    butler.put({"value": 7}, kind, {"instrument": "Cam", "exposure": 11, "detector": 0}, run="me/run")


def _empty_chain(butler: Butler, pipeline: Pipeline) -> None:
    butler.collections.register("void", CollectionType.CHAINED)


def _biases_until_an_exposure(butler: Butler, pipeline: Pipeline) -> None:
    """Ranges are half-open: they end when the first exposure of visit 2 begins."""
    butler.collections.register("calib/short", CollectionType.CALIBRATION)
    biases = list(butler.query_datasets("bias", collections=["calib/run"]))
    butler.collections.certify("calib/short", biases, Timespan(None, "2026-01-01T00:02:00"))


def _flats_of_another_filter(butler: Butler, pipeline: Pipeline) -> None:
    dimensions = ["instrument", "detector", "physical_filter"]
    flat = DatasetType("flat", dimensions, "StructuredDataDict", is_calibration=True, universe=butler.universe)
    butler.dataset_types.register(flat)
    butler.dimension_records.insert("physical_filter", [{"instrument": "Cam", "name": "G", "band": "g"}])
    data_ids = [{"instrument": "Cam", "detector": d, "physical_filter": "G"} for d in range(2)]
    refs = butler.put_many([({"value": 1}, flat, data_id) for data_id in data_ids], run="calib/flats")
    butler.collections.certify("calib", refs, Timespan(None, None))


def _exposure_without_visit(butler: Butler, pipeline: Pipeline) -> None:
    (known,) = butler.query_dimension_records("exposure", where="instrument = 'Cam' AND exposure = 11")
    butler.dimension_records.insert("exposure", [{**known.as_stored(), "id": 99, "obs_id": "o99"}])
    butler.put_many(
        [({"v": 1}, "raw", {"instrument": "Cam", "exposure": 99, "detector": d}) for d in (0, 1)], run="raws"
    )


def _calibrated_elsewhere(butler: Butler, pipeline: Pipeline) -> None:
    dimensions = ["instrument", "visit", "detector"]
    kind = DatasetType("calibrated", dimensions, "StructuredDataDict", universe=butler.universe)
    butler.dataset_types.register(kind)
    butler.put({"value": 1}, kind, {"instrument": "Cam", "visit": 1, "detector": 0}, run="other/run")


def _chosen_of_detector_1(butler: Butler, pipeline: Pipeline) -> None:
    butler.collections.register("chosen", CollectionType.TAGGED)
    raws = butler.query_datasets("raw", collections=["raws"])
    butler.collections.associate("chosen", [ref for ref in raws if ref.data_id["detector"] == 1])


def _tagged(butler: Butler, pipeline: Pipeline) -> None:
    butler.collections.register("chosen", CollectionType.TAGGED)


FAULTS = {
    # The user's constraint.
    "visit that does not exist": Fault(
        options={"where": f"{SKY} AND visit = 99"}, said="no visit 99.*3 exists and is nearest"
    ),
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
    "no instrument said": Fault(
        options={"where": "visit = 1 AND skymap = 'sky'"}, prepare=_data_of_two_instruments, said="add instrument"
    ),
    "table of other data IDs": Fault(prepare=_foreign_table, said="given data IDs"),
    # Collections and dataset types.
    "collection misspelled": Fault(options={"input_collections": ["default"]}, said="'default'.*'defaults'"),
    "collection without raws": Fault(options={"input_collections": ["calib", "refcats"]}, said="'?raw'?.*calib"),
    "no collection at all": Fault(options={"input_collections": []}, said="at least one input collection"),
    "raw not registered": Fault(survey={"without": ["type:raw"]}, said="'raw', which task 'isr' .*reads, is neither"),
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
        said="all 34 quanta are done already .metadata in me/run",
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
        said="all 34 quanta are done already .metadata in me/run",
    ),
    "skipping is misunderstood": Fault(options={"retained_dataset_types": ["warp"]}, said="skip_existing_in"),
    # Further ones.
    "instrument in another case": Fault(
        options={"where": "instrument = 'cam' AND skymap = 'sky'"}, said="no instrument 'cam'.*'Cam'"
    ),
    "instrument without data": Fault(
        prepare=_second_instrument,
        options={"where": "instrument = 'Spec' AND skymap = 'sky'"},
        said="'raw' can be found.*'raws' never held instrument = 'Spec'",
    ),
    "pipeline of another instrument": Fault(
        prepare=lambda butler, pipeline: {"data_id": {"instrument": "Spec"}}, said="'Spec'"
    ),
    "sky map without tracts": Fault(
        prepare=_second_skymap,
        options={"where": "instrument = 'Cam' AND skymap = 'rings'"},
        said="no records of tract with skymap = 'rings'",
    ),
    "day without exposures": Fault(
        options={"where": f"{SKY} AND day_obs = 20250101"}, said="no day_obs 20250101.*20260101"
    ),
    "kind of exposure": Fault(
        options={"where": f"{SKY} AND exposure.observation_type = 'flat'"},
        said="exposure.observation_type = 'flat'.*science",
    ),
    "text for a number": Fault(
        options={"where": f"{SKY} AND visit = 'one'"}, said="visit is of type int and 'one' of type string"
    ),
    "another time": Fault(
        options={"where": f"{SKY} AND visit.timespan OVERLAPS (T'2020-01-01', T'2020-02-01')"},
        said="satisfies visit.timespan OVERLAPS.*2020-01-01.*2026-01-01",
    ),
    "another place": Fault(
        options={"where": f"{SKY} AND visit_detector_region.region OVERLAPS CIRCLE(200, 0, 1)"},
        said="visit_detector_region.region OVERLAPS.*200",
    ),
    "filter of another band": Fault(
        options={"where": f"{SKY} AND physical_filter = 'R' AND band = 'g'"}, said="no band 'g'.*r"
    ),
    "name of a detector": Fault(
        options={"where": f"{SKY} AND detector.full_name = 'S22'"}, said="detector.full_name = 'S22'.*D0"
    ),
    "value without bind": Fault(options={"where": f"{SKY} AND visit = :which"}, said=":?which"),
    "table with only unknown exposures": Fault(
        prepare=lambda butler, pipeline: _given(butler, 77, 78), said="given data IDs.*exposure 77"
    ),
    "table and expression": Fault(
        prepare=lambda butler, pipeline: _given(butler, 11),
        options={"where": f"{SKY} AND visit = 2"},
        said="given data IDs satisfies.*visit = 2",
    ),
    "calibration of the wrong detector": Fault(
        survey={"without": ["bias"]},
        prepare=_bias_of_detector_1,
        said="'isr'.*'bias' for .*detector=0.*exists in .* for other data IDs: .*detector=1",
    ),
    "stars elsewhere": Fault(
        survey={"without": ["refcat"]},
        prepare=_far_stars,
        options={"input_collections": ["defaults", "refcats/far"]},
        said="'cal'.*'refcat'.*pixel.*touches the region",
    ),
    "raw of other dimensions": Fault(
        survey={"without": ["type:raw"]},
        prepare=_raw_of_whole_exposures,
        said="'raw' with dimensions .*registered with .instrument, exposure",
    ),
    "raw of another class": Fault(
        survey={"without": ["type:raw"]}, prepare=_raw_of_another_class, said="'raw'.*TaskMetadata"
    ),
    "collection that holds nothing": Fault(
        prepare=_tagged, options={"input_collections": ["chosen", "calib"]}, said="'?raw'?.*chosen.*'raws'"
    ),
    "done, but outputs are gone": Fault(
        prepare=lambda butler, pipeline: finish(butler, pipeline, types="isr_metadata|flags|isr_config"),
        options={"skip_existing_in": ["me/run"], "output_run": "me/again"},
        said="'isr': 12 of 12 quanta already done .metadata in me/run.*'cal'.*no image from isr.*--retained-dataset-types",
    ),
    "put by hand": Fault(
        prepare=_put_by_hand, said="1 outputs .* put or imported into 'me/run'.*image@.*exposure=11.*prune-datasets"
    ),
    "anchor that is not reached": Fault(
        config=("isr", "idle", "all"),
        options={"prune_unanchored_quanta": ("isr", "coadd")},
        said="'isr'.*the shutter was closed",
    ),
    # Other pipelines, collections and values.
    "chain without children": Fault(
        prepare=_empty_chain,
        options={"input_collections": ["void"]},
        said="nothing to search: no collection is in 'void'",
    ),
    "too few raws": Fault(task=_task("night", NightConnections), said="fewer than 50 raw in raws, calib, refcats"),
    "a raw for each detector": Fault(
        task=_task("whole", WholeConnections), said="connection 'raw': 2 datasets 'raw' for .*multiple=True"
    ),
    "flats of another filter": Fault(
        task=_task("flat", FlatConnections),
        prepare=_flats_of_another_filter,
        said="'flat' exists in .* for other data IDs: .*physical_filter=G",
    ),
    "flats of nobody": Fault(
        task=_task("flat", FlatConnections), said="'flat'.*The repository knows no dataset type 'flat'"
    ),
    "storage class mistyped": Fault(
        task=_task("mistyped", MistypedConnections), said="no storage class 'StructuredDataDct'.*'StructuredDataDict'"
    ),
    "connection renamed to nothing": Fault(config=("isr", "connections.raw", "rawe"), said="'rawe', which task 'isr'"),
    "validity that ends when the exposure begins": Fault(
        prepare=_biases_until_an_exposure,
        options={"input_collections": ["raws", "calib/short", "refcats"]},
        said=r"exposure=21.*wanted for .2026-01-01T00:02:00, .*ranges .* are .*, 2026-01-01T00:02:00\)",
    ),
    "exposure of no visit": Fault(
        prepare=_exposure_without_visit,
        options={"where": f"{SKY} AND exposure = 99"},
        said="no records of visit_definition with exposure = 99",
    ),
    "sky map in another case": Fault(
        options={"where": "instrument = 'Cam' AND skymap = 'Sky'"}, said="no skymap 'Sky'.*'sky'"
    ),
    "one step alone, and its inputs are elsewhere": Fault(
        select=("warp",), prepare=_calibrated_elsewhere, said="'calibrated' that satisfy the query are in 'other/run'"
    ),
    "chosen raws of the other detector": Fault(
        prepare=_chosen_of_detector_1,
        options={"input_collections": ["chosen", "calib"], "where": f"{SKY} AND detector = 0"},
        said="'raw' in chosen, calib satisfies detector = 0.*there are some with detector 1",
    ),
    "bind of text for a number": Fault(
        options={"where": f"{SKY} AND visit = :v", "bind": {"v": "1"}},
        said="visit is of type int and '1' of type string",
    ),
    "bind of nothing": Fault(options={"where": f"{SKY} AND visit = :v", "bind": {"v": None}}, said="visit = NULL"),
    "anchor misspelled": Fault(options={"prune_unanchored_quanta": ("isr", "coad")}, said="'coad'.*'coadd'"),
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
        text = nothing_to_do(graph) if done else str(EmptyGraphError(reasons))
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
    if fault.task is not None:
        pipeline = Pipeline.empty().with_task("other", fault.task)
    if fault.select:
        pipeline = pipeline.select(list(fault.select))
    if fault.config is not None:
        pipeline = pipeline.with_config(*fault.config)
    with Butler.open(str(root), writeable=fault.prepare is not None) as butler:
        said = what_is_said(butler, pipeline, fault)
    assert re.search(fault.said, said), said


def test_rows_of_a_table_that_give_nothing_are_told(
    surveys: Callable[[dict[str, Any]], Path], pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    with Butler.open(str(surveys({}))) as butler:
        graph = build(butler, pipeline, **_given(butler, 11, 77, 78))
        assert len(graph)
        assert re.search("2 of 3 rows .* gave no quantum, .*exposure=77.* for one", caplog.text)
        caplog.clear()
        assert len(build(butler, pipeline, **_given(butler, 11, 12)))
        assert "rows" not in caplog.text


def test_a_part_without_quanta_is_told(
    surveys: Callable[[dict[str, Any]], Path], pipeline: Pipeline, caplog: pytest.LogCaptureFixture
) -> None:
    """The pipeline falls into two parts, of which one finds data."""
    with Butler.open(str(surveys({})), writeable=True) as butler:
        kind = DatasetType(
            "warp", ["instrument", "visit", "skymap", "tract", "patch"], "StructuredDataDict", universe=butler.universe
        )
        butler.dataset_types.register(kind)
        assert build(butler, pipeline.select(["isr", "coadd"])).task_counts() == {"isr": 12}
    assert "Task coadd: no quanta. No 'warp' can be found in the collections raws, calib, refcats." in caplog.text


def test_a_task_of_an_empty_graph_can_be_asked_about(
    surveys: Callable[[dict[str, Any]], Path], pipeline: Pipeline
) -> None:
    with Butler.open(str(surveys({}))) as butler:
        graph = build(butler, pipeline, where=f"{SKY} AND visit = 99")
    assert [task.label for task in graph.explain().tasks] == ["isr", "cal", "warp", "coadd"]
    assert "no such data ID came out of the query" in str(graph.explain("isr"))
