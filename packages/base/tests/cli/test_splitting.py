# SPDX-License-Identifier: BSD-3-Clause
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.base.cli import split_commas, split_key_values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (None, ()),
        ("a,b", ("a", "b")),
        (["a", "b, c"], ("a", "b", "c")),
        (["a,,b,"], ("a", "b")),
        (["u/[1,2],x"], ("u/[1,2]", "x")),
        (["a[1,[2,3]],b]c,d"], ("a[1,[2,3]]", "b]c", "d")),
    ],
)
def test_split_commas(values, expected) -> None:
    assert split_commas(values) == expected


@given(st.lists(st.text(alphabet="abc/*", min_size=1), max_size=5))
def test_joined_items_split_again(items: list[str]) -> None:
    assert split_commas(",".join(items)) == tuple(items)


def test_split_key_values() -> None:
    assert split_key_values(["a=1,b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    assert split_key_values(["a=[1,2],b=2"]) == {"a": "[1,2]", "b": "2"}
    assert split_key_values(["a=f(1, 2)"], commas=False) == {"a": "f(1, 2)"}
    assert split_key_values(None) == {}


@pytest.mark.parametrize(
    ("text", "message"), [("a", "KEY=VALUE"), ("=1", "KEY=VALUE"), ("a=1,a=2", "given twice: '1' and '2'")]
)
def test_bad_pairs(text: str, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        split_key_values(text)
