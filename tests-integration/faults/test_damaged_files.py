# SPDX-License-Identifier: BSD-3-Clause
"""Files that something else changed: they are never read as if they were right, and fsck finds each."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.checking import key_of
from faults.repositories import Repository
from faults.state import Key, make_object, number_of
from pachon.base import NotFoundError
from pachon.butler import Butler
from pachon.butler.fsck.report import FindingKind
from pachon.datasets import DatasetRef
from pachon.datastore import FileIntegrityError


def cut(path: Path, size: int) -> None:
    os.truncate(path, size)


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << place % 8
    path.write_bytes(data)


DAMAGES: dict[str, tuple[Callable[[Path], object], FindingKind]] = {
    "last byte gone": (lambda path: cut(path, path.stat().st_size - 1), FindingKind.WRONG_SIZE),
    "half gone": (lambda path: cut(path, path.stat().st_size // 2), FindingKind.WRONG_SIZE),
    "empty": (lambda path: cut(path, 0), FindingKind.WRONG_SIZE),
    "longer": (lambda path: path.write_bytes(path.read_bytes() + b"\n"), FindingKind.WRONG_SIZE),
    "first bit": (lambda path: flip(path, 0), FindingKind.WRONG_CHECKSUM),
    "last bit": (lambda path: flip(path, path.stat().st_size - 1), FindingKind.WRONG_CHECKSUM),
    "some bit": (lambda path: flip(path, random.Random(path.name).randrange(path.stat().st_size)), FindingKind.WRONG_CHECKSUM),
    "another's content": (lambda path: path.write_bytes(b"#" * path.stat().st_size), FindingKind.WRONG_CHECKSUM),
    "gone": (os.unlink, FindingKind.MISSING_FILE),
}  # fmt: skip


@pytest.fixture
def verifying(repository: Repository) -> Repository:
    """A repository that compares checksums at each read."""
    config = Path(repository.root) / "butler.yaml"
    config.write_text(config.read_text().replace("datastore:\n", "datastore:\n  verify_checksum: true\n"))
    return repository


def put_all(butler: Butler) -> dict[str, tuple[DatasetRef, Path]]:
    """Put a dataset for each damage, and one that stays as it is."""
    places = {}
    kinds = ("gain", "table", "bias")
    for n, name in enumerate((*DAMAGES, "")):
        key = Key(f"r/{n // 12}", kinds[n % 3], n // 3 % 4)
        ref = butler.put(make_object(key, n), key.type, detector=key.detector, instrument="Cam", run=key.run)
        places[name] = ref, Path(butler.get_uri(ref).ospath)
    return places


def test_damaged_files_are_refused_found_and_mended(verifying: Repository) -> None:
    with verifying.open() as butler:
        places = put_all(butler)
        for name, (damage, _) in DAMAGES.items():
            damage(places[name][1])
        for name, (_, kind) in DAMAGES.items():
            error = NotFoundError if kind is FindingKind.MISSING_FILE else FileIntegrityError
            with pytest.raises(error) as caught:
                butler.get(places[name][0])
            assert str(places[name][0].id) in str(caught.value), name
        report = butler.fsck(verify="checksum")
        found = {finding.dataset_id: finding.kind for finding in report.findings}
        assert found == {places[name][0].id: kind for name, (_, kind) in DAMAGES.items()}
        by_size = {finding.dataset_id for finding in butler.fsck(verify="size").findings}
        assert by_size == {
            places[n][0].id for n, (_, kind) in DAMAGES.items() if kind is not FindingKind.WRONG_CHECKSUM
        }
        # A repair does not throw away what somebody may still want, unless it is told to.
        assert not butler.fsck(repair=True, verify="checksum").clean
        assert butler.fsck(repair=True, verify="checksum", unstore_damaged=True).clean
        assert butler.fsck(verify="checksum").findings == ()
        for name in DAMAGES:
            ref = places[name][0]
            with pytest.raises(NotFoundError):
                butler.get(ref)
            butler.put(make_object(key_of(ref), 500), ref)
            assert number_of(key_of(ref), butler.get(ref)) == 500
        whole = places[""][0]
        assert number_of(key_of(whole), butler.get(whole)) == len(DAMAGES)


def test_sizes_are_compared_without_being_asked(sqlite_repository: Repository) -> None:
    with sqlite_repository.open() as butler:
        places = put_all(butler)
        for name, (damage, kind) in DAMAGES.items():
            damage(places[name][1])
            if kind is FindingKind.WRONG_SIZE:
                with pytest.raises(FileIntegrityError):
                    butler.get(places[name][0])
