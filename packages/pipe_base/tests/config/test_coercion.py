# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.pipe_base.config.coercion import find_coercion
from pachon.pipe_base.config.validation import type_adapter, validate_exact

scalars = st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)


@given(scalars, st.sampled_from([bool, int, float, str]))
def test_a_scalar_keeps_its_kind(value: object, kind: type) -> None:
    adapter = type_adapter(kind)
    allowed = type(value) is kind or (kind is float and type(value) is int)
    try:
        stored = validate_exact(lambda v, strict: adapter.validate_python(v, strict=strict), value)
    except ValueError:
        assert not allowed
    else:
        assert allowed
        assert stored == kind(value)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("given", "stored", "problem"),
    [
        (1, 1.0, ""),
        ([1, 2], (1, 2), ""),
        ([1, "2"], (1, 2), "'2' is not a whole number"),
        ({"a": True}, {"a": 1}, "True is not a whole number"),
        ({1.0: "x"}, {1: "x"}, "1.0 is not a whole number"),
        (["1"], {1}, "'1' is not of the kind of the set's items"),
        ([1, 2.0], {1.0, 2.0}, ""),
        ([[1], ["2"]], [[1], [2]], "'2' is not a whole number"),
        (1, "1", "1 is not text"),
        ("yes", True, "'yes' is not True or False"),
        (None, None, ""),
    ],
)
def test_find_coercion(given: object, stored: object, problem: str) -> None:
    assert find_coercion(given, stored) == problem
