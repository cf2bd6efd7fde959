# SPDX-License-Identifier: BSD-3-Clause
"""Universes with other words: nothing may depend on those of the default one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pachon.datasets import CollectionType, DatasetRef, DatasetSearch, DatasetType
from pachon.dimensions import DataCoordinate, DataIdTable, DataIdValueError, DimensionUniverse, Timespan
from pachon.dimensions.region import circle
from pachon.registry import ConflictingDefinitionError, SqlRegistry
from pachon.registry.errors import QueryGovernorError, QueryJoinError
from pachon.registry.testing.universes import fibre_universe, library_universe


@pytest.fixture
def fibres(tmp_path: Path) -> Iterator[SqlRegistry]:
    with SqlRegistry.create(f"sqlite:///{tmp_path}/fibres.sqlite3", fibre_universe()) as registry, registry.write():
        insert = registry.dimension_records.insert
        insert("spectrograph", [{"name": "S", "fibre_count": 3}])
        insert("grating", [{"spectrograph": "S", "name": n, "arm": n[0]} for n in ("blue1", "blue2", "red1")])
        insert("fibre", [{"spectrograph": "S", "id": i, "label": f"f{i}", "broken": i == 2} for i in range(3)])
        insert("field", [{"id": i, "region": circle(10 * i, 0, 3), "title": f"field {i}"} for i in range(3)])
        insert("plate", [{"spectrograph": "S", "id": i, "region": circle(10 * i + 1, 1, 1)} for i in range(3)])
        insert("shift", [{"name": n, "timespan": Timespan(a, b)} for n, a, b in _SHIFTS])
        insert("spectrum", [_spectrum(i) for i in range(4)])
        insert("fibre_target", [{"spectrograph": "S", "plate": p, "fibre": p, "target": f"t{p}"} for p in range(2)])
        yield registry


_SHIFTS = (("first", "2024-01-01", "2024-01-02"), ("second", "2024-01-02", "2024-01-03"))


def _spectrum(number: int) -> dict[str, Any]:
    day = "2024-01-01" if number < 2 else "2024-01-02"
    return {
        "spectrograph": "S",
        "id": number,
        "plate": number % 3,
        "grating": ("blue1", "red1")[number % 2],
        "seeing": 0.5 + number,
        "timespan": Timespan(f"{day}T10:00:00", f"{day}T11:00:00"),
    }


@pytest.mark.parametrize(
    ("dimensions", "where", "count"),
    [
        (["spectrum"], "", 4),
        (["spectrum"], "seeing > 2", 2),
        (["spectrum"], "arm = 'b'", 2),
        (["spectrum"], "spectrograph = 'S' AND grating = 'red1'", 2),
        (["arm"], "", 2),
        (["grating"], "", 3),
        (["field", "plate"], "", 3),
        (["field", "plate"], "field.title = 'field 1'", 1),
        (["field"], "spectrograph = 'S' AND plate = 2", 1),
        (["field"], "field.region OVERLAPS CIRCLE(9, 0, 0.1)", 1),
        (["plate", "fibre"], "", 2),
        (["spectrum", "fibre"], "", 3),
        (["spectrum", "fibre"], "fibre_target.target = 't1'", 1),
        (["shift", "spectrum"], "", 4),
        (["shift", "spectrum"], "shift = 'first'", 2),
        (["shift"], "shift.timespan OVERLAPS T'2024-01-02 05:00:00/tai'", 1),
        (["field", "spectrum"], "", 4),
        (["field", "spectrum", "shift"], "shift = 'second'", 2),
        (["plate", "healpix4"], "", None),
        (["fibre"], "NOT broken", 2),
    ],
)
def test_fibre_queries(fibres: SqlRegistry, dimensions: list[str], where: str, count: int | None) -> None:
    found = fibres.query.data_ids(dimensions, where=where)
    assert found.is_full
    assert len(found) == count if count is not None else len(found) > 3


def test_fibre_errors(fibres: SqlRegistry) -> None:
    with pytest.raises(QueryGovernorError):
        fibres.query.data_ids(["fibre"], where="fibre = 1")
    with pytest.raises(QueryGovernorError):
        fibres.query.data_ids(["fibre"], where="fibre.label = 'f1'")
    assert len(fibres.query.data_ids(["field"], where="field = 1")) == 1
    with pytest.raises(QueryJoinError):
        fibres.query.data_ids(["field", "plate", "healpix4"])


def test_fibre_datasets(fibres: SqlRegistry) -> None:
    flat = DatasetType("flat", ["fibre", "grating"], "X", is_calibration=True, universe=fibres.universe)
    stacked = DatasetType("stacked", ["field", "arm"], "X", universe=fibres.universe)
    for dataset_type in (flat, stacked):
        assert fibres.dataset_types.register(dataset_type)
    fibres.collections.register("run")
    fibres.collections.register("calib", CollectionType.CALIBRATION)
    flats = [_ref(flat, spectrograph="S", fibre=f, grating=g) for f in range(2) for g in ("blue1", "red1")]
    fibres.datasets.insert([*flats, _ref(stacked, field=1, arm="b")])
    fibres.collections.certify("calib", flats, Timespan(None, "2024-01-02"))
    search = DatasetSearch(dataset_type="flat", collections=("calib",))
    assert len(fibres.query.data_ids(["spectrum", "fibre"], datasets=[search])) == 2
    assert len(fibres.query.datasets("flat", "calib", where="arm = 'b'")) == 2
    assert len(fibres.query.datasets("flat", "calib", where="shift = 'second'")) == 0
    assert len(fibres.query.datasets("stacked", "run", where="field.title = 'field 1'")) == 1
    assert fibres.collections.fetch_governor_values(["run"]) == {"spectrograph": {"S"}}
    with pytest.raises(DataIdValueError):
        fibres.datasets.insert([_ref(stacked, field=9, arm="b")])
    expanded = fibres.dimension_records.expand(flats[0].data_id)
    assert expanded.full["arm"] == "b"


def _ref(dataset_type: DatasetType, **values: Any) -> DatasetRef:
    return DatasetRef(dataset_type, DataCoordinate.standardize(values, dimensions=dataset_type.dimensions), "run")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[SqlRegistry]:
    with SqlRegistry.create(f"sqlite:///{tmp_path}/library.sqlite3", library_universe()) as registry, registry.write():
        insert = registry.dimension_records.insert
        insert("branch", [{"code": c} for c in "NS"])
        insert("author", [{"id": 1, "full_name": "O'Brien"}, {"id": 2, "full_name": 'A "B" C'}])
        books = (("N", "a1", 1, "crime"), ("N", "a2", 2, "poems"), ("S", "a1", 1, "poems"))
        insert("book", [_book(*row) for row in books])
        insert("reader", [{"branch": b, "card": c} for b in "NS" for c in (1, 2)])
        insert("loan", [{"branch": "N", "book": "a1", "reader": 1, "timespan": Timespan("2024-01-01", "2024-02-01")}])
        yield registry


def _book(branch: str, mark: str, author: int, genre: str) -> dict[str, Any]:
    isbn = f"{branch}{mark}".encode()
    return {"branch": branch, "shelf_mark": mark, "author": author, "genre": genre, "isbn": isbn, "pages": len(genre)}


@pytest.mark.parametrize(
    ("dimensions", "where", "bind", "count"),
    [
        (["book"], "", {}, 3),
        (["book"], "author.full_name = :name", {"name": "O'Brien"}, 2),
        (["book"], "full_name = :name", {"name": "'; DROP TABLE element_book; --"}, 0),
        (["book"], "genre = 'poems'", {}, 2),
        (["book"], "branch = 'N' AND isbn = :isbn", {"isbn": b"Na2"}, 1),
        (["book"], "pages IN (:p)", {"p": list(range(50_000))}, 3),
        (["genre"], "", {}, 2),
        (["author"], "author = 2", {}, 1),
        (["book", "reader"], "", {}, 6),
        (["book", "reader"], "loan.timespan OVERLAPS T'2024-01-15'", {}, 1),
        (["reader"], "loan.timespan.end < T'2025-01-01'", {}, 1),
        (["branch"], "GLOB(book, 'a?') AND genre = 'crime' AND branch IN ('N', 'S')", {}, 1),
    ],
)
def test_library_queries(
    library: SqlRegistry, dimensions: list[str], where: str, bind: dict[str, Any], count: int
) -> None:
    assert len(library.query.data_ids(dimensions, where=where, bind=bind)) == count


def test_library_rules(library: SqlRegistry) -> None:
    with pytest.raises(ConflictingDefinitionError, match="isbn"):
        library.dimension_records.insert("book", [{**_book("N", "a9", 1, "x"), "isbn": b"Na1"}])
    scan = DatasetType("scan", ["book"], "X", universe=library.universe)
    library.dataset_types.register(scan)
    library.collections.register("run")
    refs = [_ref(scan, branch=b, book="a1") for b in "NS"]
    library.datasets.insert(refs)
    assert {r.id for r in library.query.datasets("scan", "run", where="author = 1")} == {r.id for r in refs}
    table = DataIdTable.from_rows(scan.dimensions, [refs[0].data_id])
    assert len(library.query.datasets("scan", "run", tables=[table])) == 1
    records = library.query.records("loan", where="branch = 'N' AND book = 'a1'")
    assert [r.reader for r in records] == [1]


_PLAIN_WORDS = {
    "version": 1,
    "namespace": "plain words",
    "skypix": {"common": "htm5", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 6}},
    "elements": {
        "site": {"governor": True, "keys": [{"name": "name", "type": "string", "length": 8}]},
        "sensor": {
            "requires": ["site"],
            "keys": [{"name": "id", "type": "int"}],
            "metadata": [{"name": name, "type": "int"} for name in ("value", "param", "limit")],
        },
    },
    "topology": {},
}


@pytest.mark.parametrize("field", ["value", "param", "limit"])
def test_a_field_may_have_the_name_of_a_parameter(any_url: str, field: str) -> None:
    universe = DimensionUniverse.from_document(_PLAIN_WORDS)
    with SqlRegistry.create(any_url, universe) as registry:
        registry.dimension_records.insert("site", [{"name": "S"}])
        rows = [{"site": "S", "id": i, "value": 3 * i, "param": 3 * i, "limit": 3 * i} for i in range(5)]
        registry.dimension_records.insert("sensor", rows)
        where = f"site = 'S' AND sensor.{field} > 0 AND sensor.{field} IN (0..20:2)"
        found = registry.query.data_ids(["sensor"], where=where, limit=5)
        assert [data_id["sensor"] for data_id in found] == [2, 4]
