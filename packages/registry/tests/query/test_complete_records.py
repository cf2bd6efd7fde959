# SPDX-License-Identifier: BSD-3-Clause
"""Detectors that have datasets, beside a count in Python: of two cameras, rare ones, and such as have some elsewhere only."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from pachon.datasets import CollectionType, DatasetSearch, DatasetTable, DatasetType, new_ids
from pachon.dimensions import DataIdTable
from pachon.registry import SqlRegistry
from pachon.registry.testing.example import load_records
from pachon.registry.testing.postgresql import new_database

EXPOSURES, DETECTORS = 60, 12
RARE, NONE, ELSEWHERE = 7, 8, 9
"""Detectors: with one image in ``some``, with none at all, with images in ``all`` only."""

Held = Callable[[str, int, int], bool]
HELD: dict[str, Held] = {
    "all": lambda camera, exposure, detector: detector != NONE and (camera == "A" or detector % 2 == 0),
    "some": lambda camera, exposure, detector: (
        camera == "A" and detector not in (NONE, ELSEWHERE) and (detector != RARE or exposure == EXPOSURES - 1)
    ),
    "last": lambda camera, exposure, detector: camera == "B" and exposure == 3 and detector == DETECTORS - 1,
}
"""Whether a run has an image of an exposure and a detector of a camera."""
SEARCHES = {
    "all": ["all"],
    "some": ["some"],
    "last": ["last"],
    "tagged": ["some"],
    "chain": ["some", "last"],
    "chain,all": ["some", "last", "all"],
}
"""Collections that are searched, and the runs whose images they have."""
CONDITIONS: dict[str, Callable[[str, int], bool]] = {
    "": lambda camera, detector: True,
    "instrument = 'A'": lambda camera, detector: camera == "A",
    "instrument = 'B'": lambda camera, detector: camera == "B",
    "instrument IN ('A', 'B') AND detector > 6": lambda camera, detector: detector > 6,
    "instrument = 'A' AND detector.raft = 'R1'": lambda camera, detector: camera == "A" and detector % 3 == 1,
    "(instrument = 'B' OR detector.raft = 'R2') AND NOT detector = 4": lambda camera, detector: (
        (camera == "B" or detector % 3 == 2) and detector != 4
    ),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def cameras(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlRegistry]:
    with SqlRegistry.create(new_database(request.param, tmp_path_factory.mktemp("cameras"))) as registry:
        for camera in "AB":
            _register(registry, camera)
        image = DatasetType("image", ["exposure", "detector"], "int", universe=registry.universe)
        registry.dataset_types.register(image)
        for run, held in HELD.items():
            registry.collections.register(run)
            chosen = [
                (camera, exposure, detector)
                for camera in "AB"
                for exposure in range(EXPOSURES)
                for detector in range(DETECTORS)
                if held(camera, exposure, detector)
            ]
            columns = dict(
                zip(("instrument", "exposure", "detector"), map(np.array, zip(*chosen, strict=True)), strict=True)
            )
            columns["instrument"] = columns["instrument"].astype(object)
            keys = DataIdTable.from_arrays(image.dimensions, columns)
            table = DatasetTable(image, keys, new_ids(len(chosen)), run)
            registry.datasets.insert(table)
            if run == "some":
                registry.collections.register("tagged", CollectionType.TAGGED)
                registry.collections.associate("tagged", table)
        registry.collections.register("chain", CollectionType.CHAINED)
        registry.collections.set_chain("chain", ["some", "last"])
        yield registry


def _register(registry: SqlRegistry, camera: str) -> None:
    own = {"instrument": camera}
    load_records(registry, "instrument", {"name": camera, "detector_max": DETECTORS})
    load_records(
        registry, "detector", *({**own, "id": i, "full_name": f"D{i}", "raft": f"R{i % 3}"} for i in range(DETECTORS))
    )
    load_records(registry, "physical_filter", {**own, "name": "g", "band": "g"})
    load_records(registry, "day_obs", {**own, "id": 20260101})
    load_records(registry, "group", {**own, "name": "g"})
    exposures = (
        {**own, "id": i, "obs_id": f"o{i}", "physical_filter": "g", "day_obs": 20260101, "group": "g"} | {"seq_num": i}
        for i in range(EXPOSURES)
    )
    load_records(registry, "exposure", *exposures)


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("collections", SEARCHES)
def test_detectors_with_images(cameras: SqlRegistry, collections: str, condition: str) -> None:
    search = DatasetSearch(dataset_type="image", collections=tuple(collections.split(",")))
    found = cameras.query.data_ids(["detector"], datasets=[search], where=condition)
    wanted = [
        (camera, detector)
        for camera in "AB"
        for detector in range(DETECTORS)
        if CONDITIONS[condition](camera, detector)
        and any(HELD[run](camera, exposure, detector) for run in SEARCHES[collections] for exposure in range(EXPOSURES))
    ]
    given = zip(found.columns["instrument"].tolist(), found.columns["detector"].tolist(), strict=True)
    assert sorted(given) == wanted
    spec = cameras.query.spec(["detector"], datasets=[search], where=condition)
    assert cameras.query.count(spec) == len(wanted)


def test_an_index_of_postgresql_tells_which(cameras: SqlRegistry) -> None:
    search = DatasetSearch(dataset_type="image", collections=("chain",))
    plan = cameras.query.plan(cameras.query.spec(["detector"], datasets=[search], where="instrument = 'A'"))
    if cameras._state.dialect == "postgresql":
        assert plan.assured == ("these have image",)
        assert not plan.existences
    else:
        assert not plan.assured
