# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError
from pachon.butler import Butler, DatasetNotFoundError
from pachon.butler.certification import certify_collection
from pachon.butler.chain_edit import edit_chain
from pachon.butler.collection_listing import ChainForm, fetch_collection_list
from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import DataIdTable, DataIdValueError, Timespan
from pachon.registry import (
    CalibrationLookupError,
    CollectionCycleError,
    CollectionTypeError,
    ConflictingDefinitionError,
    DatasetTypeError,
    MissingCollectionError,
    OrphanedRecordError,
    SealedRunError,
)


def test_register_and_describe(butler: Butler) -> None:
    assert butler.collections.register("a", doc="first")
    assert not butler.collections.register("a", doc="second")
    assert butler.collections.get("a").doc == "first"
    butler.collections.set_doc("a", "third")
    info = butler.collections.get("a")
    assert (info.name, info.type, info.doc, info.children, info.parents) == ("a", CollectionType.RUN, "third", (), ())
    with pytest.raises(ConflictingDefinitionError):
        butler.collections.register("a", CollectionType.TAGGED)
    assert butler.collections.register("b", "tagged")
    assert butler.collections.get("b").type is CollectionType.TAGGED
    with pytest.raises(InvalidInputError, match=r"no collection type 'TAGED'.*Did you mean 'TAGGED'"):
        butler.collections.register("c", "TAGED")
    with pytest.raises(MissingCollectionError):
        butler.collections.get("nope")


def test_sealed_runs(butler: Butler) -> None:
    butler.collections.register("done")
    ref = butler.put({"value": 1}, "note", {}, run="done")
    butler.collections.seal("done")
    assert butler.collections.get("done").sealed
    with pytest.raises(SealedRunError, match="'done'"):
        butler.put({"value": 2}, "gain", {"detector": 1}, run="done")
    assert butler.get(ref) == {"value": 1}
    shown = fetch_collection_list(butler.collections, ["*"], types=None, form=ChainForm.TABLE)
    assert dict(zip(shown["Name"], shown["Sealed"], strict=True))["done"] == "yes"
    butler.collections.unseal("done")
    butler.put({"value": 2}, "gain", {"detector": 1}, run="done")
    assert "Sealed" not in fetch_collection_list(butler.collections, ["*"], types=None, form=ChainForm.TABLE)


def test_chains(butler: Butler) -> None:
    collections = butler.collections
    for name in "abc":
        collections.register(name)
    collections.register("top", CollectionType.CHAINED)
    collections.register("low", CollectionType.CHAINED)
    collections.set_chain("low", ["a", "b", "a"])
    collections.set_chain("top", ["c", "low"])
    assert collections.get("top").children == ("c", "low")
    assert collections.get("low").parents == ("top",)
    assert collections.flatten("top") == ("c", "a", "b")
    assert collections.query("top", flatten_chains=True) == ["c", "a", "b"]
    assert [info.name for info in collections.query_info("*", {CollectionType.CHAINED})] == ["low", "top"]
    collections.prepend("top", "b")
    collections.extend("top", ["c"])
    assert collections.get("top").children == ("b", "low", "c")
    collections.remove_from("top", ["b"])
    assert collections.get("top").children == ("low", "c")
    with pytest.raises(CollectionCycleError):
        collections.extend("low", "top")
    with pytest.raises(CollectionTypeError):
        collections.set_chain("a", ["b"])
    with pytest.raises(OrphanedRecordError):
        collections.remove("low")
    collections.remove("top")
    collections.remove("low")
    assert collections.query() == ["a", "b", "c"]


def test_a_chain_is_searched_in_order(butler: Butler) -> None:
    butler.put({"from": "a"}, "note", run="a")
    butler.put({"from": "b"}, "note", run="b")
    butler.collections.register("chain", CollectionType.CHAINED)
    butler.collections.set_chain("chain", ["b", "a"])
    assert butler.get("note", collections="chain") == {"from": "b"}
    butler.collections.set_chain("chain", ["a", "b"])
    assert butler.get("note", collections="chain") == {"from": "a"}


def test_chain_edits_of_the_command(butler: Butler) -> None:
    collections = butler.collections
    for name in "abcd":
        collections.register(name)
    assert edit_chain(collections, "chain", ["a", "b"], doc="all") == ("a", "b")
    assert collections.get("chain").doc == "all"
    assert edit_chain(collections, "chain", ["c"], mode="prepend") == ("c", "a", "b")
    assert edit_chain(collections, "chain", ["d"], mode="extend") == ("c", "a", "b", "d")
    assert edit_chain(collections, "chain", ["a"], mode="remove") == ("c", "b", "d")
    assert edit_chain(collections, "chain", (), mode="pop") == ("b", "d")
    assert edit_chain(collections, "chain", ["-1"], mode="pop") == ("b",)
    assert edit_chain(collections, "other", ["chain", "a"], flatten=True) == ("b", "a")
    for children, mode, message in (
        ((), "extend", "at least one child"),
        (["5"], "pop", "none at position 5"),
        (["x"], "pop", "no number"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            edit_chain(collections, "chain", children, mode=mode)
    with pytest.raises(InvalidInputError, match="flatten"):
        edit_chain(collections, "chain", ["a"], mode="remove", flatten=True)


def test_listings(butler: Butler) -> None:
    for name in ("run/a", "run/b"):
        butler.put({}, "note", run=name)
    butler.put({}, "gain", detector=1, run="run/b")
    edit_chain(butler.collections, "low", ["run/b", "run/a"])
    edit_chain(butler.collections, "top", ["low"])

    def columns(form: ChainForm, *names: str, **options: object) -> dict[str, list[object]]:
        return fetch_collection_list(butler.collections, names or ("*",), types=None, form=form, **options)  # type: ignore[arg-type]  # options by name

    assert columns(ChainForm.TREE, "top") == {
        "Name": ["top", "  low", "    run/b", "    run/a"],
        "Type": ["CHAINED", "CHAINED", "RUN", "RUN"],
    }
    assert columns(ChainForm.TABLE)["Children"] == [["run/b", "run/a"], [], [], ["low"]]
    assert "Children" not in columns(ChainForm.TABLE, "run/*")
    assert columns(ChainForm.INVERSE_TABLE, "run/*")["Parents"] == [["low"], ["low"]]
    assert columns(ChainForm.INVERSE_TREE, "run/a")["Name"] == ["run/a", "  low", "    top"]
    assert columns(ChainForm.FLATTEN, "top")["Name"] == ["run/b", "run/a"]
    assert columns(ChainForm.NO_CHILDREN)["Name"] == ["low", "run/a", "run/b", "top"]
    shown = columns(ChainForm.FLATTEN, "top", show_dataset_types=True, exclude_dataset_types=("ga*",))
    assert shown["Dataset Types"] == [["note"], ["note"]]
    none = fetch_collection_list(butler.collections, ("*",), types={CollectionType.TAGGED}, form=ChainForm.TREE)
    assert none == {"Name": [], "Type": []}


class TestCalibrations:
    """Biases of two nights, each certified for its own."""

    FIRST = Timespan("2026-01-01T00:00:00", "2026-01-02T00:00:00")
    SECOND = Timespan("2026-01-02T00:00:00", None)

    @pytest.fixture
    def biases(self, butler: Butler) -> dict[str, list[DatasetRef]]:
        made = {
            night: butler.put_many([({"night": night}, "bias", {"detector": n}) for n in (0, 1)], run=f"calib/{night}")
            for night in ("one", "two")
        }
        butler.collections.register("calib", CollectionType.CALIBRATION)
        butler.collections.certify("calib", made["one"], self.FIRST)
        butler.collections.certify("calib", made["two"], self.SECOND)
        return made

    def test_the_calibration_of_the_right_night_is_found(
        self, butler: Butler, biases: dict[str, list[DatasetRef]]
    ) -> None:
        for exposure, night in ((1, "one"), (2, "one"), (3, "two"), (4, "two")):
            assert butler.get("bias", detector=1, exposure=exposure, collections="calib") == {"night": night}
            found = butler.find_dataset("bias", detector=1, exposure=exposure, collections="calib")
            assert found == biases[night][1]
            assert butler.find_dataset("bias", detector=1, visit=f"v{exposure}", collections="calib") == found
            assert butler.exists("bias", detector=1, exposure=exposure, collections="calib")
        assert butler.get("bias", detector=1, day_obs=20260102, seq_num=2, collections="calib") == {"night": "two"}
        at = Timespan("2026-01-01T12:00:00", "2026-01-01T12:00:01")
        assert butler.get("bias", detector=0, timespan=at, collections="calib") == {"night": "one"}
        assert butler.find_dataset("bias", detector=3, exposure=1, collections="calib") is None
        early = Timespan("2020-01-01T00:00:00", "2020-01-01T00:01:00")
        with pytest.raises(DatasetNotFoundError) as caught:
            butler.get("bias", detector=0, timespan=early, collections="calib")
        assert caught.value.__notes__[-1] == f"A calibration must be valid within {early} (TAI)."

    def test_an_exposure_tells_the_filter_of_a_calibration(self, butler: Butler) -> None:
        kind = DatasetType(
            "flat",
            ["detector", "physical_filter"],
            "StructuredDataDict",
            is_calibration=True,
            universe=butler.universe,
        )
        butler.dataset_types.register(kind)
        butler.collections.register("flats", CollectionType.CALIBRATION)
        rows = [({"filter": name}, "flat", {"detector": 1, "physical_filter": f"Cam-{name}"}) for name in "gr"]
        butler.collections.certify("flats", butler.put_many(rows, run="calib/flats"), Timespan())
        for exposure, name in ((1, "g"), (2, "r")):
            assert butler.get("flat", detector=1, exposure=exposure, collections="flats") == {"filter": name}
            assert butler.get("flat", detector=1, exposure=exposure, timespan=self.FIRST, collections="flats") == {
                "filter": name
            }
        ref = butler.find_dataset("flat", detector=1, visit=2, collections="flats")
        assert ref is not None
        assert ref.data_id["physical_filter"] == "Cam-r"
        with pytest.raises(DataIdValueError, match="physical_filter"):
            butler.get("flat", detector=1, collections="flats")

    def test_without_a_time(self, butler: Butler, biases: dict[str, list[DatasetRef]]) -> None:
        # Nothing says when: a search skips calibration collections, a get takes the only one there is.
        assert butler.find_dataset("bias", detector=1, collections="calib") is None
        assert butler.find_dataset("bias", detector=1, collections=["calib", "calib/two"]) == biases["two"][1]
        with pytest.raises(CalibrationLookupError, match="2 datasets"):
            butler.get("bias", detector=1, collections="calib")
        butler.collections.decertify("calib", "bias", self.FIRST)
        assert butler.get("bias", detector=1, collections="calib") == {"night": "two"}

    def test_a_search_in_bulk(self, butler: Butler, biases: dict[str, list[DatasetRef]]) -> None:
        found = butler.find_datasets("bias", [{"detector": n} for n in (0, 1, 2)], collections="calib/one")
        assert found == [*biases["one"], None]
        validity = butler.fetch_validity(butler.dataset_types.get("bias"), ["calib/two", "calib"])
        spans = sorted((int(rank), validity.timespan(row)) for row, rank in enumerate(validity.rank))
        assert [rank for rank, _ in spans] == [0, 0, 1, 1, 1, 1]
        facts = butler.fetch_datasets(butler.dataset_types.get("bias"), ["calib", "calib/two"])
        assert {ref.id for ref in facts} == {ref.id for ref in biases["two"]}

    def test_overlaps_and_wrong_types_are_refused(self, butler: Butler, biases: dict[str, list[DatasetRef]]) -> None:
        with pytest.raises(ConflictingDefinitionError):
            butler.collections.certify("calib", biases["one"], Timespan("2026-01-05", None))
        gain = butler.put({}, "gain", detector=1)
        with pytest.raises(DatasetTypeError):
            butler.collections.certify("calib", [gain], self.FIRST)
        with pytest.raises(CollectionTypeError):
            butler.collections.certify("calib/one", biases["two"], self.FIRST)
        table = DataIdTable.from_rows(gain.data_id.group, [gain.data_id])
        butler.collections.decertify("calib", "bias", Timespan(), data_ids=table)
        assert butler.find_dataset("bias", detector=1, exposure=1, collections="calib") is None
        assert butler.find_dataset("bias", detector=0, exposure=1, collections="calib") == biases["one"][0]
        # A list of data IDs in any spelling.
        butler.collections.decertify("calib", "bias", Timespan(), data_ids=[{"detector": "S00"}])
        assert butler.find_dataset("bias", detector=0, exposure=1, collections="calib") is None
        with pytest.raises(InvalidInputError, match="data_ids is a table or list of data IDs, or None, not 3"):
            butler.collections.decertify("calib", "bias", Timespan(), data_ids=3)  # type: ignore[arg-type]

    def test_certification_of_a_collection(self, butler: Butler, biases: dict[str, list[DatasetRef]]) -> None:
        edit_chain(butler.collections, "chain", ["calib/two", "calib/one"])
        assert certify_collection(butler, "chain", "new", "bias", self.FIRST) == 2
        assert butler.get("bias", detector=1, exposure=1, collections="new") == {"night": "two"}
        butler.collections.register("empty")
        with pytest.raises(LookupError, match="no datasets of type 'bias'"):
            certify_collection(butler, "empty", "never", "bias", self.FIRST)
        with pytest.raises(MissingCollectionError):
            butler.collections.get("never")
        assert certify_collection(butler, "chain", "all", "bias", self.FIRST, search_all_inputs=True) == 2
