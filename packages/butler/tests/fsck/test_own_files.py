# SPDX-License-Identifier: BSD-3-Clause
"""What a check leaves alone."""

import pytest

from pachon.butler.fsck.own_files import OwnFiles


@pytest.mark.parametrize(
    ("path", "is_own"),
    [
        ("butler.yaml", True),
        ("registry.sqlite3-wal", True),
        ("u/someone/run/.receipts/0197c0de-0000-4000-8000-000000000001/01a2236b.receipt", True),
        (".receipts/graph/one.receipt", True),
        ("u/receipts/one.receipt", False),
        ("run/gain/gain-w123456789012.yaml", False),
        ("run/.DS_Store", True),
        (".DS_Store", True),
    ],
)
def test_what_is_left_alone(path: str, is_own: bool) -> None:
    assert OwnFiles.of("butler.yaml", "registry.sqlite3", ()).hold(path) is is_own
