# SPDX-License-Identifier: BSD-3-Clause
"""The calls that the pages of ``docs/walks`` describe: ``python walked_calls.py NAME FOLDER`` makes one and prints, as JSON, what it executed.

Each call is made in a process of its own: what other tests configured (logging) or filled (caches) would change what is executed.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from pachon.butler import Butler
from pachon.butler.testing.example_repository import make_example_repository
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.ctrl_mpexec.worker import QuantumWorker
from pachon.pipe_base import Pipeline
from pachon.pipe_base.execution.outcome import QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.graph_builder.build import build_quantum_graph

TOP = Path(__file__).resolve().parents[1]
IGNORED = re.compile(r"\w+/testing/")
"""Code of the test repositories."""

Call = Callable[[], object]


def short(path: str) -> str:
    """Turn ``packages/x/src/pachon/x/y.py`` into ``x/y.py``."""
    return re.sub(r"^(?:packages/)?(\w+)/src/pachon/\1/", r"\1/", path)


def trace(call: Call) -> list[str]:
    """Give the files of our packages that a call executes, in the order in which it comes to them."""
    packages = str(TOP / "packages") + os.sep
    found: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_name != "<module>" and frame.f_code.co_filename.startswith(packages):
            found.setdefault(short(frame.f_code.co_filename.removeprefix(packages)))

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        call()
    finally:
        sys.setprofile(before)
    return [path for path in found if not IGNORED.match(path)]


def example(folder: Path) -> Butler:
    make_example_repository(folder / "repo").close()
    return Butler.open(str(folder / "repo"), writeable=True)


def numbers(folder: Path) -> Butler:
    make_repository(folder / "repo")
    return Butler.open(str(folder / "repo"), writeable=True)


def pipeline(folder: Path) -> Pipeline:
    (folder / "pipeline.yaml").write_text(PIPELINE)
    return Pipeline.read(str(folder / "pipeline.yaml"))


def put_gain(butler: Butler, detector: int) -> None:
    butler.put({"electrons": 1.4}, "gain", instrument="Cam", detector=detector, run="calib/one")


def put(folder: Path) -> list[str]:
    with example(folder) as butler:
        put_gain(butler, 0)
        return trace(lambda: put_gain(butler, 1))


def get(folder: Path) -> list[str]:
    with example(folder) as butler:
        put_gain(butler, 1)

        def call() -> Any:
            return butler.get("gain", instrument="Cam", detector=1, collections="calib/one")

        assert call() == {"electrons": 1.4}
        return trace(call)


def prune(folder: Path) -> list[str]:
    with example(folder) as butler:
        for detector in (0, 1):
            put_gain(butler, detector)
        first, second = butler.query_datasets("gain", collections="calib/one")
        butler.prune([first], purge=True)
        executed = trace(lambda: butler.prune([second], purge=True))
        assert not butler.exists(second)
        return executed


def query(folder: Path) -> list[str]:
    with example(folder) as butler:
        for exposure in (1, 2, 3, 4):
            butler.put({"value": exposure}, "raw", instrument="Cam", exposure=exposure, detector=1, run="Cam/raw/all")

        def call(where: str) -> int:
            return len(butler.query_datasets("raw", collections="Cam/raw/all", where=where))

        # Of a second query of the same form the statement would be known.
        assert call("instrument = 'Cam' AND exposure.seq_num = 1") == 2
        return trace(lambda: call("instrument = 'Cam' AND exposure.seq_num > 1"))


def graph_build(folder: Path) -> list[str]:
    with numbers(folder) as butler:
        tasks = pipeline(folder)

        def call() -> int:
            return len(build_quantum_graph(tasks, butler, input_collections="defaults", output_run="me/run"))

        assert call() == 15
        return trace(call)


def one_quantum(folder: Path) -> list[str]:
    with numbers(folder) as butler:
        graph = build_quantum_graph(pipeline(folder), butler, input_collections="defaults", output_run="me/run")
        graph.write(str(folder / "graph.qg"))
        worker = QuantumWorker(str(folder / "graph.qg"), ExecutionOptions())
        first, second, *_ = graph.quanta("correct").uuids()
        worker.run(first)

        def call() -> None:
            assert worker.run(second).outcome.status is QuantumStatus.SUCCESS

        return trace(call)


CALLS: dict[str, Callable[[Path], list[str]]] = {
    "put": put,
    "get": get,
    "prune": prune,
    "query": query,
    "graph-build": graph_build,
    "one-quantum": one_quantum,
}


if __name__ == "__main__":
    print(json.dumps(CALLS[sys.argv[1]](Path(sys.argv[2]))))
