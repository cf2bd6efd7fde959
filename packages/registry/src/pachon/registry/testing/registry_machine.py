# SPDX-License-Identifier: BSD-3-Clause
"""Random operations on a registry by two clients, compared with `RegistryModel` after every step.

Subclass `RegistryMachine`, say where databases are made, and let ``TestCase`` of the subclass run.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pachon.datasets import CollectionType, DatasetRef
from pachon.dimensions import DataIdTable, Timespan
from pachon.registry.sql_registry import SqlRegistry
from pachon.registry.testing.model_domains import Domain
from pachon.registry.testing.registry_model import Refused, RegistryModel

__all__ = ["RegistryMachine", "compare_registry", "spans"]

NAMES = ("r1", "r2", "t1", "c1", "x1", "x2", "x3")
"""Collections; the first letter says which type is usual."""
USUAL = {
    "r": CollectionType.RUN,
    "t": CollectionType.TAGGED,
    "c": CollectionType.CALIBRATION,
    "x": CollectionType.CHAINED,
}
CHANGES = ("set_chain", "extend", "prepend", "remove_from")
_T = TypeVar("_T")

names = st.sampled_from(NAMES)
lists = st.lists(names, max_size=4)
clients = st.booleans()
indices = st.integers(0, 7)


def spans() -> st.SearchStrategy[Timespan]:
    """Make time spans that often touch or overlap, some without a bound, some empty."""
    bounded = st.tuples(st.integers(1, 12), st.integers(1, 6)).map(lambda t: Timespan.from_ns(t[0], t[0] + t[1]))
    return bounded | st.sampled_from([Timespan(None, None), Timespan.from_ns(0, 5), Timespan.from_ns(5, Timespan.MAX)])


class _Undo(Exception):  # noqa: N818
    """Makes a transaction fail."""


class RegistryMachine(RuleBasedStateMachine):
    """Two clients of one registry, and the model."""

    worlds: ClassVar[list[Domain]] = []

    def new_database(self, domain: Domain) -> str:
        """Give the URL of a new registry with the records of a domain."""
        raise NotImplementedError

    def drop_database(self) -> None:
        """Remove the database again."""

    @initialize(data=st.data(), usual=st.booleans())
    def start(self, data: st.DataObject, usual: bool) -> None:
        """Open a registry; usually with everything registered that the rules speak of."""
        self.domain: Domain = data.draw(st.sampled_from(self.worlds))
        url = self.new_database(self.domain)
        self.registries = (SqlRegistry.open(url, writeable=True), SqlRegistry.open(url, writeable=True))
        self.model = RegistryModel(self.domain.exists)
        self.removed: list[DatasetRef] = []
        self.settled = True
        if usual:
            for name in NAMES:
                self._register(client=False, name=name, kind=USUAL[name[0]])
            for name in self.domain.dimensions:
                self._register_type(client=False, name=name)

    def teardown(self) -> None:
        """Compare everything once more, and close."""
        if hasattr(self, "registries"):
            for registry in self.registries:
                if self.settled:
                    compare_registry(registry, self.model, self.domain)
                registry.close()
            self.drop_database()

    def same(self, expected: Callable[[], _T], actual: Callable[[], _T]) -> None:
        """Compare what the model says with what the registry does."""
        self.settled = False
        try:
            wanted = expected()
        except Refused as refused:
            try:
                found = actual()
            except refused.errors:
                self.settled = True
                return
            raise AssertionError(f"The registry gave {found!r}; it should refuse with {refused}.") from None
        found = actual()
        assert found == wanted, f"The registry gave {found!r}, the model {wanted!r}."
        self.settled = True

    # What rules choose from.

    def known(self, index: int) -> list[DatasetRef]:
        """Give up to two datasets that exist, or did."""
        pool = [*self.model.datasets.values(), *self.removed[-2:]]
        return [pool[index % len(pool)], pool[(index * 3 + 1) % len(pool)]] if pool else []

    def new_ref(self, type_index: int, data_index: int, run: str) -> DatasetRef:
        """Make a reference with a new id."""
        name = list(self.domain.dimensions)[type_index % len(self.domain.dimensions)]
        pool = self.domain.data_ids(name)
        return DatasetRef(self.domain.dataset_type(name), pool[data_index % len(pool)], run)

    # Definitions.

    @rule(client=clients, name=names, other=names, odd=st.integers(0, 5))
    def register(self, client: bool, name: str, other: str, odd: int) -> None:
        """Register a collection, now and then with another type."""
        self._register(client=client, name=name, kind=USUAL[other[0]] if odd == 0 else USUAL[name[0]])

    def _register(self, *, client: bool, name: str, kind: CollectionType) -> None:
        self.same(lambda: self.model.register(name, kind), lambda: self._c(client).register(name, kind))

    @rule(client=clients, name=names, doc=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5))
    def document(self, client: bool, name: str, doc: str) -> None:
        """Document a collection."""
        self.same(lambda: self.model.set_doc(name, doc), lambda: self._c(client).set_doc(name, doc))

    @rule(client=clients, name=names, sealed=st.booleans())
    def seal(self, client: bool, name: str, sealed: bool) -> None:
        """Seal or unseal a run."""
        actual = self._c(client).seal if sealed else self._c(client).unseal
        self.same(lambda: self.model.seal(name, sealed=sealed), lambda: actual(name))

    @rule(client=clients, name=names)
    def remove(self, client: bool, name: str) -> None:
        """Remove a collection."""
        self.same(lambda: self.model.remove(name), lambda: self._c(client).remove(name))

    @rule(client=clients, index=indices, odd=st.integers(0, 7))
    def register_type(self, client: bool, index: int, odd: int) -> None:
        """Register a dataset type, now and then otherwise."""
        name = list(self.domain.dimensions)[index % len(self.domain.dimensions)]
        self._register_type(client=client, name=name, odd=odd)

    def _register_type(self, *, client: bool, name: str, odd: int = 9) -> None:
        storage_class = "float" if odd == 0 else "int"
        asked = self.domain.dataset_type(name, storage_class=storage_class, twisted=odd == 1)
        if name not in self.model.types and odd < 2:
            return  # what is registered is the usual one
        self.same(
            lambda: self.model.register_type(asked),
            lambda: self.registries[client].dataset_types.register(asked),
        )

    @rule(client=clients, index=indices, every=st.integers(0, 9))
    def remove_types(self, client: bool, index: int, every: int) -> None:
        """Remove a dataset type, or all of calibrations."""
        name = list(self.domain.dimensions)[index % len(self.domain.dimensions)]
        wanted = [n for n in self.domain.dimensions if n.startswith("c")] if every == 0 else [name]
        expression = "c*" if every == 0 else name
        self.same(
            lambda: self.model.remove_types(wanted),
            lambda: sorted(self.registries[client].dataset_types.remove(expression)),
        )

    @rule(client=clients, parent=names, children=lists, how=st.sampled_from(CHANGES))
    def change_chain(self, client: bool, parent: str, children: list[str], how: str) -> None:
        """Change a chain in one of the four ways."""
        actual = getattr(self._c(client), how)
        self.same(lambda: self.model.set_children(parent, children, how), lambda: actual(parent, children))

    # Datasets.

    @rule(
        client=clients,
        run=st.sampled_from(["r1", "r2", "r1", "r2", "t1"]),
        places=st.lists(st.tuples(indices, indices), min_size=1, max_size=3),
    )
    def insert(self, client: bool, run: str, places: list[tuple[int, int]]) -> None:
        """Register datasets, all or none."""
        refs = [self.new_ref(a, b, run) for a, b in places]
        self.same(lambda: self.model.insert(refs), lambda: self.registries[client].datasets.insert(refs))

    @rule(
        client=clients,
        index=indices,
        run=st.sampled_from(["r1", "r2"]),
        change=st.integers(0, 5),
        place=st.tuples(indices, indices),
    )
    def import_again(self, client: bool, index: int, run: str, change: int, place: tuple[int, int]) -> None:
        """Import datasets that exist, or did, with a new one; now and then one whose id means something else."""
        refs = list(dict.fromkeys([*self.known(index), self.new_ref(*place, run)]))
        if change == 0:
            refs = [DatasetRef(refs[0].dataset_type, refs[0].data_id, run, id=refs[0].id), *refs[1:]]
        self.same(lambda: self.model.import_(refs), lambda: self.registries[client].datasets.import_(refs))

    @rule(client=clients, index=indices)
    def remove_datasets(self, client: bool, index: int) -> None:
        """Remove datasets everywhere; unknown ids are ignored."""
        ids = [ref.id for ref in self.known(index)] + [uuid.uuid4()]
        self.removed += [self.model.datasets[i] for i in ids if i in self.model.datasets]
        self.same(lambda: self.model.delete(ids), lambda: self.registries[client].datasets.remove(ids))

    @rule(client=clients, name=st.sampled_from(["t1", "t1", "t1", "r1", "c1"]), index=indices, off=st.integers(0, 3))
    def tag(self, client: bool, name: str, index: int, off: int) -> None:
        """Tag datasets, or untag them."""
        refs = self.known(index)
        expected, actual = self.model.associate, self._c(client).associate
        if off == 0:
            expected, actual = self.model.disassociate, self._c(client).disassociate
        self.same(lambda: expected(name, refs), lambda: actual(name, refs))

    @rule(
        client=clients,
        name=st.sampled_from(["c1", "c1", "c1", "t1"]),
        index=indices,
        span=spans() | st.just(Timespan.empty()),
    )
    def certify(self, client: bool, name: str, index: int, span: Timespan) -> None:
        """Give datasets validity ranges."""
        refs = [ref for ref in self.known(index) if index % 4 == 0 or ref.dataset_type.is_calibration]
        self.same(lambda: self.model.certify(name, refs, span), lambda: self._c(client).certify(name, refs, span))

    @rule(
        client=clients, name=st.sampled_from(["c1", "c1", "c1", "r1"]), index=indices, span=spans(), some=st.booleans()
    )
    def decertify(self, client: bool, name: str, index: int, span: Timespan, some: bool) -> None:
        """Take time out of validity ranges."""
        type_name = list(self.domain.dimensions)[index % len(self.domain.dimensions)]
        group = self.domain.universe.conform(self.domain.dimensions[type_name])
        chosen = self.domain.data_ids(type_name)[:1] if some else None
        table = None if chosen is None else DataIdTable.from_rows(group, chosen)
        self.same(
            lambda: self.model.decertify(name, type_name, span, chosen),
            lambda: self._c(client).decertify(name, type_name, span, data_ids=table),
        )

    @rule(client=clients)
    def refresh_summaries(self, client: bool) -> None:
        """Compute summaries anew."""
        self.same(self.model.refresh_summaries, self._c(client).refresh_summaries)

    @rule(client=clients, data=st.data(), fails=st.booleans())
    def transaction(self, client: bool, data: st.DataObject, fails: bool) -> None:
        """Do something, then something that is undone inside of it, and perhaps undo it all."""
        before, removed = self.model.copy(), list(self.removed)
        try:
            with self.registries[client].write():
                self._step(client, data)
                middle = self.model.copy()
                try:
                    with self.registries[client].write():
                        self._step(client, data)
                        self._step(client, data)
                        raise _Undo
                except _Undo:
                    self.model = middle
                self._step(client, data)
                compare_registry(self.registries[client], self.model, self.domain)
                if fails:
                    raise _Undo
        except _Undo:
            self.model, self.removed = before, removed

    def _step(self, client: bool, data: st.DataObject) -> None:
        a, b, name = data.draw(indices), data.draw(indices), data.draw(names)
        match data.draw(st.integers(0, 6)):
            case 0:
                self._register_type(client=client, name=list(self.domain.dimensions)[a % len(self.domain.dimensions)])
            case 1:
                self._register(client=client, name=name, kind=USUAL[name[0]])
            case 2:
                refs = [self.new_ref(a, b, "r1")]
                self.same(lambda: self.model.insert(refs), lambda: self.registries[client].datasets.insert(refs))
            case 3:
                refs = self.known(a)
                self.same(lambda: self.model.associate("t1", refs), lambda: self._c(client).associate("t1", refs))
            case 4:
                ids = [ref.id for ref in self.known(a)]
                self.same(lambda: self.model.delete(ids), lambda: self.registries[client].datasets.remove(ids))
            case 5:
                children = [data.draw(names)]
                self.same(
                    lambda: self.model.set_children(name, children, "extend"),
                    lambda: self._c(client).extend(name, children),
                )
            case _:
                self.same(lambda: self.model.remove(name), lambda: self._c(client).remove(name))

    # Questions.

    @rule(
        client=clients,
        path=st.lists(names, min_size=1, max_size=3),
        index=indices,
        place=indices,
        span=spans() | st.none(),
    )
    def find(self, client: bool, path: list[str], index: int, place: int, span: Timespan | None) -> None:
        """Find a dataset along a path."""
        type_name = list(self.domain.dimensions)[index % len(self.domain.dimensions)]
        pool = self.domain.data_ids(type_name)
        data_id = pool[place % len(pool)]
        self.same(
            lambda: self.model.find_one(type_name, data_id, path, span),
            lambda: self.registries[client].datasets.find_one(type_name, data_id, path, timespan=span),
        )

    @rule(client=clients)
    def everything(self, client: bool) -> None:
        """Compare all that there is."""
        compare_registry(self.registries[client], self.model, self.domain)

    @precondition(lambda self: hasattr(self, "registries"))
    @invariant()
    def same_definitions(self) -> None:
        """Compare collections, chains and dataset types, as both clients see them."""
        for registry in self.registries:
            _compare_definitions(registry, self.model)

    def _c(self, client: bool) -> Any:
        return self.registries[client].collections


def _compare_definitions(registry: SqlRegistry, model: RegistryModel) -> None:
    infos = registry.collections.find(registry.collections.query("*"), parents=True)
    assert {name: (i.type, i.doc, i.sealed, i.children) for name, i in infos.items()} == {
        name: (held.type, held.doc, held.sealed, held.children) for name, held in model.collections.items()
    }
    for name, info in infos.items():
        assert set(info.parents) == {p for p, held in model.collections.items() if name in held.children}
        assert registry.collections.flatten(name) == model.flatten([name])
    assert {known.name: known for known in registry.dataset_types.query()} == model.types


def compare_registry(registry: SqlRegistry, model: RegistryModel, domain: Domain) -> None:
    """Compare all that a registry holds, and several ways to ask for it, with the model."""
    _compare_definitions(registry, model)
    everything = list(model.collections)
    infos = registry.collections.find(everything, dataset_types=True)
    for name, held in model.collections.items():
        assert set(infos[name].dataset_types or ()) == model.types_ever(name)
        if held.type is CollectionType.RUN:
            tables = registry.datasets.get_by_run(name)
            assert {(ref.id, ref) for table in tables for ref in table} == {
                (r.id, r) for r in model.of_run(name).values()
            }
    assert registry.collections.fetch_governor_values(everything) == model.governors_ever(everything)
    found = [ref for table in registry.datasets.get_by_ids(model.datasets) for ref in table]
    assert {ref.id: (ref, ref.run) for ref in found} == {i: (ref, ref.run) for i, ref in model.datasets.items()}
    for type_name in model.types:
        _compare_type(registry, model, domain, type_name)


def _compare_type(registry: SqlRegistry, model: RegistryModel, domain: Domain, type_name: str) -> None:
    everything = list(model.collections)
    table = registry.datasets.fetch_validity(type_name, everything)
    rows = zip(table.datasets, table.begin_ns.tolist(), table.end_ns.tolist(), table.rank.tolist(), strict=True)
    assert sorted((ref.id, b, e, rank) for ref, b, e, rank in rows) == model.validity(type_name, everything)
    for name, held in model.collections.items():
        queried = [ref.id for ref in registry.query.datasets(type_name, name, find_first=False)]
        expected = {row[0] for row in model.validity(type_name, [name])}
        assert set(queried) == expected
        assert len(queried) == len(expected)
        if held.type in (CollectionType.RUN, CollectionType.TAGGED):
            pool = DataIdTable.from_rows(
                domain.universe.conform(domain.dimensions[type_name]), domain.data_ids(type_name)
            )
            places, datasets = registry.datasets.find(type_name, pool, name)
            ids = [datasets[int(place)].id if place >= 0 else None for place in places]
            content = model.content(name)
            assert ids == [content[key].id if (key := (type_name, data_id)) in content else None for data_id in pool]
