# SPDX-License-Identifier: BSD-3-Clause
import os
import threading
import uuid

import pytest

from pachon.ctrl_mpexec.runners.orders import Order, Orders, receive_order

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs sockets as POSIX systems have them")

FIRST, SECOND, THIRD = (uuid.uuid4() for _ in range(3))


@pytest.fixture
def orders():
    orders = Orders()
    yield orders
    orders.close()


def test_orders_come_in_their_order(orders):
    orders.send(FIRST, None, False)
    orders.send(SECOND, 10**12, True)
    orders.send_end()
    received = [receive_order(orders.end_of_worker) for _ in range(3)]
    assert received == [Order(FIRST, None, False), Order(SECOND, 10**12, True), None]


def test_what_the_worker_has_not_begun_with_can_be_taken_back(orders):
    for quantum_id in (FIRST, SECOND, THIRD):
        orders.send(quantum_id, None, False)
    assert receive_order(orders.end_of_worker).quantum_id == FIRST
    assert [orders.take_back() for _ in range(3)] == [SECOND, THIRD, None]


def test_each_order_is_received_by_one_of_the_two(orders):
    sent = [uuid.uuid4() for _ in range(500)]
    worked, taken = [], []

    def work():
        while (order := receive_order(orders.end_of_worker)) is not None:
            worked.append(order.quantum_id)

    worker = threading.Thread(target=work)
    worker.start()
    for number, quantum_id in enumerate(sent):
        orders.send(quantum_id, None, False)
        if number % 7 == 6:
            while (back := orders.take_back()) is not None:
                taken.append(back)
    orders.send_end()
    worker.join()
    assert sorted([*worked, *taken]) == sorted(sent)


def test_closed_orders_end_a_worker():
    orders = Orders()
    orders.close()
    assert receive_order(orders.end_of_worker) is None
    assert orders.take_back() is None


def test_a_worker_is_told_when_the_program_is_gone(orders):
    # As its process has it: a descriptor of its own.
    with orders.end_of_worker.dup() as end:
        orders.send(FIRST, 2**63, True)
        orders.close()
        assert receive_order(end) == Order(FIRST, 2**63, True), "what was sent before is not lost"
        assert receive_order(end) is None
