# SPDX-License-Identifier: BSD-3-Clause
"""What every registry must do with collections."""

from __future__ import annotations

import pytest

from pachon.base import InvalidInputError, NotFoundError
from pachon.datasets import CollectionType, DatasetRef
from pachon.registry.errors import (
    CollectionCycleError,
    CollectionExpressionError,
    CollectionTypeError,
    ConflictingDefinitionError,
    DatasetTypeError,
    MissingCollectionError,
    OrphanedRecordError,
    SealedRunError,
)
from pachon.registry.protocol import Registry
from pachon.registry.testing.sample_data import SampleData, span

__all__ = ["CollectionsSuite"]


class CollectionsSuite:
    """Registration, chains, tags, certified calibrations, listing and removal."""

    def test_register_twice(self, registry: Registry) -> None:
        assert registry.collections.register("a/b", doc="what it is")
        assert not registry.collections.register("a/b", doc="something else")
        assert registry.collections.get("a/b").doc == "what it is"
        assert registry.collections.get("a/b").type is CollectionType.RUN
        with pytest.raises(ConflictingDefinitionError):
            registry.collections.register("a/b", CollectionType.TAGGED)

    def test_documentation(self, registry: Registry) -> None:
        registry.collections.register("a")
        assert registry.collections.get("a").doc == ""
        registry.collections.set_doc("a", "line\nline " + "é" * 65_000)
        assert len(registry.collections.get("a").doc) > 65_000
        with pytest.raises(InvalidInputError):
            registry.collections.set_doc("a", "half a character: \ud800")
        registry.collections.set_doc("a", None)
        assert registry.collections.get("a").doc == ""

    @pytest.mark.parametrize("name", ["", "x" * 129, "a*", "[a]", " a", "a ", "/a", "a/", "a\nb", "a\x00b"])
    def test_bad_names(self, registry: Registry, name: str) -> None:
        with pytest.raises(CollectionExpressionError):
            registry.collections.register(name)

    @pytest.mark.parametrize(
        "name", ["a'; DROP TABLE collection; --", 'a"b', "völlig/ok", "x" * 128, "a b", "%s", ":x"]
    )
    def test_odd_names_are_data(self, registry: Registry, name: str) -> None:
        assert registry.collections.register(name)
        assert registry.collections.query(name) == [name]
        assert registry.collections.get(name).name == name

    def test_missing(self, registry: Registry) -> None:
        registry.collections.register("night/one")
        with pytest.raises(MissingCollectionError, match="night/one"):
            registry.collections.get("night/ona")
        assert registry.collections.find(["night/one", "nope"]).keys() == {"night/one"}

    def test_chains(self, registry: Registry) -> None:
        collections = registry.collections
        for name in "abcd":
            collections.register(name)
        collections.register("chain", CollectionType.CHAINED)
        collections.set_chain("chain", ["b", "a", "b"])
        assert collections.get("chain").children == ("b", "a")
        collections.extend("chain", ["c", "b"])
        assert collections.get("chain").children == ("a", "c", "b")
        collections.prepend("chain", ["d", "b"])
        assert collections.get("chain").children == ("d", "b", "a", "c")
        collections.remove_from("chain", ["a", "d"])
        assert collections.get("chain").children == ("b", "c")
        collections.remove_from("chain", "a")
        assert collections.get("b", parents=True).parents == ("chain",)
        collections.set_chain("chain", [])
        assert collections.flatten("chain") == ()

    def test_flatten(self, registry: Registry) -> None:
        collections = registry.collections
        for name in "abc":
            collections.register(name)
        for name in ("outer", "inner"):
            collections.register(name, CollectionType.CHAINED)
        collections.set_chain("inner", ["b", "a"])
        collections.set_chain("outer", ["a", "inner", "c"])
        assert collections.flatten("outer") == ("a", "b", "c")
        assert collections.flatten(["c", "outer"]) == ("c", "a", "b")
        with pytest.raises(MissingCollectionError):
            collections.flatten("nope")

    def test_cycles(self, registry: Registry) -> None:
        collections = registry.collections
        for name in "abc":
            collections.register(name, CollectionType.CHAINED)
        collections.set_chain("a", ["b"])
        collections.set_chain("b", ["c"])
        for children in (["c", "a"], ["a"]):
            with pytest.raises(CollectionCycleError, match="->"):
                collections.set_chain("c", children)
        with pytest.raises(CollectionCycleError):
            collections.extend("a", "a")
        assert collections.get("c").children == ()

    def test_chain_errors(self, registry: Registry) -> None:
        registry.collections.register("run")
        registry.collections.register("chain", CollectionType.CHAINED)
        with pytest.raises(CollectionTypeError):
            registry.collections.set_chain("run", [])
        with pytest.raises(MissingCollectionError):
            registry.collections.set_chain("chain", ["run", "nope"])
        with pytest.raises(CollectionExpressionError):
            registry.collections.set_chain("chain", ["r*"])
        with pytest.raises(MissingCollectionError):
            registry.collections.set_chain("nope", ["run"])

    def test_query(self, registry: Registry) -> None:
        collections = registry.collections
        for name in ("u/a", "u/b", "v/a"):
            collections.register(name)
        collections.register("t", CollectionType.TAGGED)
        collections.register("chain", CollectionType.CHAINED)
        collections.set_chain("chain", ["v/a", "u/a"])
        assert collections.query() == ["chain", "t", "u/a", "u/b", "v/a"]
        assert collections.query(["t", "u/*"]) == ["u/a", "u/b", "t"]
        assert collections.query("?/a") == ["u/a", "v/a"]
        assert collections.query("[uv]/b") == ["u/b"]
        assert collections.query("U/*") == []
        assert collections.query([]) == []
        assert collections.query("*", {CollectionType.TAGGED, CollectionType.CHAINED}) == ["chain", "t"]
        assert collections.query("*", ["tagged", "Chained"]) == ["chain", "t"]
        assert collections.query("*", CollectionType.TAGGED) == collections.query("*", "TAGGED") == ["t"]
        with pytest.raises(InvalidInputError, match="no collection type 'TAGED'"):
            collections.query("*", ["TAGED"])
        assert collections.query("chain", flatten_chains=True) == ["v/a", "u/a"]
        assert collections.query("chain", flatten_chains=True, include_chains=True) == ["chain", "v/a", "u/a"]
        assert collections.query("*", include_chains=False) == ["t", "u/a", "u/b", "v/a"]
        with pytest.raises(MissingCollectionError):
            collections.query(["u/*", "nope"])

    def test_remove(self, sample: SampleData) -> None:
        collections = sample.registry.collections
        sample.put(sample.bias, "one", detector=1)
        collections.set_chain("chain", ["two", "tag"])
        with pytest.raises(OrphanedRecordError, match="chain"):
            collections.remove("tag")
        with pytest.raises(OrphanedRecordError, match="datasets"):
            collections.remove("one")
        collections.remove("chain")
        collections.remove("tag")
        collections.remove("two")
        assert collections.query() == ["calib", "one"]
        with pytest.raises(MissingCollectionError):
            collections.remove("two")
        assert collections.register("two", CollectionType.TAGGED)

    def test_sealed_runs(self, sample: SampleData) -> None:
        collections, datasets = sample.registry.collections, sample.registry.datasets
        first = sample.put(sample.bias, "one", detector=1)
        assert not collections.get("one").sealed
        collections.seal("one")
        collections.seal("one")
        assert collections.get("one").sealed
        assert collections.find(["two", "one"])["one"].sealed
        assert not collections.get("two").sealed
        other = sample.ref(sample.bias, "one", detector=2)
        for act in (lambda: datasets.insert([other]), lambda: datasets.import_([first, other])):
            with pytest.raises(SealedRunError, match="'one'"):
                act()
        with pytest.raises(SealedRunError):
            datasets.insert([sample.ref(sample.bias, "two", detector=2), other])
        assert datasets.get_by_run("two") == []
        assert datasets.import_([first]) == 0
        collections.associate("tag", [first])
        assert sample.find(sample.bias, "tag", detector=1) == first
        collections.unseal("one")
        collections.unseal("two")
        datasets.insert([other])
        assert sample.find(sample.bias, "one", detector=2) == other
        for name in ("tag", "chain", "calib"):
            with pytest.raises(CollectionTypeError):
                collections.seal(name)
        with pytest.raises(MissingCollectionError):
            collections.seal("nope")

    def test_a_sealed_run_is_sealed_for_all_clients(self, sample: SampleData, again: Registry) -> None:
        ref = sample.ref(sample.bias, "one", detector=1)
        again.datasets.insert([sample.ref(sample.bias, "one", detector=2)])
        sample.registry.collections.seal("one")
        with pytest.raises(SealedRunError):
            again.datasets.insert([ref])
        assert again.collections.get("one").sealed
        again.collections.unseal("one")
        sample.registry.datasets.insert([ref])

    def test_a_run_that_takes_datasets_only_in_a_part_that_is_undone(self, sample: SampleData) -> None:
        registry = sample.registry
        refs = [sample.ref(sample.bias, "one", detector=detector) for detector in (1, 2, 3)]
        registry.datasets.insert(refs[:1])
        registry.collections.seal("one")

        def undo_a_part() -> None:
            with pytest.raises(ZeroDivisionError), registry.write():
                registry.collections.unseal("one")
                registry.datasets.insert(refs[1:2])
                raise ZeroDivisionError
            with pytest.raises(SealedRunError):
                registry.datasets.insert(refs[2:])

        with registry.write():
            undo_a_part()
        undo_a_part()
        assert sample.find(sample.bias, "one", detector=2) is None

    def test_a_run_that_is_removed_and_made_again_between_datasets(self, sample: SampleData, again: Registry) -> None:
        registry = sample.registry
        for client in (registry, again):
            registry.collections.register("brief")
            ref = sample.ref(sample.bias, "brief", detector=1)
            registry.datasets.insert([ref])
            registry.datasets.insert([sample.ref(sample.bias, "brief", detector=2)])
            client.datasets.remove(registry.datasets.get_by_run("brief")[0].ids)
            client.collections.remove("brief")
            with pytest.raises(MissingCollectionError):
                registry.datasets.insert([ref])
            client.collections.register("brief")
            client.collections.seal("brief")
            with pytest.raises(SealedRunError):
                registry.datasets.insert([ref])
            client.collections.remove("brief")

    def test_associate(self, sample: SampleData) -> None:
        first, second = (sample.put(sample.bias, run, detector=1) for run in ("one", "two"))
        other = sample.put(sample.raw, "one", detector=1, exposure=2)
        collections = sample.registry.collections
        collections.associate("tag", [first, other])
        collections.associate("tag", [first])
        assert sample.find(sample.bias, "tag", detector=1) == first
        assert sample.find(sample.raw, "tag", detector=1, exposure=2) == other
        with pytest.raises(ConflictingDefinitionError):
            collections.associate("tag", [sample.put(sample.bias, "two", detector=2), second])
        assert sample.find(sample.bias, "tag", detector=2) is None
        collections.disassociate("tag", [first, second])
        assert sample.find(sample.bias, "tag", detector=1) is None
        collections.associate("tag", [second])
        assert sample.find(sample.bias, "tag", detector=1) == second
        with pytest.raises(NotFoundError):
            collections.associate("tag", [sample.ref(sample.bias, "one", detector=3)])
        for name in ("one", "chain", "calib"):
            with pytest.raises(CollectionTypeError):
                collections.associate(name, [first])
        gain = sample.register("gain", ["detector"])
        with pytest.raises(NotFoundError):
            collections.associate("tag", [DatasetRef(gain, first.data_id, "one", id=first.id)])

    def test_certify(self, sample: SampleData) -> None:
        first, second = (sample.put(sample.bias, run, detector=1) for run in ("one", "two"))
        elsewhere = sample.put(sample.bias, "one", detector=2)
        collections = sample.registry.collections
        collections.certify("calib", [first, elsewhere], span(None, 5))
        collections.certify("calib", [second], span(5, None))
        collections.certify("calib", [elsewhere], span(7, 8))
        assert sample.find(sample.bias, "calib", detector=1, timespan=span(2, 3)) == first
        assert sample.find(sample.bias, "calib", detector=1, timespan=span(6, 7)) == second
        assert sample.find(sample.bias, "calib", detector=2, timespan=span(6, 7)) is None
        for again, when in ((first, span(1, 2)), (second, span(1, 2)), (second, span(4, 6)), (first, span(20, 21))):
            with pytest.raises(ConflictingDefinitionError):
                collections.certify("calib", [again], when)
        with pytest.raises(ConflictingDefinitionError):
            collections.certify("calib", [sample.put(sample.bias, "one", detector=3), first], span(1, 2))
        assert sample.find(sample.bias, "calib", detector=3, timespan=span(1, 2)) is None

    def test_certify_errors(self, sample: SampleData) -> None:
        collections = sample.registry.collections
        bias, raw = sample.put(sample.bias, "one", detector=1), sample.put(sample.raw, "one", detector=1, exposure=1)
        with pytest.raises(DatasetTypeError):
            collections.certify("calib", [raw], span(1, 2))
        with pytest.raises(CollectionTypeError):
            collections.certify("tag", [bias], span(1, 2))
        with pytest.raises(InvalidInputError):
            collections.certify("calib", [bias], span(2, 2).empty())
        with pytest.raises(ConflictingDefinitionError):
            collections.certify("calib", [bias, sample.put(sample.bias, "two", detector=1)], span(1, 2))
        with pytest.raises(NotFoundError):
            collections.certify("calib", [sample.ref(sample.bias, "one", detector=2)], span(1, 2))
        gain = sample.put(sample.register("gain", ["detector"]), "one", detector=1)
        with pytest.raises(NotFoundError):
            collections.certify("calib", [DatasetRef(sample.bias, gain.data_id, "one", id=gain.id)], span(1, 2))
        assert len(sample.registry.datasets.fetch_validity("bias", "calib")) == 0

    def test_decertify(self, sample: SampleData) -> None:
        collections, datasets = sample.registry.collections, sample.registry.datasets
        refs = [sample.put(sample.bias, "one", detector=d) for d in (1, 2)]
        collections.certify("calib", refs, span(1, 20))
        collections.decertify("calib", "bias", span(5, 10))
        assert sample.find(sample.bias, "calib", detector=1, timespan=span(6, 7)) is None
        assert sample.find(sample.bias, "calib", detector=1, timespan=span(4, 6)) == refs[0]
        assert len(datasets.fetch_validity("bias", "calib")) == 4
        only = datasets.get_by_ids([refs[0].id])[0].data_ids
        collections.decertify("calib", sample.bias, span(None, None), data_ids=only)
        assert [r.data_id["detector"] for r in datasets.fetch_validity("bias", "calib").datasets] == [2, 2]
        collections.decertify("calib", "bias", span(25, None))
        collections.decertify("calib", "bias", span(10, None))
        validity = datasets.fetch_validity("bias", "calib")
        assert [validity.timespan(i) for i in range(len(validity))] == [span(1, 5)]
        with pytest.raises(DatasetTypeError):
            collections.decertify("calib", "raw", span(1, 2))

    def test_summaries(self, sample: SampleData) -> None:
        collections = sample.registry.collections
        refs = [sample.put(sample.bias, "one", detector=1), sample.put(sample.raw, "two", detector=1, exposure=1)]
        sample.put(sample.note, "two")
        collections.associate("tag", refs)
        collections.certify("calib", refs[:1], span(1, 2))
        collections.set_chain("chain", ["tag", "two"])

        def types(name: str) -> tuple[str, ...] | None:
            return collections.get(name, dataset_types=True).dataset_types

        assert types("one") == types("calib") == ("bias",)
        assert types("tag") == ("bias", "raw")
        assert types("chain") == ("bias", "note", "raw")
        assert collections.fetch_governor_values(["chain"]) == {"instrument": {"Cam"}}
        sample.registry.datasets.remove([ref.id for ref in refs])
        assert types("one") == ("bias",)
        collections.refresh_summaries()
        assert types("one") == types("tag") == types("calib") == ()
        assert types("chain") == ("note",)
        assert collections.fetch_governor_values(["one"]) == {}
