# SPDX-License-Identifier: BSD-3-Clause
"""What a butler assumes where a call says nothing: collections, run, and values of governor dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pachon.base import InvalidInputError, closest
from pachon.dimensions import DataIdValueError, DimensionUniverse

__all__ = ["Defaults", "as_collections"]

_OPTIONS = ("collections", "run", "writeable", "infer_data_id")
"""The other keywords with which a butler is opened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """The defaults of a butler as its user gave them."""

    given: tuple[str, ...] | None = None
    """Search path, chains not expanded; None if none was given."""
    run: str | None = None
    """Run of what is put; made by the first write."""
    data_id: Mapping[str, Any] = field(default_factory=dict)
    """Values of governor dimensions."""
    infer: bool = True
    """Add the governor values that are the only ones in the summaries of the collections."""

    @classmethod
    def make(
        cls,
        *,
        collections: str | Iterable[str] | None,
        run: str | None,
        data_id: Mapping[str, Any],
        infer: bool = True,
    ) -> Defaults:
        """Check what was given.

        Raises
        ------
        InvalidInputError
            If a run or a collection is no text.
        """
        if run is not None and not isinstance(run, str):
            raise InvalidInputError(f"The run is the name of a collection; got {run!r}.")
        return cls(given=as_collections(collections), run=run, data_id=dict(data_id), infer=infer)

    @property
    def collections(self) -> tuple[str, ...] | None:
        """What is searched: the collections given, else the run; None if there are neither."""
        if self.given is None and self.run is not None:
            return (self.run,)
        return self.given

    def check(self, universe: DimensionUniverse) -> None:
        """Refuse defaults for other than governor dimensions.

        Raises
        ------
        DataIdValueError
            Names the dimension and the governors of the universe.
        """
        for name in self.data_id:
            if name not in universe.governors:
                raise DataIdValueError(
                    f"Only {', '.join(universe.governors)} can have a default value, not {name!r}; "
                    f"give it in each call.{closest(name, _OPTIONS)}"
                )


def as_collections(collections: str | Iterable[str] | None) -> tuple[str, ...] | None:
    """Make a tuple of one name or several; None stays None."""
    if collections is None:
        return None
    given: object = collections
    if not isinstance(given, Iterable) or isinstance(given, bytes | type):
        raise InvalidInputError(f"Collections are given by name; got {collections!r}.")
    names = (collections,) if isinstance(collections, str) else tuple(collections)
    for name in names:
        if not isinstance(name, str):
            raise InvalidInputError(f"Collections are given by name; got {name!r}.")
    return names
