# SPDX-License-Identifier: BSD-3-Clause
import json
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.datastore import FileRecords, StoredFile
from pachon.quantum_butler import (
    QuantumProvenance,
    Receipt,
    ReceiptError,
    find_receipts,
    latest_records,
    read_receipt,
    write_receipt,
)
from pachon.resources import ResourceExistsError, ResourcePath

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
FILES = st.builds(
    StoredFile,
    dataset_id=st.uuids(),
    path=TEXT,
    formatter=TEXT,
    storage_class=TEXT,
    component=st.none() | TEXT,
    size=st.none() | st.integers(0, 2**62),
    checksum=st.none() | TEXT,
    datastore=TEXT,
)
SETS = st.frozensets(st.uuids(), max_size=3)
RECEIPTS = st.builds(
    Receipt,
    graph_id=st.uuids(),
    run=TEXT,
    quanta=st.lists(st.uuids(), max_size=3).map(tuple),
    records=st.lists(FILES, max_size=5).map(FileRecords.from_rows),
    provenance=st.builds(QuantumProvenance, **dict.fromkeys(QuantumProvenance.__slots__, SETS)),
)


def example(run="u/someone/run", **changes):
    row = StoredFile(
        dataset_id=uuid.uuid4(),
        path="a/b.json",
        formatter="json",
        storage_class="X",
        size=3,
        checksum="ab",
        datastore="file",
    )
    values = {
        "graph_id": uuid.UUID(int=5),
        "run": run,
        "quanta": (uuid.uuid4(),),
        "records": FileRecords.from_rows([row]),
    }
    return Receipt(**values | changes)


@given(RECEIPTS)
def test_encode_decode(receipt):
    assert Receipt.from_bytes(receipt.to_bytes(), "x") == receipt


@given(RECEIPTS, st.data())
def test_a_cut_is_noticed(receipt, data):
    content = receipt.to_bytes()
    length = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(ReceiptError):
        Receipt.from_bytes(content[:length], "x")


@given(RECEIPTS, st.data())
def test_a_flipped_bit_is_noticed(receipt, data):
    content = bytearray(receipt.to_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ReceiptError):
        Receipt.from_bytes(bytes(content), "x")


def test_a_newer_version_and_other_files():
    content = example().to_bytes().replace(b'"version":1', b'"version":9', 1)
    with pytest.raises(ReceiptError, match="newer than 1"):
        Receipt.from_bytes(content, "x")
    for other in (b"", b"{}\n", b"hello\n", b'{"format":"else"}\n', b"[1]\n"):
        with pytest.raises(ReceiptError, match="does not begin"):
            Receipt.from_bytes(other, "x")


def test_lines_are_json():
    lines = example().to_bytes().splitlines()
    documents = [json.loads(line) for line in lines]
    assert documents[0]["format"] == "pachon-receipt"
    assert documents[-1]["end"] == len(lines) - 1


def test_on_disk(tmp_path):
    root = ResourcePath(str(tmp_path), force_directory=True)
    first, second = example(), example()
    path = write_receipt(root, first)
    write_receipt(root, second)
    with pytest.raises(ResourceExistsError):
        write_receipt(root, first)
    found = find_receipts(root, first.run, first.graph_id)
    assert [read_receipt(place) for place in found] == [first, second]
    assert path.relative_to(root) == f"u/someone/run/.receipts/{first.graph_id}/{first.receipt_id}.receipt"
    assert find_receipts(root, "another", first.graph_id) == []
    assert find_receipts(root, first.run, uuid.uuid4()) == []


def test_runs_with_odd_names(tmp_path):
    root = ResourcePath(str(tmp_path), force_directory=True)
    receipt = example(run="u/a b#c?d%e/ü")
    write_receipt(root, receipt)
    (found,) = find_receipts(root, receipt.run, receipt.graph_id)
    assert read_receipt(found) == receipt


def test_the_last_receipt_of_a_dataset_counts():
    first = example()
    row = first.records.row(0)
    retry = example(
        records=FileRecords.from_rows([StoredFile(**{**{n: getattr(row, n) for n in row.__slots__}, "size": 99})])
    )
    assert latest_records([first, retry]).size.tolist() == [99]
    assert len(latest_records([first, example()])) == 2
