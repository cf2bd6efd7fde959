# SPDX-License-Identifier: BSD-3-Clause
"""Random registrations, chains, associations, certifications and removals, compared with plain Python values."""

import shutil
import tempfile
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pachon.datasets import CollectionType, DatasetRef
from pachon.dimensions import DataIdTable, Timespan
from pachon.registry import (
    CalibrationLookupError,
    CollectionCycleError,
    ConflictingDefinitionError,
    MissingCollectionError,
    OrphanedRecordError,
    SqlRegistry,
)
from pachon.registry.testing.sample_data import SampleData

RUNS = ("one", "two")
CHAINS = ("chain", "upper", "lower")
ALL = (*RUNS, "tag", "calib", *CHAINS)
DETECTORS = st.integers(0, 2)
SPANS = st.tuples(st.integers(1, 12), st.integers(1, 6)).map(lambda t: Timespan.from_ns(t[0], t[0] + t[1]))


class RegistryMachine(RuleBasedStateMachine):
    @initialize()
    def make(self) -> None:
        self.folder = tempfile.mkdtemp()
        url = f"sqlite:///{Path(self.folder)}/registry.sqlite3"
        self.registry = SqlRegistry.create(url)
        self.other = SqlRegistry.open(url, writeable=True)
        self.sample = SampleData(self.registry)
        for name in CHAINS[1:]:
            self.registry.collections.register(name, CollectionType.CHAINED)
        self.runs: dict[str, dict[int, DatasetRef]] = {name: {} for name in RUNS}
        self.tag: dict[int, DatasetRef] = {}
        self.calib: list[tuple[int, DatasetRef, int, int]] = []
        self.chains: dict[str, tuple[str, ...]] = dict.fromkeys(CHAINS, ())

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.registry.close()
            self.other.close()
            shutil.rmtree(self.folder)

    def known(self) -> list[DatasetRef]:
        return [ref for held in self.runs.values() for ref in held.values()]

    @rule(run=st.sampled_from(RUNS), detector=DETECTORS)
    def put(self, run: str, detector: int) -> None:
        ref = self.sample.ref(self.sample.bias, run, detector=detector)
        try:
            self.registry.datasets.insert([ref])
        except ConflictingDefinitionError:
            assert detector in self.runs[run]
        else:
            assert detector not in self.runs[run]
            self.runs[run][detector] = ref

    @rule(run=st.sampled_from(RUNS), detector=DETECTORS)
    def associate(self, run: str, detector: int) -> None:
        ref = self.runs[run].get(detector)
        if ref is None:
            return
        try:
            self.registry.collections.associate("tag", [ref])
        except ConflictingDefinitionError:
            assert self.tag[detector] != ref
        else:
            assert self.tag.setdefault(detector, ref) == ref

    @rule(detector=DETECTORS)
    def disassociate(self, detector: int) -> None:
        if detector in self.tag:
            self.registry.collections.disassociate("tag", [self.tag.pop(detector)])

    @rule(run=st.sampled_from(RUNS), detectors=st.sets(DETECTORS, min_size=1), span=SPANS)
    def certify(self, run: str, detectors: set[int], span: Timespan) -> None:
        refs = [self.runs[run][d] for d in sorted(detectors) if d in self.runs[run]]
        if not refs:
            return
        clash = any(
            d == ref.data_id["detector"] and b < span.end_ns and span.begin_ns < e
            for ref in refs
            for d, _, b, e in self.calib
        )
        try:
            self.registry.collections.certify("calib", refs, span)
        except ConflictingDefinitionError:
            assert clash
        else:
            assert not clash
            self.calib += [(int(ref.data_id["detector"]), ref, span.begin_ns, span.end_ns) for ref in refs]

    @rule(span=SPANS, detector=DETECTORS | st.none())
    def decertify(self, span: Timespan, detector: int | None) -> None:
        only = None
        if detector is not None:
            group = self.sample.bias.dimensions
            only = DataIdTable.from_rows(group, [self.sample.data_id(self.sample.bias, detector=detector)])
        self.registry.collections.decertify("calib", "bias", span, data_ids=only)
        left = []
        for d, ref, begin, end in self.calib:
            if detector is not None and d != detector:
                left.append((d, ref, begin, end))
            else:
                parts = Timespan.from_ns(begin, end).difference(span)
                left += [(d, ref, part.begin_ns, part.end_ns) for part in parts]
        self.calib = left

    @rule(name=st.sampled_from(CHAINS), children=st.lists(st.sampled_from(ALL), max_size=4))
    def set_chain(self, name: str, children: list[str]) -> None:
        try:
            self.other.collections.set_chain(name, children)
        except CollectionCycleError:
            assert any(self._reaches(child, name) for child in children)
        except MissingCollectionError:
            assert name not in self.chains or not all(self._exists(child) for child in children)
        else:
            assert not any(self._reaches(child, name) for child in children)
            self.chains[name] = tuple(dict.fromkeys(children))

    def _reaches(self, start: str, name: str) -> bool:
        return start == name or any(self._reaches(child, name) for child in self.chains.get(start, ()))

    def _exists(self, name: str) -> bool:
        return name not in CHAINS or name in self.chains

    @rule(name=st.sampled_from(CHAINS))
    def remove_chain(self, name: str) -> None:
        held = any(name in children for children in self.chains.values())
        try:
            self.registry.collections.remove(name)
        except OrphanedRecordError:
            assert held
        except MissingCollectionError:
            assert name not in self.chains
        else:
            assert not held
            del self.chains[name]

    @rule(run=st.sampled_from(RUNS), detector=DETECTORS)
    def remove_dataset(self, run: str, detector: int) -> None:
        ref = self.runs[run].pop(detector, None)
        if ref is None:
            return
        assert self.other.datasets.remove([ref.id]) == 1
        self.tag = {d: other for d, other in self.tag.items() if other != ref}
        self.calib = [row for row in self.calib if row[1] != ref]

    def flat(self, name: str) -> list[str]:
        if name not in self.chains:
            return [name]
        return list(dict.fromkeys(member for child in self.chains[name] for member in self.flat(child)))

    @invariant()
    def same_chains(self) -> None:
        if not hasattr(self, "registry"):
            return
        for registry in (self.registry, self.other):
            for name in self.chains:
                assert registry.collections.flatten(name) == tuple(self.flat(name))

    @rule(name=st.sampled_from(ALL), detector=DETECTORS, span=SPANS | st.none())
    def find(self, name: str, detector: int, span: Timespan | None) -> None:
        if not self._exists(name):
            return
        expected: DatasetRef | str | None = None
        for member in self.flat(name):
            if member == "calib":
                rows = [
                    ref
                    for d, ref, b, e in self.calib
                    if span is not None and d == detector and b < span.end_ns and span.begin_ns < e
                ]
                expected = "ambiguous" if len(set(rows)) > 1 else rows[0] if rows else None
            else:
                expected = (self.tag if member == "tag" else self.runs[member]).get(detector)
            if expected is not None:
                break
        try:
            found: DatasetRef | str | None = self.other.datasets.find_one(
                "bias", self.sample.data_id(self.sample.bias, detector=detector), [name], timespan=span
            )
        except CalibrationLookupError:
            found = "ambiguous"
        assert found == expected

    @rule(name=st.sampled_from([*RUNS, "tag"]))
    def query(self, name: str) -> None:
        held = self.tag if name == "tag" else self.runs[name]
        assert set(self.registry.query.datasets("bias", name)) == set(held.values())
        every = self.registry.query.datasets("bias", [*RUNS, "tag", "calib"], find_first=False)
        assert set(every) == set(self.known())
        assert len(every) == len(self.known())


RegistryMachine.TestCase.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAgainstModel = RegistryMachine.TestCase
