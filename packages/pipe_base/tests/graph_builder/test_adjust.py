# SPDX-License-Identifier: BSD-3-Clause
"""What a task's hook is given."""

import dataclasses

import numpy as np

from pachon.pipe_base import Input, Output, PipelineTaskConnections
from pachon.pipe_base.graph_builder.adjust import call_hooks
from pachon.pipe_base.graph_builder.fetch import fetch_datasets, fetch_parts, fetch_records
from pachon.pipe_base.graph_builder.resolve import resolve
from pachon.pipe_base.graph_builder.skeleton import make_skeleton
from pachon.pipe_base.testing import small_survey


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
