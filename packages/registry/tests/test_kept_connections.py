# SPDX-License-Identifier: BSD-3-Clause
"""Connections that threads keep: nobody else has them, nothing of a transaction is left in them, and all are closed in the end."""

import contextlib
import gc
import multiprocessing
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pachon.base import InvalidInputError
from pachon.registry.database.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with Database.open(f"sqlite:///{tmp_path}/some.sqlite3", create=True) as database:
        with database.write() as connection:
            connection.exec_driver_sql("CREATE TABLE number (value INTEGER)")
        yield database


def add(database: Database, value: int) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (?)", (value,))


def numbers(connection: sa.Connection) -> list[int]:
    return [row[0] for row in connection.exec_driver_sql("SELECT value FROM number ORDER BY value")]


def driver(connection: sa.Connection) -> object:
    return connection.connection.driver_connection


def open_files(path: Path) -> int:
    folder = Path(f"/proc/{os.getpid()}/fd")
    return sum(os.path.realpath(entry) == str(path) for entry in folder.iterdir())


def test_a_thread_gets_its_connection_again(database: Database) -> None:
    with database.snapshot() as first:
        one = driver(first)
    with database.snapshot() as second:
        assert driver(second) is one


def test_two_at_a_time_are_two(database: Database) -> None:
    add(database, 1)
    with database.stream() as first, database.stream() as second:
        assert driver(first) is not driver(second)
        assert numbers(first) == numbers(second) == [1]
    with database.stream() as again:
        assert numbers(again) == [1]


def test_a_snapshot_ends_with_its_block(database: Database) -> None:
    add(database, 1)
    with database.snapshot() as connection:
        assert numbers(connection) == [1]
    add(database, 2)
    with database.snapshot() as connection:
        assert numbers(connection) == [1, 2]
    # A reader that were left open would keep the log from being emptied.
    with database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[:2] == (0, 0)


def test_what_failed_leaves_nothing(database: Database) -> None:
    def fail(value: int) -> None:
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO number VALUES (?)", (value,))
            raise ZeroDivisionError

    add(database, 1)
    for value in (2, 3):
        with pytest.raises(ZeroDivisionError):
            fail(value)
        add(database, 10 * value)
    with database.read() as connection:
        assert numbers(connection) == [1, 20, 30]


def test_threads_that_end_leave_no_file_open(database: Database, tmp_path: Path) -> None:
    def work() -> None:
        with database.snapshot() as connection:
            numbers(connection)
        barrier.wait()
        with database.snapshot() as connection:
            numbers(connection)

    barrier = threading.Barrier(8)
    for _ in range(4):
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    gc.collect()
    # The pool keeps five for others; the rest is closed or used again.
    assert open_files(tmp_path / "some.sqlite3") <= 8 + 5
    database.close()
    gc.collect()
    assert open_files(tmp_path / "some.sqlite3") == 0


def test_closing_closes_those_of_other_threads(database: Database, tmp_path: Path) -> None:
    kept, closed = threading.Event(), threading.Event()
    errors: list[str] = []

    def work() -> None:
        with database.snapshot() as connection:
            numbers(connection)
        kept.set()
        assert closed.wait(60)
        try:
            with database.snapshot():
                pass
        except InvalidInputError as error:
            errors.append(str(error))

    thread = threading.Thread(target=work)
    thread.start()
    assert kept.wait(60)
    database.close()
    assert open_files(tmp_path / "some.sqlite3") == 0
    closed.set()
    thread.join()
    assert errors == ["The registry is closed; open it again."]


def test_one_that_is_in_use_when_the_database_is_closed(database: Database, tmp_path: Path) -> None:
    add(database, 1)
    with database.stream() as connection:
        database.close()
        assert numbers(connection) == [1]
    gc.collect()
    assert open_files(tmp_path / "some.sqlite3") == 0


def in_child(database: Database, parent: int, answers: "multiprocessing.Queue[object]") -> None:
    with database.snapshot() as connection:
        answers.put((id(driver(connection)) == parent, numbers(connection)))
    add(database, 2)
    database.close()


def test_a_forked_child_has_its_own(database: Database) -> None:
    add(database, 1)
    with database.snapshot() as connection:
        own = driver(connection)
    context = multiprocessing.get_context("fork")
    answers: multiprocessing.Queue[object] = context.Queue()
    child = context.Process(target=in_child, args=(database, id(own), answers))
    child.start()
    assert answers.get(timeout=60) == (False, [1])
    child.join()
    assert child.exitcode == 0
    with database.snapshot() as connection:
        assert driver(connection) is own
        assert numbers(connection) == [1, 2]
    add(database, 3)


def test_a_child_that_is_forked_inside_of_a_block(database: Database) -> None:
    add(database, 1)
    with database.stream() as connection:
        own = driver(connection)
        assert numbers(connection) == [1]
        child = os.fork()
        if child == 0:
            # What it gets from now on is its own; what it is in is not.
            with database.read() as other:
                numbers(other)
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException), database.stream() as connection:
            code = 0 if driver(connection) is not own and numbers(connection) == [1] else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with database.stream() as connection:
        assert driver(connection) is own
        assert numbers(connection) == [1]
