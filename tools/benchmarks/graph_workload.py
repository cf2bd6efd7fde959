# SPDX-License-Identifier: BSD-3-Clause
"""Quantum graphs of the benchmark's five tasks at any size: fill a repository, build, write, read. Each act is a process of its own.

usage: graph_workload.py fill|build|read|inputs|outputs|transfer FOLDER OUT.json [--visits N] [--detectors D] [--db URL]
(through tools/bench --graph)

Writes {"T": seconds, "CPU": the same by the processor time of this process, "C": counts, "MB": peaks of memory}.
"""

import argparse
import json
import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from phases import peak_megabytes

LINKS = 50_000
"""Names that one file may have, within what file systems allow."""
CLUSTER = 1_000
AGAIN = 100_000
"""Quanta up to which a build is repeated."""
RECEIPT = 10_000
"""Datasets that one job writes, in the measurement of the transfer."""
TASKS = {"isr": "Isr", "cal": "Cal", "visit_summary": "Visit", "warp": "Warp", "coadd": "Coadd"}
WHERE = "instrument='Cam' and skymap='sky'"


class Measured:
    """Times by the clock and by the processor, and counts."""

    def __init__(self) -> None:
        self.document: dict[str, dict[str, Any]] = {"T": {}, "CPU": {}, "C": {}, "MB": {}}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Time the body."""
        start, busy = time.perf_counter(), time.process_time()
        yield
        clock, cpu = time.perf_counter() - start, time.process_time() - busy
        self.document["T"][name], self.document["CPU"][name] = clock, cpu
        self.document["MB"][name] = peak_megabytes()
        print(
            f"  {name:28s} {clock:9.3f} s {cpu:9.3f} s of CPU {peak_megabytes():7.0f} MB", file=sys.stderr, flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("act", choices=("fill", "build", "read", "inputs", "outputs", "transfer"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--visits", type=int, default=20)
    parser.add_argument("--detectors", type=int, default=30)
    parser.add_argument("--db")
    options = parser.parse_args()
    measured = Measured()
    if options.act == "fill":
        fill(measured, options.folder, options.visits, options.detectors, options.db)
    else:
        acts = {"build": build, "read": read, "inputs": graph_inputs, "outputs": write_outputs, "transfer": transfer}
        acts[options.act](measured, options.folder)
    options.out.write_text(json.dumps(measured.document, indent=1))


def fill(measured: Measured, folder: Path, visits: int, detectors: int, db: str | None) -> None:
    """Make a repository with a raw of every detector of every visit, and a bias of every detector."""
    import numpy as np
    from workload import insert_dimensions

    from pachon.butler import Butler
    from pachon.datasets import CollectionType, DatasetType, FileTable
    from pachon.dimensions import Timespan

    with Butler.create(str(folder / "repo"), database=db) as butler:
        with measured.phase("insert_dimensions"):
            insert_dimensions(butler, visits, detectors)
        for name, dimensions, calibration in (
            ("raw", ("instrument", "exposure", "detector"), False),
            ("bias", ("instrument", "detector"), True),
        ):
            butler.dataset_types.register(
                DatasetType(
                    name, dimensions, "StructuredDataDict", is_calibration=calibration, universe=butler.universe
                )
            )
        with measured.phase("ingest_raws"):
            exposure = 1000 + np.repeat(np.arange(visits), detectors)
            detector = np.tile(np.arange(detectors), visits)
            paths = list(_link_files(folder / "repo" / "in", visits * detectors, detectors))
            columns = {"instrument": "Cam", "exposure": exposure, "detector": detector}
            butler.ingest(
                FileTable(paths, dataset_type="raw", data_ids=columns), run="raw/all", transfer=None, checksum=False
            )
        biases = butler.put_many(
            [({"v": 1}, "bias", {"instrument": "Cam", "detector": d}) for d in range(detectors)], run="calib/run"
        )
        butler.collections.register("calib", CollectionType.CALIBRATION)
        butler.collections.certify("calib", biases, Timespan(None, None))
        butler.collections.register("defaults", CollectionType.CHAINED)
        butler.collections.set_chain("defaults", ["raw/all", "calib"])
    measured.document["C"]["raws"] = len(paths)


def _link_files(folder: Path, count: int, each: int) -> Iterator[str]:
    """Make names of one small file, a folder a visit."""
    folder.mkdir(parents=True)
    for number in range(count):
        if number % LINKS == 0:
            source = folder / f"source{number}.yaml"
            source.write_text("v: 1\n")
        visit, detector = divmod(number, each)
        if detector == 0:
            (folder / str(visit)).mkdir()
        path = f"{folder}/{visit}/{detector}.yaml"
        os.link(source, path)
        yield path


def build(measured: Measured, folder: Path) -> None:
    """Build the graph and write it; a small one is built again, as LSST's side builds in a process that has worked before."""
    with measured.phase("import"):
        from pachon.butler import Butler
        from pachon.pipe_base import Pipeline, build_quantum_graph

    file = folder / "pipeline.yaml"
    lines = [f"  {label}: benchmark_tasks.{name}Task" for label, name in TASKS.items()]
    file.write_text("\n".join(["description: bench", "tasks:", *lines, ""]))

    def build_one() -> Any:
        return build_quantum_graph(
            Pipeline.read(str(file)), butler, where=WHERE, input_collections=["defaults"], output_run="u/out/1"
        )

    path = folder / "graph.qg"
    with Butler.open(str(folder / "repo")) as butler:
        measured.document["MB"]["before"] = peak_megabytes()
        with measured.phase("build"):
            graph = build_one()
        with measured.phase("write"):
            graph.write(str(path), overwrite=True)
        if len(graph) < AGAIN:
            with measured.phase("build_again"):
                build_one()
    counts = measured.document["C"]
    counts |= {"quanta": len(graph), "quanta_by_task": graph.task_counts(), "bytes": path.stat().st_size}
    counts["datasets"] = sum(graph.dataset_counts().values())
    quantum, _ = graph.connection_rows("warp", "pvis")
    counts["warp_inputs"] = len(quantum)


def read(measured: Measured, folder: Path) -> None:
    """Open the file, read one quantum, clusters of neighbours, and all columns."""
    from pachon.quantum_butler import QuantumGraph

    path = str(folder / "graph.qg")
    # What a process loads once is not the cost of a graph.
    first = QuantumGraph.open(path)
    label = "warp"
    ids = first.quanta(label).ids
    first.quantum(uuid.UUID(bytes=ids[0].tobytes()))
    with measured.phase("open"):
        graph = QuantumGraph.open(path)
    with measured.phase("one_quantum"):
        quantum = graph.quantum(uuid.UUID(bytes=ids[len(ids) // 2].tobytes()))
        sum(len(refs) for refs in quantum.inputs.values())
    fresh = QuantumGraph.open(path)
    with measured.phase("one_quantum_open"):
        fresh = QuantumGraph.open(path)
        fresh.quantum(uuid.UUID(bytes=ids[len(ids) // 3].tobytes()))
    with measured.phase("cluster"):
        part = QuantumGraph.open(path).subset(uuid.UUID(bytes=key.tobytes()) for key in ids[:CLUSTER])
    measured.document["C"]["cluster"] = len(part)
    with measured.phase("load"):
        loaded = QuantumGraph.open(path).loaded()
    measured.document["C"]["quanta"] = len(loaded)


def graph_inputs(measured: Measured, folder: Path) -> None:
    """Say what each quantum reads, as `peer_graph_inputs` does for LSST's side."""
    from pachon.quantum_butler import QuantumGraph

    quanta: dict[str, list[Any]] = {}
    for quantum in QuantumGraph.open(str(folder / "graph.qg")).loaded().iter_quanta():
        inputs: dict[str, list[Any]] = {}
        for refs in quantum.inputs.values():
            for ref in refs:
                inputs.setdefault(ref.dataset_type.name, []).append(_items(ref.data_id))
        own = sorted((name, sorted(rows)) for name, rows in inputs.items())
        quanta.setdefault(quantum.task_label, []).append((_items(quantum.data_id), own))
    measured.document["inputs"] = {label: sorted(rows) for label, rows in quanta.items()}


def _items(data_id: Any) -> list[tuple[str, Any]]:
    return sorted(data_id.required.items())


def write_outputs(measured: Measured, folder: Path) -> None:
    """Leave what jobs leave behind: a file for each output, and a receipt for each ten thousand; the files are names of one."""
    import numpy as np

    from pachon.datastore import FileRecords
    from pachon.datastore.file_store import checksum_of_file
    from pachon.quantum_butler import DatasetState, QuantumBackedButler, QuantumGraph, Receipt
    from pachon.quantum_butler.receipt import write_receipt

    graph = QuantumGraph.open(str(folder / "graph.qg")).loaded()
    repository, count, made = folder / "repo", 0, set()
    with QuantumBackedButler.from_graph(graph, quanta=()) as butler, measured.phase("outputs"):
        for name in graph.dataset_types:
            rows = np.flatnonzero(graph.dataset_states(name) != DatasetState.EXISTING)
            for start in range(0, len(rows), RECEIPT):
                files = butler.datastore.predicted_records(graph.refs(name, rows[start : start + RECEIPT]))
                for path in files.path.tolist():
                    if count % LINKS == 0:
                        source = repository / f"source{count}.yaml"
                        source.write_text("v: 1\n")
                    place = f"{repository}/{path}"
                    parent = place.rpartition("/")[0]
                    if parent not in made:
                        os.makedirs(parent, exist_ok=True)
                        made.add(parent)
                    os.link(source, place)
                    count += 1
                told = {
                    "size": [source.stat().st_size] * len(files),
                    "checksum": [checksum_of_file(str(source))] * len(files),
                }
                receipt = Receipt(
                    graph_id=graph.header.graph_id,
                    run=graph.header.output_run,
                    quanta=(),
                    records=FileRecords.from_columns(files.columns() | told),
                )
                write_receipt(butler.root, receipt)
    measured.document["C"]["outputs"] = count


def transfer(measured: Measured, folder: Path) -> None:
    """Register all outputs."""
    from pachon.butler import Butler

    with Butler.open(str(folder / "repo"), writeable=True) as butler:
        with measured.phase("transfer"):
            number = butler.transfer_from_graph(str(folder / "graph.qg"), register_dataset_types=True)
        with measured.phase("transfer_again"):
            again = butler.transfer_from_graph(str(folder / "graph.qg"))
    measured.document["C"] |= {"transferred": number, "transferred_again": again}


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    main()
