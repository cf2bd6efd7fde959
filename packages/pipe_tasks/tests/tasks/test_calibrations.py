# SPDX-License-Identifier: BSD-3-Clause
"""The tasks that make master calibrations, one after the other."""

import numpy as np
import pytest

from pachon.pipe_base import NoWorkFound
from pachon.pipe_base.testing import run_task
from pachon.pipe_tasks import BiasTask, DarkTask, FlatTask, ScaleFlatsTask


@pytest.fixture(scope="module")
def biases(camera):
    def make(detector):
        raws = [camera[detector].expose(0.0, seed=i) for i in range(4)]
        inputs = {"raws": raws, "camera": camera}
        return run_task(BiasTask, inputs, data_id={"detector": detector}).outputs.bias

    return {detector: make(detector) for detector in (0, 1)}


@pytest.fixture(scope="module")
def flats(camera, biases):
    def make(detector):
        raws = [camera[detector].expose(20000.0, seed=50 + i) for i in range(3)]
        inputs = {"raws": raws, "camera": camera, "bias": biases[detector]}
        data_id = {"detector": detector, "physical_filter": "R"}
        return run_task(FlatTask, inputs, data_id=data_id).outputs.flat

    return {detector: make(detector) for detector in (0, 1)}


def test_bias(camera, biases):
    for detector, bias in biases.items():
        assert np.median(bias.data - camera[detector].bias_structure()) == pytest.approx(0.0, abs=0.2)


def test_dark(camera, biases):
    raws = [camera[0].expose(40.0, seed=i) for i in range(3)]
    for raw in raws:
        raw.header["EXPTIME"] = 20.0
    dark = run_task(DarkTask, {"raws": raws, "camera": camera, "bias": biases[0]}, data_id={"detector": 0}).outputs.dark
    assert np.median(dark.data / camera[0].response()) == pytest.approx(2.0, rel=0.05)
    for raw in raws:
        raw.header["EXPTIME"] = 0.0
    with pytest.raises(NoWorkFound, match="dark frames"):
        run_task(DarkTask, {"raws": raws, "camera": camera, "bias": biases[0]}, data_id={"detector": 0})


def test_flats_of_both_detectors_on_one_scale(camera, flats):
    scaled = run_task(
        ScaleFlatsTask,
        {"detector_flats": [flats[1], flats[0]]},
        data_id={"physical_filter": "R"},
        data_ids={"detector_flats": [{"detector": 1}, {"detector": 0}], "flats": [{"detector": 0}, {"detector": 1}]},
    ).outputs.flats
    ratio = np.median(scaled[1].data) / np.median(scaled[0].data)
    expected = np.median(camera[1].response()) / np.median(camera[0].response())
    assert ratio == pytest.approx(expected, rel=0.005)


def test_frames_without_light_are_no_flats(camera, biases):
    raws = [camera[0].expose(10.0, seed=i) for i in range(2)]
    with pytest.raises(NoWorkFound, match="median above 2000"):
        run_task(FlatTask, {"raws": raws, "camera": camera, "bias": biases[0]}, data_id={"detector": 0})


def test_a_certified_bias_is_a_prerequisite():
    for task in (FlatTask, DarkTask):
        config = task.config_class()
        assert "bias" in task.config_class.connections_class(config=config).inputs
        config.certified_bias = True
        connections = task.config_class.connections_class(config=config)
        assert "bias" not in connections.inputs
        assert connections.prerequisite_inputs["bias"].is_calibration
        assert connections.temporal_bounds_connections() == ("raws",)
