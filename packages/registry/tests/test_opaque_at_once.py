# SPDX-License-Identifier: BSD-3-Clause
"""Two clients of a server who move the same rows."""

import threading
import time

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
