# SPDX-License-Identifier: BSD-3-Clause
"""What a task's hook is given."""

import dataclasses

import numpy as np
import pytest

from pachon.dimensions import Timespan
from pachon.pipe_base import (
    Input,
    MissingPrerequisiteError,
    NoWorkFound,
    Output,
    PipelineTaskConnections,
    PrerequisiteInput,
    ScalarError,
)
from pachon.pipe_base.graph_builder.adjust import call_hooks
from pachon.pipe_base.graph_builder.errors import GraphBuildError
from pachon.pipe_base.graph_builder.fetch import fetch_datasets, fetch_parts, fetch_prerequisites, fetch_records
from pachon.pipe_base.graph_builder.prerequisites import find_prerequisites
from pachon.pipe_base.graph_builder.prune import prune
from pachon.pipe_base.graph_builder.resolve import resolve
from pachon.pipe_base.graph_builder.skeleton import make_skeleton
from pachon.pipe_base.testing import small_survey
from pachon.quantum_butler import DropReason


class EarlyConnections(PipelineTaskConnections, dimensions=("visit", "tract", "patch")):
    """Takes the images of the first visit."""

    input = Input(
        name="cal_out", storage_class="StructuredDataDict", dimensions=("visit", "detector"), multiple=True, minimum=0
    )
    output = Output(name="warp_out", storage_class="StructuredDataDict", dimensions=("visit", "tract", "patch"))

    def adjust_quantum(self, inputs, outputs, label, data_id):
        connection, refs = inputs["input"]
        kept = [ref for ref in refs if ref.data_id.records["visit"].name == "v1"]
        assert data_id.records["patch"].cell_x == data_id["patch"] % 2
        changed = {"input": (connection, kept)}
        super().adjust_quantum({**inputs, **changed}, outputs, label, data_id)
        return changed, {}


def test_refs_carry_the_records_of_their_data_ids():
    source = small_survey.make_repository()
    plan = small_survey.make_plan(source)
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    records = fetch_records(plan, skeleton, source)
    resolution = resolve(plan, skeleton, fetch_datasets(plan, skeleton, source))
    task = dataclasses.replace(plan.tasks["warp"], hooks=EarlyConnections())
    inputs, outputs = (skeleton.edges_of("warp", outputs=is_output) for is_output in (False, True))
    rows = np.arange(len(skeleton.quanta["warp"]))
    adjusted = call_hooks(resolution, records, task, rows, inputs, [], outputs)
    visits = [skeleton.quanta["warp"][int(inputs[0].quantum[i])]["visit"] for i in adjusted.lost_inputs["input"]]
    assert visits
    assert set(visits) == {2}
    assert not len(adjusted.no_work)


class PickyConnections(PipelineTaskConnections, dimensions=("exposure", "detector")):
    """Wants no second exposure."""

    input = Input(name="raw", storage_class="StructuredDataDict", dimensions=("exposure", "detector"))
    bias = PrerequisiteInput(
        name="bias", storage_class="StructuredDataDict", dimensions=("detector",), is_calibration=True
    )
    output = Output(name="isr_out", storage_class="StructuredDataDict", dimensions=("exposure", "detector"))

    def adjust_quantum(self, inputs, outputs, label, data_id):
        if data_id["exposure"] == 2:
            raise NoWorkFound("not this one")
        return super().adjust_quantum(inputs, outputs, label, data_id)


class ReadingConnections(PickyConnections, dimensions=("exposure", "detector")):
    """Looks at the records of the bias."""

    def adjust_quantum(self, inputs, outputs, label, data_id):
        (bias,) = inputs["bias"][1]
        if bias.data_id.records["detector"].full_name != f"D{data_id['detector']}":
            raise NoWorkFound("it is that of another detector")
        return super().adjust_quantum(inputs, outputs, label, data_id)


def test_prerequisites_carry_the_records_of_their_data_ids():
    assert len(prune_with(small_survey.make_repository(), ReadingConnections).kept("isr")) == 2


class ConvertingConnections(PickyConnections, dimensions=("exposure", "detector")):
    """Reads a component, and a bias in another storage class; fails on the second exposure."""

    input = Input(name="raw.header", storage_class="FitsHeader", dimensions=("exposure", "detector"))
    bias = PrerequisiteInput(name="bias", storage_class="NumpyArray", dimensions=("detector",), is_calibration=True)

    def adjust_quantum(self, inputs, outputs, label, data_id):
        kinds = [refs[0].dataset_type for _, refs in (*inputs.values(), *outputs.values())]
        assert [(kind.name, kind.storage_class) for kind in kinds] == [
            ("raw.header", "FitsHeader"), ("bias", "NumpyArray"), ("isr_out", "StructuredDataDict")
        ]  # fmt: skip
        if data_id["exposure"] == 2:
            raise KeyError("a mistake of the author")
        return super().adjust_quantum(inputs, outputs, label, data_id)


def test_hooks_see_datasets_as_the_task_reads_them():
    with pytest.raises(KeyError, match="a mistake of the author") as caught:
        prune_with(small_survey.make_repository(), ConvertingConnections)
    assert caught.value.__notes__ == [
        "This was in adjust_quantum of task 'isr', {instrument=Cam, detector=0, exposure=2}."
    ]


class FruitlessConnections(PickyConnections, dimensions=("exposure", "detector")):
    """Leaves the second exposure no output."""

    def adjust_quantum(self, inputs, outputs, label, data_id):
        lost = {"output": (outputs["output"][0], ())} if data_id["exposure"] == 2 else {}
        return {}, lost


class TrimmingConnections(PipelineTaskConnections, dimensions=("tract", "patch", "band")):
    """Takes one warp, of the first visit."""

    input = Input(name="warp_out", storage_class="StructuredDataDict", dimensions=("visit", "tract", "patch"))
    output = Output(name="coadd_out", storage_class="StructuredDataDict", dimensions=("tract", "patch", "band"))

    def adjust_quantum(self, inputs, outputs, label, data_id):
        connection, refs = inputs["input"]
        changed = {"input": (connection, [ref for ref in refs if ref.data_id["visit"] == 1])}
        super().adjust_quantum({**inputs, **changed}, outputs, label, data_id)
        return changed, {}


class CarelessConnections(TrimmingConnections, dimensions=("tract", "patch", "band")):
    """Leaves all as it is, and checks nothing."""

    def adjust_quantum(self, inputs, outputs, label, data_id):
        return {}, {}


class GreedyConnections(TrimmingConnections, dimensions=("tract", "patch", "band")):
    """Takes away all inputs and leaves the output."""

    def adjust_quantum(self, inputs, outputs, label, data_id):
        return {"input": (inputs["input"][0], ())}, {}


def prune_coadds(hooks, *, multiple=False):
    source = small_survey.make_repository()
    plan = small_survey.make_plan(source)
    connection = dataclasses.replace(plan.tasks["coadd"].inputs[0], multiple=multiple)
    task = dataclasses.replace(plan.tasks["coadd"], hooks=hooks, inputs=(connection,))
    plan = dataclasses.replace(plan, tasks={**plan.tasks, "coadd": task})
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    records = fetch_records(plan, skeleton, source)
    resolution = resolve(plan, skeleton, fetch_datasets(plan, skeleton, source))
    return prune(plan, resolution, [], lambda *state: call_hooks(resolution, records, *state), lambda *_: "")


def test_a_hook_may_choose_the_one_dataset_of_a_connection():
    pruned = prune_coadds(TrimmingConnections())
    (edges,) = (e for e in pruned.edges if e.label == "coadd" and not e.is_output)
    assert edges.quantum.tolist() == list(range(4))


class PickyCoaddConnections(TrimmingConnections, dimensions=("tract", "patch", "band")):
    """Wants warps of a visit that there is not."""

    def adjust_quantum(self, inputs, outputs, label, data_id):
        changed = {"input": (inputs["input"][0], ())}
        super(TrimmingConnections, self).adjust_quantum({**inputs, **changed}, outputs, label, data_id)
        return changed, {}


def test_equal_reasons_are_the_same_for_all_quanta():
    pruned = prune_coadds(PickyCoaddConnections())
    assert set(pruned.reasons["coadd"]) == {DropReason.NO_WORK}
    assert set(pruned.details["coadd"]) == {
        "Task 'coadd', connection 'input': 0 datasets 'warp_out', at least 1 needed."
    }


@pytest.mark.parametrize("hooks", [None, CarelessConnections()])
def test_several_datasets_for_a_connection_that_takes_one_are_refused(hooks):
    with pytest.raises(ScalarError, match=r"'coadd', connection 'input': 2 datasets 'warp_out'"):
        prune_coadds(hooks)


def test_a_hook_that_leaves_outputs_without_inputs_is_refused():
    with pytest.raises(GraphBuildError, match=r"'coadd', .*patch=0.*\(4 quanta\); raise NoWorkFound"):
        prune_coadds(GreedyConnections(), multiple=True)


def test_an_output_that_takes_one_dataset_is_refused_several():
    source = small_survey.make_repository()
    plan = small_survey.make_plan(source)
    task = dataclasses.replace(plan.tasks["isr"], dimensions=source.universe.conform(["exposure"]), prerequisites=())
    task = dataclasses.replace(task, inputs=(dataclasses.replace(task.inputs[0], multiple=True),))
    plan = dataclasses.replace(plan, tasks={**plan.tasks, "isr": task})
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    resolution = resolve(plan, skeleton, fetch_datasets(plan, skeleton, source))
    with pytest.raises(ScalarError, match=r"'isr', connection 'output': 2 datasets 'isr_out'"):
        prune(plan, resolution, [], lambda *state: None, lambda *_: "")


def prune_with(source, hooks=PickyConnections):
    plan = small_survey.make_plan(source)
    task = dataclasses.replace(plan.tasks["isr"], hooks=hooks())
    plan = dataclasses.replace(plan, tasks={**plan.tasks, "isr": task})
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    records = fetch_records(plan, skeleton, source)
    resolution = resolve(plan, skeleton, fetch_datasets(plan, skeleton, source))
    found = find_prerequisites(plan, resolution, fetch_prerequisites(plan, skeleton, records, source), records)
    return prune(
        plan, resolution, found, lambda *state: call_hooks(resolution, records, *state), lambda *_: "It is elsewhere."
    )


def test_a_hook_may_drop_a_quantum_that_lacks_a_prerequisite():
    source = small_survey.make_repository()
    # The bias is valid for the first exposure only.
    valid = [ref for ref, _ in source.members["calib"]]
    source.members["calib"] = [(ref, Timespan(None, "2026-01-01T00:02:00")) for ref in valid]
    assert len(prune_with(source).kept("isr")) == 2


def test_what_a_hook_leaves_needs_its_prerequisites():
    source = small_survey.make_repository()
    valid = [ref for ref, _ in source.members["calib"]]
    source.members["calib"] = [(ref, Timespan("2026-01-01T00:02:00", None)) for ref in valid]
    with pytest.raises(MissingPrerequisiteError, match="exposure=1") as caught:
        prune_with(source)
    assert caught.value.__notes__ == ["It is elsewhere."]


def test_a_hook_that_leaves_no_output_drops_the_quantum():
    pruned = prune_with(small_survey.make_repository(), FruitlessConnections)
    assert {pruned.quanta["isr"][int(row)]["exposure"] for row in pruned.kept("isr")} == {1}
