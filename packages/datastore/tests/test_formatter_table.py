# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError, NotFoundError
from pachon.datasets import StorageClasses
from pachon.datastore import (
    DEFAULT_FORMATTERS,
    DatastoreConfigError,
    NoFormatterError,
    formatter_name,
    lsst_formatter_name,
)
from pachon.datastore.default_formatters import default_formatters
from pachon.datastore.formatter_table import FormatterTable, load_formatter
from pachon.datastore.testing import ExampleData

EXAMPLE = ExampleData()


def table(allow_unsafe=False, **document):
    return FormatterTable(document, EXAMPLE.universe, allow_unsafe=allow_unsafe)


def ref(storage_class="StructuredDataDict", name="thing"):
    return EXAMPLE.ref(EXAMPLE.dataset_type(name, ("instrument", "visit"), storage_class))


@pytest.mark.parametrize("storage_class", DEFAULT_FORMATTERS)
def test_defaults_are_installed(storage_class):
    assert table().find(ref(storage_class)).formatter_class is load_formatter(DEFAULT_FORMATTERS[storage_class])


def test_every_built_in_storage_class_has_a_formatter():
    # Packages above define storage classes of their own, with their formatters.
    known = {name for name, made in StorageClasses.default().items() if not made.pytype_name.startswith("pachon.")}
    assert known - set(default_formatters()) <= {"ProvenanceQuantumGraph"}


def test_formatters_of_installed_packages(monkeypatch):
    from pachon.datastore import default_formatters as module

    default_formatters.cache_clear()
    monkeypatch.setattr(module, "plugin_names", lambda group: ("one",))
    monkeypatch.setattr(module, "load_plugin", lambda group, name: {"SkyMap": "json", "int": "yaml"})
    assert default_formatters()["SkyMap"] == "json"
    assert default_formatters()["int"] == DEFAULT_FORMATTERS["int"]
    default_formatters.cache_clear()


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "yaml"),
        ({"StructuredDataDict": "json"}, "json"),
        ({"thing": "packages", "StructuredDataDict": "json"}, "packages"),
        ({"visit+": "json"}, "json"),
        ({"instrument<Cam>": {"thing": "json"}}, "json"),
        ({"thing": {"formatter": "json"}}, "json"),
        ({"thing": "lsst.daf.butler.formatters.json.JsonFormatter"}, "json"),
    ],
)
def test_configuration_goes_before_defaults(document, expected):
    assert table(**document).find(ref()).name == expected


def test_components_prefer_their_own_storage_class():
    whole = EXAMPLE.dataset_type("pvi", ("instrument", "visit"), "CCDData")
    part = EXAMPLE.ref(whole.component_type("wcs", StorageClasses.default()))
    assert table(CCDData="fits_ccd").find(part).name == "fits_wcs"
    assert table(pvi="fits_ccd").find(part).name == "fits_ccd"


def test_write_parameters():
    made = table(
        default={"packages": {"format": "json"}, "plot": {"dpi": 50}},
        thing={"formatter": "packages", "parameters": {"format": "yaml"}},
        Packages="packages",
    )
    assert made.find(ref()).write_parameters == {"format": "yaml"}
    assert made.find(ref("Packages", "other")).write_parameters == {"format": "json"}
    assert made.find(ref("Plot", "other")).write_parameters == {"dpi": 50}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"thing": {"formatter": "json", "parametres": {}}}, "Did you mean 'parameters'?"),
        ({"thing": {"parameters": {}}}, "formatter is missing"),
        ({"thing": {"formatter": "json", "parameters": {"indent": 2}}}, "no write parameter 'indent'; it has none"),
        ({"thing": {"formatter": "packages", "parameters": {"format": "xml"}}}, "yaml, json"),
        ({"thing": 3}, "formatters.thing"),
        ({"thing": "my.module.Formatter"}, "classes are never imported by name"),
        ({"default": {"json": {"indent": 2}}}, "no write parameter"),
        ({"default": ["json"]}, "formatters.default"),
        ({"write_recipes": {"json": {"small": {}}}}, "no write recipes"),
        ({"write_recipes": {"fits_ccd": {"small": {"image": {"algorithm": "ZIP"}}}}}, "one of GZIP_1"),
        ({"write_recipes": {"fits_ccd": {"small": {"variance": {}}}}}, "image, mask, uncertainty"),
        ({"thing": {"formatter": "fits_ccd", "parameters": {"recipe": "losless"}}}, "Did you mean 'lossless'?"),
    ],
)
def test_wrong_configuration(document, message):
    with pytest.raises(DatastoreConfigError) as caught:
        table(**document)
    assert message in str(caught.value)


def test_unknown_formatter():
    with pytest.raises(NotFoundError, match="Did you mean 'yaml'"):
        table(thing="yamll").find(ref())


def test_no_formatter():
    with pytest.raises(NoFormatterError, match=r"'formatters' for any of .*'thing'.*'Strange'"):
        table().find(ref("Strange"))


def test_pickle_is_refused_unless_allowed():
    with pytest.raises(InvalidInputError, match="allow_pickle: true"):
        table(thing="pickle").find(ref())
    assert table(thing="pickle", allow_unsafe=True).find(ref()).name == "pickle"


def test_names_of_lsst_packages():
    assert formatter_name("lsst.daf.butler.formatters.yaml.YamlFormatter") == "yaml"
    assert formatter_name("yaml") == "yaml"
    assert lsst_formatter_name("yaml") == "lsst.daf.butler.formatters.yaml.YamlFormatter"
    assert lsst_formatter_name("fits_ccd") is None
    with pytest.raises(DatastoreConfigError, match="no formatter here for the class"):
        formatter_name("lsst.obs.base.formatters.fitsExposure.FitsExposureFormatter")


def test_what_is_no_formatter():
    with pytest.raises(NotFoundError):
        load_formatter("no_such_formatter")
