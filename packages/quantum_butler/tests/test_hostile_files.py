# SPDX-License-Identifier: BSD-3-Clause
"""Graphs and receipts that somebody made up: with right checksums, and with paths and names that lead elsewhere."""

import json
import sys
import uuid
from dataclasses import replace
from hashlib import blake2b

import pytest

from pachon.base import FormatError, PachonError
from pachon.datasets import StorageClasses
from pachon.datastore import Datastore, FileRecords, PathOutsideRootError
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler import (
    DatastoreSource,
    QuantumBackedButler,
    QuantumGraph,
    Receipt,
    ReceiptError,
    find_receipts,
    write_receipt,
)
from pachon.quantum_butler.column_file.writer import encode_file
from pachon.quantum_butler.testing import example_graph, example_tables
from pachon.resources import ResourcePath

SECRET = '{"a": "secret"}'

PATHS = [
    "../outside/secret.json",
    "CAM/../../outside/secret.json",
    "/{tmp}/outside/secret.json",
    "link/secret.json",
    "..\0/outside/secret.json",
    "%2e%2e/outside/secret.json",
    "../outside/secret.json#zip-path=x",
    "",
    "..",
]

RUNS = ["../outside", "u/../../outside", "{tmp}/outside", "/outside", "a\0b", "..", ""]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with a root, a folder that must stay as it is, a link to it, and a module that nobody may import."""
    (tmp_path / "repo").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.json").write_text(SECRET)
    (tmp_path / "repo" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "evil_module.py").write_text(
        f"open({str(tmp_path / 'imported')!r}, 'w').close()\nclass Formatter(dict): pass\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    yield tmp_path
    assert "evil_module" not in sys.modules
    assert not (tmp_path / "imported").exists()
    assert [path.name for path in (tmp_path / "outside").iterdir()] == ["secret.json"]
    assert (tmp_path / "outside" / "secret.json").read_text() == SECRET


def source_of(root, **config):
    datastore = Datastore.open(config or None, root=str(root), universe=DimensionUniverse.default())
    return DatastoreSource(config=datastore.to_document(), root=str(root))


def graph_file(place, *, name="g.qg", change=lambda row: row, source=None, **sizes):
    """Write the example's file with changed file records, through the file, as a reader finds it."""
    tables = example_tables(datastore=source or source_of(place / "repo"), **sizes)
    rows = [change(row) for row in tables.file_records.rows()]
    graph = QuantumGraph.from_tables(replace(tables, file_records=FileRecords.from_rows(rows)))
    path = place / name
    graph.write(str(path))
    return str(path)


@pytest.mark.parametrize("path", PATHS)
def test_paths_in_a_graph(place, path):
    hostile = path.replace("/{tmp}", str(place))
    file = graph_file(place, change=lambda row: replace(row, path=hostile, size=len(SECRET), checksum=None))
    with QuantumBackedButler.open(file) as butler:
        (ref,) = butler.graph.refs("bias", [0])
        if hostile.startswith(str(place)):
            # An absolute path names a file that was ingested where it lies: it is read, and never removed.
            assert butler.get(ref) == json.loads(SECRET)
        else:
            with pytest.raises(PachonError):
                butler.get(ref)
        with pytest.raises(PachonError):
            butler.put({"n": 1}, ref)
        with pytest.raises(PachonError):
            butler.remove([ref])


@pytest.mark.parametrize(
    "name", ["evil_module.Formatter", "evil_module:Formatter", "os.system", "evil_module", "a\0b", "../x", ""]
)
@pytest.mark.parametrize("column", ["formatter", "storage_class"])
def test_names_in_a_graph(place, column, name):
    def change(row):
        path = place / "repo" / row.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
        return replace(row, size=len(SECRET), checksum=None, **{column: name})

    file = graph_file(place, change=change)
    with QuantumBackedButler.open(file) as butler, pytest.raises(PachonError):
        butler.get(butler.graph.refs("bias", [0])[0])


@pytest.mark.parametrize("run", RUNS)
def test_runs_of_a_graph(place, run):
    """Outputs and receipts of a run whose name leads out are written nowhere."""
    run = run.replace("{tmp}", str(place))
    try:
        file = graph_file(place, run=run)
    except PachonError:
        return
    before = sorted(place.rglob("*"))
    with QuantumBackedButler.open(file) as butler:
        try:
            butler.put({"n": 1}, butler.graph.refs("post_isr", [0])[0])
        except PachonError:
            assert sorted(place.rglob("*")) == before
        else:
            # The template took the bad parts out of the name.
            new = set(place.rglob("*")) - set(before)
            assert new
            assert all(path.resolve().is_relative_to(place / "repo") for path in new)
        with pytest.raises(PathOutsideRootError):
            butler.write_receipt()
        with pytest.raises(PathOutsideRootError):
            find_receipts(butler.root, run, butler.graph.header.graph_id)


@pytest.mark.parametrize("run", RUNS)
def test_runs_of_receipts(place, run):
    run = run.replace("{tmp}", str(place))
    receipt = Receipt(graph_id=uuid.uuid4(), run=run, quanta=(), records=FileRecords.empty())
    before = sorted(place.rglob("*"))
    with pytest.raises(PathOutsideRootError):
        write_receipt(ResourcePath(str(place / "repo"), force_directory=True), receipt)
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("template", ["../outside/{id}", "{run}/../../outside/{id}", "/outside/{id}", "a\0{id}"])
def test_templates_of_a_graph(place, template):
    source = source_of(place / "repo")
    source = replace(source, config={**source.config, "templates": {"default": template}})
    with pytest.raises(PachonError), QuantumBackedButler.open(graph_file(place, source=source)) as butler:
        butler.put({"n": 1}, butler.graph.refs("post_isr", [0])[0])


@pytest.mark.parametrize("key", ["pytype", "delegate", "converters"])
def test_storage_classes_of_a_graph(place, key):
    """A graph may define storage classes of trusted modules, and of no others."""
    name = "evil_module.Formatter"
    definition = {"pytype": "collections.OrderedDict", key: {"dict": name} if key == "converters" else name}
    source = replace(source_of(place / "repo"), storage_classes={"Evil": definition})
    file = graph_file(place, source=source, storage_class="Evil")
    with pytest.raises(PachonError), QuantumBackedButler.open(file) as butler:  # noqa: PT012 (any of the steps may refuse)
        (ref,) = butler.graph.refs("post_isr", [0])
        butler.put({"n": 1}, ref)
        butler.get(ref)


def test_a_storage_class_cannot_choose_modules_by_its_converters(place):
    definition = {
        "pytype": "collections.OrderedDict",
        "converters": {"evil_module.sub.Type": "collections.OrderedDict"},
    }
    classes = StorageClasses.default().with_definitions({"Evil": definition})
    # What somebody puts may come from the package whose other modules the definition names.
    obj = type("Harmless", (), {"__module__": "evil_module.other"})()
    with pytest.raises(PachonError):
        classes["Evil"].coerce(obj)


@pytest.mark.parametrize("kind", ["evil_module.Formatter", "evil_module", "../x", 7, ["file"]])
def test_datastores_of_a_graph(place, kind):
    source = source_of(place / "repo")
    source = replace(source, config={**source.config, "type": kind})
    with pytest.raises(PachonError):
        QuantumBackedButler.open(graph_file(place, source=source))


WRONG = [None, 7, -1, 1.5, "text", [], {}, [None], {"x": 1}, "../x", "a\0b", True, 2**80]


def variants(document, path=()):
    """Give copies of a JSON document with each of its parts left out or replaced by something wrong."""
    if isinstance(document, dict):
        for key in document:
            yield {name: value for name, value in document.items() if name != key}
            for part in variants(document[key]):
                yield {**document, key: part}
    elif isinstance(document, list) and document:
        for part in variants(document[0]):
            yield [part, *document[1:]]
    yield from (wrong for wrong in WRONG if type(wrong) is not type(document))


def test_headers_that_make_no_sense(place):
    """Opening such a file raises our errors, if anything."""
    graph = example_graph(visits=1, detectors=1, patches=1, overlaps=1)
    documents = {"universe": dict(graph.universe.document), "pipeline": dict(graph.pipeline)}
    header = json.loads(json.dumps({"graph": graph.header.to_document(), "structure": graph.structure.to_document()}))
    refused = 0
    path = place / "g.qg"
    for changed in variants(header):
        try:
            path.write_bytes(encode_file(header=changed, documents=documents, tables={}))
            QuantumGraph.open(str(path))
        except FormatError:
            refused += 1
    assert refused > 100


def sealed(lines):
    """Make a receipt of any lines, with a right last line."""
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    end = {"end": len(lines), "checksum": blake2b(body, digest_size=32).hexdigest()}
    return body + json.dumps(end).encode() + b"\n"


def test_receipts_that_make_no_sense():
    graph = example_graph(visits=1, detectors=1)
    receipt = Receipt(graph_id=uuid.uuid4(), run="r", quanta=(uuid.uuid4(),), records=graph.file_records("bias"))
    lines = [json.loads(line) for line in receipt.to_bytes().splitlines()[:-1]]
    assert Receipt.from_bytes(sealed(lines), "x") == receipt
    refused = read = 0
    for changed in variants(lines[:1]):
        try:
            Receipt.from_bytes(sealed([*changed, *lines[1:]]) if isinstance(changed, list) else sealed([changed]), "x")
            read += 1
        except ReceiptError:
            refused += 1
    for number in (1, len(lines) - 1):
        for changed in variants(lines[number]):
            try:
                Receipt.from_bytes(sealed([*lines[:number], changed, *lines[number + 1 :]]), "x")
                read += 1
            except ReceiptError:
                refused += 1
    assert refused > 80
    deep = b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"
    for data in (deep, receipt.to_bytes() + deep):
        with pytest.raises(ReceiptError):
            Receipt.from_bytes(data, "x")
