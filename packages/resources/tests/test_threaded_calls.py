# SPDX-License-Identifier: BSD-3-Clause
import threading
import time

import pytest

from pachon.resources.threaded_calls import ThreadedCalls


def test_few_calls_are_made_at_once_by_the_caller() -> None:
    called: list[tuple[int, int]] = []
    with ThreadedCalls(lambda item: called.append((item, threading.get_ident())), 4, 8) as calls:
        for item in range(4):
            calls.add(item)
            assert len(called) == item + 1
    assert {thread for _, thread in called} == {threading.get_ident()}


def test_quick_calls_are_made_in_order_by_the_caller() -> None:
    called: list[tuple[int, int]] = []
    with ThreadedCalls(lambda item: called.append((item, threading.get_ident())), 500, 8) as calls:
        for item in range(500):
            calls.add(item)
    assert called == [(item, threading.get_ident()) for item in range(500)]


def test_calls_that_wait_are_made_several_at_a_time() -> None:
    called: list[int] = []
    names: set[int] = set()

    def wait(item: int) -> None:
        time.sleep(0.01)
        names.add(threading.get_ident())
        called.append(item)

    with ThreadedCalls(wait, 200, 16) as calls:
        for item in range(200):
            calls.add(item)
    assert sorted(called) == list(range(200))
    assert len(names) > 8


@pytest.mark.parametrize("bad", [0, 2, 20, 199])
def test_a_failure_ends_the_block_and_what_was_not_begun_is_not_done(bad: int) -> None:
    called: list[int] = []

    def fail(item: int) -> None:
        time.sleep(0.002)
        if item == bad:
            raise ValueError(item)
        called.append(item)

    with pytest.raises(ValueError, match=f"^{bad}$"), ThreadedCalls(fail, 200, 4) as calls:  # noqa: PT012
        for item in range(200):
            calls.add(item)
    after = list(called)
    assert bad not in after
    if bad < 199:
        assert len(after) < 199
    time.sleep(0.02)
    assert called == after


def test_an_error_of_the_block_stops_the_threads() -> None:
    called: list[int] = []

    def wait(item: int) -> None:
        time.sleep(0.005)
        called.append(item)

    with pytest.raises(KeyboardInterrupt), ThreadedCalls(wait, 400, 4) as calls:  # noqa: PT012
        for item in range(300):
            calls.add(item)
        raise KeyboardInterrupt
    after = list(called)
    assert len(after) < 300
    time.sleep(0.03)
    assert called == after


def test_bytes_that_wait_are_bounded() -> None:
    """The caller waits where it would be far ahead of the threads."""
    held = [0, 0]
    lock = threading.Lock()

    def release(size: int) -> None:
        time.sleep(0.001)
        with lock:
            held[0] -= size

    with ThreadedCalls(release, 100, 2) as calls:
        for _ in range(100):
            with lock:
                held[0] += 8 << 20
                held[1] = max(held)
            calls.add(8 << 20, 8 << 20)
    assert held[0] == 0
    assert held[1] <= (64 + 3 * 8) << 20
