# SPDX-License-Identifier: BSD-3-Clause
"""Which existing datasets are the prerequisites of which quanta: by validity range, by sky pixel, or by key."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pachon.datasets import DatasetTable, ValidityTable
from pachon.dimensions import DataIdTable, DimensionGroup, RecordTable, match_rows
from pachon.dimensions.timespan import MAX_NS
from pachon.pipe_base.graph_builder.bounds import (
    bounding_elements,
    pixel_pairs,
    region_rows,
    time_bounds,
    with_edge_bounds,
)
from pachon.pipe_base.graph_builder.errors import AmbiguousPrerequisiteError, GraphBuildError
from pachon.pipe_base.graph_builder.facts import LookupFacts, PairFacts, PrerequisiteFact, TimedFacts
from pachon.pipe_base.graph_builder.plan import BuildPlan, ConnectionPlan, TaskPlan
from pachon.pipe_base.graph_builder.resolve import KEPT, Resolution
from pachon.pipe_base.graph_builder.skeleton import Edges

__all__ = ["FoundPrerequisite", "LookupKind", "classify", "find_prerequisites", "task_times"]


class LookupKind(enum.Enum):
    """How the datasets of a prerequisite connection are found."""

    FUNCTION = "function"
    """The connection brings its own function."""
    KEY = "key"
    """All dimensions of the dataset follow from the quantum, or have nothing to do with it, as detectors with the visit of a
    task of visits; validity ranges are compared with its time."""
    PIXEL = "pixel"
    """The dataset has a pixel of the sky that the quantum has not."""
    JOIN = "join"
    """A query relates the two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPrerequisite:
    """The datasets of one prerequisite connection, and which quantum reads which."""

    label: str
    connection: ConnectionPlan
    datasets: DatasetTable
    quantum: np.ndarray
    """Row of the task's quanta, int64, ascending."""
    dataset: np.ndarray
    """Row of ``datasets``, int64."""


def classify(task: TaskPlan, connection: ConnectionPlan, dimensions: DimensionGroup) -> LookupKind:
    """Say how a prerequisite is found; ``dimensions`` are those of its dataset type."""
    if connection.lookup_function is not None:
        return LookupKind.FUNCTION
    if set(dimensions.required) <= set(task.dimensions.names) or (
        connection.is_calibration and _is_free(task.dimensions, dimensions)
    ):
        return LookupKind.KEY
    foreign = [name for name in dimensions.required if name not in task.dimensions]
    if all(name in dimensions.skypix for name in foreign):
        return LookupKind.PIXEL
    return LookupKind.JOIN


def _is_free(task: DimensionGroup, dimensions: DimensionGroup) -> bool:
    """Whether nothing but equal values relates the data IDs of a task and of a dataset type: no sky, no time, no table of pairs.

    A detector is related with a patch if the task has a visit: then it has a place.
    """
    both = task | dimensions
    others = [task.universe[name] for name in dimensions.elements if name not in task.elements]
    places = [{group.choose("spatial", family) for family in group.spatial} for group in (task, both)]
    return (
        not any(e.is_skypix or e.spatial or e.temporal for e in others)
        and not any(task.universe[name].always_join and name not in task.elements for name in both.elements)
        and (len(both.spatial) < 2 or places[0] == places[1])
    )


def find_prerequisites(
    plan: BuildPlan,
    resolution: Resolution,
    facts: Mapping[tuple[str, str], PrerequisiteFact],
    records: Mapping[str, RecordTable],
) -> list[FoundPrerequisite]:
    """Match the prerequisites that exist with the quanta that want them; no hook is called and nothing is read.

    Quanta that are done want none.

    Raises
    ------
    AmbiguousPrerequisiteError
        If several datasets of the winning collection are valid for a quantum.
    """
    found: list[FoundPrerequisite] = []
    bounds = resolution.edges_there(plan)
    for label, task in plan.tasks.items():
        wanting = resolution.reasons[label] == KEPT
        for connection in task.prerequisites:
            fact = facts[label, connection.name]
            quanta = resolution.quanta[label]
            if isinstance(fact, LookupFacts):
                datasets, quantum, dataset = fact.datasets, fact.quantum, fact.dataset
            elif isinstance(fact, PairFacts):
                datasets = fact.datasets
                quantum, dataset = _join_pairs(quanta, fact)
            elif isinstance(fact, TimedFacts):
                quantum, dataset = _by_key(
                    resolution, task, connection, quanta, fact.validity, records, bounds, fact.data_ids
                )
                datasets = fact.datasets
            elif classify(task, connection, fact.datasets.data_ids.group) is LookupKind.PIXEL:
                datasets = fact.datasets
                quantum, dataset = _by_pixel(resolution, task, quanta, fact, records, bounds)
            else:
                quantum, row = _by_key(resolution, task, connection, quanta, fact, records, bounds)
                datasets, dataset = fact.datasets, row
            quantum, dataset = _distinct_pairs(quantum[wanting[quantum]], dataset[wanting[quantum]])
            found.append(
                FoundPrerequisite(
                    label=label, connection=connection, datasets=datasets, quantum=quantum, dataset=dataset
                )
            )
    return found


def _distinct_pairs(quantum: np.ndarray, row: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sort pairs by quantum, then row, and keep each once."""
    order = np.lexsort((row, quantum))
    quantum, row = quantum[order], row[order]
    fresh = np.ones(len(quantum), dtype=bool)
    fresh[1:] = (quantum[1:] != quantum[:-1]) | (row[1:] != row[:-1])
    return quantum[fresh], row[fresh]


def _by_key(
    resolution: Resolution,
    task: TaskPlan,
    connection: ConnectionPlan,
    quanta: DataIdTable,
    validity: ValidityTable,
    records: Mapping[str, RecordTable],
    bounds: Sequence[Edges],
    related: DataIdTable | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Find for each quantum the valid datasets, of each data ID that of the first collection that has one.

    ``related`` are the data IDs, over the dimensions of both, that go together, if equal values do not say it.
    """
    begin, end = task_times(resolution, task, quanta, records, bounds)
    candidates = validity.datasets.data_ids
    follows = set(candidates.group.required) <= set(quanta.group.names)
    shared = [name for name in candidates.group.names if name in quanta.group]
    quantum, row = _equal_pairs(quanta, candidates, candidates.group.required if follows else shared)
    valid = (validity.begin_ns[row] < end[quantum]) & (begin[quantum] < validity.end_ns[row])
    # What holds for all time (datasets of a RUN are such) holds also for a quantum whose time is not known.
    valid |= (validity.begin_ns[row] <= 0) & (validity.end_ns[row] >= MAX_NS)
    valid &= resolution.reasons[task.label][quantum] == KEPT
    quantum, row = quantum[valid], row[valid]
    if related is not None:
        together = _go_together(related, quanta, candidates, quantum, row)
        quantum, row = quantum[together], row[together]
    keys = np.zeros(len(row), dtype=np.int64) if follows else candidates.keys()[row]
    order = np.lexsort((validity.begin_ns[row], validity.rank[row], keys, quantum))
    quantum, row, keys = quantum[order], row[order], keys[order]
    first = np.ones(len(quantum), dtype=bool)
    first[1:] = (quantum[1:] != quantum[:-1]) | (keys[1:] != keys[:-1])
    winner = row[first][np.cumsum(first) - 1]
    # One dataset may be valid in several ranges, which meet within an exposure: that is no contradiction.
    rivals = (validity.rank[row] == validity.rank[winner]) & (
        validity.datasets.ids[row] != validity.datasets.ids[winner]
    ).any(axis=1)
    if rivals.any():
        place = int(np.flatnonzero(rivals)[0])
        same = (quantum == quantum[place]) & (keys == keys[place])
        _refuse_ambiguous(task, connection, quanta, validity, int(quantum[place]), row[same])
    return quantum[first], row[first]


def _go_together(
    related: DataIdTable, quanta: DataIdTable, candidates: DataIdTable, quantum: np.ndarray, row: np.ndarray
) -> np.ndarray:
    """Say which pairs of a quantum and a candidate occur together in some data ID."""
    first = match_rows(candidates, candidates, candidates.group.required)
    theirs = match_rows(related, quanta, quanta.group.required)
    own = match_rows(related, candidates, candidates.group.required)
    known = (theirs >= 0) & (own >= 0)
    return np.isin(quantum * len(candidates) + first[row], theirs[known] * len(candidates) + own[known])


def _refuse_ambiguous(
    task: TaskPlan,
    connection: ConnectionPlan,
    quanta: DataIdTable,
    validity: ValidityTable,
    quantum: int,
    found: np.ndarray,
) -> None:
    rivals = found[validity.rank[found] == validity.rank[found].min()]
    raise AmbiguousPrerequisiteError(
        task.label,
        connection.name,
        connection.dataset_type,
        str(quanta[quantum]),
        [str(validity.timespan(int(rival))) for rival in rivals],
    )


def task_times(
    resolution: Resolution,
    task: TaskPlan,
    quanta: DataIdTable,
    records: Mapping[str, RecordTable],
    bounds: Sequence[Edges],
) -> tuple[np.ndarray, np.ndarray]:
    """Give begin and end (TAI ns) of the times for which calibrations of quanta must be valid; ``bounds`` as from `Resolution.edges_there`."""
    if edges := _bounding_edges(resolution, task, bounds, "temporal"):
        names = {edge.connection.dataset_type for edge in edges}
        begin, end = with_edge_bounds(
            len(quanta), edges, {name: time_bounds(resolution.datasets[name].data_ids, records) for name in names}
        )
        if bounding_elements(task.dimensions, "temporal"):
            own_begin, own_end = time_bounds(quanta, records)
            begin, end = np.minimum(begin, own_begin), np.maximum(end, own_end)
        return begin, end
    if not bounding_elements(task.dimensions, "temporal"):
        count = len(quanta)
        return np.zeros(count, dtype=np.int64), np.full(count, MAX_NS, dtype=np.int64)
    return time_bounds(quanta, records)


def _bounding_edges(
    resolution: Resolution, task: TaskPlan, bounds: Sequence[Edges], kind: Literal["spatial", "temporal"]
) -> list[Edges]:
    """Give the edges of a task that say where or when its quanta are; datasets that are everywhere or always say nothing."""
    names = task.spatial_bounds if kind == "spatial" else task.temporal_bounds
    return [
        edge
        for edge in bounds
        if edge.label == task.label
        and edge.connection.name in names
        and bounding_elements(resolution.datasets[edge.connection.dataset_type].data_ids.group, kind)
    ]


def _by_pixel(
    resolution: Resolution,
    task: TaskPlan,
    quanta: DataIdTable,
    validity: ValidityTable,
    records: Mapping[str, RecordTable],
    bounds: Sequence[Edges],
) -> tuple[np.ndarray, np.ndarray]:
    """Find the datasets whose pixel may touch the quantum's region; without any region, those of the whole sky."""
    data_ids = validity.datasets.data_ids
    group = data_ids.group
    pixel_names = [name for name in group.skypix if name not in task.dimensions]
    if len(pixel_names) != 1:
        raise GraphBuildError(
            f"Task {task.label!r}: a prerequisite with several sky pixelizations ({', '.join(pixel_names)}) "
            "needs a lookup_function."
        )
    shared = [name for name in group.required if name in task.dimensions]
    regions = _task_regions(resolution, task, quanta, records, bounds)
    if regions is None:
        quantum, row = _equal_pairs(quanta, data_ids, shared)
    else:
        quantum, row = _equal_pixels(regions(pixel_names[0]), data_ids.column(pixel_names[0]))
        if shared and len(row):
            same = match_rows(quanta, data_ids, shared)[quantum]
            keys = data_ids.keys(shared)
            keep = (same >= 0) & (keys[np.maximum(same, 0)] == keys[row])
            quantum, row = quantum[keep], row[keep]
    row, quantum = _first_in_search_order(validity, quantum, row)
    return quantum, row


def _equal_pixels(wanted: tuple[np.ndarray, np.ndarray], pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give all (quantum, row of a dataset) with a pixel that the quantum wants, each once."""
    quantum, pixel = wanted
    order = np.argsort(pixels, kind="stable")
    ordered = pixels[order]
    start = np.searchsorted(ordered, pixel, side="left")
    counts = np.searchsorted(ordered, pixel, side="right") - start
    row = order[_ranges(start, counts)]
    quantum = np.repeat(quantum, counts)
    # Datasets of bounds may want the same pixel.
    return _distinct_pairs(quantum, row)


def _first_in_search_order(
    validity: ValidityTable, quantum: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Keep of several datasets with one data ID the one of the first collection."""
    keys = validity.datasets.data_ids.keys()[row]
    order = np.lexsort((validity.rank[row], keys, quantum))
    quantum, row, keys = quantum[order], row[order], keys[order]
    first = np.ones(len(quantum), dtype=bool)
    first[1:] = (quantum[1:] != quantum[:-1]) | (keys[1:] != keys[:-1])
    return row[first], quantum[first]


def _task_regions(
    resolution: Resolution,
    task: TaskPlan,
    quanta: DataIdTable,
    records: Mapping[str, RecordTable],
    bounds: Sequence[Edges],
) -> Callable[[str], tuple[np.ndarray, np.ndarray]] | None:
    """Give a function that lists the (quantum, pixel) pairs of a task's regions; `None` if it has none."""
    own = region_rows(quanta, records)
    edges = _bounding_edges(resolution, task, bounds, "spatial")
    if not own and not edges:
        return None

    def pairs(pixel: str) -> tuple[np.ndarray, np.ndarray]:
        quantum, pixels = pixel_pairs(own, pixel, quanta.group)
        found = [np.stack([quantum, pixels]), *(_edge_pixels(resolution, edge, pixel, records) for edge in edges)]
        both = np.concatenate(found, axis=1)
        return both[0], both[1]

    return pairs


def _edge_pixels(resolution: Resolution, edge: Edges, pixel: str, records: Mapping[str, RecordTable]) -> np.ndarray:
    datasets = resolution.datasets[edge.connection.dataset_type].data_ids
    dataset, pixels = pixel_pairs(region_rows(datasets, records), pixel, datasets.group)
    order = np.argsort(dataset, kind="stable")
    dataset, pixels = dataset[order], pixels[order]
    start = np.searchsorted(dataset, edge.dataset, side="left")
    stop = np.searchsorted(dataset, edge.dataset, side="right")
    counts = stop - start
    quantum = np.repeat(edge.quantum, counts)
    return np.stack([quantum, pixels[_ranges(start, counts)]])


def _join_pairs(quanta: DataIdTable, fact: PairFacts) -> tuple[np.ndarray, np.ndarray]:
    quantum = match_rows(fact.data_ids, quanta, quanta.group.required)
    dataset = match_rows(fact.data_ids, fact.datasets.data_ids, fact.datasets.data_ids.group.required)
    known = (quantum >= 0) & (dataset >= 0)
    pairs = np.unique(np.stack([quantum[known], dataset[known]], axis=1), axis=0).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _equal_pairs(
    left: DataIdTable, right: DataIdTable, names: tuple[str, ...] | list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Give all pairs of rows with equal values of the dimensions."""
    if not len(right) or not len(left):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    keys = right.keys(names)
    representative = match_rows(left, right, names)
    matched = np.flatnonzero(representative >= 0)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    wanted = keys[representative[matched]]
    start = np.searchsorted(ordered, wanted, side="left")
    counts = np.searchsorted(ordered, wanted, side="right") - start
    return np.repeat(matched, counts), order[_ranges(start, counts)]


def _ranges(start: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Give ``start[i], start[i] + 1, ...`` (``counts[i]`` of them) for each i, one after the other."""
    total = int(counts.sum())
    shift = np.repeat(start - (np.cumsum(counts) - counts), counts)
    rows: np.ndarray = np.arange(total, dtype=np.int64) + shift
    return rows
