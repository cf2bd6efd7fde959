# SPDX-License-Identifier: BSD-3-Clause
import subprocess
import sys
from enum import StrEnum

import pytest

from pachon.base.plain_shape import Fields, fits, short_text


class Word(StrEnum):
    ONE = "one"


INNER = Fields({"size": int, "kind": frozenset({"one", "two"})}, required=("size",))
OUTER = Fields({"inner": [INNER], "names": {str: (str, None)}, "any": object}, others=True)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (1, int),
        (True, bool),
        (Word.ONE, object),
        (None, None),
        (None, (str, None)),
        ([], [int]),
        ([1, 2], [int]),
        ({}, {str: int}),
        ({"a": 1}, {str: int}),
        ({"size": 1, "kind": "two"}, INNER),
        ({"inner": [{"size": 1}], "names": {"a": None}, "any": {1: 2}, "unknown": 3}, OUTER),
        ("abc", short_text(3)),
    ],
)
def test_what_fits(value: object, kind: object) -> None:
    assert fits(value, kind)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, int),
        (1, bool),
        (1.0, int),
        (Word.ONE, str),
        (Word.ONE, frozenset({"one"})),
        ("three", frozenset({"one"})),
        (0, None),
        (1, (str, None)),
        ((1,), [int]),
        ([1, "2"], [int]),
        ({1: 1}, {str: int}),
        ({"a": "b"}, {str: int}),
        ([], {str: int}),
        ({"kind": "one"}, INNER),
        ({"size": 1, "unknown": 1}, INNER),
        ({"inner": [{"size": "1"}]}, OUTER),
        ({"names": {"a": 1}}, OUTER),
        ({"names": {}, 1: "unknown"}, OUTER),
        ([("size", 1)], INNER),
        ("", short_text(3)),
        ("abcd", short_text(3)),
        (3, short_text(3)),
    ],
)
def test_what_does_not_fit(value: object, kind: object) -> None:
    assert not fits(value, kind)


def test_it_needs_no_library() -> None:
    code = "import sys, pachon.base.plain_shape; print([m for m in ('pydantic', 'dataclasses', 'yaml') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
