# SPDX-License-Identifier: BSD-3-Clause
"""A ``butler.yaml`` with a password is not for everybody."""

import logging
import os
from pathlib import Path

import pytest

from pachon.butler import Butler
from pachon.butler.config_writing import holds_password, write_config
from pachon.butler.migration import move_database
from pachon.registry.testing.postgresql import PostgresServer
from pachon.resources import ResourceExistsError, ResourcePath

SECRET = "database:\n  url: postgresql://user:hunter2@host/db\n"


def mode(path: Path) -> str:
    return oct(path.stat().st_mode & 0o777)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("url: postgresql+psycopg://u:PW@h/d", True),
        ("url: postgresql://h/d?user=u&password=x", True),
        ("url: postgresql://u@h:5432/d", False),
        ("url: postgresql://h:5432/d?sslmode=require", False),
        ("url: sqlite:///<butlerRoot>/registry.sqlite3\nroot: s3://bucket/a@b", False),
    ],
)
def test_what_holds_a_password(text: str, expected: bool) -> None:
    assert holds_password(text) is expected


@pytest.mark.parametrize("shared", [False, True])
def test_others_cannot_read_it(tmp_path: Path, caplog: pytest.LogCaptureFixture, shared: bool) -> None:
    path = tmp_path / "butler.yaml"
    before = os.umask(0o022)
    try:
        with caplog.at_level(logging.WARNING):
            write_config(ResourcePath(str(path)), SECRET, group_writable=shared)
    finally:
        os.umask(before)
    assert mode(path) == ("0o660" if shared else "0o600")
    assert ".pgpass" in caplog.text
    assert "PGPASSWORD" in caplog.text
    assert "hunter2" not in caplog.text
    with pytest.raises(ResourceExistsError):
        write_config(ResourcePath(str(path)), SECRET)


def test_one_that_gets_a_password_later(tmp_path: Path) -> None:
    path = tmp_path / "butler.yaml"
    path.write_text("database: {}\n")
    path.chmod(0o664)
    write_config(ResourcePath(str(path)), SECRET, overwrite=True)
    assert (mode(path), path.read_text()) == ("0o660", SECRET)


def test_repositories_on_a_server_with_a_password(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with PostgresServer(password="hunter2") as server:
        Butler.create(str(tmp_path / "one"), database=server.url(server.create_database())).close()
        assert mode(tmp_path / "one" / "butler.yaml") == "0o600"
        Butler.create(str(tmp_path / "two")).close()
        (tmp_path / "two" / "butler.yaml").chmod(0o644)
        move_database(str(tmp_path / "two"), server.url(server.create_database()))
        assert mode(tmp_path / "two" / "butler.yaml") == "0o640"
        Butler.open(str(tmp_path / "two")).close()
    assert caplog.text.count(".pgpass") == 2
