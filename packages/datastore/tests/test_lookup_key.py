# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.datastore import DatastoreConfigError, LookupKey, candidate_keys
from pachon.datastore.lookup_key import LookupTable, parse_scope
from pachon.datastore.testing import ExampleData

EXAMPLE = ExampleData()
UNIVERSE = EXAMPLE.universe


def table(document):
    return LookupTable.parse(document, UNIVERSE, lambda value, where: value, where="section")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("raw", LookupKey("raw")),
        ("raw.wcs", LookupKey("raw.wcs")),
        ("visit+", LookupKey("", UNIVERSE.conform(["visit"]).names)),
        ("visit+detector", LookupKey("", UNIVERSE.conform(["visit", "detector"]).names)),
        ("detector+visit", LookupKey("", UNIVERSE.conform(["visit", "detector"]).names)),
        ("physical_filter+detector+exposure", LookupKey("", UNIVERSE.conform(["exposure", "detector"]).names)),
        ("visit+fibre", LookupKey("visit+fibre")),
        ("+", LookupKey("+")),
    ],
)
def test_parse(text, key):
    assert LookupKey.parse(text, UNIVERSE) == key


def test_text_of_a_key():
    assert str(LookupKey.parse("instrument+", UNIVERSE)) == "instrument+"
    assert str(LookupKey.parse("skymap+tract", UNIVERSE, instrument="Cam")) == "instrument<Cam>:skymap+tract"


def test_candidates_in_order():
    whole = EXAMPLE.dataset_type("pvi", ("visit", "detector"), "CCDData")
    dimensions = LookupKey("", whole.dimensions.names)
    assert candidate_keys(whole) == (LookupKey("pvi"), dimensions, LookupKey("CCDData"))
    part = EXAMPLE.dataset_type("pvi.wcs", ("visit", "detector"), "Wcs", parent_storage_class="CCDData")
    plain = (LookupKey("pvi.wcs"), LookupKey("pvi"), dimensions, LookupKey("Wcs"), LookupKey("CCDData"))
    assert candidate_keys(part) == plain
    scoped = tuple(LookupKey(key.name, key.dimensions, "Cam") for key in plain)
    assert candidate_keys(part, instrument="Cam") == (*scoped, *plain)


def test_no_dimensions_no_dimension_key():
    empty = EXAMPLE.dataset_type("packages", (), "Packages")
    assert candidate_keys(empty) == (LookupKey("packages"), LookupKey("Packages"))


@pytest.mark.parametrize(
    ("document", "found"),
    [
        ({"Wcs": 1}, 1),
        ({"CCDData": 1, "Wcs": 2}, 2),
        ({"visit+detector": 1, "Wcs": 2}, 1),
        ({"pvi": 1, "visit+detector": 2}, 1),
        ({"pvi.wcs": 1, "pvi": 2}, 1),
        ({"pvi.wcs": 1, "instrument<Cam>": {"CCDData": 2}}, 2),
        ({"pvi.wcs": 1, "instrument<Other>": {"pvi.wcs": 2}}, 1),
        ({"instrument<Cam>": {"CCDData": 2, "pvi": 3}}, 3),
        ({"instrument<Other>": {"pvi": 3}}, None),
        ({"visit+": 1}, None),
        ({}, None),
    ],
)
def test_priority(document, found):
    part = EXAMPLE.dataset_type("pvi.wcs", ("visit", "detector"), "Wcs", parent_storage_class="CCDData")
    result = table(document).find_for(EXAMPLE.ref(part))
    assert (None if result is None else result[1]) == found


def test_datasets_without_instrument_ignore_scopes():
    coadd = EXAMPLE.dataset_type("sky", ("tract",), "StructuredData")
    assert table({"instrument<Cam>": {"sky": 1}}).find_for(EXAMPLE.ref(coadd)) is None


def test_only_instruments_are_scopes():
    assert parse_scope("instrument<My Cam>", where="x") == "My Cam"
    assert parse_scope("raw", where="x") is None
    with pytest.raises(DatastoreConfigError, match="instrument<NAME>"):
        table({"skymap<hsc>": {"raw": 1}})
    with pytest.raises(DatastoreConfigError, match="must hold a mapping"):
        table({"instrument<Cam>": "raw"})
    with pytest.raises(DatastoreConfigError):
        table({"instrument<>": {}})
