# SPDX-License-Identifier: BSD-3-Clause
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import FormatError, InvalidInputError
from pachon.pipe_base import TaskMetadata

scalars = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
names = st.text("abcXYZ", min_size=1, max_size=3)
arrays = st.lists(st.integers(), max_size=3) | st.lists(st.text(max_size=3), max_size=3)
metadata = st.recursive(
    st.dictionaries(names, scalars | arrays, max_size=4),
    lambda inner: st.dictionaries(names, scalars | inner, max_size=3),
    max_leaves=6,
)


@given(metadata)
def test_json_is_read_back(values: dict[str, object]) -> None:
    original = TaskMetadata(values)
    assert TaskMetadata.from_json(original.to_json()) == original
    assert TaskMetadata(original.to_dict()) == original


def test_three_maps() -> None:
    found = TaskMetadata({"a": 1, "b": [1.0, 2.0], "c": {"d": "x"}})
    assert found.to_document() == {
        "scalars": {"a": 1},
        "arrays": {"b": [1.0, 2.0]},
        "metadata": {"c": {"scalars": {"d": "x"}, "arrays": {}, "metadata": {}}},
    }
    assert found.names() == ["a", "b", "c.d"]


def test_dots_lead_into_nested_metadata() -> None:
    found = TaskMetadata()
    found["a.b.c"] = 1
    assert found["a"]["b"]["c"] == 1
    assert found["a.b.c"] == 1
    assert "a.b.c" in found
    assert "a.x" not in found
    del found["a.b.c"]
    with pytest.raises(KeyError):
        _ = found["a.b.c"]


def test_a_value_replaces_one_of_another_kind() -> None:
    found = TaskMetadata({"a": 1})
    found["a"] = [1, 2]
    assert (found.scalars, found.arrays) == ({}, {"a": [1, 2]})
    found["a"] = {"b": 1}
    assert (found.arrays, list(found)) == ({}, ["a"])


def test_add_collects() -> None:
    found = TaskMetadata()
    found.add("a", 1)
    found.add("a", [2, 3])
    assert found.get_array("a") == [1, 2, 3]
    assert found.get_scalar("a") == 3


def test_numpy_values_become_plain() -> None:
    found = TaskMetadata({"f": np.float64(1.5), "i": np.int32(2), "b": np.bool_(True), "a": np.arange(3)})
    assert found.to_dict() == {"f": 1.5, "i": 2, "b": True, "a": [0, 1, 2]}
    assert [type(value) for value in found.scalars.values()] == [float, int, bool]


def test_numbers_that_are_not_finite() -> None:
    text = TaskMetadata({"a": float("nan"), "b": float("inf")}).to_json()
    assert '"a": NaN, "b": Infinity' in text
    assert math.isnan(TaskMetadata.from_json('{"scalars": {"a": null}}')["a"])


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (None, "Metadata 'x': a NoneType cannot be kept; use numbers, texts, lists."),
        ([1, "a"], "Metadata 'x': a list must hold scalars of one kind, not [1, 'a']."),
        ([None], "Metadata 'x': a list must hold scalars of one kind, not [None]."),
        (b"x", "Metadata 'x': a bytes cannot be kept; use numbers, texts, lists."),
    ],
)
def test_other_values_are_refused(value: object, problem: str) -> None:
    with pytest.raises(InvalidInputError) as caught:
        TaskMetadata({"x": value})
    assert str(caught.value) == problem


@pytest.mark.parametrize("text", ["{", '{"scalars": 3}', "[1]"])
def test_damaged_files(text: str) -> None:
    with pytest.raises(FormatError, match="This is no task metadata"):
        TaskMetadata.from_json(text)
