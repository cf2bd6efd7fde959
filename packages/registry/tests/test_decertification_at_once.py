# SPDX-License-Identifier: BSD-3-Clause
"""A client of a server shortens the validity of a dataset that another one removes."""

import threading
import time

import pytest

from pachon.registry import SqlRegistry
from pachon.registry.testing.sample_data import SampleData, span


@pytest.mark.parametrize("first", ["decertify", "remove"])
def test_no_range_is_left_of_a_removed_dataset(postgres_url: str, first: str) -> None:
    with SqlRegistry.create(postgres_url) as one, SqlRegistry.open(postgres_url, writeable=True) as two:
        sample = SampleData(one)
        ref = sample.put(sample.bias, "one", detector=1)
        one.collections.certify("calib", [ref], span(1, 20))

        def change(registry: SqlRegistry, what: str) -> None:
            if what == "decertify":
                registry.collections.decertify("calib", "bias", span(5, 10))
            else:
                registry.datasets.remove([ref.id])

        second = "remove" if first == "decertify" else "decertify"
        other = threading.Thread(target=change, args=(two, second))
        with one.write():
            change(one, first)
            other.start()
            time.sleep(0.3)  # so that it has come to where it must wait
        other.join(30)
        assert len(one.datasets.fetch_validity("bias", "calib")) == 0
