# SPDX-License-Identifier: BSD-3-Clause
"""Repositories whose dimensions are not the default ones: a fibre spectrograph's, and a laboratory's."""

import json
import subprocess
import sys

import pytest

from pachon.butler import Butler
from pachon.ctrl_mpexec import run_quantum_graph
from pachon.ctrl_mpexec.testing.other_universes import FIBRE_PIPELINE, FIBRES, LABORATORY, LABORATORY_PIPELINE
from pachon.datasets import CollectionType, DatasetType
from pachon.dimensions import DimensionUniverse, Timespan
from pachon.pipe_base.connections import MissingPrerequisiteError
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.pipeline import Pipeline
from pachon.quantum_butler import DatasetState, QuantumGraph

PIPETASK = [sys.executable, "-c", "from pachon.ctrl_mpexec.program import main; main()"]
DATA = "StructuredDataDict"
SHOTS = [
    # shot, plate, night
    (1, 7, 20260101),
    (2, 7, 20260101),
    (3, 8, 20260102),
]


def pipetask(*arguments, check=0):
    done = subprocess.run([*PIPETASK, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == check, done.stderr
    return done


@pytest.fixture
def fibres(tmp_path):
    """Two spectrographs with the same numbers; shots of A and one of B; traces by time in two collections."""
    with Butler.create(str(tmp_path / "fibres"), universe=DimensionUniverse.from_document(FIBRES)) as butler:
        insert = butler.dimension_records.insert
        insert("spectrograph", [{"name": name} for name in "AB"])
        insert("arm", [{"spectrograph": s, "name": arm} for s in "AB" for arm in ("blue", "red")])
        insert("plate", [{"spectrograph": s, "id": plate} for s in "AB" for plate in (7, 8)])
        insert("fibre", [{"spectrograph": s, "plate": p, "id": f} for s in "AB" for p in (7, 8) for f in range(3)])
        insert("night", [{"id": 20260101}, {"id": 20260102}])
        insert(
            "shot",
            [
                {
                    "spectrograph": s, "id": shot, "plate": plate, "night": night,
                    "timespan": Timespan(f"2026-01-0{shot}T00:00:00", f"2026-01-0{shot}T00:10:00"),
                }
                for s in "AB" for shot, plate, night in SHOTS
            ],
        )  # fmt: skip
        types = {"raw": ["shot", "arm"], "plug_map": ["plate"]}
        for name, dimensions in types.items():
            butler.dataset_types.register(DatasetType(name, dimensions, DATA, universe=butler.universe))
        butler.dataset_types.register(
            DatasetType("trace", ["arm"], DATA, is_calibration=True, universe=butler.universe)
        )
        butler.put_many(
            [
                ({"value": 100 * shot}, "raw", {"spectrograph": s, "shot": shot, "arm": arm})
                for s in "AB" for shot, _, _ in SHOTS for arm in ("blue", "red") if s == "A" or shot == 1
            ],
            run="raws",
        )  # fmt: skip
        butler.put_many(
            [({"value": plate}, "plug_map", {"spectrograph": s, "plate": plate}) for s in "AB" for plate in (7, 8)],
            run="plates",
        )
        for run, value, begin, end in (
            ("old", 1000, None, "2026-01-02T00:00:00"),
            ("new", 2000, "2026-01-02T00:00:00", None),
            ("fallback", 3000, None, None),
        ):
            refs = butler.put_many(
                [({"value": value}, "trace", {"spectrograph": s, "arm": a}) for s in "AB" for a in ("blue", "red")],
                run=f"traces/{run}",
            )
            collection = "late" if run == "fallback" else "calib"
            butler.collections.register(collection, CollectionType.CALIBRATION)
            butler.collections.certify(collection, refs, Timespan(begin, end))
        butler.collections.register("defaults", CollectionType.CHAINED)
        butler.collections.set_chain("defaults", ["raws", "plates", "calib", "late"])
    return tmp_path / "fibres"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_fibre_spectrograph(fibres, tmp_path, processes):
    pipeline, graph = tmp_path / "p.yaml", tmp_path / "g.qg"
    pipeline.write_text(FIBRE_PIPELINE)
    common = ("-b", fibres, "-p", pipeline, "-j", processes, "--register-dataset-types")
    pipetask("run", *common, "-i", "defaults", "-o", "me", "-q", graph, "-d", "spectrograph='A'")
    report = json.loads(pipetask("report", fibres, graph, "--json").stdout)
    expected = {"extract": 6, "fibres": 9, "nights": 2, "census": 1}
    assert {label: task["n_successful"] for label, task in report["tasks"].items()} == expected
    with Butler.open(str(fibres), collections=["me"]) as butler:
        values = {shot: butler.get("spectra", spectrograph="A", shot=shot, arm="red")["value"] for shot, _, _ in SHOTS}
        # A trace ends as the next begins; shot 2 begins at that very time.
        assert values == {1: 1107, 2: 2207, 3: 2308}
        spectrum = butler.get("spectrum", spectrograph="A", shot=3, fibre=2)
        assert spectrum == {"value": 2 * 2308, "count": 2}
        assert butler.get("night_total", night=20260101) == {"value": 3 * 2 * (1107 + 2207), "count": 6}
        assert butler.get("census") == {"value": 6 * (1107 + 2207 + 2308), "count": 2}
    assert "Nothing to do" in pipetask("run", *common, "-o", "me", "--extend-run", "-d", "spectrograph='A'").stderr


def test_two_spectrographs_share_nights(fibres):
    with Butler.open(str(fibres), writeable=True) as butler:
        pipeline = Pipeline.from_yaml(FIBRE_PIPELINE)
        graph = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="both")
        assert graph.task_counts() == {"extract": 8, "fibres": 12, "nights": 2, "census": 1}
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
        assert run_quantum_graph(graph, butler).is_success
        total = butler.get("night_total", night=20260101, collections=["both"])
        assert total == {"value": 3 * 2 * (2 * 1107 + 2207), "count": 9}


def test_a_calibration_that_is_missing_is_explained(fibres):
    with Butler.open(str(fibres)) as butler, pytest.raises(MissingPrerequisiteError) as caught:
        build_quantum_graph(
            Pipeline.from_yaml(FIBRE_PIPELINE), butler, input_collections=["raws", "calib"], output_run="both"
        )
    assert "plug_map" in str(caught.value)


def _laboratory(tmp_path):
    root = tmp_path / "laboratory"
    with Butler.create(str(root), universe=LABORATORY) as butler:
        butler.dimension_records.insert("sample", [{"name": "s1"}, {"name": "s2"}])
        butler.dimension_records.insert("device", [{"name": "scale"}, {"name": "ruler"}, {"name": "clock"}])
        butler.dimension_records.insert(
            "measurement",
            [{"sample": s, "id": n, "device": d} for s in ("s1", "s2") for n, d in ((1, "scale"), (2, "ruler"))],
        )
        butler.dataset_types.register(DatasetType("value", ["measurement"], DATA, universe=butler.universe))
        butler.put_many(
            [({"value": n}, "value", {"sample": s, "measurement": n}) for s in ("s1", "s2") for n in (1, 2)],
            run="values",
        )
    return root


def test_a_laboratory(tmp_path):
    root, pipeline = _laboratory(tmp_path), tmp_path / "p.yaml"
    pipeline.write_text(LABORATORY_PIPELINE)
    common = ("-b", root, "-p", pipeline, "--register-dataset-types", "-o", "me")
    pipetask("run", *common, "-i", "values", "-j", 2)
    with Butler.open(str(root), collections=["me"]) as butler:
        assert butler.get("result", sample="s2", measurement=2) == {"value": 10, "unit": "kg"}
        devices = {ref.data_id["device"] for ref in butler.query_datasets("recipe")}
        # All data IDs of a part come from one query: a device without a value has no recipe.
        assert devices == {"scale", "ruler"}
    # Without its reader the task has no inputs at all: every device counts.
    pipetask("run", "-b", root, "-p", f"{pipeline}#recipe", "-i", "values", "-o", "alone")
    with Butler.open(str(root), collections=["alone"]) as butler:
        assert {ref.data_id["device"] for ref in butler.query_datasets("recipe")} == {"scale", "ruler", "clock"}


def _in_batch(root, graph, *, again):
    """Run a graph as batch jobs do, one quantum a job, and register what they wrote."""
    pipetask("pre-exec-init-qbb", root, graph)
    opened = QuantumGraph.open(str(graph))
    ids = list(opened)
    # Jobs of one process each would take long: the quanta of a task are a job.
    for label in opened.task_counts():
        chosen = [str(quantum.id) for quantum in opened.iter_quanta(label)]
        pipetask("run-qbb", root, graph, "--qgraph-node-id", ",".join(chosen))
    assert ids
    with Butler.open(str(root), writeable=True) as butler:
        written = butler.transfer_from_graph(
            str(graph), register_dataset_types=True, dimension_records=True, update_output_chain=True
        )
        assert written == sum(opened.dataset_counts()[name] for name in _outputs(opened))
        assert butler.transfer_from_graph(str(graph)) == 0
        refs = list(butler.query_all_datasets(opened.header.output_run))
        predicted = {ref.id for name in _outputs(opened) for ref in opened.datasets(name)}
        assert {ref.id for ref in refs} == predicted
        assert all(butler.exists_many(refs, verify=True).values())
        rest = build_quantum_graph(
            again, butler, input_collections=["me"], output_run="me/again", skip_existing_in=["me"]
        )
        assert len(rest) == 0
        assert rest.explain().nothing_to_do


def _outputs(graph):
    return [n for n in graph.dataset_types if (graph.dataset_states(n) != DatasetState.EXISTING).any()]


def test_a_fibre_spectrograph_in_batch(fibres, tmp_path):
    pipeline, graph = tmp_path / "p.yaml", tmp_path / "g.qg"
    pipeline.write_text(FIBRE_PIPELINE)
    pipetask("qgraph", "-b", fibres, "-p", pipeline, "-i", "defaults", "-o", "me", "-q", graph)
    _in_batch(fibres, graph, again=Pipeline.read(str(pipeline)))
    with Butler.open(str(fibres), collections=["me"]) as butler:
        assert butler.get("night_total", night=20260101) == {"value": 3 * 2 * (2 * 1107 + 2207), "count": 9}
        assert butler.get("census")["count"] == 2


def test_only_what_is_missing_of_a_fibre_spectrograph_runs_again(fibres):
    """Skipping, with a gather and a calibration that follows the time: one lost shot is extracted again, and what needs it."""
    pipeline = Pipeline.from_yaml(FIBRE_PIPELINE)
    with Butler.open(str(fibres), writeable=True) as butler:
        first = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="first")
        for dataset_type in first.dataset_types.values():
            butler.dataset_types.register(dataset_type)
        assert run_quantum_graph(first, butler).is_success
        lost = {"spectrograph": "A", "shot": 2}
        gone = [
            ref
            for name in ("spectra", "extract_metadata", "spectrum", "fibres_metadata", "night_total", "nights_metadata")
            for ref in butler.query_datasets(name, collections=["first"])
            if all(ref.data_id.get(n, v) == v for n, v in lost.items())
            and ref.data_id.get("night", 20260101) == 20260101
        ]
        butler.prune(gone, unstore=True, purge=True)
        second = build_quantum_graph(
            pipeline, butler, input_collections=["first", "defaults"], output_run="second", skip_existing_in=["first"]
        )
        # Shot 2 has two arms and three fibres; its night is summed again, and the census is done.
        assert second.task_counts() == {"extract": 2, "fibres": 3, "nights": 1}
        assert second.explain("extract", shot=1).tasks[0].kept == 0
        (night,) = second.iter_quanta("nights")
        assert sorted((ref.data_id["shot"], ref.run) for ref in night.inputs["spectra"]) == sorted(
            [(1, "first")] * 6 + [(2, "second")] * 3
        )
        assert run_quantum_graph(second, butler).is_success
        total = butler.get("night_total", night=20260101, collections=["second"])
        assert total == {"value": 3 * 2 * (2 * 1107 + 2207), "count": 9}


def test_a_laboratory_in_batch(tmp_path):
    root, graph = _laboratory(tmp_path), tmp_path / "g.qg"
    (tmp_path / "p.yaml").write_text(LABORATORY_PIPELINE)
    pipetask("qgraph", "-b", root, "-p", tmp_path / "p.yaml", "-i", "values", "-o", "me", "-q", graph)
    _in_batch(root, graph, again=Pipeline.from_yaml(LABORATORY_PIPELINE))
    with Butler.open(str(root), collections=["me"]) as butler:
        assert butler.get("result", sample="s2", measurement=2) == {"value": 10, "unit": "kg"}
