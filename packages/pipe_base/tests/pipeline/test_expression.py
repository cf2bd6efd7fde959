# SPDX-License-Identifier: BSD-3-Clause
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.pipe_base.pipeline.expression import (
    ExpressionError,
    evaluate,
    expression_names,
    named_values,
    rename_names,
)

NAMES: dict[str, Any] = {
    "a": SimpleNamespace(n=3, items=[1, 2], table={"k": 5}, text="x", flag=True, sub=SimpleNamespace(x=1.5)),
    "b": SimpleNamespace(n=4, other=None),
}


@pytest.mark.parametrize(
    "text",
    [
        "a.n == 3",
        "a.n < b.n <= 4",
        "not (a.n > b.n)",
        "a.n != b.n and a.flag",
        "a.n == 5 or b.n == 4",
        "a.n + 1 == b.n",
        "-a.n == -3",
        "a.text in ['x', 'y']",
        "1 in a.items and 9 not in a.items",
        "b.other is None",
        "a.flag is not None",
        "len(a.items) == 2",
        "set(a.items) == {1, 2}",
        "all(i > 0 for i in a.items)",
        "any([i == 2 for i in a.items if i > 1])",
        "{i for i in a.items} == set(a.items)",
        "a.table['k'] == 5",
        "a.items[0:1] == [1]",
        "a.items[-1] == 2",
        "(a.n if a.flag else b.n) == 3",
        "(a.n if not a.flag else b.n) == 4",
        "a.sub.x * 2 == 3.0",
        "a.n % 2 == 1",
        "a.n ** 2 == 9 and a.n ** -1 < 1 and 2 ** a.sub.x < 3",
        "a.items * 2 == [1, 2, 1, 2] and [0] * len(a.items) == [0, 0]",
        "str(a.n) == '3' and str(a.text) == 'x'",
        "{'k': 5} == a.table",
        "(a.n, b.n) == (3, 4)",
        "sorted(a.items)[0] == min(a.items)",
    ],
)
def test_what_is_accepted(text: str) -> None:
    assert evaluate(text, NAMES)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("__import__('os')", "'__import__' cannot be called in a contract"),
        ("a.items.append(3)", "'a.items.append' cannot be called in a contract"),
        ("a.__class__", "'__class__' is private"),
        ("lambda: 1", "Lambda is not accepted in a contract"),
        ("(x := 3)", "NamedExpr is not accepted in a contract"),
        ("a.n ** 9999999", "ValueError: a number of more than 10000 bits is not made in a contract"),
        ("9 ** 9 ** 9 > 1", "ValueError: a number of more than 10000 bits is not made in a contract"),
        ("a.n << 2", "LShift is not accepted in a contract"),
        (
            "len('a' * 9000 + 'a' * 9000) > 1",
            "ValueError: a sequence of more than 10000 items is not made in a contract",
        ),
        ("[0] * 1000000000", "ValueError: a sequence of more than 10000 items is not made in a contract"),
        ("10000000000 * 'a'", "ValueError: a sequence of more than 10000 items is not made in a contract"),
        ("'%999999999d' % 1", "TypeError: texts are not formatted in a contract"),
        ("str([[0] * 9999] * 9999)", "TypeError: str() takes a single value in a contract"),
        (
            "[0 for x in [0] * 9999 for y in [0] * 9999 for z in [0] * 9999]",
            "it takes more than 300000 steps",
        ),
        ("f'{a}'", "JoinedStr is not accepted in a contract"),
        ("a.n ==", "it is not an expression (invalid syntax)"),
        ("a.n = 3", "it is not an expression (invalid syntax; equality is written '==')"),
        ("c.n == 3", "the pipeline has no task 'c'."),
        ("a.m == 3", "AttributeError: 'types.SimpleNamespace' object has no attribute 'm'"),
        ("a.n / 0", "ZeroDivisionError: division by zero"),
        ("a.n == '\0'", "it is not an expression (source code string cannot contain null bytes)"),
        ("len(*a.items)", "Starred is not accepted in a contract"),
    ],
)
def test_what_is_not(text: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        evaluate(text, NAMES)
    assert str(caught.value) == problem


def test_names_and_values() -> None:
    text = "a.sub.x == b.n and all(i < a.n for i in a.items)"
    assert expression_names(text) == ("a", "b")
    assert named_values(text, NAMES) == {"a.sub.x": "1.5", "b.n": "4", "a.n": "3", "a.items": "[1, 2]"}
    assert expression_names("not an expression") == ()
    assert expression_names("a.x.startswith('q') or b.y ** 2") == ("a", "b")  # not accepted, but about these tasks


def test_renaming_touches_names_only() -> None:
    assert rename_names("a.b == b.a and a.n > 1", {"a": "new"}) == "new.b == b.a and new.n > 1"
    assert rename_names("'a' == ä.n and a.n", {"a": "x"}) == "'a' == ä.n and x.n"
    assert rename_names("a.x.startswith('a')", {"a": "x"}) == "x.x.startswith('a')"
    assert rename_names("broken ==", {"broken": "x"}) == "broken =="


numbers = st.integers(-5, 5).map(str)
expressions = st.recursive(
    numbers,
    lambda inner: st.builds(
        "({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "<", "==", ">=", "and", "or"]), inner
    ),
    max_leaves=8,
)


@given(expressions)
def test_results_are_those_of_python(text: str) -> None:
    assert evaluate(text, {}) == eval(text)
