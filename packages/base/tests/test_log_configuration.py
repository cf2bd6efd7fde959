# SPDX-License-Identifier: BSD-3-Clause
import json
import logging
import re
import warnings
from pathlib import Path

import pytest

from pachon.base import TRACE, VERBOSE, InvalidInputError, configure_logging, log_labels
from pachon.base.log_configuration import _installed, parse_levels

LOG = logging.getLogger("pachon.tested")


@pytest.fixture(autouse=True)
def restore():
    yield
    configure_logging(tty=False)
    logging.captureWarnings(False)
    for name in ("pachon", "pachon.tested", "lsst", "mine"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def test_default_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAF_BUTLER_ROOT_LOGGER", "mine:yours")
    levels = parse_levels([])
    assert levels == {".": logging.WARNING, "pachon": 20, "lsst": 20, "mine": 20, "yours": 20}


def test_level_settings() -> None:
    levels = parse_levels(["verbose", "pachon.registry=TRACE", ".=debug"])
    assert levels["pachon"] == levels["lsst"] == VERBOSE == 15
    assert levels["pachon.registry"] == TRACE == 5
    assert levels["."] == logging.DEBUG


@pytest.mark.parametrize(
    ("text", "message"), [("debg", "Did you mean 'DEBUG'"), ("a=", "no log level"), ("=INFO", "lacks")]
)
def test_bad_level(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        parse_levels([text])


def test_short_form_on_stderr(capsys) -> None:
    configure_logging()
    LOG.info("Found %d", 3)
    LOG.debug("unseen")
    logging.getLogger("elsewhere").info("unseen")
    captured = capsys.readouterr()
    assert captured.err == "pachon.tested INFO: Found 3\n"
    assert captured.out == ""


def test_long_form_with_labels(capsys) -> None:
    configure_logging(["VERBOSE"], long=True)
    with log_labels({"label": "isr:3"}):
        LOG.log(VERBOSE, "hello")
    pattern = (
        r"VERBOSE \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d pachon\.tested "
        r"\(isr:3\)\(test_log_configuration\.py:\d+\) - hello\n"
    )
    assert re.fullmatch(pattern, capsys.readouterr().err)


def test_json_lines_and_text_file(tmp_path: Path, capsys) -> None:
    lines, text = tmp_path / "log.json", tmp_path / "log.txt"
    text.write_text("before\n")
    configure_logging(files=[lines, text], tty=False, labels={"run": "u/me"})
    with log_labels({"LABEL": "a"}), log_labels({"quantum": 7}):
        LOG.warning("one\ntwo")
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        LOG.exception("failed")
    first, second = map(json.loads, lines.read_text().splitlines())
    assert first["message"] == "one\ntwo"
    assert first["levelname"] == "WARNING"
    assert first["MDC"] == {"RUN": "u/me", "LABEL": "a", "QUANTUM": "7"}
    assert "exc_info" not in first
    assert "ZeroDivisionError" in second["exc_info"]
    assert second["MDC"] == {"RUN": "u/me"}
    assert text.read_text().startswith("before\npachon.tested WARNING: one\ntwo\n")
    assert capsys.readouterr().err == ""


def test_second_call_replaces_the_first(tmp_path: Path, capsys) -> None:
    configure_logging(files=[tmp_path / "a.txt"])
    configure_logging()
    assert len(_installed) == 1
    LOG.info("once")
    assert capsys.readouterr().err.count("once") == 1
    assert (tmp_path / "a.txt").read_text() == ""


def test_bad_file_changes_nothing(tmp_path: Path) -> None:
    configure_logging()
    with pytest.raises(InvalidInputError, match="cannot be opened: No such file"):
        configure_logging(files=[tmp_path / "no" / "a.txt"])
    assert len(_installed) == 1


def test_warnings_are_logged(capsys) -> None:
    configure_logging()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old thing", stacklevel=1)
    assert "py.warnings WARNING" in capsys.readouterr().err
