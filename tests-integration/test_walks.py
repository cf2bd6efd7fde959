# SPDX-License-Identifier: BSD-3-Clause
"""The walks in ``docs/walks`` are true: the call that each describes is made, and what it executes is compared with the page.

A walk lists, in reading order, the files that decide what the call does: fewer than 15. Below, the section "Also executed"
names the rest, by package. A module that runs and is in neither list makes the test fail, and so does a name that no longer runs.
If a file is new on the way, add it to the page; if the list gets too long for that, the code is what should be mended.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from pachon.butler import Butler
from pachon.butler.testing.example_repository import make_example_repository
from pachon.ctrl_mpexec.testing.repository import PIPELINE, make_repository
from pachon.ctrl_mpexec.worker import QuantumWorker
from pachon.pipe_base import Pipeline
from pachon.pipe_base.execution.outcome import QuantumStatus
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.graph_builder.build import build_quantum_graph

TOP = Path(__file__).resolve().parents[1]
WALKS = TOP / "docs" / "walks"
MOST_FILES = 14
IGNORED = re.compile(r"\w+/testing/")
"""Code of the test repositories."""

Call = Callable[[], object]


@dataclass(frozen=True)
class Walk:
    """What a page says."""

    listed: tuple[str, ...]
    """Files of the table, in order, as ``package/path.py``."""
    conditional: frozenset[str]
    """Those of which the table says that they run only in some cases."""
    also: tuple[str, ...]
    """Beginnings of paths, from the section "Also executed"."""


def short(path: str) -> str:
    """Turn ``packages/x/src/pachon/x/y.py`` into ``x/y.py``."""
    return re.sub(r"^(?:packages/)?(\w+)/src/pachon/\1/", r"\1/", path)


def read_walk(name: str) -> Walk:
    text = (WALKS / f"{name}.md").read_text(encoding="utf-8")
    table, _, rest = text.partition("## Also executed")
    rows = re.findall(r"^\| \d+ \| `([^`]+)` \| (.*) \|$", table, re.MULTILINE)
    also: list[str] = []
    for package, names in re.findall(r"^\* `(\w+)`: (.*(?:\n  .*)*)", rest, re.MULTILINE):
        parts = re.findall(r"`([^`]+)`", names)
        also += [f"{package}/{part}" if part.endswith("/") else f"{package}/{part}.py" for part in parts]
        if not parts:
            also.append(f"{package}/")
    return Walk(
        listed=tuple(short(path) for path, _ in rows),
        conditional=frozenset(short(path) for path, words in rows if words.startswith("Only ")),
        also=tuple(also),
    )


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


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[Butler]:
    make_example_repository(tmp_path / "repo").close()
    with Butler.open(str(tmp_path / "repo"), writeable=True) as butler:
        yield butler


@pytest.fixture
def numbers(tmp_path: Path) -> Iterator[Butler]:
    make_repository(tmp_path / "repo")
    with Butler.open(str(tmp_path / "repo"), writeable=True) as butler:
        yield butler


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    (tmp_path / "pipeline.yaml").write_text(PIPELINE)
    return Pipeline.read(str(tmp_path / "pipeline.yaml"))


def check(name: str, call: Call) -> None:
    walk, executed = read_walk(name), trace(call)
    assert walk.listed, "the page has no table of files"
    assert len(walk.listed) <= MOST_FILES
    assert len(set(walk.listed)) == len(walk.listed)
    page = f"docs/walks/{name}.md"
    idle = [path for path in walk.listed if path not in executed and path not in walk.conditional]
    assert not idle, f"{page} lists what the call does not execute: {idle}"
    unnamed = [path for path in executed if path not in walk.listed and not path.startswith(walk.also)]
    assert not unnamed, f"{page} does not name what the call executes: {unnamed}"
    gone = [beginning for beginning in walk.also if not any(path.startswith(beginning) for path in executed)]
    assert not gone, f'{page}, "Also executed", names what the call does not execute: {gone}'


def put_gain(butler: Butler, detector: int) -> None:
    butler.put({"electrons": 1.4}, "gain", instrument="Cam", detector=detector, run="calib/one")


def test_put(repository: Butler) -> None:
    put_gain(repository, 0)
    check("put", lambda: put_gain(repository, 1))


def test_get(repository: Butler) -> None:
    put_gain(repository, 1)

    def get() -> Any:
        return repository.get("gain", instrument="Cam", detector=1, collections="calib/one")

    assert get() == {"electrons": 1.4}
    check("get", get)


def test_prune(repository: Butler) -> None:
    for detector in (0, 1):
        put_gain(repository, detector)
    first, second = repository.query_datasets("gain", collections="calib/one")
    repository.prune([first], purge=True)
    check("prune", lambda: repository.prune([second], purge=True))
    assert not repository.exists(second)


def test_query(repository: Butler) -> None:
    for exposure in (1, 2, 3, 4):
        repository.put({"value": exposure}, "raw", instrument="Cam", exposure=exposure, detector=1, run="Cam/raw/all")

    def query() -> int:
        where = "instrument = 'Cam' AND exposure.seq_num > 1"
        return len(repository.query_datasets("raw", collections="Cam/raw/all", where=where))

    assert query() == 2
    check("query", query)


def test_graph_build(numbers: Butler, pipeline: Pipeline) -> None:
    def build() -> int:
        return len(build_quantum_graph(pipeline, numbers, input_collections="defaults", output_run="me/run"))

    assert build() == 15
    check("graph-build", build)


def test_one_quantum(numbers: Butler, pipeline: Pipeline, tmp_path: Path) -> None:
    graph = build_quantum_graph(pipeline, numbers, input_collections="defaults", output_run="me/run")
    graph.write(str(tmp_path / "graph.qg"))
    worker = QuantumWorker(str(tmp_path / "graph.qg"), ExecutionOptions())
    first, second, *_ = graph.quanta("correct").uuids()
    worker.run(first)
    check("one-quantum", lambda: worker.run(second).outcome.status is QuantumStatus.SUCCESS)
