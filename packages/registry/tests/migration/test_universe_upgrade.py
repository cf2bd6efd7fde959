# SPDX-License-Identifier: BSD-3-Clause
"""Universes of live registries: what was registered stays, and the tables become those of a new registry."""

import copy
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import DimensionUniverse, Timespan
from pachon.dimensions.region import circle
from pachon.registry import SchemaVersionError, SqlRegistry
from pachon.registry.errors import IncompatibleUniverseError
from pachon.registry.migration.migrate import migrate
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.sample_data import SampleData
from pachon.registry.testing.tables import describe_tables
from pachon.registry.testing.universes import fibre_universe, library_universe

Document = dict[str, Any]
DEFAULT = DimensionUniverse.default()


def changed(universe: DimensionUniverse, *edits: Callable[[Document], None], version: int = 1) -> DimensionUniverse:
    """Give a universe with edits, some versions on."""
    document = copy.deepcopy({**universe.document})
    for edit in edits:
        edit(document)
    document["version"] += version
    return DimensionUniverse.from_document(document)


def add_column(element: str, name: str, kind: str = "int", **more: Any) -> Callable[[Document], None]:
    def edit(document: Document) -> None:
        document["elements"][element].setdefault("metadata", []).append({"name": name, "type": kind, **more})

    return edit


def change_column(element: str, name: str, **more: Any) -> Callable[[Document], None]:
    def edit(document: Document) -> None:
        item = document["elements"][element]
        column = next(c for c in (*item.get("keys", ()), *item.get("metadata", ())) if c["name"] == name)
        column.update(more)

    return edit


def set_element(element: str, **values: Any) -> Callable[[Document], None]:
    return lambda document: document["elements"].setdefault(element, {}).update(values)


def drop_column(element: str, name: str) -> Callable[[Document], None]:
    def edit(document: Document) -> None:
        item = document["elements"][element]
        item["metadata"] = [c for c in item["metadata"] if c["name"] != name]

    return edit


@pytest.fixture
def fresh(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[DimensionUniverse, Any], Any]:
    """Give the tables of a new registry of a universe, with the same groups of dimensions."""

    def make(universe: DimensionUniverse, groups: list[list[str]]) -> dict[str, Any]:
        url = f"sqlite:///{tmp_path}/fresh.sqlite3"
        if "postgresql" in request.node.name:
            url = request.getfixturevalue("postgres_server").new_url()
        with SqlRegistry.create(url, universe) as registry:
            for number, group in enumerate(groups):
                registry.dataset_types.register(DatasetType(f"t{number}", group, "int", universe=universe))
        return describe_tables(url)

    return make


# What is added to a filled registry of the default universe.


def _spatial_detector(document: Document) -> None:
    document["topology"]["spatial"]["focal_plane"] = ["detector"]


def _temporal_tract(document: Document) -> None:
    document["topology"]["temporal"]["epochs"] = ["tract"]


def _finer_pixels(document: Document) -> None:
    document["skypix"]["common"] = "htm9"


def _purpose_is_a_dimension(document: Document) -> None:
    set_element("purpose", requires=["instrument"], keys=[{"name": "name", "type": "string", "length": 32}])(document)
    drop_column("detector", "purpose")(document)
    set_element("detector", implies=["purpose"])(document)


def _raft_is_a_key(document: Document) -> None:
    raft = {"name": "name_in_raft", "type": "string", "length": 32}
    drop_column("detector", "name_in_raft")(document)
    document["elements"]["detector"]["keys"].append(raft)


ADDITIONS = {
    "more": [
        add_column("exposure", "temperature", "float"),
        add_column("detector", "serial", "string", length=9),
        set_element("survey", governor=True, keys=[{"name": "name", "type": "string", "length": 8}]),
        set_element("amplifier", requires=["detector"], keys=[{"name": "id", "type": "int"}]),
        set_element("pair", requires=["exposure", "detector"], metadata=[{"name": "flux", "type": "float"}]),
        lambda d: d["skypix"]["healpix"].update(max_level=12),
    ],
    "wider": [
        change_column("instrument", "name", length=64),
        change_column("exposure", "target_name", length=300),
        change_column("patch", "cell_x", nullable=True),
    ],
    "narrower": [
        change_column("detector", "purpose", nullable=False),
        change_column("detector", "full_name", length=2),
        drop_column("exposure", "sky_angle"),
        lambda d: d["elements"].pop("ssp_balanced_index"),
    ],
    "regions and times": [_spatial_detector, _temporal_tract],
    "other pixels": [_finer_pixels],
    "columns become keys": [_purpose_is_a_dimension, _raft_is_a_key],
    "an empty table is keyed otherwise": [set_element("ssp_hypothesis_bundle", requires=["instrument"])],
    "bands have records": [set_element("band", implied_union_target=None, storage=None)],
    "hints": [
        set_element("tract", is_cached=True),
        set_element("detector", is_cached=False, storage=None),
        set_element("exposure", doc="A snap."),
    ],
}
GROUPS = [["detector"], ["exposure", "detector"], []]


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "registry.sqlite3"
    fill(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path: Path, filled_file: Path, postgres_server: PostgresServer
) -> Iterator[str]:
    """A filled registry of the default universe."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(filled_file, tmp_path / 'registry.sqlite3')}"
    else:
        with postgres_server.database(postgres_server.template("filled for migrations", fill)) as url:
            yield url


def fill(url: str) -> None:
    """Fill a registry of the default universe with what must still be found after its migration."""
    with SqlRegistry.create(url) as registry:
        sample = SampleData(registry)
        insert = registry.dimension_records.insert
        rows = [
            {"instrument": "Cam", "id": i, "full_name": f"D{i}", "name_in_raft": f"S{i}", "purpose": "xy"[i % 2]}
            for i in range(4)
        ]
        insert("detector", rows, replace=True)
        insert("skymap", [{"name": "sky", "hash": b"h" * 40}])
        insert("tract", [{"skymap": "sky", "id": i, "region": circle(10 * i, 0, 4)} for i in range(3)])
        sample.put(sample.raw, "one", exposure=1, detector=1)
        bias = sample.put(sample.bias, "one", detector=2)
        sample.put(sample.note, "two")
        registry.collections.associate("tag", [bias])
        registry.collections.certify("calib", [bias], Timespan("2024-01-01", "2024-02-01"))


def contents(url: str) -> list[str]:
    with SqlRegistry.open(url) as registry:
        return sorted(
            f"{ref} {ref.id}"
            for name in ("bias", "raw", "note")
            for ref in registry.query.datasets(name, "*", find_first=False)
        )


@pytest.mark.parametrize("what", ADDITIONS)
def test_additions(filled: str, fresh: Callable[..., Any], what: str) -> None:
    universe = changed(DEFAULT, *ADDITIONS[what])
    before, old = contents(filled), describe_tables(filled)
    rehearsed = migrate(filled, universe=universe, dry_run=True)
    assert describe_tables(filled) == old
    report = migrate(filled, universe=universe)
    assert rehearsed == report
    assert report.universe is universe
    assert len(report.steps) == 1
    assert contents(filled) == before
    with SqlRegistry.open(filled, writeable=True) as registry:
        assert registry.universe is universe
        _still_works(registry)
    found, expected = describe_tables(filled), fresh(universe, GROUPS)
    if what == "hints":  # the order of columns in a key follows from them, and stays as it was
        for tables in (found, expected):
            for name in [name for name in tables if name.startswith("validity of")]:
                del tables[name]
    assert found == expected
    assert migrate(filled, universe=universe).steps == ()


def _still_works(registry: SqlRegistry) -> None:
    """Insert a record and a dataset, find and query them."""
    universe = registry.universe
    extra = {}
    if "purpose" in universe:
        assert sorted(r.name for r in registry.dimension_records.fetch("purpose")) == ["x", "y"]
    if "band" in registry._state.schema.elements:
        assert sorted(r.name for r in registry.dimension_records.fetch("band")) == ["g", "r"]
    if universe["detector"].spatial:
        extra["region"] = circle(11, 1, 0.1)
    row = {"instrument": "Cam", "id": 9, "full_name": "D9", "purpose": "x", "name_in_raft": "S9"}
    registry.dimension_records.insert("detector", [{**row, **extra}])
    bias = registry.dataset_types.get("bias")
    ref = DatasetRef(bias, {"instrument": "Cam", "detector": 9}, "one")
    registry.datasets.insert([ref])
    assert registry.datasets.find_one("bias", ref.data_id, ["one"]) == ref
    found = registry.query.datasets("bias", ["tag", "one"], where="instrument = 'Cam' AND detector > 1")
    assert {r.data_id["detector"] for r in found} == {2, 9}
    raw = registry.query.datasets("raw", "one", where="instrument = 'Cam' AND exposure.obs_id = 'obs1'")
    assert [r.data_id["exposure"] for r in raw] == [1]
    tracts = registry.query.data_ids(["tract"], where="skymap = 'sky' AND tract.region OVERLAPS POINT(11, 1)")
    assert [t["tract"] for t in tracts] == [1]
    if universe["detector"].spatial:
        joined = registry.query.data_ids(["tract", "detector"], where="instrument = 'Cam' AND skymap = 'sky'")
        assert [(j["tract"], j["detector"]) for j in joined] == [(1, 9)]


def _two_elements_of_the_same_name(document: Document) -> None:
    document["namespace"] = "other"


REFUSALS = {
    "namespace": ([_two_elements_of_the_same_name], "namespace is 'other'"),
    "a new column that must not be null": (
        [add_column("exposure", "x", nullable=False)],
        "exposure: its new column 'x' needs a value in each record, and there are 6 records",
    ),
    "a new key": (
        [lambda d: d["elements"]["detector"]["keys"].append({"name": "x", "type": "int"})],
        "detector: its new column 'x' needs a value",
    ),
    "a key that is not unique": (
        [
            drop_column("detector", "purpose"),
            lambda d: d["elements"]["detector"]["keys"].append({"name": "purpose", "type": "string", "length": 32}),
        ],
        "purpose identifies a record, and 2 values occur more than once",
    ),
    "nulls": ([change_column("detector", "raft", nullable=False)], "raft must not be null, and 4 records have none"),
    "a column with values": ([drop_column("detector", "purpose")], "values of purpose would be lost, and 4 records"),
    "too short": ([change_column("detector", "full_name", length=1)], "at most 1 characters, and 4 records"),
    "another type": ([change_column("detector", "purpose", type="int")], "of another type, and there are 4 records"),
    "a dimension with records": ([lambda d: d["elements"].pop("patch"), lambda d: d["topology"]["spatial"].update(skymap_regions=["tract"]), lambda d: d["elements"].pop("tract"), lambda d: d["topology"]["spatial"].pop("skymap_regions")], "tract: it is removed, and there are 3 records"),
    "a dimension in use": ([set_element("detector", requires=["instrument", "skymap"])], "dataset type 'bias' exists"),
    "another key": ([change_column("exposure", "id", type="string", length=9)], "dataset type 'raw' exists"),
    "a governor": ([set_element("detector", governor=True, requires=[], keys=[{"name": "id", "type": "string", "length": 3}])], "dataset type 'bias' exists"),
    "an implied dimension without values": (
        [
            set_element("site", keys=[{"name": "name", "type": "string", "length": 8}]),
            set_element("detector", implies=["site"]),
        ],
        "detector: its new column 'site' needs a value in each record",
    ),
    "regions would go": (
        [lambda d: d["topology"]["spatial"].update(skymap_regions=["patch"])],
        "values of region would be lost, and 3 records",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSALS)
def test_refusals(filled: str, what: str) -> None:
    edits, word = REFUSALS[what]
    before = describe_tables(filled)
    with pytest.raises(IncompatibleUniverseError) as caught:
        migrate(filled, universe=changed(DEFAULT, *edits))
    assert word in str(caught.value)
    assert describe_tables(filled) == before
    with SqlRegistry.open(filled, writeable=True) as registry:
        assert registry.universe == DEFAULT
        _still_works(registry)


def test_a_version_must_rise(filled: str) -> None:
    for version in (0, -1):
        with pytest.raises(IncompatibleUniverseError, match="needs a higher one"):
            migrate(filled, universe=changed(DEFAULT, add_column("detector", "x"), version=version))


def test_all_reasons_are_named(filled: str) -> None:
    edits = [add_column("exposure", "x", nullable=False), change_column("detector", "raft", nullable=False)]
    with pytest.raises(IncompatibleUniverseError) as caught:
        migrate(filled, universe=changed(DEFAULT, *edits))
    assert len(caught.value.reasons) == 2


def test_a_column_becomes_a_dimension_that_exists(any_url: str) -> None:
    night = {"name": "night", "type": "int"}

    def document(version: int, detector: Document) -> DimensionUniverse:
        key = [{"name": "id", "type": "int"}]
        elements = {
            "camera": {"governor": True, "keys": [{"name": "name", "type": "string", "length": 8}]},
            "night": {"requires": ["camera"], "keys": key},
            "shot": {"requires": ["camera"], "keys": key, **detector},
        }
        skypix = {"common": "htm3", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 3}}
        return DimensionUniverse.from_document(
            {"namespace": "n", "version": version, "skypix": skypix, "elements": elements}
        )

    with SqlRegistry.create(any_url, document(1, {"metadata": [night]})) as registry:
        insert = registry.dimension_records.insert
        insert("camera", [{"name": "C"}])
        insert("night", [{"camera": "C", "id": 1}])
        insert("shot", [{"camera": "C", "id": i, "night": i} for i in (1, 2)])
    newer = document(2, {"implies": ["night"]})
    with pytest.raises(IncompatibleUniverseError, match="must name records of night, and 1 records name none"):
        migrate(any_url, universe=newer)
    with SqlRegistry.open(any_url, writeable=True) as registry:
        registry.dimension_records.insert("night", [{"camera": "C", "id": 2}])
    migrate(any_url, universe=newer)
    with SqlRegistry.open(any_url) as registry:
        assert [d["night"] for d in registry.query.data_ids(["shot"], order_by="shot")] == [1, 2]


def test_a_whole_universe_version_by_version(any_url: str, fresh: Callable[..., Any]) -> None:
    """Version 5 had nights and groups of exposures as plain columns, as far as the registry can tell."""
    six = changed(
        DEFAULT,
        lambda d: [d["elements"].pop(name) for name in list(d["elements"]) if name.startswith("ssp_")] and None,
        drop_column("exposure", "can_see_sky"),
        version=-2,
    )

    def nights_are_numbers(document: Document) -> None:
        for name in ("day_obs", "group"):
            document["elements"].pop(name)
        document["topology"]["temporal"]["observation_timespans"].remove("day_obs")
        for name in ("exposure", "visit"):
            document["elements"][name]["implies"] = ["physical_filter"]
            add_column(name, "day_obs")(document)
        add_column("exposure", "group_name", "string", length=64)(document)
        add_column("exposure", "group_id")(document)

    five = changed(six, nights_are_numbers, version=-1)
    assert (five.version, six.version) == (5, 6)
    with SqlRegistry.create(any_url, five) as registry:
        insert = registry.dimension_records.insert
        insert("instrument", [{"name": "Cam"}])
        insert("physical_filter", [{"instrument": "Cam", "name": "r", "band": "r"}])
        row = {"instrument": "Cam", "physical_filter": "r", "group_id": 3}
        insert(
            "exposure",
            [{**row, "id": i, "obs_id": str(i), "day_obs": 20240101 + i // 2, "group_name": f"g{i}"} for i in range(4)],
        )
        raw = DatasetType("raw", ["exposure"], "int", universe=five)
        registry.dataset_types.register(raw)
        registry.collections.register("one")
        ref = DatasetRef(raw, {"instrument": "Cam", "exposure": 1}, "one")
        registry.datasets.insert([ref])
    migrate(any_url, universe=six)
    with SqlRegistry.open(any_url) as registry:
        assert [r.id for r in registry.dimension_records.fetch("day_obs")] == [20240101, 20240102]
        assert sorted(r.name for r in registry.dimension_records.fetch("group")) == ["g0", "g1", "g2", "g3"]
        found = registry.query.datasets(
            "raw", "one", where="instrument = 'Cam' AND day_obs = 20240101 AND group = 'g1'"
        )
        assert [r.id for r in found] == [ref.id]
        assert registry.dataset_types.get("raw").dimensions == six.conform(["exposure"])
        assert not hasattr(registry.dimension_records.fetch("exposure")[0], "group_id")
    assert describe_tables(any_url) == fresh(six, [["exposure"]])
    migrate(any_url, universe=DEFAULT)  # over version 7
    assert SqlRegistry.open(any_url).universe == DEFAULT


def test_visits_get_their_own_systems(any_url: str, fresh: Callable[..., Any]) -> None:
    """In version 1 each visit was of one system, and named it; exposures were defined by system."""
    night = {"name": "night", "type": "int"}

    def older(document: Document) -> None:
        document["version"] = 1
        for name in [*document["elements"]]:
            if name.startswith("ssp_") or name in ("day_obs", "group", "visit_system_membership"):
                document["elements"].pop(name)
        document["topology"]["temporal"]["observation_timespans"].remove("day_obs")
        document["elements"]["exposure"]["implies"] = ["physical_filter"]
        document["elements"]["visit"]["implies"] = ["physical_filter", "visit_system"]
        document["elements"]["visit_definition"] = {
            "requires": ["exposure", "visit_system"], "implies": ["visit"], "always_join": True, "metadata": [night],
        }  # fmt: skip

    def newer(document: Document) -> None:
        document["version"] = 2
        document["elements"]["visit"]["implies"] = ["physical_filter"]
        document["elements"]["visit_definition"] = {"requires": ["exposure", "visit"], "always_join": True}
        document["elements"]["visit_system_membership"] = {"requires": ["visit", "visit_system"], "always_join": True}

    one = changed(DEFAULT, older, version=0)
    two = changed(one, newer, version=0)
    assert (one.version, two.version) == (1, 2)
    with SqlRegistry.create(any_url, one) as registry:
        insert = registry.dimension_records.insert
        insert("instrument", [{"name": "Cam"}])
        insert("detector", [{"instrument": "Cam", "id": 0, "full_name": "a"}])
        insert("physical_filter", [{"instrument": "Cam", "name": "r", "band": "r"}])
        insert("visit_system", [{"instrument": "Cam", "id": i, "name": f"s{i}"} for i in (0, 1)])
        row = {"instrument": "Cam", "physical_filter": "r"}
        insert("exposure", [{**row, "id": i, "obs_id": str(i)} for i in (1, 2)])
        visits = [(1, 0), (2, 0), (12, 1)]
        insert(
            "visit", [{**row, "id": i, "name": str(i), "visit_system": s, "region": circle(i, 0, 1)} for i, s in visits]
        )
        insert("visit_detector_region", [{"instrument": "Cam", "visit": 12, "detector": 0, "region": circle(12, 0, 1)}])
        pairs = [(1, 0, 1), (2, 0, 2), (1, 1, 12), (2, 1, 12)]
        insert(
            "visit_definition",
            [{"instrument": "Cam", "exposure": e, "visit_system": s, "visit": v} for e, s, v in pairs],
        )
        image = DatasetType("image", ["visit"], "int", universe=one)
        registry.dataset_types.register(image)
        registry.collections.register("one")
        ref = DatasetRef(image, {"instrument": "Cam", "visit": 12}, "one")
        registry.datasets.insert([ref])
    report = migrate(any_url, universe=two)
    assert "records of visit_system_membership are made from the values in visit" in report.steps[0].title
    with SqlRegistry.open(any_url) as registry:
        membership = registry.dimension_records.fetch("visit_system_membership")
        assert sorted((m.visit, m.visit_system) for m in membership) == visits
        found = registry.query.data_ids(["exposure", "visit"], where="instrument = 'Cam'")
        assert sorted((d["exposure"], d["visit"]) for d in found) == [(1, 1), (1, 12), (2, 2), (2, 12)]
        assert [r.id for r in registry.query.datasets("image", "one", where="instrument = 'Cam' AND visit = 12")] == [
            ref.id
        ]
    assert describe_tables(any_url) == fresh(two, [["visit"]])


@pytest.mark.parametrize("night", [None, 7])
def test_values_of_a_combination_that_is_identified_otherwise(any_url: str, night: int | None) -> None:
    key = [{"name": "id", "type": "int"}]
    skypix = {"common": "htm3", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 3}}

    def universe(version: int, pair: Document) -> DimensionUniverse:
        elements = {"a": {"keys": key}, "b": {"keys": key}, "pair": pair}
        return DimensionUniverse.from_document(
            {"namespace": "n", "version": version, "skypix": skypix, "elements": elements}
        )

    note = {"metadata": [{"name": "night", "type": "int"}]}
    with SqlRegistry.create(any_url, universe(1, {"requires": ["a", "b"], **note})) as registry:
        for name in "ab":
            registry.dimension_records.insert(name, [{"id": i} for i in (1, 2)])
        registry.dimension_records.insert("pair", [{"a": 1, "b": 2, "night": night}])
    newer = universe(2, {"requires": ["a"], "implies": ["b"]})
    if night is not None:
        with pytest.raises(
            IncompatibleUniverseError, match="the values of night would be lost, and 1 records have one"
        ):
            migrate(any_url, universe=newer)
        return
    migrate(any_url, universe=newer)
    with SqlRegistry.open(any_url, writeable=True) as registry:
        (record,) = registry.dimension_records.fetch("pair")
        assert (record.a, record.b) == (1, 2)
        registry.dimension_records.insert("pair", [{"a": 2, "b": 2}])
    with pytest.raises(
        IncompatibleUniverseError, match="b will identify its records, and 1 values occur more than once"
    ):
        migrate(any_url, universe=universe(3, {"requires": ["b"], "implies": ["a"]}))


@pytest.mark.parametrize("universe", [fibre_universe(), library_universe()], ids=["fibres", "library"])
def test_other_universes(any_url: str, universe: DimensionUniverse) -> None:
    first = universe.governors[0]
    SqlRegistry.create(any_url, universe).close()
    newer = changed(universe, add_column(first, "note", "string", length=3), set_element("extra", requires=[first]))
    migrate(any_url, universe=newer)
    with SqlRegistry.open(any_url, writeable=True) as registry:
        key = newer[first].primary_key.name
        more = {c.name: 1 for c in newer[first].metadata if not c.nullable}
        registry.dimension_records.insert(first, [{key: "A", "note": "new", **more}])
        registry.dimension_records.insert("extra", [{first: "A"}])
        assert registry.dimension_records.fetch(first)[0].note == "new"


def test_who_is_open_meanwhile(filled: str) -> None:
    with SqlRegistry.open(filled, writeable=True) as writer, SqlRegistry.open(filled) as reader:
        count = len(reader.query.datasets("raw", "one"))
        migrate(filled, universe=changed(DEFAULT, *ADDITIONS["more"]))
        assert len(reader.query.datasets("raw", "one")) == count
        with pytest.raises(SchemaVersionError, match="open it again"):
            writer.collections.register("new", CollectionType.TAGGED)
    with SqlRegistry.open(filled, writeable=True) as writer:
        assert writer.collections.register("new", CollectionType.TAGGED)
