# SPDX-License-Identifier: BSD-3-Clause
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings

import pachon.butler
from pachon.base import InvalidInputError
from pachon.base.plain_shape import fits
from pachon.base.testing.plain_shapes import near_documents
from pachon.butler.errors import ForeignRepositoryError, RepositoryConfigError
from pachon.butler.repository_config import DEFAULT_DATABASE, DOCUMENT, RepositoryConfig, replace_root
from pachon.butler.repository_document import DatabaseModel, RepositoryModel, validate_document
from pachon.butler.repository_settings import iter_settings
from pachon.datastore import DatastoreConfig, FileDatastoreConfig

DATA = Path(__file__).parent / "data"


def test_files_of_every_version_can_be_read() -> None:
    config = RepositoryConfig.from_text((DATA / "butler-1.yaml").read_text(), "butler-1.yaml")
    assert config.root == "/data/site"
    assert config.database_url == "postgresql+psycopg://reader@db.example.org/site"
    assert isinstance(config.datastore, FileDatastoreConfig)
    assert (config.datastore.name, config.datastore.root, config.datastore.checksum) == (
        "site",
        "s3://site-files/",
        False,
    )
    assert dict(config.storage_classes["Things"]) == {"pytype": "list"}
    assert config.allowed_modules == ("site_types",)


def test_what_is_written_is_read_again() -> None:
    text = (DATA / "butler-1.yaml").read_text()
    config = RepositoryConfig.from_text(text, "x")
    assert config.to_document() == yaml.safe_load(text)
    for complete in (False, True):
        again = RepositoryConfig.from_text(config.to_text(complete=complete), "x")
        assert again.to_document(complete=True) == config.to_document(complete=True)


def test_origins() -> None:
    document = {"pachon": 1, "datastore": {"checksum": False}}
    config = RepositoryConfig.from_document(document, "here")
    origins = {item.key: item.origin for item in iter_settings(document, config, "here")}
    assert origins["datastore.checksum"] == "here"
    assert origins["datastore.verify_checksum"] == "default"
    assert origins["database.url"] == "default"


def test_the_root_in_a_database_url() -> None:
    assert replace_root(DEFAULT_DATABASE, "/a/b c?") == "sqlite:////a/b%20c%3F/registry.sqlite3"
    assert replace_root("postgresql://x/y", "s3://bucket") == "postgresql://x/y"
    with pytest.raises(InvalidInputError, match="SQLite needs a local file"):
        replace_root(DEFAULT_DATABASE, "s3://bucket")


def test_the_default_is_a_datastore_of_files() -> None:
    config = RepositoryConfig(datastore=DatastoreConfig.from_document(None))
    assert config.to_document()["datastore"] == {"type": "file", "name": "file", "root": "<butlerRoot>"}


def test_a_read_replica() -> None:
    document = {"url": "postgresql://main/site", "replica_url": "postgresql://copy/site"}
    config = RepositoryConfig.from_document({"pachon": 1, "database": document}, "butler.yaml")
    assert config.replica_url == "postgresql://copy/site"
    assert config.to_document()["database"] == document
    assert RepositoryConfig.from_document({"pachon": 1}, "butler.yaml").replica_url is None


def test_a_key_stands_once() -> None:
    text = "pachon: 1\nroot: /one\ndatabase: {}\nroot: /two\n"
    with pytest.raises(RepositoryConfigError) as caught:
        RepositoryConfig.from_text(text, "butler.yaml")
    said = "butler.yaml, line 4, column 1: the key 'root' is there twice, first in line 2."
    assert str(caught.value) == said


def test_advice_for_repositories_of_lsst_names_commands_that_exist() -> None:
    with pytest.raises(ForeignRepositoryError) as caught:
        RepositoryConfig.from_text("datastore: {cls: lsst.X}\nregistry: {db: x}\n", "butler.yaml")
    named = re.findall(r"'butler ([a-z-]+)'", str(caught.value))
    assert named
    commands = {path.stem.replace("_", "-") for path in (Path(pachon.butler.__file__).parent / "commands").glob("*.py")}
    # ingest-raws is a command of pachon-obs-base.
    assert set(named) <= {*commands, "ingest-raws"}


@pytest.mark.parametrize("section", ["postgresql://me:secret@host/site", {"url": ["postgresql://me:secret@host/site"]}])
def test_complaints_do_not_tell_passwords(section: object) -> None:
    with pytest.raises(RepositoryConfigError, match="database") as caught:
        RepositoryConfig.from_document({"pachon": 1, "database": section}, "butler.yaml")
    assert "secret" not in str(caught.value)


def test_keys_are_those_of_the_models() -> None:
    database = DOCUMENT.kinds["database"]
    for fields, model in ((DOCUMENT, RepositoryModel), (database, DatabaseModel)):
        assert set(fields.kinds) == set(model.model_fields)
        assert fields.required == {name for name, field in model.model_fields.items() if field.is_required()}


@given(near_documents(DOCUMENT))
@settings(max_examples=300)
def test_what_fits_is_what_the_models_take(document: Any) -> None:
    if not isinstance(document, dict):
        assert not fits(document, DOCUMENT)
        return
    try:
        found = validate_document(document, "here")
    except RepositoryConfigError:
        assert not fits(document, DOCUMENT)
    else:
        # Of the version the model says only that it is equal to one.
        assert fits(document, DOCUMENT) or type(document["pachon"]) is not int
        assert found == document
