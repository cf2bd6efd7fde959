# SPDX-License-Identifier: BSD-3-Clause
"""Retained types, anchors, reproducible ids, and hooks for all quanta, on the small survey."""

import dataclasses
import logging
import uuid

import numpy as np
import pytest

from pachon.base import NotFoundError
from pachon.datasets import DatasetRef
from pachon.pipe_base import Input, Output, PipelineTaskConnections, PrerequisiteInput
from pachon.pipe_base.graph_builder.adjust import call_hook_of_all, call_hooks
from pachon.pipe_base.graph_builder.fetch import fetch_datasets, fetch_parts, fetch_prerequisites, fetch_records
from pachon.pipe_base.graph_builder.prerequisites import find_prerequisites
from pachon.pipe_base.graph_builder.prune import prune
from pachon.pipe_base.graph_builder.resolve import DatasetStatus, resolve
from pachon.pipe_base.graph_builder.skeleton import make_skeleton
from pachon.pipe_base.testing import small_survey
from pachon.quantum_butler.drop_reason import DropReason


def build(source, plan):
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    records = fetch_records(plan, skeleton, source)
    candidates = fetch_prerequisites(plan, skeleton, records, source)
    resolution = resolve(plan, skeleton, fetch_datasets(plan, skeleton, source))
    found = find_prerequisites(plan, resolution, candidates, records)
    return prune(
        plan,
        resolution,
        found,
        lambda *state: call_hooks(resolution, records, *state),
        lambda *_: "",
        adjust_all=lambda *state: call_hook_of_all(resolution, records, source, *state),
    )


def kept(pruned):
    return {label: len(pruned.kept(label)) for label in pruned.quanta}


def keep_outputs(source, pruned, plan, labels, types=None, where=lambda data_id: True):
    """Put what tasks have made into the repository, or some types of it."""
    for name, columns in pruned.datasets.items():
        if plan.datasets[name].producer in labels and (types is None or name in types):
            source.register(columns.dataset_type)
            for ref in columns.table(np.flatnonzero(columns.status == DatasetStatus.PREDICTED)):
                if where(ref.data_id):
                    source.add_ref(DatasetRef(columns.dataset_type, ref.data_id, ref.run, id=ref.id))


@pytest.fixture
def source():
    return small_survey.make_repository()


# Retained types ---------------------------------------------------------------------------------------------------


def done_but_for_coadds(source, **options):
    """Isr, cal and warp are done; of cal only metadata and logs were kept."""
    if "out/run" not in source.collections:
        plan = small_survey.make_plan(source)
        first = build(source, plan)
        keep_outputs(source, first, plan, ["isr", "warp"])
        keep_outputs(source, first, plan, ["cal"], ["cal_metadata", "cal_log"])
    return small_survey.make_plan(source, skip_existing_in=("out/run",), output_run="out/two", **options)


def test_without_retained_types_what_is_done_stays_done(source):
    assert kept(build(source, done_but_for_coadds(source))) == {"isr": 0, "cal": 0, "warp": 0, "coadd": 4}
    everything = done_but_for_coadds(source, retained_dataset_types=("*",))
    assert kept(build(source, everything)) == {"isr": 0, "cal": 0, "warp": 0, "coadd": 4}


def test_makers_of_what_is_wanted_and_was_not_kept_run_again(source):
    plan = done_but_for_coadds(source, retained_dataset_types=("warp_*",))
    assert kept(build(source, plan)) == {"isr": 0, "cal": 0, "warp": 0, "coadd": 4}
    plan = done_but_for_coadds(source, retained_dataset_types=("isr_out",))
    assert kept(build(source, plan)) == {"isr": 0, "cal": 4, "warp": 8, "coadd": 4}
    plan = done_but_for_coadds(source, retained_dataset_types=("nothing",))
    assert kept(build(source, plan)) == {"isr": 4, "cal": 4, "warp": 8, "coadd": 4}


def test_only_the_makers_of_what_is_wanted_run_again(source):
    plan = small_survey.make_plan(source)
    first = build(source, plan)
    keep_outputs(source, first, plan, ["isr", "cal", "warp"], ["isr_metadata", "cal_metadata", "warp_metadata"])
    # The coadds of the western patches are done.
    keep_outputs(source, first, plan, ["coadd"], where=lambda data_id: data_id["patch"] % 2 == 0)
    plan = small_survey.make_plan(
        source, skip_existing_in=("out/run",), output_run="out/two", retained_dataset_types=("coadd_out",)
    )
    again = build(source, plan)
    assert kept(again) == {"isr": 2, "cal": 2, "warp": 4, "coadd": 2}
    assert {again.quanta["isr"][int(row)]["detector"] for row in again.kept("isr")} == {1}


def test_a_retained_type_that_does_not_exist_is_named(source, caplog):
    plan = done_but_for_coadds(source, retained_dataset_types=("wrap_*", "*_out"))
    with caplog.at_level(logging.WARNING):
        build(source, plan)
    assert [record.getMessage() for record in caplog.records] == [
        "The retained dataset type 'wrap_*' is no output of the pipeline."
    ]


def test_what_is_done_says_where(source):
    pruned = build(source, done_but_for_coadds(source))
    assert set(pruned.details["isr"]) == {"metadata in out/run"}
    assert set(pruned.details["coadd"]) == {""}


# Anchors ----------------------------------------------------------------------------------------------------------


class EasternConnections(PipelineTaskConnections, dimensions=("tract", "patch", "band")):
    """Wants coadds of the eastern patches only."""

    input = Input(
        name="warp_out", storage_class="StructuredDataDict", dimensions=("visit", "tract", "patch"), multiple=True
    )
    output = Output(name="coadd_out", storage_class="StructuredDataDict", dimensions=("tract", "patch", "band"))

    def adjust_all_quanta(self, adjuster):
        for data_id in adjuster.iter_data_ids():
            if data_id["patch"] % 2 == 0:
                adjuster.remove_quantum(data_id)


def with_hook(plan, label, hooks):
    task = dataclasses.replace(plan.tasks[label], hooks_of_all=hooks)
    return dataclasses.replace(plan, tasks={**plan.tasks, label: task})


def test_quanta_that_lead_to_no_anchor_are_dropped(source):
    plan = with_hook(small_survey.make_plan(source), "coadd", EasternConnections())
    whole = build(source, plan)
    assert kept(whole) == {"isr": 4, "cal": 4, "warp": 8, "coadd": 2}
    assert (whole.reasons["coadd"] == DropReason.REMOVED_BY_HOOK).sum() == 2
    anchored = build(source, dataclasses.replace(plan, unanchored=("isr", "coadd")))
    # Western detectors lead to western patches, of which there is no coadd.
    assert kept(anchored) == {"isr": 2, "cal": 2, "warp": 4, "coadd": 2}
    assert {anchored.quanta["isr"][int(row)]["detector"] for row in anchored.kept("isr")} == {1}
    assert (anchored.reasons["warp"] == DropReason.UNANCHORED).sum() == 4
    assert set(anchored.details["warp"]) == {"", "no coadd follows from its isr"}
    assert all((anchored.reasons[e.label][e.quantum] == 0).all() for e in anchored.edges)
    assert all((anchored.reasons[f.label][f.quantum] == 0).all() for f in anchored.prerequisites)


def test_an_anchor_drops_only_what_follows_from_its_source(source):
    plan = with_hook(small_survey.make_plan(source, unanchored=("warp", "coadd")), "coadd", EasternConnections())
    assert kept(build(source, plan)) == {"isr": 4, "cal": 4, "warp": 4, "coadd": 2}


# Hooks for all quanta ---------------------------------------------------------------------------------------------


class SharingConnections(PipelineTaskConnections, dimensions=("exposure", "detector")):
    """Reads the bias of the neighbour too; the first exposure writes what the second would."""

    input = Input(name="raw", storage_class="StructuredDataDict", dimensions=("exposure", "detector"), multiple=True)
    bias = PrerequisiteInput(
        name="bias", storage_class="StructuredDataDict", dimensions=("detector",), is_calibration=True, multiple=True
    )
    output = Output(
        name="isr_out", storage_class="StructuredDataDict", dimensions=("exposure", "detector"), multiple=True
    )

    def adjust_all_quanta(self, adjuster):
        assert adjuster.task_label == "isr"
        assert adjuster.connections is self
        biases = {ref.data_id["detector"]: ref for ref in adjuster.query.fetch_datasets(*_biases(adjuster.query))}
        for data_id in adjuster.iter_data_ids():
            assert adjuster.expand_quantum_data_id(data_id).records["exposure"].obs_id == f"o{data_id['exposure']}"
            other = {**data_id.required, "detector": 1 - data_id["detector"]}
            adjuster.add_input(data_id, "input", other)
            adjuster.add_input(data_id, "input", other)
            if data_id["exposure"] == 1:
                adjuster.add_prerequisite_input(data_id, "bias", biases[1 - data_id["detector"]])
                adjuster.move_output(data_id, "output", {**data_id.required, "exposure": 2})
            else:
                adjuster.remove_quantum(data_id)


def _biases(query):
    return query.fetch_dataset_types(["bias"])["bias"], ["calib/run"]


def shared(source):
    plan = small_survey.make_plan(source)
    task = plan.tasks["isr"]
    many = {
        kind: tuple(dataclasses.replace(c, multiple=True) for c in getattr(task, kind))
        for kind in ("inputs", "prerequisites", "outputs")
    }
    task = dataclasses.replace(task, **many)
    return dataclasses.replace(plan, tasks={**plan.tasks, "isr": task})


def test_a_hook_for_all_adds_moves_and_removes(source):
    pruned = build(source, with_hook(shared(source), "isr", SharingConnections()))
    assert kept(pruned) == {"isr": 2, "cal": 4, "warp": 8, "coadd": 4}
    edges = {(e.connection.name, e.is_output): e for e in pruned.edges if e.label == "isr"}
    for edge, dimension in ((edges["input", False], "detector"), (edges["output", True], "exposure")):
        columns = pruned.datasets[edge.connection.dataset_type]
        pairs = zip(edge.quantum, edge.dataset, strict=True)
        of_each = {int(q): set() for q in edge.quantum}
        for quantum, dataset in pairs:
            of_each[int(quantum)].add(columns.data_ids[int(dataset)][dimension])
        assert list(of_each.values()) == [{0, 1} if dimension == "detector" else {1, 2}] * 2
    (found,) = pruned.prerequisites
    assert len(found.quantum) == 4
    assert set(pruned.datasets["isr_out"].status) == {DatasetStatus.PREDICTED}
    # Nobody writes the metadata of the quanta that were removed.
    assert (pruned.datasets["isr_metadata"].status == DatasetStatus.PREDICTED).sum() == 2


class ClumsyConnections(SharingConnections, dimensions=("exposure", "detector")):
    """Asks for what is not there."""

    def adjust_all_quanta(self, adjuster):
        data_id = next(iter(adjuster.iter_data_ids()))
        assert set(adjuster.get_inputs(data_id)) == {"input"}
        assert set(adjuster.get_outputs(data_id)) == {"output"}
        (bias,) = adjuster.get_prerequisite_inputs(data_id)["bias"]
        adjuster.add_prerequisite_input(data_id, "bias", bias.id)
        with pytest.raises(NotFoundError, match="no quantum"):
            adjuster.remove_quantum({**data_id.required, "exposure": 77})
        with pytest.raises(NotFoundError, match="lacks some of"):
            adjuster.get_inputs({"detector": 1})
        with pytest.raises(NotFoundError, match="no regular input 'bais'; it has input"):
            adjuster.add_input(data_id, "bais", data_id)
        with pytest.raises(NotFoundError, match="no dataset 'raw'"):
            adjuster.add_input(data_id, "input", {**data_id.required, "exposure": 77})
        with pytest.raises(NotFoundError, match="give its reference"):
            adjuster.add_prerequisite_input(data_id, "bias", data_id_of_nothing)
        adjuster.remove_quantum(data_id)
        with pytest.raises(NotFoundError, match="no quantum"):
            adjuster.get_outputs(data_id)


data_id_of_nothing = uuid.UUID(int=7)


def test_a_hook_for_all_is_told_what_is_not_there(source):
    pruned = build(source, with_hook(shared(source), "isr", ClumsyConnections()))
    assert kept(pruned)["isr"] == 3


# Ids --------------------------------------------------------------------------------------------------------------


def test_reproducible_ids_follow_from_the_facts(source):
    plans = [small_survey.make_plan(source, reproducible_ids=reproducible) for reproducible in (True, True, False)]
    one, same, other = (build(source, plan).datasets["warp_out"].ids for plan in plans)
    assert (one == same).all()
    assert not (one == other).all(axis=1).any()
    assert {key[6] >> 4 for key in one} == {5}
    elsewhere = build(source, dataclasses.replace(plans[0], output_run="out/two")).datasets["warp_out"].ids
    assert not (one == elsewhere).all(axis=1).any()
