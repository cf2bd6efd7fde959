# SPDX-License-Identifier: BSD-3-Clause
"""PostgreSQL itself refuses overlapping validity ranges, whoever writes them."""

from collections.abc import Iterator

import psycopg
import pytest

from pachon.registry import SqlRegistry
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.sample_data import SampleData

_COLUMNS = "dataset_type_id, dim_instrument, dim_detector, collection_id, begin_ns, end_ns, dataset_id, run_id"
_LARGEST = 2**63 - 1
_ROW = (1, "Cam", 1, 5, 10, 20)


@pytest.fixture
def table(postgres_server: PostgresServer) -> Iterator[psycopg.Cursor]:
    """A cursor in the database of a registry, with one row in the table of validity ranges of biases."""
    with postgres_server.database() as url:
        with SqlRegistry.create(url) as registry:
            SampleData(registry)
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
            cursor = connection.cursor()
            _insert(cursor, *_ROW)
            yield cursor


def _insert(cursor: psycopg.Cursor, *values: object) -> None:
    marks = ", ".join(["%s"] * len(values))
    cursor.execute(f"INSERT INTO validity_1 ({_COLUMNS}) VALUES ({marks}, gen_random_uuid(), 1)", values)


@pytest.mark.parametrize(("begin", "end"), [(11, 20), (0, 11), (19, 30), (12, 13), (0, 100)])
def test_overlaps_are_refused(table: psycopg.Cursor, begin: int, end: int) -> None:
    with pytest.raises(psycopg.errors.ExclusionViolation):
        _insert(table, *_ROW[:4], begin, end)


@pytest.mark.parametrize(
    "row",
    [
        (1, "Cam", 1, 5, 20, 30),
        (1, "Cam", 1, 5, 0, 10),
        (1, "Cam", 2, 5, 10, 20),
        (1, "cam", 1, 5, 10, 20),
        (1, "Cam ", 1, 5, 10, 20),
        (1, "Cám", 1, 5, 10, 20),
        (1, "Cam", 1, 6, 10, 20),
        (2, "Cam", 1, 5, 10, 20),
        (1, "Cam", _LARGEST, 5, 10, 20),
        (1, "Cam", -_LARGEST - 1, 5, 10, 20),
    ],
)
def test_other_keys_and_adjacent_ranges_are_not(table: psycopg.Cursor, row: tuple[object, ...]) -> None:
    _insert(table, *row)
    with pytest.raises(psycopg.errors.ExclusionViolation):
        _insert(table, *row[:4], row[4] + 1, row[5])


def test_no_extension_is_needed(table: psycopg.Cursor) -> None:
    assert table.execute("SELECT extname FROM pg_extension").fetchall() == [("plpgsql",)]
