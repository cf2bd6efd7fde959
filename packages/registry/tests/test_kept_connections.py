# SPDX-License-Identifier: BSD-3-Clause
"""Connections that threads keep: nobody else has them, nothing of a transaction is left in them, and all are closed in the end."""

import contextlib
import gc
import itertools
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest
import sqlalchemy as sa

from pachon.base import InvalidInputError
from pachon.registry import DatabaseError
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


def test_a_snapshot_that_ends_in_a_transaction_which_began_later(database: Database) -> None:
    add(database, 1)

    def in_snapshot() -> Iterator[list[int]]:
        with database.snapshot() as connection:
            yield numbers(connection)

    seen = in_snapshot()
    assert next(seen) == [1]
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (2)")
        assert list(seen) == []
        with database.read() as same:
            assert numbers(same) == [1, 2]
    with database.read() as connection:
        assert numbers(connection) == [1, 2]
        add(database, 3)
        assert numbers(connection) == [1, 2, 3]


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


def forked(work: Callable[[], bool]) -> bool:
    """Run something in a forked child; tell whether it said so."""
    child = os.fork()
    if child == 0:
        code = 2
        with contextlib.suppress(BaseException):
            code = 0 if work() else 1
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_child_that_is_forked_while_a_thread_writes_can_write(database: Database) -> None:
    database.lock_timeout = 10.0
    writes, ends = threading.Event(), threading.Event()

    def work() -> None:
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO number VALUES (1)")
            writes.set()
            ends.wait(60)

    def in_child() -> bool:
        add(database, 2)
        return True

    thread = threading.Thread(target=work)
    thread.start()
    assert writes.wait(60)
    # The fork waits for the end of the transaction.
    timer = threading.Timer(0.2, ends.set)
    timer.start()
    assert forked(in_child)
    thread.join()
    timer.join()
    add(database, 3)
    with database.read() as connection:
        assert numbers(connection) == [1, 2, 3]


def test_a_child_that_is_forked_in_a_transaction_is_not_in_it(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (1)")

        def in_child() -> bool:
            with database.read() as other:
                return not database.in_write and driver(other) is not driver(connection) and numbers(other) == []

        assert forked(in_child)
        assert database.in_write
    with database.read() as connection:
        assert numbers(connection) == [1]


def test_a_child_that_comes_out_of_a_transaction_leaves_it_to_its_parent(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("INSERT INTO number VALUES (1)")
        child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException), database.read() as connection:
            # The parent ends it when this process is gone, or has done so.
            code = 0 if numbers(connection) in ([], [1]) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    add(database, 2)
    with database.read() as connection:
        assert numbers(connection) == [1, 2]


def test_the_mark_of_outside_changes_tells_of_other_threads_on_the_same_connection(database: Database) -> None:
    def fail() -> None:
        with database.snapshot():
            raise ZeroDivisionError

    def work() -> None:
        add(database, 1)
        with pytest.raises(ZeroDivisionError):
            fail()

    before = database.outside_changes()
    # What failed goes back to the pool, where the other thread finds it, and this one again.
    with pytest.raises(ZeroDivisionError):
        fail()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    after = database.outside_changes()
    assert isinstance(before, tuple)
    assert isinstance(after, tuple)
    assert after[:2] == before[:2]
    assert after != before


def test_a_transaction_that_the_database_undid_is_not_gone_on_with(database: Database) -> None:
    def fill_the_disk(connection: sa.Connection) -> None:
        with database.write():
            connection.exec_driver_sql("INSERT INTO number VALUES (zeroblob(1000000))")

    def go_on(connection: sa.Connection) -> None:
        with pytest.raises(DatabaseError, match="undid the whole transaction"), database.write():
            connection.exec_driver_sql("INSERT INTO number VALUES (2)")
        connection.exec_driver_sql("INSERT INTO number VALUES (3)")

    def catch_that(database: Database) -> None:
        with database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")
            connection.exec_driver_sql("INSERT INTO number VALUES (1)")
            with pytest.raises(DatabaseError, match="full"):
                fill_the_disk(connection)
            go_on(connection)

    add(database, 0)
    with pytest.raises(DatabaseError, match="undid the whole transaction; nothing of it is written"):
        catch_that(database)
    with database.read() as connection:
        assert numbers(connection) == [0]
    add(database, 4)
    with database.read() as connection:
        assert numbers(connection) == [0, 4]


class Interrupt:
    """Presses Ctrl-C at one of the places of the registry's database layer where Python answers it: calls and returns from C."""

    def __init__(self, number: int) -> None:
        self.left = number
        self.folder = os.path.dirname(sys.modules[Database.__module__].__file__ or "")

    def __call__(self, frame: FrameType, event: str, _argument: object) -> None:
        if event in ("call", "c_return") and os.path.dirname(frame.f_code.co_filename) == self.folder:
            self.left -= 1
            if self.left == 0:
                sys.setprofile(None)
                raise KeyboardInterrupt


def write_in_snapshot(database: Database, value: int) -> None:
    with database.snapshot() as connection:
        numbers(connection)
        add(database, value)


@pytest.mark.parametrize("work", [add, write_in_snapshot])
def test_an_interrupt_anywhere_leaves_nothing_behind(database: Database, work: Callable[[Database, int], None]) -> None:
    database.lock_timeout = 2.0

    def from_another_thread() -> list[int]:
        with database.write() as connection:
            connection.exec_driver_sql("INSERT INTO number VALUES (0)")
            found = numbers(connection)
            connection.exec_driver_sql("DELETE FROM number")
        return found

    with ThreadPoolExecutor(1) as other:
        for place in itertools.count(1):
            interrupt = Interrupt(place)
            sys.setprofile(interrupt)
            try:
                work(database, 1)
            except KeyboardInterrupt:
                pass
            finally:
                sys.setprofile(None)
            assert not database.in_write
            # Neither the lock nor a transaction was left, and what was to be written is there or not.
            assert other.submit(from_another_thread).result() in ([0], [0, 1])
            with database.snapshot() as connection:
                assert numbers(connection) == []
            if interrupt.left > 0:
                break
    assert place > 20
