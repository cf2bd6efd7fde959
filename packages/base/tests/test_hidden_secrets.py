# SPDX-License-Identifier: BSD-3-Clause
import logging

import pytest

from pachon.base.hidden_secrets import hide_secrets
from pachon.base.log_configuration import configure_logging


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("no URL: a@b?c=d", "no URL: a@b?c=d"),
        ("postgresql+psycopg://me:pw@db:5432/x", "postgresql+psycopg://me:***@db:5432/x"),
        ("postgresql://me:p@w@db/x?sslpassword=pw&a=b)", "postgresql://me:***@db/x?sslpassword=***&a=***)"),
        ("s3://profile@bucket/key", "s3://profile@bucket/key"),
        ("file:///a/b?c=d and http://h/x?sig=1", "file:///a/b?c=*** and http://h/x?sig=***"),
        ("'http://:pw@h/x' <http://u:pw@h>", "'http://:***@h/x' <http://u:***@h>"),
        ("http://h:80/a@b", "http://h:80/a@b"),
    ],
)
def test_hide_secrets(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


def test_logs_of_all_forms_hide_secrets(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    files = [tmp_path / "log.json", tmp_path / "log.txt"]
    for long in (False, True):
        configure_logging([".=DEBUG"], long=long, files=files)
        try:
            raise ValueError("http://u:hunter2@h/x?sig=hunter2")
        except ValueError:
            logging.getLogger("someone.else").exception("at %s", "http://u:hunter2@h/x")
    configure_logging()
    written = [*(path.read_text() for path in files), capsys.readouterr().err]
    for text in written:
        assert "u:***@h/x" in text
        assert "ValueError" in text
        assert "hunter2" not in text
