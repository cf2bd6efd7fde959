# SPDX-License-Identifier: BSD-3-Clause
"""How exposures make visits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pachon.base import InvalidInputError

__all__ = ["ALGORITHMS", "VISIT_SYSTEMS", "Exposure", "VisitGroup"]

_log = logging.getLogger(__name__)

VISIT_SYSTEMS: Mapping[int, str] = {0: "one-to-one", 1: "by-group-metadata", 2: "by-seq-start-end"}
"""Names of the ways to group exposures, by the id of their ``visit_system``."""

Exposure: TypeAlias = Any
"""An exposure record: ``id``, ``obs_id``, ``group``, ``day_obs``, ``seq_num``, ``seq_start``, ``seq_end`` ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitGroup:
    """Exposures that make a visit."""

    id: int
    name: str
    systems: frozenset[int]
    exposures: tuple[Exposure, ...]


Grouping: TypeAlias = Callable[[Sequence[Exposure], Callable[[str], int]], list[VisitGroup]]


def one_to_one(exposures: Sequence[Exposure], group_id: Callable[[str], int]) -> list[VisitGroup]:
    """Make every exposure a visit of the same id, called as its ``obs_id``."""
    del group_id
    return [VisitGroup(id=e.id, name=e.obs_id, systems=frozenset({0}), exposures=(e,)) for e in exposures]


def by_group_metadata(exposures: Sequence[Exposure], group_id: Callable[[str], int]) -> list[VisitGroup]:
    """Make exposures of the same group a visit; its id is the number in the group's name."""
    return [
        VisitGroup(id=group_id(name), name=name, systems=frozenset({1}), exposures=tuple(members))
        for name, members in _grouped(exposures, lambda e: e.group).items()
    ]


def one_to_one_and_by_counter(exposures: Sequence[Exposure], group_id: Callable[[str], int]) -> list[VisitGroup]:
    """Make every exposure a visit, and those of the same day, first and last counter one more.

    A visit of several exposures takes id and name of the first of them, whose own visit then has
    the id with a 9 before it. Without the first there is no such visit.
    """
    del group_id
    visits: list[VisitGroup] = []
    for (_, start, end), members in _grouped(exposures, lambda e: (e.day_obs, e.seq_start, e.seq_end)).items():
        if start is None or len(members) == 1:
            visits += [VisitGroup(id=e.id, name=e.obs_id, systems=frozenset({0, 2}), exposures=(e,)) for e in members]
            continue
        first: Exposure = next((e for e in members if e.seq_num == start), None)
        for e in members:
            if e is first:
                visits.append(
                    VisitGroup(id=int(f"9{e.id}"), name=f"{e.obs_id}_first", systems=frozenset({0}), exposures=(e,))
                )
            else:
                visits.append(VisitGroup(id=e.id, name=e.obs_id, systems=frozenset({0}), exposures=(e,)))
        if first is not None:
            visits.append(VisitGroup(id=first.id, name=first.obs_id, systems=frozenset({2}), exposures=tuple(members)))
        elif members[0].seq_num:
            _log.warning(
                "Exposures %s to %s of %s make no visit: the first of them is missing.",
                start,
                end,
                members[0].day_obs,
            )
    return visits


ALGORITHMS: Mapping[str, tuple[Grouping, frozenset[int]]] = {
    "one-to-one": (one_to_one, frozenset({0})),
    "by-group-metadata": (by_group_metadata, frozenset({1})),
    "one-to-one-and-by-counter": (one_to_one_and_by_counter, frozenset({0, 2})),
}
"""Algorithms by name, with the visit systems that they fill."""


def check_groups(groups: Iterable[VisitGroup]) -> list[VisitGroup]:
    """Give the groups back.

    Raises
    ------
    InvalidInputError
        If two of them have the same id.
    """
    seen: dict[int, VisitGroup] = {}
    for group in groups:
        other = seen.setdefault(group.id, group)
        if other is not group:
            raise InvalidInputError(f"Visits {other.name!r} and {group.name!r} would both have the id {group.id}.")
    return list(seen.values())


def _grouped(exposures: Iterable[Exposure], key: Callable[[Exposure], Any]) -> dict[Any, list[Exposure]]:
    groups: dict[Any, list[Exposure]] = {}
    for exposure in exposures:
        groups.setdefault(key(exposure), []).append(exposure)
    return groups
