# SPDX-License-Identifier: BSD-3-Clause
"""Killed while definitions are changed: what jobs are told is never wrong, and a repair has it say all."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest

from faults.child import Spot, killing_at, spots_of
from faults.repositories import Repository
from faults.zygote import Zygote
from pachon.butler import Butler, FindingKind
from pachon.butler.definition_notes import FAULT_POINTS
from pachon.butler.migration import migrate_repository
from pachon.datasets import DatasetType
from pachon.datastore import faults
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler.definition_marks import (
    TypeDefinition,
    UniverseDefinition,
    list_marks,
    read_type_mark,
    read_universe_mark,
)
from pachon.registry import ConflictingDefinitionError
from pachon.resources import ResourcePath

CLASSES = ("StructuredDataDict", "StructuredDataList")
PROCESSES, ROUNDS = 4, 25


def made_of(butler: Butler, storage_class: str) -> DatasetType:
    return DatasetType("gain", ("instrument", "detector"), storage_class, universe=butler.universe)


def remove(root: str) -> None:
    with Butler.open(root, writeable=True) as butler:
        butler.dataset_types.remove("gain")


def register_anew(root: str) -> None:
    remove(root)
    with Butler.open(root, writeable=True) as butler:
        butler.dataset_types.register(made_of(butler, CLASSES[1]))


def change_universe(root: str) -> None:
    """Give the repository the next version of its universe."""
    with Butler.open(root) as butler:
        document: dict[str, Any] = copy.deepcopy({**butler.universe.document})
    document["version"] += 1
    metadata = document["elements"]["detector"].setdefault("metadata", [])
    metadata.append({"name": f"serial_{document['version']}", "type": "string", "length": 16})
    migrate_repository(root, universe=DimensionUniverse.from_document(document))


def note_points(root: str, change: Callable[[str], None]) -> list[str]:
    reached: list[str] = []
    with faults.install(reached.append):
        change(root)
    return reached


def die(root: str, change: Callable[[str], None], spot: Spot) -> None:
    with faults.install(killing_at(spot)):
        change(root)


def restore_type(root: str) -> None:
    """Have the dataset type as in the beginning."""
    with Butler.open(root, writeable=True) as butler:
        butler.dataset_types.remove("gain")
        butler.dataset_types.register(made_of(butler, CLASSES[0]))


def told(root: str) -> tuple[Any, ...]:
    """Give what jobs are told of the dimensions and of the type, and what the database says; None where nothing is told."""
    place = ResourcePath(root, force_directory=True)
    has_universe, names = list_marks(place)
    assert set(names) <= {"gain"}
    with Butler.open(root) as butler:
        known = butler.dataset_types.query("gain")
        return (
            read_universe_mark(place) if has_universe else None,
            UniverseDefinition.of(butler.universe),
            read_type_mark(place, "gain") if names else None,
            TypeDefinition.of(known[0]) if known else None,
        )


@pytest.mark.parametrize("change", [remove, register_anew, change_universe])
def test_a_kill_at_each_step(repository: Repository, zygote: Zygote, change: Callable[[str], None]) -> None:
    root, kills, found = repository.root, 0, 0
    points = zygote.check(note_points, root, change)
    assert set(FAULT_POINTS) <= set(points)
    own = [point for point in points if point.startswith("definition.")]
    for spot in spots_of(own):
        restore_type(root)
        ended = zygote.call(die, root, change, spot)
        assert ended.killed, f"{change.__name__} at {spot}: {ended}"
        kills += 1
        universe, its_universe, type_, its_type = told(root)
        # Too little may be said, but nothing that is wrong: no good graph is refused.
        assert universe in (None, its_universe), spot
        assert type_ in (None, its_type), spot
        with repository.open() as butler:
            report = butler.fsck(repair=True, min_age=0.0)
            assert report.clean
            found += sum(finding.kind is FindingKind.STALE_MARK for finding in report.findings)
            assert not [f for f in butler.fsck().findings if f.kind is FindingKind.STALE_MARK]
        universe, its_universe, type_, its_type = told(root)
        assert type_ == its_type
        assert universe in ((its_universe,) if change is change_universe else (None, its_universe))
    print(f"{change.__name__}: {kills} kills, {found} marks that were not up to date, all mended, none wrong")


def change_at_random(root: str, seed: str) -> None:
    rng = random.Random(seed)
    with Butler.open(root, writeable=True) as butler:
        for _ in range(ROUNDS):
            if rng.random() < 0.5:
                butler.dataset_types.remove("gain")
                continue
            try:
                butler.dataset_types.register(made_of(butler, rng.choice(CLASSES)))
            except ConflictingDefinitionError:
                butler.refresh()


def test_many_processes_at_once(repository: Repository) -> None:
    """Whoever is last leaves a mark that says what the database does."""
    zygotes = [Zygote() for _ in range(PROCESSES)]
    try:
        for number, zygote in enumerate(zygotes):
            zygote.start(change_at_random, repository.root, f"crowd {number}")
        for zygote in zygotes:
            ended = zygote.wait()
            assert ended.code == 0, ended.error
    finally:
        for zygote in zygotes:
            zygote.close()
    _, _, type_, its_type = told(repository.root)
    assert type_ == its_type
    with repository.open() as butler:
        assert not [f for f in butler.fsck().findings if f.kind is FindingKind.STALE_MARK]
