# SPDX-License-Identifier: BSD-3-Clause
"""Finding a dataset whose data ID is in very many collections."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pachon.datasets import CollectionType, DatasetTable, new_ids
from pachon.dimensions import Categorical, DataIdTable
from pachon.registry import SqlRegistry
from pachon.registry.datasets import finding
from pachon.registry.testing.sample_data import SampleData

RUNS = 1_200


@pytest.fixture(params=["sqlite", "postgresql"])
def sample(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SampleData]:
    """Runs that each hold a bias of detector 1, and a chain of most of them, the last first."""
    assert RUNS > finding._MANY
    pick = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/registry.sqlite3" if pick else request.getfixturevalue("postgres_url")
    with SqlRegistry.create(url) as registry:
        sample = SampleData(registry)
        runs = [f"run/{i:04d}" for i in range(RUNS)]
        with registry.write():
            for run in runs:
                registry.collections.register(run)
        columns = {"instrument": np.array(["Cam"] * RUNS, dtype=object), "detector": np.ones(RUNS, dtype=np.int64)}
        data_ids = DataIdTable.from_arrays(sample.bias.dimensions, columns)
        registry.datasets.insert(
            DatasetTable(sample.bias, data_ids, new_ids(RUNS), Categorical.encode(np.array(runs, dtype=object)))
        )
        registry.collections.register("empty", CollectionType.RUN)
        registry.collections.set_chain("chain", ["empty", "two", *reversed(runs[100:])])
        yield sample


def test_the_first_of_the_path_is_found(sample: SampleData) -> None:
    found = sample.find(sample.bias, "chain", detector=1)
    assert found is not None
    assert found.run == f"run/{RUNS - 1:04d}"
    first = sample.find(sample.bias, "two", "run/0007", "chain", detector=1)
    assert first is not None
    assert first.run == "run/0007"
    assert sample.find(sample.bias, "empty", "two", detector=1) is None
    assert sample.find(sample.bias, "chain", detector=2) is None
    late = sample.put(sample.bias, "two", detector=1)
    assert sample.find(sample.bias, "chain", detector=1) == late


def test_finding_in_bulk_agrees(sample: SampleData) -> None:
    data_ids = DataIdTable.from_rows(sample.bias.dimensions, [sample.data_id(sample.bias, detector=d) for d in (1, 2)])
    rows, table = sample.registry.datasets.find("bias", data_ids, "chain")
    assert rows[1] < 0
    assert table[int(rows[0])] == sample.find(sample.bias, "chain", detector=1)
    assert sample.registry.collections.get("run/0500", dataset_types=True).dataset_types == ("bias",)
    assert sample.registry.collections.fetch_governor_values(["run/0500"]) == {"instrument": {"Cam"}}


@pytest.mark.parametrize("count", [1, 2, 20, 21, 300])
def test_queries_search_few_and_many_collections_alike(sample: SampleData, count: int) -> None:
    runs = [f"run/{i:04d}" for i in reversed(range(50, 50 + count))]
    query = sample.registry.query
    first = query.datasets("bias", runs, where="instrument = 'Cam' AND detector = 1")
    assert [ref.run for ref in first] == runs[:1]
    every = query.datasets("bias", runs, where="instrument = 'Cam'", find_first=False)
    assert sorted(ref.run for ref in every) == sorted(runs)
    assert len(query.datasets("bias", runs, where="instrument = 'Cam' AND detector = 2")) == 0
    # The only instrument that the collections ever held is known of each.
    assert query.plan(query.dataset_spec("bias", runs)).constants == {"instrument": "Cam"}
