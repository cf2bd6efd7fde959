# SPDX-License-Identifier: BSD-3-Clause
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from pachon.base import InvalidInputError, NotFoundError
from pachon.pipe_base.config import (
    Config,
    ConfigError,
    ConfigOverrider,
    Configurable,
    OverrideCodeError,
    Parameters,
    Source,
    configurable_field,
)


class PartConfig(Config):
    x: float = 0.0
    names: list[str] = Field(default=[])


class OtherPartConfig(Config):
    y: int = 0


class Part:
    config_class = PartConfig


class OtherPart:
    config_class = OtherPartConfig


class WholeConfig(Config):
    part: PartConfig = Field(default_factory=PartConfig)
    task: Configurable = configurable_field(Part)
    n: int = 0
    text: str = ""
    size: tuple[int, int] = (1, 1)
    table: dict[str, int] = Field(default={})

    def shout(self) -> None:
        self.text = self.text.upper()


@pytest.fixture
def whole() -> WholeConfig:
    return WholeConfig()


@pytest.fixture
def overrider(whole: WholeConfig) -> ConfigOverrider:
    return ConfigOverrider(whole, {"five": 5, "words": ["a", "b"], "literal": "(3, 4)"})


SOURCE = Source(text="tasks.t.config.n", file="p.yaml", line=7)


def test_dotted_names(whole: WholeConfig, overrider: ConfigOverrider) -> None:
    overrider.set_value("part.x", "2.5", SOURCE)
    overrider.set_value("task.x", 3, SOURCE)
    overrider.set_value("size", "(10, 20)", SOURCE)
    overrider.set_value("text", "12", SOURCE)
    assert (whole.part.x, whole.task.x, whole.size, whole.text) == (2.5, 3.0, (10, 20), "12")
    assert str(whole.part.history("x")[-1].source) == "tasks.t.config.n (p.yaml:7)"


def test_a_class_of_the_module_retargets(whole: WholeConfig, overrider: ConfigOverrider) -> None:
    overrider.set_value("task", "OtherPart", SOURCE)
    assert whole.task.target is OtherPart


def test_parameters_stand_for_whole_values(
    whole: WholeConfig, overrider: ConfigOverrider, caplog: pytest.LogCaptureFixture
) -> None:
    overrider.set_value("n", "parameters.five", SOURCE)
    overrider.set_value("part.names", "parameters.words", SOURCE)
    overrider.set_value("size", "parameters.literal", SOURCE)
    assert (whole.n, whole.part.names, whole.size) == (5, ["a", "b"], (3, 4))
    with caplog.at_level(logging.WARNING):
        overrider.set_value("text", "parameters.fife", SOURCE)
    assert whole.text == "parameters.fife"
    (message,) = caplog.messages
    assert message == (
        "tasks.t.config.n (p.yaml:7): the pipeline has no parameter 'fife'; 'parameters.fife' is taken as it is. "
        "Did you mean 'five'?"
    )


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("m", 3, "cannot set 'm': WholeConfig has no field 'm'. It has part, task, n, text, size, table."),
        ("part.xx", 3, "cannot set 'part.xx': PartConfig has no field 'xx'. Did you mean 'x'?"),
        ("pert.x", 3, "cannot set 'pert.x': WholeConfig has no field 'pert'. Did you mean 'part'?"),
        (
            "n",
            "many",
            "cannot set 'n': Field 'n' of WholeConfig: 'many' is not accepted: input should be a valid integer.",
        ),
        ("n.x", 3, "cannot set 'n.x': 'int' object has no attribute 'x' and no __dict__ for setting new attributes"),
    ],
)
def test_errors_name_the_override(overrider: ConfigOverrider, name: str, value: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        overrider.set_value(name, value, SOURCE)
    text = str(caught.value)
    if name != "n.x":  # the words are Python's
        assert text == f"tasks.t.config.n (p.yaml:7): {problem}"
    assert text.startswith("tasks.t.config.n (p.yaml:7): cannot set ")


def test_python_blocks_share_one_namespace(whole: WholeConfig, overrider: ConfigOverrider) -> None:
    overrider.run_python("limit = 3\nvalues = [limit * i for i in range(2)]\nconfig.n = values[1]", "p.yaml", 10)
    overrider.run_python("config.part.x = limit + parameters.five\nconfig.task.retarget(OtherPart)", "p.yaml", 20)
    overrider.run_python("config.table['k'] = 1\nconfig.text = 'a'\nconfig.shout()", "p.yaml", 30)
    assert (whole.n, whole.part.x, whole.table, whole.text) == (3, 8.0, {"k": 1}, "A")
    assert whole.task.target is OtherPart
    assert str(whole.history("n")[-1].source) == "p.yaml:12"


def test_errors_of_python_blocks_name_their_line(overrider: ConfigOverrider) -> None:
    with pytest.raises(OverrideCodeError) as caught:
        overrider.run_python("a = 1\nconfig.nn = 3", "p.yaml", 10)
    assert str(caught.value) == "p.yaml, line 11: WholeConfig has no field 'nn'. Did you mean 'n'?"
    with pytest.raises(OverrideCodeError) as caught:
        overrider.run_python("a = 1\nif a\n", "p.yaml", 10)
    assert str(caught.value) == "p.yaml, line 11: not valid Python: expected ':'"
    with pytest.raises(OverrideCodeError) as caught:
        overrider.run_python("parameters.fivee", "p.yaml", 10)
    assert "The pipeline has no parameter 'fivee'. Did you mean 'five'?" in str(caught.value)


def test_override_files(
    tmp_path: Path, whole: WholeConfig, overrider: ConfigOverrider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERRIDES", str(tmp_path))
    (tmp_path / "a.py").write_text("config.n = parameters.five\nconfig.part.names.extend(['x'])\n")
    overrider.run_file("$OVERRIDES/a.py")
    assert (whole.n, whole.part.names) == (5, ["x"])
    assert whole.history("n")[-1].source.line == 1
    with pytest.raises(NotFoundError) as caught:
        overrider.run_file(str(tmp_path / "none.py"))
    assert str(caught.value) == f"Configuration file '{tmp_path}/none.py' does not exist."
    with pytest.raises(NotFoundError) as caught:
        overrider.run_file("none.py")
    assert str(caught.value) == f"Configuration file 'none.py' does not exist in the current folder, {os.getcwd()}."


def test_override_files_of_any_scheme(whole: WholeConfig, overrider: ConfigOverrider) -> None:
    from pachon.resources import ResourcePath

    ResourcePath("memory://overrides/a.py").write(b"config.n = 9")
    overrider.run_file("memory://overrides/a.py")
    assert whole.n == 9


def test_load_is_relative_to_the_loading_file(
    tmp_path: Path, whole: WholeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "outer.py").write_text("config.load('sub/inner.py')")
    (tmp_path / "sub" / "inner.py").write_text("config.part.load('part.py')\nconfig.n = 4")
    (tmp_path / "sub" / "part.py").write_text("config.x = 1.5")
    whole.load(str(tmp_path / "outer.py"))
    assert (whole.n, whole.part.x) == (4, 1.5)
    monkeypatch.chdir(tmp_path)
    whole.part.load("sub/part.py")
    assert whole.part.x == 1.5
    with pytest.raises(InvalidInputError, match="reads local files only"):
        whole.load("https://example.org/a.py")


def test_parameters_are_read_only() -> None:
    parameters: Any = Parameters({"a": 1})
    assert (parameters.a, dir(parameters)) == (1, ["a"])
    with pytest.raises(AttributeError, match="read-only"):
        parameters.a = 2
