# SPDX-License-Identifier: BSD-3-Clause
"""Opaque tables: what they are given is looked at before a database sees it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pachon.base import InvalidInputError
from pachon.registry import OpaqueColumn, OpaqueTable, SqlRegistry

KEY = OpaqueColumn(name="key", type="int", key=True)
TEXT = OpaqueColumn(name="text", type="text", length=10, nullable=True)
METHODS = ("insert", "insert_one", "update", "update_one", "delete")


@pytest.fixture
def table(tmp_path: Path) -> Iterator[OpaqueTable]:
    with SqlRegistry.create(f"sqlite:///{tmp_path}/r.sqlite3") as registry:
        table = registry.opaque("things", [KEY, TEXT])
        table.insert({"key": [1], "text": ["a"]})
        yield table


def call(table: OpaqueTable, method: str, keys: dict[str, Any], changes: dict[str, Any]) -> object:
    """Call a method with one row, in the form that it takes."""
    if method in ("update", "delete", "insert"):
        keys, changes = ({name: [value] for name, value in given.items()} for given in (keys, changes))
    if method.startswith("update"):
        return getattr(table, method)(keys, changes)
    return getattr(table, method)({**keys, **changes})


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("keys", "changes", "message"),
    [
        ({"key": 2}, {"txet": "b"}, "Table 'things' has no column 'txet'"),
        ({"kye": 2}, {"text": "b"}, "Table 'things' has no column 'kye'"),
        ({"key": 2}, {"text": "b\0"}, "A value of 'text' for table 'things' holds a character that cannot be stored"),
        ({"text": "\ud800"}, {"key": 2}, "A value of 'text' for table 'things' holds a character"),
    ],
)
def test_what_cannot_be_stored(
    table: OpaqueTable, method: str, keys: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message):
        call(table, method, keys, changes)
    assert table.fetch() == {"key": [1], "text": ["a"]}


def test_columns_of_different_lengths(table: OpaqueTable) -> None:
    with pytest.raises(InvalidInputError, match="different lengths"):
        table.update({"key": [1, 2]}, {"text": ["b"]})
    assert table.fetch() == {"key": [1], "text": ["a"]}


def test_rows_are_changed(table: OpaqueTable) -> None:
    assert table.update_one({"key": 1}, {"text": None}) == 1
    assert table.update({"key": [1, 2]}, {"text": ["ä", "b"]}) == 1
    assert table.fetch() == {"key": [1], "text": ["ä"]}
