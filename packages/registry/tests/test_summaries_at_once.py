# SPDX-License-Identifier: BSD-3-Clause
"""Summaries are computed anew while another client of a server adds datasets."""

import threading
import time

from pachon.registry import SqlRegistry
from pachon.registry.testing.sample_data import SampleData


def test_no_dataset_is_left_out(postgres_url: str) -> None:
    with SqlRegistry.create(postgres_url) as one, SqlRegistry.open(postgres_url, writeable=True) as two:
        sample = SampleData(one)
        # The first client knows that the summary has it, and so does not write it again; the datasets go.
        one.datasets.remove([sample.put(sample.bias, "one", detector=number).id for number in (1, 2)])
        refresh = threading.Thread(target=two.collections.refresh_summaries)
        with one.write():
            ref = sample.put(sample.bias, "one", detector=1)
            refresh.start()
            time.sleep(0.3)  # so that it has come to where it must wait
        refresh.join(30)
        assert sample.find(sample.bias, "one", detector=1) == ref
        assert one.collections.get("one", dataset_types=True).dataset_types == ("bias",)
        two.refresh()
        assert two.collections.fetch_governor_values(["one"]) == {"instrument": {"Cam"}}
