# SPDX-License-Identifier: BSD-3-Clause
"""``pipetask cleanup`` and ``pipetask purge``: which collections go, and taking them away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pachon.base import ConflictError
from pachon.butler import Butler
from pachon.datasets import CollectionType
from pachon.quantum_butler.run_lock import refuse_busy_runs

__all__ = ["CollectionRemoval", "check_free", "plan_cleanup", "plan_purge"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionRemoval:
    """What is to be removed, each after those that hold it."""

    chains: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    """With their datasets."""
    others: tuple[str, ...] = ()
    """TAGGED and CALIBRATION collections, whose datasets stay."""
    kept: tuple[str, ...] = ()
    """Members that stay."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is removed."""
        return not (self.chains or self.runs or self.others)

    def lines(self) -> Iterator[str]:
        """Say what is removed, and what is not."""
        titles = (
            ("Chains to be removed:", self.chains),
            ("Runs to be removed, with their datasets and files:", self.runs),
            ("Other collections to be removed:", self.others),
            ("Members that stay:", self.kept),
        )
        for title, names in titles:
            if names:
                yield title
                yield from (f"  {name}" for name in names)

    def apply(self, butler: Butler) -> None:
        """Remove: chains first, so that nothing holds what follows; repeating it after a failure goes on.

        Raises
        ------
        RunBusyError
            If a process runs quanta into one of the runs; nothing is removed.
        """
        # Before the chains are gone, not after.
        refuse_busy_runs(str(butler.datastore_document()["root"]), self.runs)
        for name in (*self.chains, *self.others):
            butler.collections.remove(name)
        if self.runs:
            butler.remove_runs(self.runs, unlink_from_chains=True)


def plan_cleanup(butler: Butler, name: str) -> CollectionRemoval:
    """Find the collections below the name of a chain that are not its members.

    Raises
    ------
    NotFoundError
        If there is no such collection.
    ConflictError
        If it is no chain, or another chain holds what would be removed.
    """
    _chain_members(butler, name)
    held = _held_by(butler, name)
    found = [other for other in butler.collections.query(f"{name}/*") if other not in held]
    removal = _sorted(butler, found)
    check_free(butler, frozenset(found))
    return removal


def plan_purge(butler: Butler, name: str, *, recursive: bool = False) -> CollectionRemoval:
    """Find a chain and those of its members that belong to it by name.

    Parameters
    ----------
    butler
        The repository.
    name
        The chain.
    recursive
        Whether chains among the members are gone into; otherwise only the chains themselves are removed.

    Raises
    ------
    NotFoundError
        If there is no such collection.
    ConflictError
        If it is no chain, or another chain holds it or one of the members that would be removed.
    """
    chains, found, kept = [name], [], []
    pending = [name]
    while pending:
        for member in _chain_members(butler, pending.pop()):
            if not member.startswith(f"{name}/"):
                kept.append(member)
            elif butler.collections.get(member).type is CollectionType.CHAINED:
                chains.append(member)
                if recursive:
                    pending.append(member)
            else:
                found.append(member)
    removal = _sorted(butler, dict.fromkeys(found))
    ordered = tuple(dict.fromkeys(chains))
    check_free(butler, frozenset((*ordered, *found)))
    return CollectionRemoval(chains=ordered, runs=removal.runs, others=removal.others, kept=tuple(dict.fromkeys(kept)))


def _chain_members(butler: Butler, name: str) -> tuple[str, ...]:
    info = butler.collections.get(name)
    if info.type is not CollectionType.CHAINED:
        raise ConflictError(f"{name!r} is a {info.type.name} collection; the name of a chain is needed.")
    return tuple(info.children)


def _held_by(butler: Butler, name: str) -> set[str]:
    """Give a chain with its members, and those of chains among them."""
    held: set[str] = set()
    pending = [name]
    while pending:
        one = pending.pop()
        if one not in held:
            held.add(one)
            pending += butler.collections.get(one).children
    return held


def _sorted(butler: Butler, names: Iterable[str]) -> CollectionRemoval:
    by_type: dict[CollectionType, list[str]] = {}
    for name in names:
        by_type.setdefault(butler.collections.get(name).type, []).append(name)
    return CollectionRemoval(
        chains=tuple(by_type.get(CollectionType.CHAINED, ())),
        runs=tuple(by_type.get(CollectionType.RUN, ())),
        others=(*by_type.get(CollectionType.TAGGED, ()), *by_type.get(CollectionType.CALIBRATION, ())),
    )


def check_free(butler: Butler, going: frozenset[str], *, leaving: str | None = None) -> None:
    """Refuse if a chain that stays holds something that goes; the chain ``leaving`` may.

    Raises
    ------
    ConflictError
        It names one, and the chain.
    """
    for info in butler.collections.query_info("*"):
        if info.type is CollectionType.CHAINED and info.name not in going and info.name != leaving:
            both = [name for name in info.children if name in going]
            if both:
                raise ConflictError(
                    f"{both[0]!r} is a member of the chain {info.name!r} too; take it out of there first, "
                    "with 'butler collection-chain --mode remove'."
                )
