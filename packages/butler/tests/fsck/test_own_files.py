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


@pytest.mark.parametrize("config", ["butler.yaml", "below/butler.yaml"])
def test_a_database_that_was_moved_away(config: str) -> None:
    folder = config.removesuffix("butler.yaml")
    own = OwnFiles.of(config, None, ())
    assert own.hold(f"{folder}registry.sqlite3")
    assert own.hold(f"{folder}registry.sqlite3-wal")
    assert own.hold(f"{folder}registry.sqlite3.replaced-20260101T000000Z")
    assert not own.hold("run/registry.sqlite3")


@pytest.mark.parametrize(
    ("path", "may_be"),
    [
        ("run/gain/gain-w123456789012.yaml", False),
        ("file:///repo/below/the%20registry.sqlite3", True),
        ("below/the registry.sqlite3", True),
        ("file:///repo/run%20a/%2Ereceipts/1.json", True),
        ("file:///repo/run%20a/receipts/1.json", False),
    ],
)
def test_one_look_at_many_paths(path: str, may_be: bool) -> None:
    own = OwnFiles.of("below/butler.yaml", "below/the registry.sqlite3", ())
    assert own.may_keep([*["run/a.yaml"] * 3, path]) is may_be
