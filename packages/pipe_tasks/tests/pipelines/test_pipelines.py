# SPDX-License-Identifier: BSD-3-Clause
"""The pipeline files: what they hold, and the graphs that they give for a small survey in memory."""

from importlib.resources import files

import pytest
import yaml

from pachon.datasets import CollectionInfo, CollectionType, DatasetRef, DatasetType, StorageClasses
from pachon.dimensions import Timespan, envelope_ranges
from pachon.dimensions.region import polygon
from pachon.pipe_base import Pipeline, build_quantum_graph
from pachon.pipe_base.testing.fact_source import MemoryFactSource

FOLDER = files("pachon.pipe_tasks") / "pipelines"
BASE = ("calibration", "dark", "science")
INSTRUMENTS = ("nickel", "simcam")


@pytest.mark.parametrize("name", BASE)
def test_base_pipelines(name):
    pipeline = Pipeline.read(f"resource://pachon.pipe_tasks/pipelines/{name}.yaml")
    assert pipeline.instrument is None
    graph = pipeline.to_graph()
    assert set(graph.tasks) == set(pipeline.tasks)
    assert {label for subset in pipeline.subsets.values() for label in subset.labels} == set(pipeline.tasks)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
@pytest.mark.parametrize("name", BASE)
def test_variants_have_the_tasks_of_the_base(instrument, name):
    base = Pipeline.read(f"resource://pachon.pipe_tasks/pipelines/{name}.yaml")
    pipeline = Pipeline.read(f"resource://pachon.pipe_tasks/pipelines/{instrument}/{name}.yaml")
    assert pipeline.instrument == instrument
    assert set(pipeline.tasks) == set(base.tasks)
    assert set(pipeline.subsets) == set(base.subsets)
    document = yaml.safe_load((FOLDER / instrument / f"{name}.yaml").read_text())
    assert document["description"]


def test_steps_cover_the_science_pipeline():
    pipeline = Pipeline.read("resource://pachon.pipe_tasks/pipelines/science.yaml")
    assert [step.label for step in pipeline.steps] == ["visits", "registration_step", "coadds"]


def box(ra, dec, width):
    half = width / 2
    return polygon([(ra - half, dec - half), (ra + half, dec - half), (ra + half, dec + half), (ra - half, dec + half)])


@pytest.fixture(autouse=True)
def storage_classes_of_observatories(monkeypatch):
    """Cameras and sky maps are stored by a package that need not be here."""
    known = StorageClasses.default()
    missing = {name: {"pytype": "object"} for name in ("Camera", "SkyMap") if name not in known}
    known = known.with_definitions(missing, allowed=None)
    monkeypatch.setattr(StorageClasses, "default", classmethod(lambda cls: known))


@pytest.fixture
def survey():
    """Two detectors; a bias, two flats (one a test), a sky flat, three science exposures of which one is far away."""
    source = MemoryFactSource()
    source.insert("instrument", {"name": "Cam"})
    for name, band in (("V", "v"), ("B", "b"), ("none", "none")):
        source.insert("physical_filter", {"instrument": "Cam", "name": name, "band": band})
    source.insert("day_obs", {"instrument": "Cam", "id": 20260101})
    source.insert("visit_system", {"instrument": "Cam", "id": 0, "name": "one-to-one"})
    source.insert("detector", *({"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(2)))
    source.insert("skymap", {"name": "sky", "hash": b"x"})
    source.insert("tract", {"skymap": "sky", "tract": 0, "region": box(10, 0, 0.4)})
    patch = {"skymap": "sky", "tract": 0, "id": 0, "cell_x": 0, "cell_y": 0, "region": box(10, 0, 0.39)}
    source.insert("patch", patch)
    kinds = [
        (1, "bias", "calibration", "none"),
        (2, "flat", "dome", "V"),
        (3, "flat", "test", "V"),
        (4, "flat", "sky", "B"),
        (5, "science", "science", "V"),
        (6, "science", "science", "V"),
        (7, "science", "science", "V"),
    ]
    for n, kind, reason, name in kinds:
        span = Timespan(f"2026-01-01T00:{n:02d}:00", f"2026-01-01T00:{n:02d}:30")
        common = {"instrument": "Cam", "id": n, "physical_filter": name, "day_obs": 20260101, "timespan": span}
        observed = {"observation_type": kind, "observation_reason": reason, "exposure_time": 30.0}
        source.insert("group", {"instrument": "Cam", "name": f"g{n}"})
        source.insert("exposure", {**common, **observed, "obs_id": f"o{n}", "group": f"g{n}"})
        if n < 4:
            continue
        ra = 20.0 if n == 7 else 10.0
        source.insert("visit", {**common, "name": f"v{n}", "region": box(ra, 0, 0.2)})
        source.insert("visit_definition", {"instrument": "Cam", "exposure": n, "visit": n})
        source.insert("visit_system_membership", {"instrument": "Cam", "visit": n, "visit_system": 0})
        for d in range(2):
            region = box(ra - 0.05 + 0.1 * d, 0, 0.08)
            source.insert("visit_detector_region", {"instrument": "Cam", "visit": n, "detector": d, "region": region})
    types = {
        "raw": (["exposure", "detector"], "CCDData", False),
        "camera": (["instrument"], "Camera", True),
        "bias": (["detector"], "CCDData", True),
        "flat": (["detector", "physical_filter"], "CCDData", True),
        "defects": (["detector"], "Defects", True),
        "skyMap": (["skymap"], "SkyMap", False),
        "standard_stars": (["htm7"], "AstropyTable", False),
    }
    for name, (dimensions, storage_class, is_calibration) in types.items():
        source.register(
            DatasetType(name, dimensions, storage_class, is_calibration=is_calibration, universe=source.universe)
        )
    source.add(
        "raw", "raws", *({"instrument": "Cam", "exposure": n, "detector": d} for n, *_ in kinds for d in range(2))
    )
    certified = source.add("camera", "calib/camera", {"instrument": "Cam"})
    certified += source.add("bias", "calib/bias", *({"instrument": "Cam", "detector": d} for d in range(2)))
    flats = ({"instrument": "Cam", "detector": d, "physical_filter": "V"} for d in range(2))
    certified += source.add("flat", "calib/flat", *flats)
    source.certify("calib", certified, Timespan(None, None))
    source.add("skyMap", "skymaps", {"skymap": "sky"})
    return source


def build(survey, name, collections, selection=None, **config):
    pipeline = Pipeline.read(f"resource://pachon.pipe_tasks/pipelines/{name}.yaml")
    if selection is not None:
        pipeline = pipeline.select(selection)
    for option, value in config.items():
        label, _, field = option.partition("__")
        pipeline = pipeline.with_config(label, field, value)
    return build_quantum_graph(
        pipeline, survey, input_collections=collections, output_run="out/run", attach_datastore_records=False
    )


def inputs_of(graph, label, connection):
    """Give for each quantum of a task the data IDs of its inputs."""
    found = {}
    for quantum_id, _, _ in graph.quanta(label):
        quantum = graph.quantum(quantum_id)
        found[quantum.data_id.required_values] = [ref.data_id for ref in quantum.inputs[connection]]
    return found


def test_calibration_frames_are_chosen_by_type(survey):
    graph = build(survey, "calibration", ["raws", "calib"])
    assert graph.task_counts() == {"bias": 2, "flat": 4, "scale_flats": 2}
    for data_ids in inputs_of(graph, "bias", "raws").values():
        assert [data_id["exposure"] for data_id in data_ids] == [1]
    chosen = {key: [d["exposure"] for d in data_ids] for key, data_ids in inputs_of(graph, "flat", "raws").items()}
    # The test exposure takes no part.
    assert sorted(chosen.values()) == [[2], [2], [4], [4]]


def test_science(survey):
    graph = build(survey, "science", ["raws", "calib", "skymaps"])
    # Exposure 7 lies elsewhere, and a sky flat is no science.
    assert graph.task_counts() == {
        "isr": 4,
        "characterize": 4,
        "zero_point": 2,
        "registration": 1,
        "warp": 2,
        "coadd": 1,
        "detect_coadd": 1,
        "summary": 1,
    }
    (gathered,) = inputs_of(graph, "registration", "catalogs").values()
    assert sorted((d["visit"], d["detector"], d["band"]) for d in gathered) == [
        (visit, detector, "v") for visit in (5, 6) for detector in (0, 1)
    ]


def test_flats_with_a_certified_bias(survey):
    graph = build(survey, "calibration", ["raws", "calib"], "make_flats", flat__certified_bias=True)
    assert graph.task_counts() == {"flat": 4, "scale_flats": 2}
    for data_ids in inputs_of(graph, "flat", "bias").values():
        assert len(data_ids) == 1


def test_bias_alone(survey):
    assert build(survey, "calibration", ["raws", "calib"], "make_bias").task_counts() == {"bias": 2}


def test_standard_stars_are_found_by_place(survey):
    pixels = survey.universe.pixelization("htm7")
    (here, _), *_ = envelope_ranges(pixels, box(10.0, 0.0, 0.01))
    (far, _), *_ = envelope_ranges(pixels, box(200.0, 40.0, 0.01))
    kind = survey.types["standard_stars"]
    survey.collections["refcats"] = CollectionInfo(name="refcats", type=CollectionType.RUN)
    survey.members["refcats"] = [
        (DatasetRef(kind, {"htm7": pixel}, "refcats"), Timespan(None, None)) for pixel in (here, far)
    ]
    graph = build(survey, "science", ["raws", "calib", "skymaps", "refcats"])
    found = inputs_of(graph, "zero_point", "standards")
    assert len(found) == 2
    assert all([data_id["htm7"] for data_id in data_ids] == [here] for data_ids in found.values())
