# SPDX-License-Identifier: BSD-3-Clause
"""Every public function of a butler with arguments that make no sense: an error of ours, and nothing written.

Each function has a call here that works; every one of its parameters is then given everything that is wrong. A function
without a call fails the test, so that a new one gets its own.
"""

from __future__ import annotations

import inspect
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pachon.base import InvalidInputError, PachonError, ReadOnlyError
from pachon.butler import Butler, ClosedButlerError
from pachon.datasets import CollectionType, DatasetRef, DatasetType, FileDataset
from pachon.dimensions import DimensionRecord, Timespan


class GeneratorError(Exception):
    """What a generator of the caller raises; it must come through, and nothing may be written."""


class Strange:
    """An object that nobody knows, that cannot be copied, and whose text is long."""

    def __repr__(self) -> str:
        return "Strange()"


def broken_generator() -> Iterator[Any]:
    """Give nothing, and fail."""
    yield from ()
    raise GeneratorError("the caller's own")


NOTHING_ELSE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "integer": lambda: 7,
    "negative": lambda: -(2**70),
    "float": lambda: 1.5,
    "NaN": lambda: float("nan"),
    "true": lambda: True,
    "bytes": lambda: b"\xff",
    "empty text": lambda: "",
    "text": lambda: "no such thing",
    "NUL": lambda: "a\0b",
    "surrogate": lambda: "\udc80",
    "path": lambda: "../../../no/such/place",
    "pattern": lambda: "*[",
    "quote": lambda: "' OR 1=1 --",
    "huge text": lambda: "x" * 100_000,
    "object": Strange,
    "class": lambda: Strange,
    "list of None": lambda: [None],
    "list of numbers": lambda: [3, 1.5],
    "list of text": lambda: ["no such thing"],
    "list of objects": lambda: [Strange()],
    "list of lists": lambda: [[], [[]]],
    "nested": lambda: {"a": {"b": Strange()}},
    "mapping of None": lambda: {None: None},
    "NaN in a mapping": lambda: {"detector": float("nan")},
    "NUL in a mapping": lambda: {"instrument": "C\0am", "detector": 1},
    "object in a mapping": lambda: {"detector": Strange()},
    "empty list": list,
    "empty mapping": dict,
    "set": lambda: {1, 2},
    "array": lambda: np.zeros((2, 3)),
    "generator that fails": broken_generator,
}
"""Arguments that are wrong for most parameters."""


class World:
    """A repository with a little of everything, and what is needed to call each function."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = root
        self._opened = 0
        self.folder = folder
        with Butler.open(str(root), run="run", instrument="Cam") as butler:
            self.refs = [butler.put({"n": n}, "gain", detector=n) for n in range(2)]
            butler.trash([butler.put({"n": 3}, "gain", detector=3)])
            butler.collections.register("tags", CollectionType.TAGGED)
            butler.collections.register("chain", CollectionType.CHAINED)
            butler.collections.set_chain("chain", ["run"])
            butler.collections.register("calib", CollectionType.CALIBRATION)
            butler.collections.register("empty")
            butler.dataset_types.register(
                DatasetType("bias", ("detector",), "StructuredDataDict", is_calibration=True, universe=butler.universe)
            )
            self.bias = butler.put({"b": 1}, "bias", detector=1, run="biases")
            butler.collections.certify("calib", [self.bias], Timespan("2025-01-01T00:00:00", "2025-02-01T00:00:00"))
            self.graph_outputs = butler.datastore_records([self.refs[0]])
        self.file = folder / "file.yaml"
        self.file.write_text("n: 1\n")
        (database,) = root.glob("*.sqlite3")
        self._watch = sqlite3.connect(database)

    def state(self) -> dict[str, object]:
        """Give all files with sizes and times, and a mark that another connection's commit changes."""
        return {**state(self.root), "database": self._watch.execute("PRAGMA data_version").fetchone()[0]}

    def open(self, **options: Any) -> Butler:
        butler = Butler.open(str(self.root), **{"run": "run", "instrument": "Cam", "writeable": True, **options})
        # The first write of a process leaves a row that says that it writes.
        self._opened += 1
        butler.put({"w": 1}, "note", run=f"warm/{self._opened}")
        return butler


def state(root: Path) -> dict[str, object]:
    """Give all files with sizes and times, but for the database."""
    found: dict[str, object] = {}
    for folder, folders, names in os.walk(root):
        found |= {f"{folder}/{name}/": "folder" for name in folders}
        for name in names:
            if ".sqlite3" not in name:
                status = os.stat(f"{folder}/{name}")
                found[f"{folder}/{name}"] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def files_only(world: World) -> dict[str, object]:
    """Give the state without folders: an empty one may stay where a file was made and removed."""
    return {name: what for name, what in world.state().items() if what != "folder"}


Call = Callable[[World, Butler], dict[str, Any]]


def _gain(name: str, butler: Butler) -> DatasetType:
    return DatasetType(name, ("detector",), "StructuredDataDict", universe=butler.universe)


def _record(butler: Butler) -> DimensionRecord:
    return next(iter(butler.query_dimension_records("detector", limit=1)))


_SEARCH: dict[str, Any] = {"collections": "run", "where": "instrument = 'Cam'", "bind": {"x": 1}, "limit": 3}
_GRAPH_QUERY: dict[str, Any] = {"where": "detector < :x", "bind": {"x": 2}, "data_id": {"instrument": "Cam"}}

CALLS: dict[str, Call] = {
    "backup": lambda w, b: {"destination": str(w.folder / "backup")},
    "clone": lambda w, b: {"collections": "run", "run": "run", "data_id": {"instrument": "Cam"}},
    "close": lambda w, b: {},
    "datastore_document": lambda w, b: {},
    "datastore_records": lambda w, b: {"datasets": w.refs},
    "empty_trash": lambda w, b: {"refs": None, "dry_run": True},
    "exists": lambda w, b: {"dataset_type_or_ref": "gain", "data_id": {"detector": 0}, "collections": "run",
                            "timespan": None, "verify": True, "dims": 1},
    "exists_many": lambda w, b: {"refs": w.refs, "verify": True},
    "explain_empty": lambda w, b: {"dimensions": b.universe.conform(["detector"]), **_GRAPH_QUERY, "datasets": (),
                                   "tables": ()},
    "fetch_collections": lambda w, b: {"names": ["run"]},
    "fetch_data_ids": lambda w, b: {"dimensions": b.universe.conform(["detector"]), **_GRAPH_QUERY, "datasets": (),
                                    "tables": ()},
    "fetch_dataset_types": lambda w, b: {"names": ["gain"]},
    "fetch_datasets": lambda w, b: {"dataset_type": b.dataset_types.get("gain"), "collections": ["run"],
                                    "data_ids": None, "where": "", "bind": None},
    "fetch_records": lambda w, b: {"element": "detector", "data_ids": None},
    "fetch_validity": lambda w, b: {"dataset_type": b.dataset_types.get("bias"), "collections": ["calib"],
                                    "data_ids": None},
    "find_dataset": lambda w, b: {"dataset_type": "gain", "data_id": {"detector": 0}, "collections": "run",
                                  "timespan": None, "dims": 1},
    "find_datasets": lambda w, b: {"dataset_type": "gain", "data_ids": [{"detector": 0}], "collections": "run"},
    "flatten_collections": lambda w, b: {"names": ["chain"]},
    "fsck": lambda w, b: {"repair": False, "verify": "size", "min_age": 1.0, "unstore_damaged": False, "ignore": ()},
    "get": lambda w, b: {"dataset_type_or_ref": "gain", "data_id": {"detector": 0}, "collections": "run",
                         "parameters": None, "storage_class": None, "timespan": None, "dims": 1},
    "get_dataset": lambda w, b: {"dataset_id": w.refs[0].id},
    "get_deferred": lambda w, b: {"dataset_type_or_ref": "gain", "data_id": {"detector": 0}, "collections": "run",
                                  "parameters": None, "storage_class": None, "timespan": None, "dims": 1},
    "get_many": lambda w, b: {"refs": w.refs, "parallel": 2},
    "get_many_datasets": lambda w, b: {"dataset_ids": [ref.id for ref in w.refs]},
    "get_uri": lambda w, b: {"dataset_type_or_ref": "gain", "data_id": {"detector": 0}, "collections": "run",
                             "timespan": None, "dims": 1},
    "get_uris": lambda w, b: {"refs": w.refs},
    "ingest": lambda w, b: {"files": [FileDataset(w.file, dataset_type="gain", data_ids={"detector": 2})], "run": "new",
                            "transfer": "copy", "on_conflict": "error", "checksum": True, "track": True,
                            "id_mode": None},
    "prune": lambda w, b: {"refs": w.refs[:1], "unstore": True, "purge": False, "disassociate": ()},
    "put": lambda w, b: {"obj": {"a": 1}, "dataset_type_or_ref": "gain", "data_id": {"detector": 2}, "run": "new",
                         "provenance": None, "dims": 1},
    "put_many": lambda w, b: {"items": [({"a": 1}, "gain", {"detector": 2})], "run": "new"},
    "query": lambda w, b: {},
    "query_all_datasets": lambda w, b: {**_SEARCH, "name": "*", "find_first": False},
    "query_data_ids": lambda w, b: {"dimensions": ["detector"], **_SEARCH, "datasets": (), "order_by": "detector",
                                    "data_id": None},
    "query_datasets": lambda w, b: {"dataset_type": "gain", **_SEARCH, "find_first": True, "order_by": "detector",
                                    "data_id": None, "with_records": False},
    "query_dimension_records": lambda w, b: {"element": "detector", **_SEARCH, "datasets": (), "order_by": "detector",
                                             "data_id": None},
    "refresh": lambda w, b: {},
    "register_graph_outputs": lambda w, b: {"datasets": [], "files": w.graph_outputs},
    "remove_runs": lambda w, b: {"names": ["empty"], "unlink_from_chains": False},
    "retrieve": lambda w, b: {"refs": w.refs, "destination": str(w.folder / "out"), "transfer": "copy", "skip_unstored": False,
                              "preserve_path": True, "overwrite": True},
    "searching": lambda w, b: {"collections": ["run"]},
    "storage_class_document": lambda w, b: {},
    "transaction": lambda w, b: {},
    "transfer_from_graph": lambda w, b: {"graph": str(w.folder / "none.qg"), "dataset_types": "*",
                                         "register_dataset_types": False, "dimension_records": False,
                                         "update_output_chain": False, "dry_run": True},
    "trash": lambda w, b: {"refs": w.refs[:1]},
    "collections.associate": lambda w, b: {"name": "tags", "datasets": w.refs},
    "collections.certify": lambda w, b: {"name": "calib", "datasets": [w.bias],
                                         "timespan": Timespan("2026-01-01T00:00:00", "2026-02-01T00:00:00")},
    "collections.decertify": lambda w, b: {"name": "calib", "dataset_type": "bias", "timespan": Timespan(),
                                           "data_ids": None},
    "collections.disassociate": lambda w, b: {"name": "tags", "datasets": w.refs},
    "collections.extend": lambda w, b: {"name": "chain", "children": ["empty"]},
    "collections.flatten": lambda w, b: {"names": "chain"},
    "collections.get": lambda w, b: {"name": "run"},
    "collections.prepend": lambda w, b: {"name": "chain", "children": ["empty"]},
    "collections.query": lambda w, b: {"expression": "*", "types": None, "flatten_chains": False,
                                       "include_chains": None},
    "collections.query_info": lambda w, b: {"expression": "*", "types": None, "flatten_chains": False,
                                            "include_chains": None, "dataset_types": True},
    "collections.register": lambda w, b: {"name": "fresh", "type": CollectionType.RUN, "doc": None},
    "collections.remove": lambda w, b: {"name": "empty"},
    "collections.remove_from": lambda w, b: {"name": "chain", "children": ["run"]},
    "collections.seal": lambda w, b: {"name": "empty"},
    "collections.set_chain": lambda w, b: {"name": "chain", "children": ["empty"]},
    "collections.set_doc": lambda w, b: {"name": "run", "doc": "words"},
    "collections.together": lambda w, b: {},
    "collections.unseal": lambda w, b: {"name": "empty"},
    "dataset_types.get": lambda w, b: {"name": "gain"},
    "dataset_types.query": lambda w, b: {"expression": "*", "collections": None},
    "dataset_types.register": lambda w, b: {"dataset_type": _gain("fresh", b)},
    "dataset_types.remove": lambda w, b: {"expression": "unused"},
    "dimension_records.expand": lambda w, b: {"data_id": {"instrument": "Cam", "detector": 1}, "dims": 1},
    "dimension_records.fetch": lambda w, b: {"element": "detector", "data_ids": None},
    "dimension_records.insert": lambda w, b: {
        "element": "physical_filter", "rows": [{"instrument": "Cam", "name": "new", "band": "z"}],
        "replace": False, "skip_existing": False},
    "dimension_records.sync": lambda w, b: {"element": _record(b), "row": None, "update": False},
}  # fmt: skip
"""A call of each function that works, or fails for want of a file."""

OPENING: dict[str, Call] = {
    "open": lambda w, b: {"root": str(w.root), "collections": "run", "run": "run", "writeable": False,
                          "infer_data_id": True, "default_data_id": 1},
    "create": lambda w, b: {"root": str(w.folder / "fresh"), "database": None, "universe": None, "datastore": None,
                            "storage_classes": None, "overwrite": False, "group_writable": False},
}  # fmt: skip

FLAGS = {"group_writable", "skip_unstored", "repair", "unstore_damaged", "dry_run", "unstore", "purge", "unlink_from_chains", "preserve_path", "overwrite", "checksum", "track",
         "find_first", "with_records", "flatten_chains", "include_chains", "replace", "skip_existing", "update",
         "register_dataset_types", "dimension_records", "update_output_chain", "infer_data_id", "writeable"}  # fmt: skip
"""Parameters that are true or false."""


def functions() -> set[str]:
    """Give the names of all public functions of an open butler."""
    from pachon.butler.collections_api import ButlerCollections
    from pachon.butler.dataset_types_api import ButlerDatasetTypes
    from pachon.butler.dimension_records_api import ButlerDimensionRecords

    parts: dict[str, type] = {
        "": Butler,
        "collections.": ButlerCollections,
        "dataset_types.": ButlerDatasetTypes,
        "dimension_records.": ButlerDimensionRecords,
    }
    return {
        prefix + name
        for prefix, owner in parts.items()
        for name, member in inspect.getmembers(owner)
        if not name.startswith("_") and (inspect.isfunction(member) or inspect.ismethod(member))
    }


def function(butler: Any, name: str) -> Callable[..., Any]:
    """Find a function of a butler by its dotted name."""
    found = butler
    for part in name.split("."):
        found = getattr(found, part)
    return found  # type: ignore[no-any-return]


def run(call: Callable[..., Any], arguments: dict[str, Any]) -> None:
    """Call, and use up what comes back: some of it is made when somebody looks."""
    parameters = inspect.signature(call).parameters
    given = dict(arguments)
    extra = {}
    for name in ("dims", "default_data_id"):
        if name in given:
            value = given.pop(name)
            extra = {} if type(value) is int and value == 1 else {"detector": value}
    first = [given.pop(name) for name, p in parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD and name in given]
    result = call(*first, **given, **extra)
    if hasattr(result, "__enter__") and not isinstance(result, Butler):
        with result:
            pass
    elif isinstance(result, Butler):
        result.close()
    elif not isinstance(result, str | dict) and hasattr(result, "__iter__"):
        list(result)


@contextmanager
def refused(world: World, what: str) -> Iterator[None]:
    """Allow an error of ours, or the caller's own; after it everything must be as it was."""
    before = world.state()
    raised: BaseException | None = None
    try:
        yield
    except Exception as error:  # noqa: BLE001 (it is looked at below)
        raised = error
    if isinstance(raised, ExceptionGroup):
        assert not raised.split(PachonError)[1], what
    elif raised is not None:
        assert isinstance(raised, PachonError | GeneratorError), f"{what} raised {raised!r:.300}"
        assert str(raised), what
        assert world.state() == before, f"{what} raised {raised!r:.300} and wrote something"


@pytest.fixture
def world(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    folder = tmp_path / "folder"
    folder.mkdir()
    # Some of the wrong arguments are paths that could be made: they must lie in the folder of the test.
    here = tmp_path / "some" / "where" / "deep" / "below"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    return World(repository, folder)


@pytest.fixture(scope="module")
def lasting_world(empty_repository: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One repository for all tests that change nothing: making one takes longer than such a test."""
    place = tmp_path_factory.mktemp("lasting")
    shutil.copytree(empty_repository, place / "repo")
    (place / "folder").mkdir()
    return World(place / "repo", place / "folder")


def test_every_function_has_a_call() -> None:
    assert functions() == {*CALLS, *OPENING}


@pytest.mark.parametrize("name", CALLS)
def test_the_calls_name_all_parameters_and_work(world: World, name: str) -> None:
    with world.open() as butler:
        call = function(butler, name)
        arguments = CALLS[name](world, butler)
        assert set(inspect.signature(call).parameters) == set(arguments)
        if name == "transfer_from_graph":
            with pytest.raises(PachonError):
                run(call, arguments)
        else:
            run(call, arguments)


@pytest.mark.parametrize("name", CALLS)
def test_wrong_arguments(world: World, name: str) -> None:
    butler = world.open()
    for parameter in CALLS[name](world, butler):
        for kind, make in NOTHING_ELSE.items():
            if parameter in FLAGS and kind not in ("None", "text"):
                continue
            arguments = {**CALLS[name](world, butler), parameter: make()}
            if butler_is_closed(butler):
                butler = world.open()
            with refused(world, f"{name}({parameter}=<{kind}>)"):
                run(function(butler, name), arguments)
    butler.close()


def butler_is_closed(butler: Butler) -> bool:
    try:
        butler.collections.query("run")
    except ClosedButlerError:
        return True
    return False


@pytest.mark.parametrize("name", CALLS)
def test_a_closed_butler(lasting_world: World, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = lasting_world
    monkeypatch.chdir(tmp_path)
    butler = world.open()
    call, arguments = function(butler, name), CALLS[name](world, butler)
    butler.close()
    before = world.state()
    if name == "close":
        run(call, arguments)
    else:
        with pytest.raises(PachonError, match=r"closed|does not exist"):
            run(call, arguments)
    assert world.state() == before


def test_a_read_only_butler_changes_nothing(world: World) -> None:
    changes = 0
    for name, make in CALLS.items():
        if name == "close":
            continue
        with Butler.open(str(world.root), collections="run", instrument="Cam", writeable=False) as butler:
            arguments = make(world, butler)
            before = world.state()
            try:
                run(function(butler, name), arguments)
            except ReadOnlyError:
                changes += 1
            except PachonError as error:
                # The one call that fails for a writeable butler too.
                assert name == "transfer_from_graph", f"{name}: {error}"  # noqa: PT017 (others must pass)
            assert world.state() == before, name
    assert changes >= 20


def test_opening_and_creating(world: World) -> None:
    for name, make in OPENING.items():
        call = getattr(Butler, name)
        assert set(inspect.signature(call).parameters) == set(make(world, None))  # type: ignore[arg-type]
        for parameter in make(world, None):  # type: ignore[arg-type]
            for kind, wrong in NOTHING_ELSE.items():
                if parameter in FLAGS or (
                    parameter == "root" and kind in ("text", "quote", "pattern", "path", "huge text")
                ):
                    continue
                arguments = {**make(world, None), parameter: wrong()}  # type: ignore[arg-type]
                with refused(world, f"{name}({parameter}=<{kind}>)"):
                    run(call, arguments)
                fresh = world.folder / "fresh"
                if fresh.exists() and not (fresh / "butler.yaml").exists():
                    raise AssertionError(f"{name}({parameter}=<{kind}>) left something behind")
                shutil.rmtree(fresh, ignore_errors=True)


def test_generators_that_fail_midway(world: World) -> None:
    def items() -> Iterator[Any]:
        yield {"a": 1}, "gain", {"detector": 2}
        raise GeneratorError("the caller's own")

    def files() -> Iterator[FileDataset]:
        yield FileDataset(world.file, dataset_type="gain", data_ids={"detector": 2})
        raise GeneratorError("the caller's own")

    def refs() -> Iterator[DatasetRef]:
        yield world.refs[0]
        raise GeneratorError("the caller's own")

    with world.open() as butler:
        before = world.state()
        calls: list[Callable[[], Any]] = [
            lambda: butler.put_many(items(), run="new"),
            lambda: butler.ingest(files(), run="new", transfer="direct"),
            lambda: butler.ingest(files(), run="new", transfer="copy"),
            lambda: butler.prune(refs(), purge=True),
            lambda: butler.trash(refs()),
            lambda: butler.collections.associate("tags", refs()),
        ]
        for call in calls:
            with pytest.raises(GeneratorError):
                call()
        assert world.state() == before


def test_iterators_with_something_else(world: World) -> None:
    """An iterator has been used up when somebody asks what was wrong in it."""
    timespan = Timespan("2026-01-01T00:00:00", "2026-02-01T00:00:00")
    with world.open() as butler:
        calls: list[Callable[[], object]] = [
            lambda: butler.collections.associate("tags", iter([world.refs[0], 3])),  # type: ignore[arg-type]
            lambda: butler.collections.disassociate("tags", iter([world.refs[0], 3])),  # type: ignore[arg-type]
            lambda: butler.collections.certify("calib", iter([world.bias, 3]), timespan),  # type: ignore[arg-type]
            lambda: butler.get_many_datasets(iter([world.refs[0].id, 3])),  # type: ignore[arg-type]
        ]
        before = world.state()
        for call in calls:
            with pytest.raises(InvalidInputError, match="3"):
                call()
        assert world.state() == before


def test_objects_that_cannot_be_written(world: World) -> None:
    recursive: list[Any] = []
    recursive.append(recursive)
    with world.open() as butler:
        before = files_only(world)
        for obj in (Strange(), {"a": Strange()}, {"a": open}, {"a": iter(())}, recursive, None, 3, "text"):
            with pytest.raises(PachonError):
                butler.put(obj, "gain", detector=2, run="new")
            with pytest.raises(PachonError):
                butler.put_many([({"fine": 1}, "gain", {"detector": 2}), (obj, "gain", {"detector": 3})], run="new")
        assert files_only(world) == before
        with pytest.raises(PachonError), butler.transaction():  # noqa: PT012 (the block is what is tested)
            butler.put({"fine": 1}, "gain", detector=2, run="run")
            butler.put(Strange(), "gain", detector=3, run="run")
        assert files_only(world) == before


def test_items_of_wrong_shapes(world: World) -> None:
    with world.open() as butler:
        ref = world.refs[0]
        before = world.state()
        shapes: list[Any] = [
            (), ({"a": 1},), ({"a": 1}, "gain", {"detector": 2}, 4), "abc", ({"a": 1}, None, {}), ({"a": 1}, ref, {"a": 1}),
            {"a": 1}, 7, None, ({"a": 1}, "gain", 7), ({"a": 1}, "gain", [1]),
        ]  # fmt: skip
        for shape in shapes:
            with pytest.raises(PachonError):
                butler.put_many([({"a": 1}, "gain", {"detector": 2}), shape], run="new")
        assert world.state() == before


def test_an_error_that_is_not_about_arguments_comes_through(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any, **_options: Any) -> Any:
        raise TypeError("a mistake of ours")

    butler = world.open()
    monkeypatch.setattr("pachon.butler.put.put", broken)
    with butler, pytest.raises(TypeError, match="a mistake of ours"):
        butler.put({"a": 1}, "gain", detector=2)


def test_too_many_arguments_by_position(world: World) -> None:
    with world.open() as butler:
        put_many: Any = butler.put_many
        with pytest.raises(PachonError, match=r"too many positional arguments\. Without their names it takes items\."):
            put_many([({"a": 1}, {"detector": 2})], "gain")


def test_an_argument_that_does_not_exist_gets_a_hint(world: World) -> None:
    with world.open() as butler:
        query: Any = butler.query_datasets
        with pytest.raises(PachonError, match=r"argument 'instrument'\. Values of dimensions go into data_id="):
            query("raw", collections="raw/all", instrument="Cam")
        query_all: Any = butler.query_all_datasets
        with pytest.raises(PachonError, match=r"go into where=\"instrument = 'Cam' AND exposure = 1\"\."):
            query_all(data_id={"instrument": "Cam", "exposure": 1})
        with pytest.raises(PachonError, match=r"go into where=\"exposure = \.\.\.\"\."):
            query_all(exposure=1)
        with pytest.raises(PachonError, match=r"argument 'colections'\. Did you mean 'collections'\?"):
            query("raw", colections="raw/all")


@pytest.mark.parametrize(
    ("name", "flag"),
    [("prune", "purge"), ("prune", "unstore"), ("empty_trash", "dry_run"), ("remove_runs", "unlink_from_chains"),
     ("fsck", "repair"), ("transfer_from_graph", "dry_run"), ("ingest", "checksum"), ("retrieve", "overwrite")],
)  # fmt: skip
@pytest.mark.parametrize("value", ["no", "false", 2, -1, 0.5, [], b"", float("nan")])
def test_a_flag_that_is_neither_true_nor_false(world: World, name: str, flag: str, value: object) -> None:
    with world.open() as butler:
        arguments = CALLS[name](world, butler) | {flag: value}
        with refused(world, name), pytest.raises(InvalidInputError, match=f"{flag} is true or false"):
            run(function(butler, name), arguments)
