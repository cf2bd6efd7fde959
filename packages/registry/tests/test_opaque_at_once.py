# SPDX-License-Identifier: BSD-3-Clause
"""Opaque tables: two who move the same rows, and one that reads bit by bit while other things are done."""

import threading
import time
from pathlib import Path

import pytest

from pachon.registry import OpaqueColumn, SqlRegistry

COLUMNS = (OpaqueColumn(name="key", type="int", key=True), OpaqueColumn(name="text", type="text", length=10))


def test_rows_are_moved_once(postgres_url: str) -> None:
    counts: dict[str, int] = {}
    with SqlRegistry.create(postgres_url) as one, SqlRegistry.open(postgres_url, writeable=True) as two:
        source, target = one.opaque("source", COLUMNS), one.opaque("target", COLUMNS)
        source.insert({"key": [1, 2, 3], "text": ["a", "b", "c"]})

        def move_too() -> None:
            counts["two"] = two.opaque("source", COLUMNS).move("key", [3, 2, 1], two.opaque("target", COLUMNS))

        other = threading.Thread(target=move_too)
        with one.write():
            counts["one"] = source.move("key", [1, 2], target)
            other.start()
            time.sleep(0.3)  # so that it has come to the rows that are being moved
        other.join(30)
        assert counts == {"one": 2, "two": 1}
        assert sorted(target.fetch()["key"]) == [1, 2, 3]
        assert list(source.fetch()["key"]) == []


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_rows_that_are_read_bit_by_bit(request: pytest.FixtureRequest, tmp_path: Path, database: str) -> None:
    url = f"sqlite:///{tmp_path}/r.sqlite3" if database == "sqlite" else request.getfixturevalue("postgres_url")
    with SqlRegistry.create(url) as registry:
        table = registry.opaque("numbers", [OpaqueColumn(name="key", type="int", key=True)])
        table.insert({"key": [1, 2, 3]})
        chunks, others = table.iter_chunks(1), table.iter_chunks(2)
        assert next(chunks) == {"key": [1]}
        assert next(others) == {"key": [1, 2]}
        # What the same thread does in between goes its own way, and neither of the two sees it.
        table.insert({"key": [4]})
        assert table.fetch(order_by=["key"]) == {"key": [1, 2, 3, 4]}
        assert list(chunks) == [{"key": [2]}, {"key": [3]}]
        assert table.delete({"key": [1, 2, 3]}) == 3
        assert list(others) == [{"key": [3]}]
