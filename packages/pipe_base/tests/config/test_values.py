# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from enum import Enum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.pipe_base.config import Configurable
from pachon.pipe_base.config.values import convert_value, parse_literal


class Mode(Enum):
    FAST = "1"


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        # text fields keep their text
        ("foo bar", str, "foo bar"),
        ("a/b", str, "a/b"),
        ("1", str, "1"),
        ("True", str, "True"),
        ("None", str, "None"),
        ("'quoted'", str, "quoted"),
        ("None", str | None, None),
        ("5", str | None, "5"),
        ("x", Literal["x", "y"], "x"),
        ("1", Literal["1", 2], "1"),
        ("2", Literal["1", 2], 2),
        ("1", Mode, "1"),
        # other fields are parsed
        ("3", int, 3),
        ("-3.5", float, -3.5),
        ("1e-3", float, 1e-3),
        ("inf", float, float("inf")),
        ("True", bool, True),
        ("None", int | None, None),
        ("(10000, 200)", tuple[int, ...], (10000, 200)),
        ("[x, y]", list[str], ["x", "y"]),
        ("x, y", list[str], ("x", "y")),
        ("{a: 1}", dict[str, int], {"a": 1}),
        ("{1, 2}", set[int], {1, 2}),
        ("foo bar", int, "foo bar"),
        ("f(3)", Any, "f(3)"),
        ("3", Any, 3),
        ("x", Any, "x"),
        # native values of YAML
        (3, int, 3),
        (None, int, None),
        (["1", 2], list[int], [1, 2]),
        (["1", "a b"], list[str], ["1", "a b"]),
        (["1"], tuple[int, ...], [1]),
        ({"a": "1"}, dict[str, int], {"a": 1}),
        ({"a": "1"}, dict[str, str], {"a": "1"}),
        ([["1"]], list[list[int]], [["1"]]),
    ],
)
def test_convert_value(value: object, annotation: Any, expected: object) -> None:
    converted = convert_value(value, annotation, {})
    assert converted == expected
    assert type(converted) is type(expected)


def test_bare_names_are_objects_only_where_a_field_takes_objects() -> None:
    names = {"Thing": dict}
    assert convert_value("Thing", type[dict], names) is dict
    assert convert_value("Thing", Configurable, names) is dict
    assert convert_value("Thing", Callable[..., Any], names) is dict
    assert convert_value("Thing", str, names) == "Thing"
    assert convert_value("Thing", list[str], names) == "Thing"


@pytest.mark.parametrize("text", ["__import__('os')", "a.b", "1 + 2", "b'x'", "3j", "...", "", "[", "lambda: 1"])
def test_what_is_no_literal_stays_text(text: str) -> None:
    assert parse_literal(text, {}) == text


literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=8,
)


@given(literals)
def test_every_literal_is_read_back(value: object) -> None:
    assert parse_literal(repr(value), {}) == value
