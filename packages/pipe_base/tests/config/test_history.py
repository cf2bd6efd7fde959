# SPDX-License-Identifier: BSD-3-Clause
from enum import Enum
from pathlib import Path

from pydantic import Field

from pachon.pipe_base.config import Assignment, Config, Source
from pachon.pipe_base.config.history import plain_value


class Color(Enum):
    RED = "red"


class PartConfig(Config):
    n: int = 1
    items: list[int] = Field(default=[])
    table: dict[str, list[int]] = Field(default={"a": [1]})


class WholeConfig(Config):
    part: PartConfig = Field(default_factory=PartConfig)
    mode: str = "a"

    def set_defaults(self) -> None:
        self.part.n = 2


def test_history_tells_file_and_line_of_each_assignment() -> None:
    config = WholeConfig()
    config.part.n = 5
    config.part.items.append(7)
    entries = config.part.history("n")
    assert [entry.value for entry in entries] == [1, 2, 5]
    assert str(entries[0].source) == "default"
    assert all(Path(entry.source.file).name == "test_history.py" for entry in entries[1:])
    assert entries[2].source.line == entries[1].source.line + 5
    assert config.part.history("items")[-1].value == [7]


def test_history_of_a_change_deep_in_a_container_has_the_whole() -> None:
    part = PartConfig()
    part.table["a"].append(2)
    part.table["b"] = []
    part.table["b"].extend([3, 4])
    assert [entry.value for entry in part.history("table")[1:]] == [
        {"a": [1, 2]},
        {"a": [1, 2], "b": []},
        {"a": [1, 2], "b": [3, 4]},
    ]


def test_history_of_an_override_names_it() -> None:
    config = WholeConfig()
    config.set_field("mode", "b", Source(text="-c whole:mode=b"))
    assert str(config.history("mode")[-1].source) == "-c whole:mode=b"


def test_sources_are_readable() -> None:
    assert str(Source(text="tasks.isr.config.n", file="p.yaml", line=3)) == "tasks.isr.config.n (p.yaml:3)"
    assert str(Source(file="p.yaml", line=3)) == "p.yaml:3"
    assert str(Source()) == "unknown"


def test_assignments_survive_as_data() -> None:
    entry = Assignment(value=[1], source=Source(text="a", file="f", line=2))
    assert Assignment.from_document(entry.to_document()) == entry
    assert Assignment(value=1, source=Source()).to_document() == {"value": 1}


def test_plain_values_are_json_able() -> None:
    value = {"a": (1, 2.5), 3: {"y", "x"}, "e": Color.RED, "t": dict, "p": Path("x"), "n": None}
    assert plain_value(value) == {
        "a": [1, 2.5],
        "3": ["x", "y"],
        "e": "red",
        "t": "builtins.dict",
        "p": "x",
        "n": None,
    }
