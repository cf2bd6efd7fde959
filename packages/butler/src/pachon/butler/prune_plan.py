# SPDX-License-Identifier: BSD-3-Clause
"""What ``butler prune-datasets`` is asked to do, whether that makes sense, and what it would remove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pachon.base import InvalidInputError
from pachon.base.counting import counted
from pachon.butler.listings import Columns, sorted_table
from pachon.butler.result_columns import dataset_columns
from pachon.datasets import CollectionType, DatasetRef, DatasetTable, id_keys
from pachon.registry.collection_names import is_glob

if TYPE_CHECKING:
    from pachon.butler.butler import Butler

__all__ = ["PrunePlan", "PruneRequest", "fetch_prune_plan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PruneRequest:
    """The options of the command."""

    collections: tuple[str, ...] = ()
    dataset_types: tuple[str, ...] = ("*",)
    find_all: bool = False
    where: str = ""
    disassociate: tuple[str, ...] = ()
    purge_run: str | None = None
    all_runs: bool = False
    unstore: bool = False
    dry_run: bool = False
    quiet: bool = False

    def check(self) -> None:
        """Refuse options that do not go together.

        Raises
        ------
        InvalidInputError
            Says which.
        """
        if self.quiet and self.dry_run:
            raise InvalidInputError("--quiet and --dry-run together would do nothing and say nothing.")
        if self.disassociate and self.purge_run is not None:
            raise InvalidInputError(
                "--purge takes datasets out of all collections; --disassociate cannot be given too."
            )
        if not (self.unstore or self.disassociate or self.purge_run is not None):
            raise InvalidInputError("Say what is to be done: --purge RUN, --unstore or --disassociate TAG.")
        if not self.searched:
            raise InvalidInputError("Say in which collections the datasets are.")
        if not self.find_all and any(map(is_glob, self.searched)):
            raise InvalidInputError(
                f"Patterns of collections ({', '.join(self.searched)}) have no order, so nobody knows which dataset comes "
                "first: give names, or --find-all."
            )

    @property
    def searched(self) -> tuple[str, ...]:
        """The collections that are searched: those given, else the run or the tags."""
        if self.collections:
            return self.collections
        return (self.purge_run,) if self.purge_run is not None else self.disassociate

    @property
    def actions(self) -> str:
        """What is done, as the end of a sentence."""
        if self.purge_run is not None:
            return "removed"
        tags = f"disassociated from {', '.join(self.disassociate)}" if self.disassociate else ""
        return " and ".join(filter(None, ("unstored" if self.unstore else "", tags)))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What would be removed."""

    request: PruneRequest
    refs: tuple[DatasetRef, ...]
    tables: tuple[Columns, ...]
    left_out: int = 0
    """Datasets that have no file, where files are all that is to be removed."""

    @property
    def announcement(self) -> str:
        """The sentence above the list."""
        verb = "would" if self.request.dry_run else "will"
        return f"The following datasets {verb} be {self.request.actions}:"

    @property
    def conclusion(self) -> str:
        """The sentence after it was done."""
        return f"The datasets were {self.request.actions}."

    @property
    def remark(self) -> str:
        """What else is to be said of what was found; may be empty."""
        if not self.left_out:
            return ""
        return f"{counted(self.left_out, 'dataset that was found is', 'datasets that were found are')} not stored, and left out."

    def apply(self, butler: Butler) -> None:
        """Remove exactly the datasets of the plan, whatever was added since."""
        purge = self.request.purge_run is not None
        butler.prune(
            self.refs,
            unstore=purge or self.request.unstore,
            purge=purge,
            disassociate=self.request.disassociate,
        )


def fetch_prune_plan(butler: Butler, request: PruneRequest) -> PrunePlan:
    """Find what a request would remove.

    Raises
    ------
    InvalidInputError
        If ``--purge`` names no RUN, or datasets of other runs are found and not wanted.
    """
    if request.purge_run is not None and butler.collections.get(request.purge_run).type is not CollectionType.RUN:
        raise InvalidInputError(f"--purge needs a RUN collection; {request.purge_run!r} is none.")
    found = butler.query_all_datasets(
        request.searched, name=request.dataset_types, where=request.where, find_first=not request.find_all
    )
    tables = [sorted_table(table) for table in found.tables if len(table)]
    total = sum(map(len, tables))
    if request.unstore and not request.disassociate and request.purge_run is None:
        tables = [stored for table in tables if len(stored := _stored(butler, table))]
    if request.purge_run is not None and not request.all_runs:
        _refuse_other_runs(tables, request.purge_run)
    return PrunePlan(
        request=request,
        refs=tuple(ref for table in tables for ref in table),
        tables=tuple(_shown(table) for table in tables),
        left_out=total - sum(map(len, tables)),
    )


def _stored(butler: Butler, table: DatasetTable) -> DatasetTable:
    """Give those of datasets that have files."""
    with_files = id_keys(butler.datastore_records(table).dataset_id)
    return table.take(np.isin(id_keys(table.ids), with_files))


def _refuse_other_runs(tables: list[DatasetTable], run: str) -> None:
    others = sorted({name for table in tables for name in table.runs.compacted().values.tolist()} - {run})
    if others:
        raise InvalidInputError(
            f"Datasets of the runs {', '.join(others)} were found too; say --all-runs to remove them, or search {run!r} only."
        )


def _shown(table: DatasetTable) -> dict[str, Any]:
    return {name: column.tolist() for name, column in dataset_columns([table]).items()}
