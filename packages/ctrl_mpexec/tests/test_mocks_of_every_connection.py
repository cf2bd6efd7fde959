# SPDX-License-Identifier: BSD-3-Clause
"""Mocks of a pipeline with every kind of connection, whose storage classes nobody here knows."""

import json

import pytest

from pachon.base.testing import run_command
from pachon.butler import Butler
from pachon.ctrl_mpexec.program import pipetask

TASKS = """\
from pachon.pipe_base import (
    InitInput, InitOutput, Input, Output, PipelineTask, PipelineTaskConfig, PipelineTaskConnections, PrerequisiteInput,
)

EXPOSURE = ("instrument", "exposure", "detector")
DETECTOR = ("instrument", "visit", "detector")
VISIT = ("instrument", "visit")


class FirstConnections(PipelineTaskConnections, dimensions=EXPOSURE):
    raw = Input(name="raw", doc="x", storage_class="RawOfElsewhere", dimensions=EXPOSURE)
    part = Input(name="raw.part", doc="x", storage_class="PartOfElsewhere", dimensions=EXPOSURE)
    later = Input(name="raw", doc="x", storage_class="StructuredDataDict", dimensions=EXPOSURE, defer_load=True)
    bias = PrerequisiteInput(
        name="bias", doc="x", storage_class="BiasOfElsewhere", dimensions=("instrument", "detector"), is_calibration=True
    )
    optional = PrerequisiteInput(
        name="linearizer", doc="x", storage_class="LinearizerOfElsewhere", dimensions=("instrument", "detector"),
        is_calibration=True, minimum=0,
    )
    schema = InitOutput(name="first_schema", doc="x", storage_class="SchemaOfElsewhere")
    image = Output(name="image", doc="x", storage_class="ImageOfElsewhere", dimensions=EXPOSURE)
    extra = Output(name="extra", doc="x", storage_class="NumpyArray", dimensions=EXPOSURE)


class SecondConnections(PipelineTaskConnections, dimensions=DETECTOR):
    schema = InitInput(name="first_schema", doc="x", storage_class="AnotherSchema")
    second_schema = InitOutput(name="second_schema", doc="x", storage_class="SchemaOfElsewhere")
    wcs = Input(name="image.wcs", doc="x", storage_class="WcsOfElsewhere", dimensions=EXPOSURE, multiple=True)
    image = Input(name="image", doc="x", storage_class="AnotherImage", dimensions=EXPOSURE, multiple=True, defer_load=True)
    extra = Input(name="extra", doc="x", storage_class="StructuredDataList", dimensions=EXPOSURE, multiple=True, minimum=0)
    catalog = Output(name="catalog", doc="x", storage_class="ArrowAstropy", dimensions=DETECTOR)


class ThirdConnections(PipelineTaskConnections, dimensions=VISIT):
    catalogs = Input(name="catalog", doc="x", storage_class="DataFrame", dimensions=DETECTOR, multiple=True, defer_load=True)
    names = Input(name="catalog.columns", doc="x", storage_class="ArrowColumnList", dimensions=DETECTOR, multiple=True)
    plots = Output(name="plot", doc="x", storage_class="PlotOfElsewhere", dimensions=DETECTOR, multiple=True)
    total = Output(name="total", doc="x", storage_class="MetricOfElsewhere", dimensions=VISIT)


class FourthConnections(PipelineTaskConnections, dimensions=("instrument",)):
    totals = Input(name="total", doc="x", storage_class="MetricOfElsewhere", dimensions=VISIT, multiple=True)
    plots = Input(
        name="plot", doc="x", storage_class="PlotOfElsewhere", dimensions=DETECTOR, multiple=True, defer_graph_constraint=True
    )
    flat = Output(
        name="flat", doc="x", storage_class="FlatOfElsewhere", dimensions=("instrument", "detector"), multiple=True,
        is_calibration=True,
    )


def task(name, connections):
    config = type(f"{name}Config", (PipelineTaskConfig,), {"__module__": __name__}, connections=connections)
    return type(name, (PipelineTask,), {"__module__": __name__, "config_class": config, "default_name": name.lower()})


First, Second = task("First", FirstConnections), task("Second", SecondConnections)
Third, Fourth = task("Third", ThirdConnections), task("Fourth", FourthConnections)
"""


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    (tmp_path / "tasks_of_elsewhere.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    names = ("First", "Second", "Third", "Fourth")
    path = tmp_path / "every.yaml"
    path.write_text(
        "description: every kind\ntasks:\n" + "".join(f"  {n.lower()}: tasks_of_elsewhere.{n}\n" for n in names)
    )
    return path


def run_mocks(repository, pipeline, *options, code=0):
    done = run_command(
        pipetask, "run", "-b", repository, "-p", pipeline, "-i", "defaults", "-o", "me", "--output-run", "me/run", "--mock",
        "--register-dataset-types", *options,
    )  # fmt: skip
    assert done.exit_code == code, done.stderr


def test_every_kind_of_connection(repository, pipeline):
    run_mocks(repository, pipeline)
    with Butler.open(str(repository), collections=["me"]) as butler:
        counts = {
            name: len(list(butler.query_datasets(f"_mock_{name}"))) for name in ("image", "extra", "catalog", "total")
        }
        assert counts == {"image": 6, "extra": 6, "catalog": 6, "total": 3}
        assert len(list(butler.query_datasets("_mock_plot"))) == 6
        flats = [butler.get(ref) for ref in butler.query_datasets("_mock_flat")]
        assert len(flats) == 2
        assert len(flats[0]["quantum"]["inputs"]["totals"]) == 3
        image = butler.get("_mock_image", instrument="Cam", exposure=1, detector=0)
        assert {name: len(refs) for name, refs in image["quantum"]["inputs"].items()} == {
            "raw": 1, "part": 1, "later": 1, "bias": 1,
        }  # fmt: skip
        assert image["quantum"]["inputs"]["bias"][0]["dataset_type"] == "bias"
        assert butler.get("_mock_second_schema")["init_output"] == "second_schema"
        assert set(butler.fetch_dataset_types(["raw", "linearizer"])) == {"raw"}


def test_failures_go_downstream(repository, pipeline, tmp_path):
    run_mocks(
        repository, pipeline, "--mock-failure", "second:ValueError:visit=2 AND detector=1", "--summary", tmp_path / "s.json",
        code=1,
    )  # fmt: skip
    reports = json.loads((tmp_path / "s.json").read_text())["quantaReports"]
    states = {(one["taskLabel"], one["status"]): 0 for one in reports}
    for one in reports:
        states[one["taskLabel"], one["status"]] += 1
    assert states["_mock_second", "failure"] == 1
    assert states["_mock_third", "skipped"] == 1
    assert states["_mock_fourth", "skipped"] == 1
