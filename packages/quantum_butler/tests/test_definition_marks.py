# SPDX-License-Identifier: BSD-3-Clause
"""Marks of what is defined otherwise than before: written, read, those of earlier versions too, and compared with a graph."""

import json
import logging
import os
import shutil
from pathlib import Path

import pytest

from pachon.base import FormatError, NotFoundError
from pachon.quantum_butler.definition_marks import (
    MARKS_FOLDER,
    TypeDefinition,
    UniverseDefinition,
    check_definitions,
    list_marks,
    read_type_mark,
    read_universe_mark,
    type_mark,
    universe_mark,
    write_marks,
)
from pachon.quantum_butler.errors import GraphMismatchError
from pachon.quantum_butler.testing import example_graph
from pachon.resources import ResourcePath

DATA = Path(__file__).with_name("data")
GAIN = TypeDefinition(dimensions=("instrument", "detector"), storage_class="StructuredDataDict", is_calibration=True)
NINE = UniverseDefinition(namespace="daf_butler", version=9, digest="0f1e2d3c4b5a69788796a5b4c3d2e1f0")


@pytest.fixture(params=["local", "memory"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> ResourcePath:
    place = f"{tmp_path}/a b%20c/" if request.param == "local" else f"memory://marks{tmp_path}/"
    return ResourcePath(place, force_directory=True)


def test_files_of_version_1(tmp_path: Path) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    folder = tmp_path / MARKS_FOLDER
    folder.mkdir()
    shutil.copy(DATA / "definition-1-changed.json", folder / "changed.json")
    shutil.copy(DATA / "definition-1-universe.json", folder / "universe.json")
    shutil.copy(DATA / "definition-1-type.json", folder / "dataset-type-gain.json")
    shutil.copy(DATA / "definition-1-none.json", folder / "dataset-type-gone.json")
    assert list_marks(root) == (True, ["gain", "gone"])
    assert read_universe_mark(root) == NINE
    assert read_type_mark(root, "gain") == GAIN
    assert read_type_mark(root, "gone") is None
    # Since then with the name of the type.
    shutil.copy(DATA / "definition-1-named.json", folder / "dataset-type-gain.json")
    assert read_type_mark(root, "gain") == GAIN


def test_types_whose_files_are_one(tmp_path: Path) -> None:
    """As on a file system that does not tell capital letters from small ones."""
    root = ResourcePath(str(tmp_path), force_directory=True)
    write_marks({type_mark(root, "gain"): GAIN})
    folder = tmp_path / MARKS_FOLDER
    (folder / "dataset-type-gain.json").rename(folder / "dataset-type-Gain.json")
    assert read_type_mark(root, "Gain") is None


def test_what_is_written_is_read(root: ResourcePath) -> None:
    assert list_marks(root) == (False, [])
    with pytest.raises(NotFoundError):
        read_universe_mark(root)
    for definition in (None, NINE, None):
        write_marks({universe_mark(root): definition})
        assert read_universe_mark(root) == definition
    write_marks({type_mark(root, "gain"): GAIN})
    assert read_type_mark(root, "gain") == GAIN
    assert list_marks(root) == (True, ["gain"])


def test_many_at_once(root: ResourcePath) -> None:
    names = [f"type_{number}" for number in range(40)]
    write_marks({type_mark(root, name): None for name in names})
    write_marks({type_mark(root, name): GAIN for name in names[::2]})
    write_marks({})
    assert list_marks(root) == (False, sorted(names))
    assert [read_type_mark(root, name) for name in names] == [GAIN, None] * 20


def test_what_a_killed_writer_left_is_no_mark(tmp_path: Path) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    write_marks({type_mark(root, "gain"): GAIN})
    (tmp_path / MARKS_FOLDER / "dataset-type-gain.json.0123.part").write_text("{")
    assert list_marks(root) == (False, ["gain"])


def test_the_group_has_its_rights_whatever_the_umask(tmp_path: Path) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    old = os.umask(0o077)
    try:
        write_marks({type_mark(root, "gain"): None}, group_writable=True)
        first = (tmp_path / MARKS_FOLDER / "changed.json").stat()
        # A member of the group may have replaced it by a file of its own, whose rights nobody else can change.
        (tmp_path / MARKS_FOLDER / "dataset-type-gain.json").chmod(0o600)
        write_marks({type_mark(root, "gain"): GAIN, universe_mark(root): None}, group_writable=True)
    finally:
        os.umask(old)
    folder = tmp_path / MARKS_FOLDER
    assert {file.name: file.stat().st_mode & 0o7777 for file in folder.iterdir()} == {
        "changed.json": 0o664,
        "dataset-type-gain.json": 0o664,
        "universe.json": 0o664,
    }
    assert folder.stat().st_mode & 0o070 == 0o070
    # It is written once, and is there for all marks.
    assert (folder / "changed.json").stat().st_ino == first.st_ino


def test_written_as_the_page_says(tmp_path: Path) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    write_marks({type_mark(root, "gain"): GAIN})
    assert (tmp_path / ".definitions" / "changed.json").read_bytes() == (
        DATA / "definition-1-changed.json"
    ).read_bytes()
    own = json.loads((tmp_path / ".definitions" / "dataset-type-gain.json").read_text())
    sample = json.loads((DATA / "definition-1-named.json").read_text())
    assert own["dataset_type"] == sample["dataset_type"]
    assert own.keys() == sample.keys()
    assert own["definition"] == sample["definition"]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"pachon_definition": 2}', b'{"pachon_definition": 1, "definition": {}}'])  # fmt: skip
def test_what_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    write_marks({type_mark(root, "gain"): None})
    (tmp_path / MARKS_FOLDER / "dataset-type-gain.json").write_bytes(content)
    with pytest.raises(FormatError, match=r"dataset-type-gain\.json"):
        read_type_mark(root, "gain")


def test_a_graph_is_compared(root: ResourcePath, caplog: pytest.LogCaptureFixture) -> None:
    graph = example_graph()
    name, dataset_type = next(iter(graph.dataset_types.items()))
    check_definitions(graph, root)
    for harmless in (None, TypeDefinition.of(dataset_type)):
        write_marks({type_mark(root, name): harmless})
        check_definitions(graph, root)
    write_marks({type_mark(root, "another"): GAIN})
    write_marks({universe_mark(root): UniverseDefinition.of(graph.universe)})
    check_definitions(graph, root)
    assert not caplog.records
    write_marks({universe_mark(root): None})
    with caplog.at_level(logging.WARNING):
        check_definitions(graph, root)
    assert "it is not known whether it took place" in caplog.text
    write_marks({type_mark(root, name): GAIN})
    with pytest.raises(
        GraphMismatchError, match=f"Dataset type '{name}' was removed and registered anew .* Build the graph again"
    ):
        check_definitions(graph, root)
    own = UniverseDefinition.of(graph.universe)
    other = UniverseDefinition(namespace=own.namespace, version=own.version, digest="0" * 32)
    write_marks({universe_mark(root): other})
    with pytest.raises(GraphMismatchError, match=f"version {own.version} with another content. Build"):
        check_definitions(graph, root)
