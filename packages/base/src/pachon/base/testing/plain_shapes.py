# SPDX-License-Identifier: BSD-3-Clause
"""Documents that nearly have a shape, to compare what `pachon.base.plain_shape` says of them with what models say."""

from typing import Any

from hypothesis import strategies as st

from pachon.base.plain_shape import Fields, Kind

__all__ = ["near_documents"]

_ODD = st.sampled_from(
    [None, True, False, -1, 0, 1, 2, 1.0, "", "a", "1", "n" * 200, [], ["a"], [1], {}, {"a": "b"}, {"a": 1}, {1: "a"}]
)


def near_documents(kind: Kind, *, more: st.SearchStrategy[Any] = _ODD) -> st.SearchStrategy[Any]:
    """Draw values of a kind, of which some parts are of another one.

    Parameters
    ----------
    kind
        The kind.
    more
        Values for kinds that are functions, and for parts that are of another kind.
    """
    return st.one_of(*[_of(kind, more)] * 15, more)


def _of(kind: Kind, more: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def near(part: Kind) -> st.SearchStrategy[Any]:
        return near_documents(part, more=more)

    match kind:
        case Fields():
            names = {name: near(part) for name, part in kind.kinds.items()}
            needed = {name: values for name, values in names.items() if name in kind.required}
            left = {name: values for name, values in names.items() if name not in kind.required}
            whole = st.fixed_dictionaries(needed, optional=left)
            others: dict[Any, st.SearchStrategy[Any]] = {**names, "other": more, 1: more}
            return st.one_of(*[whole] * 10, st.fixed_dictionaries({}, optional=others))
        case tuple():
            return st.one_of(*map(near, kind))
        case frozenset():
            return st.sampled_from(sorted(kind))
        case list():
            return st.lists(near(kind[0]), max_size=3)
        case dict():
            return st.dictionaries(st.sampled_from(["a", "b", "c"]), near(kind[str]), max_size=3)
        case None:
            return st.none()
        case type():
            known = {int: st.integers(), str: st.text(max_size=5), bool: st.booleans()}
            return known.get(kind, more)
        case _:
            return more
