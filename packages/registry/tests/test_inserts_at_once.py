# SPDX-License-Identifier: BSD-3-Clause
"""Clients of a server that insert datasets of the same types at once, each in another order."""

import threading
from collections.abc import Sequence

from pachon.datasets import CollectionType, DatasetRef
from pachon.registry import SqlRegistry
from pachon.registry.testing.sample_data import SampleData

ROUNDS = 12


def test_types_in_another_order_wait_for_nobody_in_a_circle(postgres_url: str) -> None:
    """Each client notes first in the summary of the new run what the other notes last, which is a deadlock for the server."""
    with SqlRegistry.create(postgres_url) as one, SqlRegistry.open(postgres_url, writeable=True) as two:
        sample = SampleData(one)
        types = [sample.register(f"type{n}", ["detector"]) for n in range(12)]
        failures: list[Exception] = []

        def insert(registry: SqlRegistry, refs: Sequence[DatasetRef], start: threading.Barrier) -> None:
            start.wait(30)
            try:
                registry.datasets.insert(refs)
            except Exception as error:
                failures.append(error)
                raise

        for turn in range(ROUNDS):
            run = f"run{turn}"
            one.collections.register(run, CollectionType.RUN)
            start = threading.Barrier(2)
            threads = [
                threading.Thread(
                    target=insert, args=(registry, [sample.ref(type_, run, detector=n) for type_ in order], start)
                )
                for n, (registry, order) in enumerate([(one, types), (two, types[::-1])])
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert not failures, failures
            assert sorted(len(table) for table in one.datasets.get_by_run(run)) == [2] * len(types)
