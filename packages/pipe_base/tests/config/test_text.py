# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

from pydantic import Field

from pachon.pipe_base.config import Config, config_text, dump_text, find_fields, history_text
from pachon.pipe_base.config.python_code import value_code


class PartConfig(Config):
    x: float = 0.5
    """A number."""


class WholeConfig(Config):
    part: PartConfig = Field(default_factory=PartConfig)
    """The part."""
    names: list[str] = Field(default=["a"])
    """Names.

    With a second paragraph.
    """
    n: int


def test_config_text_shows_docs_and_values() -> None:
    config = WholeConfig(n=3)
    assert config_text(config) == (
        "# config.part: The part.\n\n"
        "# A number.\n# Default: 0.5 (float)\nconfig.part.x=0.5\n\n"
        "# Names.\n#\n# With a second paragraph.\n# Default: ['a'] (list[str])\nconfig.names=['a']\n\n"
        "# No default (int).\nconfig.n=3\n"
    )
    assert config_text(config, "PART.*") == "# A number.\n# Default: 0.5 (float)\nconfig.part.x=0.5\n"
    assert config_text(config, "PART.*", ignore_case=False) == ""
    assert [line.name for line in find_fields(config, "n*")] == ["names", "n"]


def test_a_field_without_value_is_said_so() -> None:
    text = config_text(WholeConfig(), "n")  # type: ignore[call-arg]
    assert text == "# (no value yet)\n# No default (int).\n# config.n has no value\n"


def test_dumped_text_can_be_loaded(tmp_path: Path) -> None:
    config = WholeConfig(n=3)
    config.part.x = float("inf")
    config.names.append("it's")
    text = dump_text(config)
    assert text.startswith(f"import {__name__}\n\nassert type(config) is {__name__}.WholeConfig, ")
    body = text.partition("\n\nassert")[2].partition("\n")[2]  # this module has no name that can be imported
    path = tmp_path / "dumped.py"
    path.write_text(body)
    other = WholeConfig()  # type: ignore[call-arg]
    other.load(str(path))
    assert other == config


def test_history_text() -> None:
    config = WholeConfig(n=3)
    config.part.x = 2.0
    lines = history_text(config, "part.*").splitlines()
    assert lines[0] == "config.part.x"
    assert lines[1] == "  0.5                   default"
    assert lines[2].startswith("  2.0                   ")
    assert "test_text.py:" in lines[2]
    assert history_text(config, "nothing") == ""


def test_value_code() -> None:
    assert value_code((1,)) == ("(1,)", ())
    assert value_code({"a": [1.0, None]}) == ("{'a': [1.0, None]}", ())
    assert value_code({2, 1}) == ("{1, 2}", ())
    assert value_code(set()) == ("set()", ())
    assert value_code(float("nan")) == ("float('nan')", ())
    assert value_code(Path) == (f"{Path.__module__}.Path", (Path.__module__,))
