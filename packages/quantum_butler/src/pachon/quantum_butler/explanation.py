# SPDX-License-Identifier: BSD-3-Clause
"""Why quanta are in a graph, or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.base import NotFoundError, closest
from pachon.datasets import FactSource
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler.column_source import ColumnSource
from pachon.quantum_butler.data_id_query import DataIdQuery
from pachon.quantum_butler.drop_reason import DropReason
from pachon.quantum_butler.structure import DroppedEntry, GraphStructure, TaskEntry

__all__ = ["Asker", "Explanation", "TaskExplanation", "explain_quanta"]

_CULPRITS = (
    DropReason.MISSING_PREREQUISITE,
    DropReason.NO_VALID_CALIBRATION,
    DropReason.NO_INPUTS,
    DropReason.NOT_IN_COLLECTIONS,
    DropReason.USER_CONSTRAINT,
    DropReason.NO_OVERLAP,
    DropReason.NO_WORK,
    DropReason.REMOVED_BY_HOOK,
    DropReason.UNANCHORED,
    DropReason.ALREADY_DONE,
    DropReason.UPSTREAM_DROPPED,
)
"""Causes before what follows from them."""
_MOST_LABELS = 20
"""Tasks that an error lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskExplanation:
    """What became of the quanta of a task, all or those that were asked about."""

    label: str
    kept: int
    """Number of quanta in the graph."""
    dropped: Mapping[tuple[DropReason, str], int]
    """Number of quanta by reason and detail (a connection, dataset type, collection ...)."""
    unknown: tuple[str, ...] = ()
    """Parts of the data ID, as ``visit=12``, that no quantum of the task has, kept or dropped."""
    ignored: tuple[str, ...] = ()
    """Dimensions of the data ID that the task lacks."""
    causes: tuple[str, ...] = ()
    """Why there is no quantum with that data ID, neither kept nor dropped: sentences of the repository, if it was asked."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Sentences, the most frequent reason first."""
        count = f"{self.kept} {'quantum' if self.kept == 1 else 'quanta'} in the graph"
        lines = [f"{self.label}: {count}" + ("." if not self.dropped else ", dropped:")]
        if self.ignored:
            lines.append(f"    (its quanta have no {' or '.join(self.ignored)}; counted without)")
        for (reason, detail), number in sorted(self.dropped.items(), key=lambda item: (-item[1], item[0])):
            lines.append(f"    {number} {reason.text}" + (f": {detail}" if detail else ""))
        if not self.kept and not self.dropped:
            lines.append(
                f"    no quantum with {', '.join(self.unknown)} was ever considered"
                if self.unknown
                else "    no such data ID came out of the query"
            )
        return (*lines, *(f"    {cause}" for cause in self.causes))


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What became of all quanta that could have been."""

    tasks: tuple[TaskExplanation, ...]
    notes: tuple[str, ...]
    """What the builder said of the graph as a whole."""

    @property
    def kept(self) -> int:
        """Number of quanta in the graph."""
        return sum(task.kept for task in self.tasks)

    def dropped(self) -> Counter[DropReason]:
        """Count the quanta that are not in the graph by reason."""
        counts: Counter[DropReason] = Counter()
        for task in self.tasks:
            for (reason, _), number in task.dropped.items():
                counts[reason] += number
        return counts

    @property
    def nothing_to_do(self) -> bool:
        """Whether the graph is empty since all is done: see `DropReason.leave_nothing_to_do`."""
        return self.kept == 0 and DropReason.leave_nothing_to_do(self.dropped())

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say why quanta are not in the graph: the builder's notes, then causes with counts before what follows from them."""
        found = []
        for place, task in enumerate(self.tasks):
            total = task.kept + sum(task.dropped.values())
            for (reason, detail), number in task.dropped.items():
                about = f" ({detail})" if detail else ""
                text = f"Task {task.label!r}: {number} of {total} quanta {reason.text}{about}."
                found.append((_CULPRITS.index(reason), place, -number, text))
        return (*self.notes, *(text for *_, text in sorted(found)))

    @property
    def lines(self) -> tuple[str, ...]:
        """Sentences: the builder's notes, then each task."""
        return (*self.notes, *(line for task in self.tasks for line in task.lines))

    def __str__(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Asks a repository why there is no quantum with some values."""

    butler: FactSource
    universe: DimensionUniverse
    queries: tuple[DataIdQuery, ...]
    """What was asked when the graph was built."""
    values: Mapping[str, Any]

    def why(self, label: str, dimensions: Sequence[str], *, known: bool) -> tuple[str, ...]:
        """Say why a task has none, or, of quanta that are known, which values that are not theirs exclude them."""
        query = next((query for query in self.queries if label in query.labels), None)
        if query is None:
            return () if known else ("The graph does not say what was asked for its data IDs; build it again.",)
        if known:
            return query.what_excludes(self.butler, self.universe, self.values)
        return query.why_without(self.butler, self.universe, dimensions, self.values)


def explain_quanta(
    structure: GraphStructure,
    columns: ColumnSource,
    notes: Sequence[str],
    *,
    label: str | None,
    data_id: Mapping[str, Any],
    ask: Asker | None = None,
) -> Explanation:
    """Count what became of the quanta of a task, or of all tasks, that have some values.

    Parameters
    ----------
    structure, columns, notes
        Of the graph.
    label, data_id
        What is asked about.
    ask
        Who is asked about tasks that have no quantum with these values, neither kept nor dropped.

    Raises
    ------
    NotFoundError
        If no task has that label.
    """
    labels = list(dict.fromkeys([*structure.tasks, *structure.dropped]))
    if label is not None and label not in labels:
        raise NotFoundError(f"The graph has no task {label!r}.{closest(label, labels) or _some_of(labels)}")
    chosen = labels if label is None else [label]
    tasks = tuple(_explain_task(structure, columns, name, data_id, ask) for name in chosen)
    return Explanation(tasks=tasks, notes=tuple(notes))


def _some_of(labels: Sequence[str]) -> str:
    more = ", ..." if len(labels) > _MOST_LABELS else ""
    return f" It has {', '.join(labels[:_MOST_LABELS])}{more}."


def _explain_task(
    structure: GraphStructure, columns: ColumnSource, label: str, data_id: Mapping[str, Any], ask: Asker | None
) -> TaskExplanation:
    task, dropped = structure.tasks.get(label), structure.dropped.get(label)
    kept = _matching(columns, task, data_id) if task is not None else np.empty(0, dtype=np.int64)
    counts: Counter[tuple[DropReason, str]] = Counter()
    if dropped is not None:
        rows = _matching(columns, dropped, data_id)
        reasons = columns.take(f"{dropped.table}/reason", rows).tolist()
        details = columns.take(f"{dropped.table}/detail", rows).tolist()
        counts = Counter((DropReason(reason), detail) for reason, detail in zip(reasons, details, strict=True))
    entries = [entry for entry in (task, dropped) if entry is not None]
    unknown = tuple(
        f"{name}={value}"
        for name, value in data_id.items()
        if not any(len(_matching(columns, entry, {name: value})) for entry in entries)
    )
    dimensions = entries[0].dimensions if entries else ()
    ignored = tuple(name for name in data_id if entries and name not in dimensions)
    is_known = bool(len(kept) or counts)
    return TaskExplanation(
        label=label,
        kept=len(kept),
        dropped=dict(counts),
        unknown=unknown,
        ignored=ignored,
        causes=() if ask is None or (is_known and not ignored) else ask.why(label, dimensions, known=is_known),
    )


def _matching(columns: ColumnSource, entry: TaskEntry | DroppedEntry, data_id: Mapping[str, Any]) -> NDArray[np.int64]:
    """Find the rows whose data IDs agree with the values, in so far as the table has the dimensions."""
    mask = np.ones(entry.rows, dtype=bool)
    for name, value in data_id.items():
        if name in entry.dimensions:
            codes = np.flatnonzero(columns.read(f"dimension/{name}") == value)
            mask &= columns.read(f"{entry.table}/codes/{name}") == (codes[0] if len(codes) else -1)
    return np.flatnonzero(mask)
