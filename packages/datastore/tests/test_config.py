# SPDX-License-Identifier: BSD-3-Clause
import pickle
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from pachon.base import load_plugin
from pachon.base.entry_points import read_entry_points
from pachon.base.plain_shape import Fields, fits
from pachon.base.testing.plain_shapes import near_documents
from pachon.datastore import (
    BUTLER_ROOT,
    DatastoreConfig,
    DatastoreConfigError,
    FileDatastoreConfig,
    MemoryDatastoreConfig,
)
from pachon.datastore.config_data import FILE_SECTION, FORMATTER_ENTRY, MEMORY_SECTION, plain_data
from pachon.datastore.config_document import FileDocument, FormatterDocument, MemoryDocument, read_document

FULL = {
    "type": "file",
    "name": "main",
    "root": "s3://bucket/data",
    "create": False,
    "checksum": False,
    "verify_checksum": True,
    "group_writable": True,
    "templates": {"default": "{run}/{id}", "instrument<Cam>": {"raw": "{run}/{id}"}},
    "formatters": {
        "StructuredDataDict": "json",
        "Other": {"formatter": "yaml", "parameters": {"unsafe_dump": True}},
        "default": {"parquet": {}},
        "write_recipes": {"fits_ccd": {"mine": {"image": {"algorithm": "RICE_1"}}}},
    },
    "constraints": {"accept": ["raw", {"instrument<Cam>": ["flat"]}], "reject": ["all"]},
    "composites": {"default": False, "disassembled": {"CCDData": True}},
    "allow_pickle": True,
}


def test_default():
    config = DatastoreConfig.from_document()
    assert config == FileDatastoreConfig(name="file")
    assert config.root == BUTLER_ROOT
    assert config.to_document() == {"type": "file", "name": "file", "root": BUTLER_ROOT}
    assert config.to_document(complete=True).keys() >= {"checksum", "templates", "formatters", "constraints"}


def test_everything_round_trips():
    config = DatastoreConfig.from_document(FULL)
    assert config.to_document() == {**FULL}
    assert config.to_document(complete=True) == FULL
    assert DatastoreConfig.from_document(config.to_document()) == config
    assert pickle.loads(pickle.dumps(config)) == config


@pytest.mark.parametrize(
    "name", [e.name for e in read_entry_points("pachon.datastores") if e.value.startswith("pachon.datastore.")]
)
def test_each_datastore_of_our_own_gets_its_configuration(name: str) -> None:
    datastore: Any = load_plugin("pachon.datastores", name)
    assert type(DatastoreConfig.from_document({"type": name})) is datastore.config_class


def test_memory():
    config = DatastoreConfig.from_document({"type": "memory", "copy_on_get": "never"})
    assert config == MemoryDatastoreConfig(name="memory", copy_on_get="never")


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("lsst.daf.butler.datastores.fileDatastore.FileDatastore", FileDatastoreConfig),
        ("lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore", MemoryDatastoreConfig),
    ],
)
def test_class_names_of_seed_configurations(written, kind):
    assert type(DatastoreConfig.from_document({"cls": written})) is kind
    assert type(DatastoreConfig.from_document({"type": written})) is kind


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"chekcsum": True}, "Unknown key 'datastore.chekcsum'. Did you mean 'checksum'?"),
        ({"composites": {"disasembled": {}}}, "'datastore.composites.disasembled'. Did you mean 'disassembled'?"),
        ({"constraints": {"accepts": []}}, "Did you mean 'accept'?"),
        ({"checksum": "yes"}, "datastore.checksum"),
        ({"name": ""}, "datastore.name"),
        ({"composites": {"disassembled": {"CCDData": "yes"}}}, "datastore.composites.disassembled.CCDData"),
        ({"composites": {"disassembled": ["CCDData"]}}, "datastore.composites.disassembled"),
        ({"templates": {"raw": 3}}, "datastore.templates.raw"),
        ({"type": "fiel"}, "Did you mean 'file'?"),
        ({"type": 3}, "must be the name of a datastore"),
        ({"cls": "my.own.Datastore"}, "classes are never imported by name"),
        ({"type": "memory", "root": "/tmp"}, "datastore.root"),
        ({"type": "memory", "copy_on_get": "sometimes"}, "copy_on_get"),
    ],
)
def test_wrong_documents(document, message):
    with pytest.raises(DatastoreConfigError) as caught:
        DatastoreConfig.from_document(document)
    assert message in str(caught.value)


def test_all_mistakes_are_said():
    with pytest.raises(DatastoreConfigError) as caught:
        DatastoreConfig.from_document({"chekcsum": True, "create": 3})
    assert "chekcsum" in str(caught.value)
    assert "datastore.create" in str(caught.value)


SECTIONS = [(FILE_SECTION, FileDocument), (MEMORY_SECTION, MemoryDocument), (FORMATTER_ENTRY, FormatterDocument)]


@pytest.mark.parametrize(("fields", "model"), SECTIONS)
def test_keys_are_those_of_the_models(fields: Fields, model: type[BaseModel]) -> None:
    assert set(fields.kinds) == set(model.model_fields)
    assert fields.required == {name for name, field in model.model_fields.items() if field.is_required()}


@given(
    st.one_of(*(near_documents(fields).map(lambda d, pair=(fields, model): (*pair, d)) for fields, model in SECTIONS))
)
@settings(max_examples=400)
def test_what_fits_is_what_the_models_take(drawn: tuple[Fields, type[BaseModel], Any]) -> None:
    fields, model, document = drawn
    if not isinstance(document, dict):
        assert not fits(document, fields)
        return
    try:
        model.model_validate(document)
    except ValidationError:
        assert not fits(document, fields)
    else:
        assert fits(document, fields)
        assert plain_data(read_document(model, document, "here")) == document


def test_a_right_configuration_needs_no_models() -> None:
    code = (
        f"import sys; from pachon.datastore import DatastoreConfig as C; config = C.from_document({FULL!r})\n"
        "from pachon.datastore.formatter_table import FormatterTable; print('pydantic' in sys.modules)\n"
        "print(config.document_class.__name__, 'pydantic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False", "FileDocument True"]
