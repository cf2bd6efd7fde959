# SPDX-License-Identifier: BSD-3-Clause
"""Damaged graph files, given to the commands that read graphs: one clear error each, never a wrong graph.

``PACHON_TEST_VOLUME=10`` damages ten times as many files, each time others.
"""

import os
import random
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pachon.butler import Butler
from pachon.ctrl_mpexec.testing.sky_survey import make_survey
from pachon.dimensions.testing.volume import VARIABLE
from pachon.pipe_base import Pipeline, build_quantum_graph
from pachon.quantum_butler import GraphFileError, QuantumGraph
from pachon.quantum_butler.column_file.layout import MAJOR_VERSION, TRAILER_SIZE, Trailer

VOLUME = float(os.environ.get(VARIABLE, "0") or 0)
FILES = round(50 * (VOLUME or 1))


def command(name: str) -> click.Command:
    (entry,) = (
        e for group in ("pipetask", "butler") for e in entry_points(group=f"pachon.{group}.commands", name=name)
    )
    loaded: click.Command = entry.load()
    return loaded


COMMANDS: dict[str, Callable[[str, str], list[str]]] = {
    "run": lambda graph, repository: ["-b", repository, "-g", graph],
    "qgraph": lambda graph, repository: ["-b", repository, "-g", graph, "--explain"],
    "run-qbb": lambda graph, repository: [repository, graph],
    "pre-exec-init-qbb": lambda graph, repository: [repository, graph],
    "report": lambda graph, repository: [repository, graph],
    "update-graph-run": lambda graph, repository: [graph, "me/new", f"{graph}.new.qg"],
    "transfer-from-graph": lambda graph, repository: [graph, repository],
    "aggregate-graph": lambda graph, repository: [graph, repository, "--dry-run"],
}


def damaged(good: bytes, rng: random.Random) -> bytes:
    """Damage the content of a file in one of the ways in which files are damaged."""
    data, place = bytearray(good), rng.randrange(len(good))
    match rng.choice(("cut", "bit", "zeros", "more", "less", "other bytes", "swapped", "end", "begin")):
        case "cut":
            del data[place:]
        case "bit":
            data[place] ^= 1 << rng.randrange(8)
        case "zeros":
            end = min(len(data), place + rng.choice((8, 64, 512)))
            data[place:end] = bytes(end - place)
        case "more":
            data[place:place] = rng.randbytes(rng.choice((1, 7, 100)))
        case "less":
            del data[place : place + rng.choice((1, 7, 100))]
        case "other bytes":
            data[place : place + 16] = rng.randbytes(16)
        case "swapped":
            other = rng.randrange(len(data))
            first, second = bytes(data[place : place + 64]), bytes(data[other : other + 64])
            data[place : place + len(second)] = second
            data[other : other + len(first)] = first
        case "end":
            data += rng.randbytes(rng.choice((1, 20)))
        case "begin":
            data[: place % 32] = rng.randbytes(place % 32)
    return bytes(data)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a repository and a graph of it."""
    folder = tmp_path_factory.mktemp("graphs")
    make_survey(folder / "repo", visits=1)
    with Butler.open(str(folder / "repo"), writeable=True) as butler:
        pipeline = Pipeline.empty().with_task("isr", "pachon.ctrl_mpexec.testing.sky_survey.IsrTask")
        where = "instrument = 'Cam'"
        graph = build_quantum_graph(pipeline, butler, input_collections="defaults", output_run="me/run", where=where)
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
    graph.write(folder / "good.qg")
    return folder


def files_below(folder: Path) -> set[str]:
    """Give datasets and receipts; locks, and what SQLite has beside its file, come and go."""
    return {str(path) for path in folder.rglob("*") if path.suffix in (".yaml", ".json", ".receipt", ".qg")}


def test_damage_is_noticed(workplace: Path) -> None:
    good = (workplace / "good.qg").read_bytes()
    rng = random.Random(os.urandom(8) if VOLUME else 11)
    for number in range(FILES):
        file = workplace / f"{number}.qg"
        file.write_bytes(damaged(good, rng))
        if file.read_bytes() == good:
            continue
        name = rng.choice(list(COMMANDS))
        before = files_below(workplace / "repo")
        done = CliRunner().invoke(command(name), COMMANDS[name](str(file), str(workplace / "repo")))
        if done.exception is None:
            # It went by without what is damaged: the blocks that it read have the right checksums.
            assert name not in ("run", "run-qbb", "update-graph-run")
            with pytest.raises(GraphFileError):
                QuantumGraph.open(file).columns.verify()
            continue
        assert isinstance(done.exception, GraphFileError), f"{name} {number}: {done.exception!r}"
        assert files_below(workplace / "repo") == before
        said = str(done.exception)
        assert str(file) in said
        assert "\n" not in said


@pytest.mark.parametrize("name", COMMANDS)
def test_a_newer_version_is_told(workplace: Path, tmp_path: Path, name: str) -> None:
    data = bytearray((workplace / "good.qg").read_bytes())
    trailer = Trailer.unpack(bytes(data))
    assert trailer is not None
    data[-TRAILER_SIZE:] = replace(trailer, major=MAJOR_VERSION + 1).pack()
    newer = tmp_path / "newer.qg"
    newer.write_bytes(data)
    done = CliRunner().invoke(command(name), COMMANDS[name](str(newer), str(workplace / "repo")))
    assert isinstance(done.exception, GraphFileError)
    assert "newer than 1: update pachon-quantum-butler" in str(done.exception)
