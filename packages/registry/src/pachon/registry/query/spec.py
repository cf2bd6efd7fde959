# SPDX-License-Identifier: BSD-3-Clause
"""What is asked, and the facts about datasets that its plan needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pachon.datasets import DatasetSearch
from pachon.dimensions import DataIdTable, DimensionGroup

__all__ = ["QuerySpec", "SearchFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuerySpec:
    """One query, as the caller states it."""

    dimensions: DimensionGroup
    """Those of the result."""
    joined: tuple[str, ...] = ()
    """Further dimensions that are joined, and so restrict the result."""
    where: str = ""
    bind: Mapping[str, Any] = field(default_factory=dict)
    data_id: Mapping[str, int | str] = field(default_factory=dict)
    """Values that dimensions must have."""
    searches: tuple[DatasetSearch, ...] = ()
    """Keep data IDs for which such datasets exist."""
    result: DatasetSearch | None = None
    """The datasets that are wanted, if they are."""
    find_first: bool = True
    tables: tuple[DataIdTable, ...] = ()
    """Keep data IDs that agree with a row of each table."""
    element: str | None = None
    """The element of which records are wanted, if they are."""
    fields: tuple[str, ...] | None = None
    """Names of the columns of a general result, if such a one is wanted; the dimensions come before them."""
    order_by: tuple[str, ...] = ()
    limit: int | None = None
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Values of governors that hold unless the query mentions them."""

    @property
    def all_searches(self) -> tuple[DatasetSearch, ...]:
        """The search of the result, if there is one, and those that constrain."""
        return (*(() if self.result is None else (self.result,)), *self.searches)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFacts:
    """What the registry knows of one dataset search."""

    dataset_type: str
    dimensions: DimensionGroup
    type_id: int
    group_id: int
    collections: tuple[str, ...]
    """As given, chains not expanded."""
    members: Mapping[int, int] = field(default_factory=dict)
    """Rank by number of the RUN and TAGGED collections that may hold the type."""
    certified: Mapping[int, int] = field(default_factory=dict)
    """Rank by number of the CALIBRATION collections that may hold the type."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Names of all collections of the search, chains expanded."""
    governors: Mapping[int, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    """Values of governors that each collection ever held."""
    runs: frozenset[int] = frozenset()
    """Which of the members are RUN collections."""

    def __hash__(self) -> int:
        # The mappings have no hash; equality looks at them.
        return hash((self.dataset_type, self.type_id, self.collections))

    @property
    def ranks(self) -> dict[int, int]:
        """Rank by number of all collections that may hold the type."""
        return {**self.members, **self.certified}

    @property
    def without_type(self) -> tuple[str, ...]:
        """Names of collections that never held the type."""
        ranks = self.ranks
        return tuple(name for number, name in self.names.items() if number not in ranks)

    @property
    def only_governors(self) -> dict[str, str]:
        """Governors of which the collections that may hold the type ever held one value."""
        found: dict[str, set[str]] = {}
        for number in self.ranks:
            for governor, values in self.governors.get(number, {}).items():
                found.setdefault(governor, set()).update(values)
        return {governor: next(iter(values)) for governor, values in found.items() if len(values) == 1}
