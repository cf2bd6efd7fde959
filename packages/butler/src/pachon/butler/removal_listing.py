# SPDX-License-Identifier: BSD-3-Clause
"""What ``butler remove-runs`` and ``butler remove-collections`` would remove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pachon.datasets import CollectionInfo, CollectionType

if TYPE_CHECKING:
    from pachon.butler.butler import Butler

__all__ = ["CollectionsToRemove", "RunsToRemove", "list_collections_to_remove", "list_runs"]

Columns = Mapping[str, Sequence[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsToRemove:
    """Runs, the datasets in them and the chains that hold them."""

    infos: tuple[CollectionInfo, ...]
    counts: Mapping[str, Mapping[str, int]]
    """Number of datasets by run and type."""

    @property
    def names(self) -> tuple[str, ...]:
        """The runs."""
        return tuple(info.name for info in self.infos)

    @property
    def chained(self) -> tuple[str, ...]:
        """Those that are in chains."""
        return tuple(info.name for info in self.infos if info.parents)

    def tables(self) -> Iterator[Columns]:
        """Give the runs with their parents, then the datasets in them."""
        runs: dict[str, Sequence[object]] = {"Collection": self.names}
        if self.chained:
            runs["Parents"] = [list(info.parents) for info in self.infos]
        yield runs
        rows = [(run, name, n) for run, by_type in self.counts.items() for name, n in sorted(by_type.items())]
        if rows:
            names, types, numbers = zip(*rows, strict=True)
            yield {"Collection": names, "Dataset Type": types, "Number of Datasets": numbers}


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionsToRemove:
    """Collections that are no run, and the chains that hold them."""

    infos: tuple[CollectionInfo, ...]
    runs: tuple[str, ...]
    """Runs that match too; these are never removed."""
    unlink: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The collections that are removed."""
        return tuple(info.name for info in self.infos)

    def tables(self, *, dry_run: bool = False) -> Iterator[tuple[str, Columns]]:
        """Give what there is to say, each with a title."""
        if not self.infos:
            yield "No collections that could be removed were found.", {}
        else:
            types = [info.type.name for info in self.infos]
            title = "These would be removed:" if dry_run else "The following collections will be removed:"
            yield title, {"Collection": self.names, "Collection Type": types}
        links = [(info.name, parent) for info in self.infos for parent in info.parents]
        if links:
            children, parents = zip(*links, strict=True)
            taken_out = f"They {'would' if dry_run else 'will'} be taken out of these chains:"
            title = taken_out if self.unlink else "These chains hold them:"
            yield title, {"Child Collection": children, "Parent Collection": parents}
        if self.runs:
            yield "RUN collections are not removed (see remove-runs):", {"Collection": self.runs}

    def apply(self, butler: Butler) -> None:
        """Remove the collections; parents that go too come first."""
        pending = {info.name: info for info in self.infos}
        for info in self.infos:
            for parent in info.parents if self.unlink else ():
                if parent not in pending:
                    butler.collections.remove_from(parent, [info.name])
        while pending:
            free = [name for name, info in pending.items() if pending.keys().isdisjoint(info.parents)]
            for name in free or list(pending):
                del pending[name]
                butler.collections.remove(name)


def list_runs(butler: Butler, expression: str) -> RunsToRemove:
    """Find runs by name or glob, with what they hold."""
    infos = butler.collections.query_info(expression, {CollectionType.RUN})
    counts: dict[str, Counter[str]] = {}
    for info in infos:
        held = butler.query_all_datasets([info.name])
        counts[info.name] = Counter({table.dataset_type.name: len(table) for table in held.tables if len(table)})
    return RunsToRemove(infos=tuple(infos), counts=counts)


def list_collections_to_remove(butler: Butler, expression: str, *, remove_from_parents: bool) -> CollectionsToRemove:
    """Find collections by name or glob."""
    infos = butler.collections.query_info(expression)
    return CollectionsToRemove(
        infos=tuple(info for info in infos if info.type is not CollectionType.RUN),
        runs=tuple(info.name for info in infos if info.type is CollectionType.RUN),
        unlink=remove_from_parents,
    )
