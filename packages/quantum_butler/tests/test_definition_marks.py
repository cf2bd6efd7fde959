# SPDX-License-Identifier: BSD-3-Clause
"""Marks of what is defined otherwise than before: written, read, those of earlier versions too, and compared with a graph."""

import json
import logging
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
    write_mark,
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


def test_what_is_written_is_read(root: ResourcePath) -> None:
    assert list_marks(root) == (False, [])
    with pytest.raises(NotFoundError):
        read_universe_mark(root)
    for definition in (None, NINE, None):
        write_mark(universe_mark(root), definition)
        assert read_universe_mark(root) == definition
    write_mark(type_mark(root, "gain"), GAIN)
    assert read_type_mark(root, "gain") == GAIN
    assert list_marks(root) == (True, ["gain"])


def test_written_as_the_page_says(tmp_path: Path) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    write_mark(type_mark(root, "gain"), GAIN)
    assert (tmp_path / ".definitions" / "changed.json").read_bytes() == (
        DATA / "definition-1-changed.json"
    ).read_bytes()
    own = json.loads((tmp_path / ".definitions" / "dataset-type-gain.json").read_text())
    sample = json.loads((DATA / "definition-1-type.json").read_text())
    assert own.keys() == sample.keys()
    assert own["definition"] == sample["definition"]


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"pachon_definition": 2}', b'{"pachon_definition": 1, "definition": {}}'])  # fmt: skip
def test_what_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    root = ResourcePath(str(tmp_path), force_directory=True)
    write_mark(type_mark(root, "gain"), None)
    (tmp_path / MARKS_FOLDER / "dataset-type-gain.json").write_bytes(content)
    with pytest.raises(FormatError, match=r"dataset-type-gain\.json"):
        read_type_mark(root, "gain")


def test_a_graph_is_compared(root: ResourcePath, caplog: pytest.LogCaptureFixture) -> None:
    graph = example_graph()
    name, dataset_type = next(iter(graph.dataset_types.items()))
    check_definitions(graph, root)
    for harmless in (None, TypeDefinition.of(dataset_type)):
        write_mark(type_mark(root, name), harmless)
        check_definitions(graph, root)
    write_mark(type_mark(root, "another"), GAIN)
    write_mark(universe_mark(root), UniverseDefinition.of(graph.universe))
    check_definitions(graph, root)
    assert not caplog.records
    write_mark(universe_mark(root), None)
    with caplog.at_level(logging.WARNING):
        check_definitions(graph, root)
    assert "it is not known whether it took place" in caplog.text
    write_mark(type_mark(root, name), GAIN)
    with pytest.raises(
        GraphMismatchError, match=f"Dataset type '{name}' was removed and registered anew .* Build the graph again"
    ):
        check_definitions(graph, root)
    own = UniverseDefinition.of(graph.universe)
    other = UniverseDefinition(namespace=own.namespace, version=own.version, digest="0" * 32)
    write_mark(universe_mark(root), other)
    with pytest.raises(GraphMismatchError, match=f"version {own.version} with another content. Build"):
        check_definitions(graph, root)
