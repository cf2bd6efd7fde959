# SPDX-License-Identifier: BSD-3-Clause
"""Checksums of receipts, found again by file."""

import re
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from pachon.butler.receipt_index import ReceiptIndex
from pachon.datastore import FileRecords, StoredFile
from pachon.quantum_butler.errors import NewerReceiptError
from pachon.quantum_butler.receipt import Receipt, find_receipts, write_receipt
from pachon.resources import ResourcePath

GRAPH = uuid.UUID(int=5)


def file(number: int, **changes: object) -> StoredFile:
    # The last id ends with zeros, which numpy drops from byte strings.
    row = StoredFile(
        dataset_id=uuid.UUID(int=number << 64),
        path=f"run/{number}.json",
        formatter="json",
        storage_class="StructuredDataDict",
        size=5,
        checksum=f"{number:064x}",
        datastore="main",
    )
    return replace(row, **changes)  # type: ignore[arg-type]  # names of fields


def index(root: Path, *receipts: list[StoredFile]) -> ReceiptIndex:
    folder = ResourcePath(str(root), force_directory=True)
    for rows in receipts:
        write_receipt(folder, Receipt(graph_id=GRAPH, run="run", quanta=(), records=FileRecords.from_rows(rows)))
    return ReceiptIndex.read(find_receipts(folder, "run", GRAPH))


def checksums(known: ReceiptIndex, *rows: StoredFile) -> list[str]:
    return list(known.checksums(FileRecords.from_rows(rows)))


def test_files_are_found_by_all_that_is_known_of_them(tmp_path: Path) -> None:
    known = index(tmp_path, [file(n) for n in range(3)], [file(3), file(3, component="wcs", checksum="c" * 64)])
    assert len(known) == 5
    assert checksums(known, file(2), file(0), file(3, component="wcs"), file(9)) == [
        f"{2:064x}",
        f"{0:064x}",
        "c" * 64,
        "",
    ]
    others = [file(1, path="elsewhere"), file(1, size=6), file(1, formatter="yaml"), file(1, component="psf")]
    assert checksums(known, *others) == [""] * 4


def test_receipts_that_disagree_say_nothing(tmp_path: Path) -> None:
    same = [file(1), file(2)]
    known = index(tmp_path, same, same, [file(2, checksum="f" * 64)], [file(2)])
    assert checksums(known, file(1), file(2)) == [f"{1:064x}", ""]


def test_no_receipts(tmp_path: Path) -> None:
    assert checksums(index(tmp_path), file(1)) == [""]
    assert checksums(index(tmp_path, [file(1, checksum=None)]), file(1)) == [""]


def test_a_damaged_receipt_says_nothing_and_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    index(tmp_path, [file(1)])
    (path,) = tmp_path.rglob("*.receipt")
    path.write_bytes(path.read_bytes()[:-9])
    known = index(tmp_path, [file(2)])
    assert checksums(known, file(1), file(2)) == ["", f"{2:064x}"]
    (record,) = caplog.records
    assert re.search(
        rf"{path.name} as a receipt: it is cut short.*looked at and hashed.*Remove it", record.getMessage()
    )


def test_a_receipt_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    index(tmp_path, [file(1)])
    (path,) = tmp_path.rglob("*.receipt")
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2', 1))
    with pytest.raises(NewerReceiptError, match="newer than 1: update"):
        index(tmp_path)
