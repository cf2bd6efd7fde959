# SPDX-License-Identifier: BSD-3-Clause
"""The stages of a build one after the other, on a survey small enough to count by hand."""

import dataclasses

import numpy as np
import pytest

from pachon.datasets import DatasetRef, DatasetType
from pachon.dimensions import Timespan, region_from_bytes
from pachon.pipe_base.connections import MissingPrerequisiteError
from pachon.pipe_base.graph_builder.bounds import pixel_pairs, region_rows
from pachon.pipe_base.graph_builder.errors import AmbiguousPrerequisiteError, GraphBuildError, OutputExistsError
from pachon.pipe_base.graph_builder.fetch import (
    fetch_datasets,
    fetch_further_records,
    fetch_parts,
    fetch_prerequisites,
    fetch_records,
)
from pachon.pipe_base.graph_builder.hints import prerequisite_hint
from pachon.pipe_base.graph_builder.plan import ConnectionPlan, split_independent
from pachon.pipe_base.graph_builder.prerequisites import LookupKind, _equal_pixels, classify, find_prerequisites
from pachon.pipe_base.graph_builder.prune import prune
from pachon.pipe_base.graph_builder.resolve import KEPT, DatasetStatus, resolve
from pachon.pipe_base.graph_builder.skeleton import make_skeleton
from pachon.pipe_base.testing import small_survey as repository
from pachon.quantum_butler.drop_reason import DropReason


def build(source, plan):
    """Run all stages without hooks; give what pruning left."""
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    records = fetch_records(plan, skeleton, source)
    resolution = resolve(plan, skeleton, fetch_datasets(plan, skeleton, source))
    done = {label: reasons != KEPT for label, reasons in resolution.reasons.items()}
    candidates = fetch_prerequisites(plan, skeleton, records, source, done)
    found = find_prerequisites(plan, resolution, candidates, records)

    def no_hooks(*state):
        raise AssertionError(state)

    def hint(task, connection, row):
        return prerequisite_hint(plan, resolution, candidates, records, task, connection, row)

    return prune(plan, resolution, found, no_hooks, hint)


@pytest.fixture
def source():
    return repository.make_repository()


def kept(pruned):
    return {label: len(pruned.kept(label)) for label in pruned.quanta}


def values(pruned, label, *names):
    table = pruned.quanta[label].take(pruned.kept(label))
    return [tuple(data_id[name] for name in names) for data_id in table]


def test_counts(source):
    # Visit 3 has no patch below it: everything comes from one intersection of data IDs.
    pruned = build(source, repository.make_plan(source))
    assert kept(pruned) == {"isr": 4, "cal": 4, "warp": 8, "coadd": 4}
    assert values(pruned, "isr", "exposure", "detector") == [(1, 0), (2, 0), (1, 1), (2, 1)]


def test_without_the_sky_all_exposures_are_kept(source):
    plan = repository.make_plan(source)
    tasks = {label: plan.tasks[label] for label in ("isr", "cal")}
    assert kept(build(source, dataclasses.replace(plan, tasks=tasks))) == {"isr": 6, "cal": 6}


def test_a_gather_reads_what_overlaps(source):
    pruned = build(source, repository.make_plan(source))
    (edge,) = [e for e in pruned.edges if e.label == "warp" and not e.is_output]
    inputs: dict[tuple, set] = {}
    for quantum, dataset in zip(edge.quantum, edge.dataset, strict=True):
        data_id = pruned.quanta["warp"][int(quantum)]
        image = pruned.datasets["cal_out"].data_ids[int(dataset)]
        inputs.setdefault((data_id["visit"], data_id["patch"]), set()).add((image["visit"], image["detector"]))
    # Detector 0 lies in the western patches (0, 2), detector 1 in the eastern ones (1, 3).
    assert inputs == {(v, p): {(v, p % 2)} for v in (1, 2) for p in range(4)}


def test_outputs_have_new_distinct_ids(source):
    pruned = build(source, repository.make_plan(source))
    ids = np.concatenate([c.ids[c.status == DatasetStatus.PREDICTED] for c in pruned.datasets.values()])
    assert len(np.unique(ids, axis=0)) == len(ids) == 3 * (4 + 4 + 8 + 4)


def test_fixed_data_id(source):
    pruned = build(source, repository.make_plan(source, data_id={"visit": 2}))
    assert kept(pruned) == {"isr": 2, "cal": 2, "warp": 4, "coadd": 4}


def test_calibration_is_chosen_by_time(source):
    later = source.add("bias", "calib/later", *({"instrument": "Cam", "detector": d} for d in (0, 1)))
    source.members["calib"] = []
    early = [ref for ref, _ in source.members["calib/run"]]
    source.certify("calib", early, Timespan(None, "2026-01-01T00:02:00"))
    source.certify("calib", later, Timespan("2026-01-01T00:02:00", None))
    pruned = build(source, repository.make_plan(source))
    (found,) = pruned.prerequisites
    chosen = {
        (pruned.quanta["isr"][int(q)]["exposure"], found.datasets[int(d)].run)
        for q, d in zip(found.quantum, found.dataset, strict=True)
    }
    assert chosen == {(1, "calib/run"), (2, "calib/later")}


def test_two_valid_calibrations_are_refused(source):
    source.certify("calib", source.add("bias", "r2", {"instrument": "Cam", "detector": 1}), Timespan(None, None))
    with pytest.raises(AmbiguousPrerequisiteError, match=r"2 datasets of 'bias'.*detector=1"):
        build(source, repository.make_plan(source))


def test_one_calibration_may_be_valid_in_ranges_that_meet_within_an_exposure(source):
    refs = [ref for ref, _ in source.members["calib/run"]]
    source.members["calib"] = []
    source.certify("calib", refs, Timespan(None, "2026-01-01T00:01:10"))
    source.certify("calib", refs, Timespan("2026-01-01T00:01:10", None))
    pruned = build(source, repository.make_plan(source))
    (found,) = pruned.prerequisites
    assert len(found.quantum) == kept(pruned)["isr"] == 4
    # Of several ranges the last may be that of another dataset.
    source.members["calib"] = source.members["calib"][:2]
    source.certify("calib", refs, Timespan("2026-01-01T00:01:10", "2026-01-01T00:01:20"))
    source.certify("calib", source.add("bias", "r2", {"instrument": "Cam", "detector": 1}),
                   Timespan("2026-01-01T00:01:20", None))  # fmt: skip
    with pytest.raises(AmbiguousPrerequisiteError, match=r"detector=1"):
        build(source, repository.make_plan(source))


def test_the_first_collection_wins(source):
    source.certify("other", source.add("bias", "r2", {"instrument": "Cam", "detector": 1}), Timespan(None, None))
    pruned = build(source, repository.make_plan(source, input_collections=("raws", "other", "calib")))
    (found,) = pruned.prerequisites
    runs = {found.datasets[int(d)].run for d in found.dataset}
    assert runs == {"r2", "calib/run"}


def test_missing_calibration_names_the_nearest_range(source):
    source.members["calib"] = []
    refs = [ref for ref, _ in source.members["calib/run"]]
    source.certify("calib", refs, Timespan("2020-01-01", "2020-02-01"))
    source.certify("calib", refs, Timespan("2025-01-01", "2025-02-01"))
    with pytest.raises(MissingPrerequisiteError, match=r"'isr'.*'bias'.*exposure=1") as caught:
        build(source, repository.make_plan(source))
    assert caught.value.__notes__ == [
        "The same holds for 3 other quanta of 'isr'.",
        (
            "It is wanted for [2026-01-01T00:01:00, 2026-01-01T00:01:30) (TAI); the nearest validity ranges in raws, "
            "calib are [2025-01-01T00:00:00, 2025-02-01T00:00:00), [2020-01-01T00:00:00, 2020-02-01T00:00:00)."
        ),
    ]


def test_missing_input_drops_what_is_downstream(source):
    gone = {1: {0, 1}, 2: {0}}
    source.members["raws"] = [
        (ref, span)
        for ref, span in source.members["raws"]
        if ref.data_id["detector"] not in gone.get(ref.data_id["exposure"], ())
    ]
    plan = repository.make_plan(source)
    datasets = {**plan.datasets, "raw": dataclasses.replace(plan.datasets["raw"], constrains=False)}
    pruned = build(source, dataclasses.replace(plan, datasets=datasets))
    assert kept(pruned) == {"isr": 1, "cal": 1, "warp": 2, "coadd": 2}
    assert (pruned.reasons["isr"] == DropReason.NO_INPUTS).sum() == 3
    assert (pruned.reasons["warp"] == DropReason.UPSTREAM_DROPPED).sum() == 6
    assert (pruned.reasons["coadd"] == DropReason.UPSTREAM_DROPPED).sum() == 2


def put_outputs(source, pruned, plan, labels, *, leave=("none",)):
    for name, columns in pruned.datasets.items():
        if plan.datasets[name].producer in labels and not name.endswith(leave):
            source.register(columns.dataset_type)
            for ref in columns.table(np.flatnonzero(columns.status == DatasetStatus.PREDICTED)):
                source.add_ref(DatasetRef(columns.dataset_type, ref.data_id, ref.run, id=ref.id))


def test_done_quanta_are_skipped_and_their_outputs_read(source):
    plan = repository.make_plan(source)
    first = build(source, plan)
    put_outputs(source, first, plan, ["isr", "cal"])
    again = build(source, repository.make_plan(source, skip_existing_in=("out/run",), output_run="out/two"))
    assert kept(again) == {"isr": 0, "cal": 0, "warp": 8, "coadd": 4}
    assert set(again.reasons["isr"]) == {DropReason.ALREADY_DONE}
    columns = again.datasets["cal_out"]
    assert set(columns.status) == {DatasetStatus.EXISTING}
    assert (columns.ids == first.datasets["cal_out"].ids).all()


def test_a_collection_of_done_quanta_that_does_not_exist_is_told(source, caplog):
    plan = repository.make_plan(source, skip_existing_in=("out/rnu", "out/run"))
    assert kept(build(source, plan))["isr"] == 4
    assert [record.getMessage() for record in caplog.records] == [
        "There is no collection 'out/rnu', in which quanta might be done already; none is skipped for it."
    ]


def test_done_quanta_want_no_prerequisites(source):
    plan = repository.make_plan(source)
    put_outputs(source, build(source, plan), plan, ["isr"])
    # Since they ran another calibration became valid as well: that is for those to say who want one.
    source.certify("calib", source.add("bias", "r2", {"instrument": "Cam", "detector": 1}), Timespan(None, None))
    plan = repository.make_plan(source, skip_existing_in=("out/run",), output_run="out/two")
    assert kept(build(source, plan)) == {"isr": 0, "cal": 4, "warp": 8, "coadd": 4}
    asked = []
    connection = ConnectionPlan(
        name="bias", dataset_type="bias", lookup_function=lambda *question: asked.append(question) or ()
    )
    plan = with_prerequisite(plan, "isr", connection, source.types["bias"])
    assert kept(build(source, plan))["isr"] == 0
    assert asked == []


def test_outputs_of_done_quanta_are_never_replaced_silently(source):
    plan = repository.make_plan(source)
    put_outputs(source, build(source, plan), plan, ["isr"])
    said = r"12 outputs exist in 'out/run' already: isr_out@.*exposure=1.* \(task 'isr', output 'output'\)"
    with pytest.raises(OutputExistsError, match=said):
        build(source, plan)
    replaced = build(source, dataclasses.replace(plan, clobber=True))
    assert set(replaced.datasets["isr_out"].status) == {DatasetStatus.REPLACED}


def test_outputs_of_an_interrupted_quantum_are_replaced(source):
    plan = repository.make_plan(source)
    first = build(source, plan)
    put_outputs(source, first, plan, ["isr"], leave=("metadata",))
    again = build(source, plan)
    assert kept(again) == kept(first)
    assert set(again.datasets["isr_out"].status) == {DatasetStatus.REPLACED}
    assert (again.datasets["isr_out"].ids == first.datasets["isr_out"].ids).all()
    assert set(again.datasets["isr_metadata"].status) == {DatasetStatus.PREDICTED}


def test_parts_that_share_nothing_are_built_alone(source):
    plan = repository.make_plan(source)
    tasks = {label: plan.tasks[label] for label in ("isr", "coadd")}
    alone = dataclasses.replace(plan, tasks=tasks)
    assert split_independent(alone) == [("isr",), ("coadd",)]
    assert split_independent(plan) == [("isr", "cal", "warp", "coadd")]


def test_kinds_of_prerequisites(source):
    plan = repository.make_plan(source)
    universe = source.universe

    def kind(label, *dimensions, **options):
        connection = ConnectionPlan(name="x", dataset_type="x", **options)
        return classify(plan.tasks[label], connection, universe.conform(dimensions))

    assert kind("isr", "detector") is LookupKind.KEY
    assert kind("coadd", "skymap") is LookupKind.KEY
    assert kind("isr") is LookupKind.KEY
    assert kind("cal", "htm7") is LookupKind.PIXEL
    assert kind("coadd", "htm7", "band") is LookupKind.PIXEL
    assert kind("cal", "tract") is LookupKind.JOIN
    assert kind("cal", "detector", lookup_function=print) is LookupKind.FUNCTION


def with_prerequisite(plan, label, connection, dataset_type):
    task = dataclasses.replace(plan.tasks[label], prerequisites=(connection,))
    datasets = {
        **plan.datasets,
        connection.dataset_type: plan.datasets.get(connection.dataset_type)
        or dataclasses.replace(plan.datasets["bias"], dataset_type=dataset_type),
    }
    return dataclasses.replace(plan, tasks={**plan.tasks, label: task}, datasets=datasets)


def add_refcat(source):
    pixels = source.universe.pixelization("htm7")
    kind = source.types["refcat"]
    found = sorted({int(i) for region in (repository.box(10, 0, 0.6), repository.box(20, 0, 0.6))
                    for begin, end in pixels.envelope(region) for i in range(begin, end)})  # fmt: skip
    for pixel in found:
        source.add_ref(DatasetRef(kind, {"htm7": pixel}, "refcats"))
    return pixels, found


def test_reference_catalogue_by_pixel(source):
    source._full = lambda dataset_type, data_id, full=source._full: (
        full(dataset_type, data_id) if dataset_type.name != "refcat" else DatasetRef(dataset_type, data_id, "r").data_id
    )
    pixels, everywhere = add_refcat(source)
    connection = ConnectionPlan(name="refcat", dataset_type="refcat", multiple=True)
    plan = with_prerequisite(repository.make_plan(source), "cal", connection, source.types["refcat"])
    plan = dataclasses.replace(plan, input_collections=("raws", "calib", "refcats"))
    pruned = build(source, plan)
    found = next(f for f in pruned.prerequisites if f.label == "cal")
    for row in pruned.kept("cal"):
        data_id = pruned.quanta["cal"][int(row)]
        region = repository.box(10.0 - 0.05 + 0.1 * data_id["detector"], 0, 0.08)
        wanted = {int(i) for begin, end in pixels.envelope(region) for i in range(begin, end)}
        got = {found.datasets[int(d)].data_id["htm7"] for d in found.dataset[found.quantum == row]}
        assert got == wanted & set(everywhere)
        assert got
        assert len(got) < len(everywhere)


def test_a_function_of_the_author_that_fails_is_named(source):
    def look_up(dataset_type, query, data_id, collections):
        yield from ()
        raise KeyError("a mistake of the author")

    connection = ConnectionPlan(name="bias", dataset_type="bias", lookup_function=look_up)
    plan = with_prerequisite(repository.make_plan(source), "isr", connection, source.types["bias"])
    with pytest.raises(KeyError, match="a mistake of the author") as caught:
        build(source, plan)
    assert caught.value.__notes__ == [
        "This was in the lookup_function of connection 'bias', {instrument=Cam, detector=0, exposure=1}."
    ]


def test_data_ids_of_prerequisites_have_their_records(source):
    template = source.register(DatasetType("template", ["patch"], "StructuredDataDict", universe=source.universe))
    source.add("template", "templates", *({"skymap": "sky", "tract": 0, "patch": n} for n in range(4)))
    connection = ConnectionPlan(name="template", dataset_type="template", multiple=True)
    plan = with_prerequisite(repository.make_plan(source), "cal", connection, template)
    # Without the tasks of the sky map nothing else knows of patches.
    plan = dataclasses.replace(
        plan,
        tasks={label: plan.tasks[label] for label in ("isr", "cal")},
        input_collections=("raws", "calib", "templates"),
    )
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    records = fetch_records(plan, skeleton, source)
    candidates = fetch_prerequisites(plan, skeleton, records, source)
    resolution = resolve(plan, skeleton, fetch_datasets(plan, skeleton, source))
    found = find_prerequisites(plan, resolution, candidates, records)
    assert {int(item.datasets[int(row)].data_id["patch"]) for item in found[1:] for row in item.dataset} == {0, 1, 2, 3}
    assert "patch" not in records
    further = fetch_further_records(records, found, source)
    assert len(further["patch"]) == 4
    assert len(further["tract"]) == 1
    # What is known is not asked for again.
    assert further["detector"] is records["detector"]
    assert fetch_further_records(further, found, source)["patch"] is further["patch"]


def test_prerequisite_by_a_function_of_the_author(source):
    seen = []

    def look_up(dataset_type, query, data_id, collections):
        seen.append(data_id.records["exposure"].obs_id)
        table = query.fetch_datasets(dataset_type, ["calib/run"])
        return [ref for ref in table if ref.data_id["detector"] == 1 - data_id["detector"]]

    connection = ConnectionPlan(name="bias", dataset_type="bias", lookup_function=look_up)
    plan = with_prerequisite(repository.make_plan(source), "isr", connection, source.types["bias"])
    pruned = build(source, plan)
    (found,) = pruned.prerequisites
    for quantum, dataset in zip(found.quantum, found.dataset, strict=True):
        own = pruned.quanta["isr"][int(quantum)]["detector"]
        assert found.datasets[int(dataset)].data_id["detector"] == 1 - own
    assert sorted(set(seen)) == ["o1", "o2"]


def test_a_missing_reference_catalogue_is_a_matter_of_the_sky(source):
    for pixel in (131072, 131073):
        source.members.setdefault("refcats", []).append(
            (DatasetRef(source.types["refcat"], {"htm7": pixel}, "refcats"), Timespan(None, None))
        )
    source.collections["refcats"] = dataclasses.replace(source.collections["raws"], name="refcats")
    connection = ConnectionPlan(name="refcat", dataset_type="refcat", multiple=True)
    plan = with_prerequisite(repository.make_plan(source), "cal", connection, source.types["refcat"])
    with pytest.raises(MissingPrerequisiteError) as caught:
        build(source, dataclasses.replace(plan, input_collections=("raws", "calib", "refcats")))
    assert caught.value.__notes__[-1] == (
        "2 datasets 'refcat' exist in raws, calib, refcats; none has a pixel (htm7) that touches the region of "
        "{instrument=Cam, detector=0, visit=1}."
    )
    plan = with_prerequisite(plan, "cal", dataclasses.replace(connection, minimum=3), source.types["refcat"])
    with pytest.raises(MissingPrerequisiteError) as caught:
        build(source, dataclasses.replace(plan, input_collections=("raws", "calib", "refcats")))
    assert "too few have a pixel (htm7)" in caught.value.__notes__[-1]


def test_a_function_of_the_author_may_name_a_dataset_twice(source):
    def look_up(dataset_type, query, data_id, collections):
        table = query.fetch_datasets(dataset_type, ["calib/run"])
        return [ref for ref in table if ref.data_id["detector"] == data_id["detector"]] * 2

    connection = ConnectionPlan(name="bias", dataset_type="bias", lookup_function=look_up)
    plan = with_prerequisite(repository.make_plan(source), "isr", connection, source.types["bias"])
    (found,) = build(source, plan).prerequisites
    assert found.quantum.tolist() == [0, 1, 2, 3]


def test_only_datasets_that_are_there_say_when_and_where_quanta_are(source):
    """Two biases, one for each exposure: a task that gathers exposures gets that of the one which was taken."""
    later = source.add("bias", "calib/later", *({"instrument": "Cam", "detector": d} for d in (0, 1)))
    early = [ref for ref, _ in source.members["calib/run"]]
    source.members["calib"] = []
    source.certify("calib", early, Timespan(None, "2026-01-01T00:02:00"))
    source.certify("calib", later, Timespan("2026-01-01T00:02:00", None))
    plan = repository.make_plan(source)
    raw = ConnectionPlan(name="input", dataset_type="raw", multiple=True)
    task = dataclasses.replace(
        plan.tasks["isr"], dimensions=source.universe.conform(["detector"]), inputs=(raw,), temporal_bounds=("input",)
    )
    kinds = {
        c.dataset_type: dataclasses.replace(
            plan.datasets[c.dataset_type],
            dataset_type=DatasetType(c.dataset_type, ["detector"], "StructuredDataDict", universe=source.universe),
        )
        for c in task.outputs
    }
    raws = dataclasses.replace(plan.datasets["raw"], constrains=False)
    plan = dataclasses.replace(
        plan, tasks={"isr": task}, datasets={"raw": raws, "bias": plan.datasets["bias"], **kinds}
    )
    with pytest.raises(AmbiguousPrerequisiteError):
        build(source, plan)
    source.members["raws"] = [(ref, span) for ref, span in source.members["raws"] if ref.data_id["exposure"] == 1]
    (found,) = build(source, plan).prerequisites
    assert {found.datasets[int(d)].run for d in found.dataset} == {"calib/run"}
    source.members["calib"] = source.members["calib"][2:]
    with pytest.raises(MissingPrerequisiteError) as caught:
        build(source, plan)
    assert "It is wanted for [2026-01-01T00:01:00, 2026-01-01T00:01:30)" in caught.value.__notes__[-1]


def test_what_is_always_does_not_say_when_a_quantum_is(source):
    """A bounding connection to something without time leaves the quantum its own."""
    later = source.add("bias", "calib/later", *({"instrument": "Cam", "detector": d} for d in (0, 1)))
    early = [ref for ref, _ in source.members["calib/run"]]
    source.members["calib"] = []
    source.certify("calib", early, Timespan(None, "2026-01-01T00:02:00"))
    source.certify("calib", later, Timespan("2026-01-01T00:02:00", None))
    note = source.register(DatasetType("note", ["detector"], "StructuredDataDict", universe=source.universe))
    source.add("note", "raws", *({"instrument": "Cam", "detector": d} for d in (0, 1)))
    plan = repository.make_plan(source)
    isr = plan.tasks["isr"]
    inputs = (*isr.inputs, ConnectionPlan(name="note", dataset_type="note"))
    tasks = {**plan.tasks, "isr": dataclasses.replace(isr, inputs=inputs, temporal_bounds=("note",))}
    datasets = {**plan.datasets, "note": dataclasses.replace(plan.datasets["raw"], dataset_type=note)}
    pruned = build(source, dataclasses.replace(plan, tasks=tasks, datasets=datasets))
    (found,) = pruned.prerequisites
    assert {
        (pruned.quanta["isr"][int(q)]["exposure"], found.datasets[int(d)].run)
        for q, d in zip(found.quantum, found.dataset, strict=True)
    } == {(1, "calib/run"), (2, "calib/later")}


def test_optional_prerequisite_may_be_missing(source):
    nothing = DatasetType("dark", ["detector"], "StructuredDataDict", is_calibration=True, universe=source.universe)
    connection = ConnectionPlan(name="dark", dataset_type="dark", minimum=0)
    plan = with_prerequisite(repository.make_plan(source), "isr", connection, nothing)
    pruned = build(source, plan)
    assert kept(pruned)["isr"] == 4
    assert all((reasons == KEPT).all() for reasons in pruned.reasons.values())


def test_what_holds_for_all_time_holds_for_an_exposure_of_unknown_time(source):
    for record in source.records["exposure"]:
        record["timespan"] = None
    pruned = build(source, repository.make_plan(source, input_collections=("raws", "calib/run")))
    assert kept(pruned)["isr"] == 4


def test_calibrations_of_all_detectors_for_a_task_of_none(source):
    """A visit has nothing to do with the number of a detector: each detector has its own choice by time."""
    later = source.add("bias", "calib/later", {"instrument": "Cam", "detector": 1})
    source.members["calib"] = []
    early = [ref for ref, _ in source.members["calib/run"]]
    source.certify("calib", early[:1], Timespan(None, None))
    source.certify("calib", early[1:], Timespan(None, "2026-01-01T00:02:00"))
    source.certify("calib", later, Timespan("2026-01-01T00:02:00", None))
    plan = repository.make_plan(source)
    visits = source.universe.conform(["visit"])
    kinds = {
        c.dataset_type: DatasetType(c.dataset_type, visits, "StructuredDataDict", universe=source.universe)
        for c in plan.tasks["warp"].outputs
    }
    datasets = {n: dataclasses.replace(p, dataset_type=kinds[n]) if n in kinds else p for n, p in plan.datasets.items()}
    tasks = {
        "isr": dataclasses.replace(plan.tasks["isr"], prerequisites=()),
        "cal": plan.tasks["cal"],
        "warp": dataclasses.replace(plan.tasks["warp"], dimensions=visits),
    }
    plan = dataclasses.replace(plan, tasks=tasks, datasets=datasets)
    connection = ConnectionPlan(name="bias", dataset_type="bias", is_calibration=True, multiple=True)
    pruned = build(source, with_prerequisite(plan, "warp", connection, source.types["bias"]))
    found = next(found for found in pruned.prerequisites if found.label == "warp")
    chosen = {
        (pruned.quanta["warp"][int(q)]["visit"], found.datasets[int(d)].data_id["detector"], found.datasets[int(d)].run)
        for q, d in zip(found.quantum, found.dataset, strict=True)
    }
    assert chosen == {
        (visit, detector, "calib/later" if visit > 1 and detector == 1 else "calib/run")
        for visit in (1, 2, 3)
        for detector in (0, 1)
    }
    assert len(found.quantum) == 2 * len(pruned.kept("warp"))


def test_calibrations_by_place_and_time(source):
    """Which detectors touch a patch depends on the visit; which of their calibrations are wanted on its time."""
    later = source.add("bias", "calib/later", *({"instrument": "Cam", "detector": d} for d in (0, 1)))
    early = [ref for ref, _ in source.members["calib/run"]]
    source.members["calib"] = []
    source.certify("calib", early, Timespan(None, "2026-01-01T00:02:00"))
    source.certify("calib", later, Timespan("2026-01-01T00:02:00", None))
    connection = ConnectionPlan(name="bias", dataset_type="bias", is_calibration=True, multiple=True)
    pruned = build(source, with_prerequisite(repository.make_plan(source), "warp", connection, source.types["bias"]))
    found = next(found for found in pruned.prerequisites if found.label == "warp")
    chosen = set()
    for q, d in zip(found.quantum, found.dataset, strict=True):
        quantum, bias = pruned.quanta["warp"][int(q)], found.datasets[int(d)]
        chosen.add((quantum["visit"], quantum["patch"], bias.data_id["detector"], bias.run))
    # Detector 0 lies in the western patches, which have even numbers.
    assert chosen == {
        (visit, patch, patch % 2, "calib/run" if visit == 1 else "calib/later")
        for visit in (1, 2)
        for patch in range(4)
    }


def test_an_overall_input_connects_no_tasks(source):
    """Two readers of the raws are built alone: what limits one does not limit the other."""
    plan = repository.make_plan(source)
    isr = plan.tasks["isr"]
    output = ConnectionPlan(name="output", dataset_type="tract_table", minimum=0)
    census = dataclasses.replace(
        plan.tasks["coadd"],
        label="census",
        dimensions=source.universe.conform(["tract", "visit"]),
        inputs=(dataclasses.replace(isr.inputs[0], multiple=True),),
        outputs=(output, *(dataclasses.replace(c, dataset_type=f"census{c.name}") for c in isr.outputs[1:])),
        metadata_type="census_metadata",
    )
    made = {c.dataset_type: census.dimensions for c in census.outputs}
    datasets = {
        **plan.datasets,
        **{
            name: dataclasses.replace(
                plan.datasets["isr_out"],
                producer="census",
                dataset_type=DatasetType(name, dimensions, "StructuredDataDict", universe=source.universe),
            )
            for name, dimensions in made.items()
        },
    }
    both = dataclasses.replace(plan, tasks={"isr": isr, "census": census}, datasets=datasets)
    assert split_independent(both) == [("isr",), ("census",)]
    pruned = build(source, both)
    # Visit 3 lies outside the tract.
    assert kept(pruned) == {"isr": 6, "census": 2}
    (raws,) = [e for e in pruned.edges if e.label == "census" and not e.is_output]
    assert len(raws.dataset) == 4


def test_a_calibration_by_pixel_needs_a_function_of_the_author(source):
    flat = DatasetType("flat", ["htm7"], "StructuredDataDict", is_calibration=True, universe=source.universe)
    connection = ConnectionPlan(name="flat", dataset_type="flat", is_calibration=True, multiple=True)
    plan = with_prerequisite(repository.make_plan(source), "cal", connection, flat)
    with pytest.raises(GraphBuildError, match=r"'cal'.*'flat'.*lookup_function"):
        build(source, plan)


def test_pixels_of_many_quanta_need_no_product(source):
    # A hundred thousand quanta with a hundred thousand datasets: all pairs would need 160 GB.
    count = 100_000
    pixels = np.arange(count, dtype=np.int64) * 7
    wanted = (np.repeat(np.arange(count), 2), np.stack([pixels, pixels + 1], axis=1).reshape(-1))
    quantum, row = _equal_pixels(wanted, np.concatenate([pixels[::-1], pixels[:10]]))
    assert len(quantum) == count + 10
    assert quantum[-1] == count - 1
    assert (np.concatenate([pixels[::-1], pixels[:10]])[row] == 7 * quantum).all()


def test_pixels_are_those_of_all_regions_once(source):
    group = source.universe.conform(["visit", "detector", "patch"])
    plan = repository.make_plan(source)
    skeleton = make_skeleton(plan, fetch_parts(plan, source))
    records = fetch_records(plan, skeleton, source)
    quanta = skeleton.quanta["warp"]
    owner, pixel = pixel_pairs(region_rows(quanta, records), "htm9", group)
    grid = source.universe.pixelization("htm9")
    for row, data_id in enumerate(quanta):
        regions = [
            region_from_bytes(r["region"])
            for name, key in (("visit", "id"), ("patch", "id"))
            for r in source.records[name]
            if r[key] == data_id[name]
        ]
        touched = [{int(i) for begin, end in grid.envelope(region) for i in range(begin, end)} for region in regions]
        assert len(touched) == 2
        # As the region of a data ID is: where the visit and the patch overlap.
        assert pixel[owner == row].tolist() == sorted(set.intersection(*touched))
        assert set.intersection(*touched) not in ({*()}, *touched)
