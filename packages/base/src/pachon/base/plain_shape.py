# SPDX-License-Identifier: BSD-3-Clause
"""Whether plain data has a shape: the first look at a document, which nearly always is as it should be.

Models of pydantic say what is wrong with a document, and understand what is written in another way. Importing it and making the
models takes longer than all else that a small program does before its work, so a document that fits goes without them.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

__all__ = ["Fields", "Kind", "fits", "short_text"]

Kind: TypeAlias = "type | tuple[Kind, ...] | frozenset[str] | list[Kind] | dict[type[str], Kind] | Fields | Callable[[Any], bool] | None"
"""What a value may be.

A class, and no derived one (`object`: anything); `None`; one of several kinds; one of some texts; a list of values of the kind that is in
the list; a mapping of texts to such values; a mapping of known names; or what a function says.
"""


class Fields:
    """A mapping whose names have a kind each.

    Parameters
    ----------
    kinds
        Kind by name.
    required
        Names that must be there.
    others
        Whether there may be other names, with values of any kind; they are texts too.
    """

    __slots__ = ("kinds", "others", "required")

    def __init__(self, kinds: Mapping[str, Kind], *, required: Collection[str] = (), others: bool = False) -> None:
        self.kinds, self.required, self.others = kinds, frozenset(required), others

    def __call__(self, value: Any) -> bool:
        """Whether a value is such a mapping."""
        if type(value) is not dict or not self.required <= value.keys():
            return False
        kinds = self.kinds
        return all(
            fits(item, kinds[name]) if name in kinds else self.others and type(name) is str
            for name, item in value.items()
        )


def fits(value: Any, kind: Kind) -> bool:
    """Whether a value is of a kind."""
    match kind:
        case type():
            return kind is object or type(value) is kind
        case None:
            return value is None
        case tuple():
            return any(fits(value, one) for one in kind)
        case frozenset():
            return type(value) is str and value in kind
        case list():
            return type(value) is list and all(fits(item, kind[0]) for item in value)
        case dict():
            items: Kind = kind[str]
            return type(value) is dict and all(type(name) is str and fits(item, items) for name, item in value.items())
        case _:
            return kind(value)


def short_text(most: int) -> Callable[[Any], bool]:
    """Give a kind: a text with at least one character and at most so many."""
    return lambda value: type(value) is str and 0 < len(value) <= most
