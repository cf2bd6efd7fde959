# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import copy
import json
import pickle
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from pachon.pipe_base.config import Config, ConfigError, ConfigOverrider, FieldValueError, Source, config_text


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class PartConfig(Config):
    x: int = 1


class BetterPartConfig(PartConfig):
    y: float = 2.0


class KindsConfig(Config):
    part: PartConfig = PartConfig()
    maybe: PartConfig | None = None
    parts: list[PartConfig] = Field(default=[])
    color: Color = Color.RED
    path: Path = Path("x")
    when: date | None = None
    anything: Any = None
    nested: dict[str, list[int]] = Field(default={})
    pair: tuple[str, int] = ("a", 1)
    bounded: Annotated[int, Field(gt=0, lt=10)] = 3
    kind: type[Config] | None = None
    word: Literal["a", "b"] | None = None
    inner: KindsConfig | None = None
    number: int | float = 1
    fixed: frozenset[int] = frozenset()


@pytest.fixture
def config() -> KindsConfig:
    made = KindsConfig()
    made.maybe = PartConfig(x=4)
    made.parts.append(PartConfig(x=10))
    made.color = "blue"  # type: ignore[assignment]
    made.path = "y/z"  # type: ignore[assignment]
    made.when = "2020-01-01"  # type: ignore[assignment]
    made.nested["k"] = [1]
    made.nested["k"].append(2)
    made.pair = ["b", 2]  # type: ignore[assignment]
    made.kind = PartConfig
    made.inner = KindsConfig()
    made.inner.part.x = 99
    made.number = 2.5
    made.fixed = [1, 2]  # type: ignore[assignment]
    return made


def test_values_have_their_types(config: KindsConfig) -> None:
    assert (config.color, config.path, config.when) == (Color.BLUE, Path("y/z"), date(2020, 1, 1))
    assert (config.nested, config.pair, config.fixed, config.number) == ({"k": [1, 2]}, ("b", 2), {1, 2}, 2.5)
    assert KindsConfig().part.x == 1


def test_copies_and_documents(config: KindsConfig) -> None:
    document = json.loads(json.dumps(config.to_document()))
    for other in (KindsConfig.from_document(document), copy.deepcopy(config), pickle.loads(pickle.dumps(config))):
        assert other == config
        assert other.to_document() == config.to_document()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda c: setattr(c, "bounded", 11),
            "Field 'bounded' of KindsConfig: 11 is not accepted: input should be less than 10.",
        ),
        (
            lambda c: c.nested["k"].append("x"),
            "Field 'nested' of KindsConfig: 'x' is not accepted: input should be a valid integer.",
        ),
        (
            lambda c: setattr(c.parts[0], "x", "q"),
            "Field 'parts[0].x' of PartConfig: 'q' is not accepted: input should be a valid integer.",
        ),
        (
            lambda c: setattr(c, "part", BetterPartConfig()),
            "Field 'part' of KindsConfig: it takes a PartConfig, not its subclass BetterPartConfig.",
        ),
        (
            lambda c: setattr(c, "parts", [BetterPartConfig()]),
            "Field 'parts' of KindsConfig: it takes a PartConfig, not its subclass BetterPartConfig.",
        ),
        (
            lambda c: c.parts.append(BetterPartConfig()),
            "Field 'parts' of KindsConfig: it takes a PartConfig, not its subclass BetterPartConfig.",
        ),
        (
            lambda c: setattr(c.inner.part, "x", 1.5),
            "Field 'inner.part.x' of PartConfig: 1.5 is not accepted: input should be a valid integer.",
        ),
    ],
)
def test_wrong_values(config: KindsConfig, change: Any, message: str) -> None:
    with pytest.raises(FieldValueError) as caught:
        change(config)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("kind", "BetterPartConfig", BetterPartConfig),
        ("color", "red", Color.RED),
        ("word", "a", "a"),
        ("word", "None", None),
        ("number", "3", 3),
        ("pair", "('z', 3)", ("z", 3)),
        ("when", "2021-01-01", date(2021, 1, 1)),
        ("path", "a/b", Path("a/b")),
        ("anything", "[1, x]", [1, "x"]),
        ("nested", "{a: [1]}", {"a": [1]}),
        ("fixed", "{3}", frozenset({3})),
        ("maybe", "None", None),
    ],
)
def test_texts_of_the_command_line(config: KindsConfig, name: str, text: str, expected: object) -> None:
    ConfigOverrider(config).set_value(name, text, Source(text="-c"))
    assert getattr(config, name) == expected


def test_a_part_that_is_none(config: KindsConfig) -> None:
    config.maybe = None
    with pytest.raises(ConfigError) as caught:
        ConfigOverrider(config).set_value("maybe.x", "3", Source(text="-c t:maybe.x=3"))
    assert str(caught.value) == "-c t:maybe.x=3: cannot set 'maybe.x': 'maybe' is None and has no 'x'."


def test_text_makes_parts_before_it_fills_them(config: KindsConfig) -> None:
    lines = [line for line in config_text(config).splitlines() if line.startswith("config.") and "inner" not in line]
    assert lines[:5] == [
        "config.part.x=1",
        f"config.maybe={__name__}.PartConfig()",
        "config.maybe.x=4",
        f"config.parts=[{__name__}.PartConfig()]",
        "config.parts[0].x=10",
    ]
