# SPDX-License-Identifier: BSD-3-Clause
"""Sixteen writers and sixteen readers on one run and one chain."""

from __future__ import annotations

from pathlib import Path

from faults.checking import key_of
from faults.conftest import NIGHTLY, SEED
from faults.crowd import CHAIN, SHARED, run_crowd
from faults.repositories import Repository
from faults.state import number_of
from faults.zygote import Zygote
from pachon.datasets import CollectionType

SECONDS = 60.0 if NIGHTLY else 6.0


def test_sixteen_writers_and_sixteen_readers(repository: Repository, zygote: Zygote) -> None:
    with repository.open() as butler:
        butler.collections.register(SHARED)
        butler.collections.register(CHAIN, CollectionType.CHAINED)
        butler.collections.set_chain(CHAIN, [SHARED])
    seen = zygote.check(run_crowd, repository.root, 16, 16, SECONDS, f"{SEED}-crowd")
    assert [one.error for one in seen if one.error] == []
    with repository.open() as butler:
        acknowledged = {key: number for one in seen for key, number in one.acknowledged.items()}
        found = {}
        for ref in butler.query_all_datasets(butler.collections.query("*", {CollectionType.RUN})):
            assert butler.exists(ref, verify=True), ref
            found[key_of(ref)] = number_of(key_of(ref), butler.get(ref))
        for key, number in found.items():
            assert number % 4 == key.detector, key
        assert {key: number for key, number in found.items() if key.run != SHARED} == acknowledged
        assert set(butler.collections.get(CHAIN).children) == {SHARED, *(key.run for key in acknowledged)}
        # Nothing that was removed left a file, and nothing that was refused.
        report = butler.fsck(min_age=0.0, verify="checksum")
        assert report.findings == (), [str(finding) for finding in report.findings]
        files = [path for path in Path(repository.root).rglob("*.yaml") if path.name != "butler.yaml"]
        assert len(files) == len(found)
    puts, conflicts, removals, reads, vanished = (
        sum(getattr(one, name) for one in seen)
        for name in ("shared_puts", "conflicts", "removals", "reads", "vanished")
    )
    assert acknowledged
    assert puts > 0
    assert reads > 0
    print(
        f"16 writers, 16 readers, {SECONDS:g} s: {len(acknowledged)} datasets of their own, {puts} puts into the shared run, "
        f"{conflicts} conflicts, {removals} removals, {reads} reads, {vanished} removed before they were read; lost 0, wrong 0"
    )
