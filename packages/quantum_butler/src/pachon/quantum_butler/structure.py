# SPDX-License-Identifier: BSD-3-Clause
"""The plan of a graph's columns: which tasks, dataset types and connections there are, and how many rows.

It is part of the header of the file, so that a graph that was just opened knows its size and can find its columns.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pachon.datasets import DatasetType
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler.tables import ConnectionKind, InitConnection

__all__ = ["DatasetEntry", "DroppedEntry", "EdgeEntry", "GraphStructure", "InitEntry", "TaskEntry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskEntry:
    """The quanta of a task, without their columns."""

    label: str
    dimensions: tuple[str, ...]
    """Names of all dimensions, in the order of the values of a data ID."""
    rows: int
    ascending_ids: bool
    """Whether the ids ascend with the rows; if not, a table ``quanta_by_id`` finds them."""
    id_range: tuple[bytes, bytes]
    """Least and greatest id, 16 bytes each; empty without rows."""

    @property
    def table(self) -> str:
        """Name of the table."""
        return f"quanta/{self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetEntry:
    """The datasets of a type, without their columns."""

    name: str
    dimensions: tuple[str, ...]
    storage_class: str
    is_calibration: bool
    rows: int
    runs: tuple[str, ...]
    """RUN collections; the column ``run`` holds positions in this list."""
    files: int
    """Number of file records."""

    @property
    def table(self) -> str:
        """Name of the table."""
        return f"datasets/{self.name}"

    def dataset_type(self, universe: DimensionUniverse) -> DatasetType:
        """Make the dataset type."""
        return DatasetType(
            self.name,
            universe.conform(self.dimensions),
            self.storage_class,
            is_calibration=self.is_calibration,
            universe=universe,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeEntry:
    """The edges of a connection, without their columns."""

    number: int
    label: str
    connection: str
    kind: ConnectionKind
    dataset_type: str
    component: str | None
    storage_class: str | None
    count: int
    identity: bool
    """Whether row i has row i and no columns are stored."""

    @property
    def table(self) -> str:
        """Name of the table."""
        return f"edges/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class InitEntry:
    """The construction of a task, or what is done once for the whole graph."""

    label: str
    """Empty for the graph as a whole."""
    id: uuid.UUID
    connections: tuple[InitConnection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedEntry:
    """The dropped quanta of a task, without their columns."""

    label: str
    dimensions: tuple[str, ...]
    """Dimensions whose values are known."""
    rows: int
    reasons: Mapping[int, int]
    """Number of quanta by `DropReason`."""

    @property
    def table(self) -> str:
        """Name of the table."""
        return f"dropped/{self.label}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphStructure:
    """All entries; the order of tasks is topological."""

    tasks: Mapping[str, TaskEntry]
    datasets: Mapping[str, DatasetEntry]
    edges: tuple[EdgeEntry, ...]
    init: Mapping[str, InitEntry]
    records: Mapping[str, tuple[str, ...]]
    """By dimension element: the columns of its records."""
    dropped: Mapping[str, DroppedEntry]

    def edges_of(self, label: str) -> tuple[EdgeEntry, ...]:
        """Give the connections of a task."""
        return tuple(edge for edge in self.edges if edge.label == label)

    def edges_with(self, dataset_type: str) -> tuple[EdgeEntry, ...]:
        """Give the connections in which a dataset type takes part."""
        return tuple(edge for edge in self.edges if edge.dataset_type == dataset_type)

    def to_document(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {
            "tasks": [
                {
                    "label": t.label,
                    "dimensions": t.dimensions,
                    "rows": t.rows,
                    "ascending_ids": t.ascending_ids,
                    "id_range": [key.hex() for key in t.id_range],
                }
                for t in self.tasks.values()
            ],
            "datasets": [
                {
                    "name": d.name,
                    "dimensions": d.dimensions,
                    "storage_class": d.storage_class,
                    "is_calibration": d.is_calibration,
                    "rows": d.rows,
                    "runs": d.runs,
                    "files": d.files,
                }
                for d in self.datasets.values()
            ],
            "edges": [
                {
                    "label": e.label,
                    "connection": e.connection,
                    "kind": e.kind,
                    "dataset_type": e.dataset_type,
                    "component": e.component,
                    "storage_class": e.storage_class,
                    "count": e.count,
                    "identity": e.identity,
                }
                for e in self.edges
            ],
            "init": [
                {
                    "label": i.label,
                    "id": str(i.id),
                    "connections": [
                        {
                            "connection": c.connection,
                            "kind": c.kind,
                            "dataset_type": c.dataset_type,
                            "row": c.row,
                            "component": c.component,
                            "storage_class": c.storage_class,
                        }
                        for c in i.connections
                    ],
                }
                for i in self.init.values()
            ],
            "records": {element: list(names) for element, names in self.records.items()},
            "dropped": [
                {
                    "label": d.label,
                    "dimensions": d.dimensions,
                    "rows": d.rows,
                    "reasons": {str(reason): count for reason, count in d.reasons.items()},
                }
                for d in self.dropped.values()
            ],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GraphStructure:
        """Read what `to_document` gave; what later versions added is ignored."""
        return cls(
            tasks={t["label"]: _task(t) for t in document["tasks"]},
            datasets={d["name"]: _dataset(d) for d in document["datasets"]},
            edges=tuple(_edge(number, e) for number, e in enumerate(document["edges"])),
            init={i["label"]: _init(i) for i in document["init"]},
            records={element: tuple(names) for element, names in document["records"].items()},
            dropped={d["label"]: _dropped(d) for d in document["dropped"]},
        )


def _task(item: Mapping[str, Any]) -> TaskEntry:
    return TaskEntry(
        label=item["label"],
        dimensions=tuple(item["dimensions"]),
        rows=item["rows"],
        ascending_ids=item["ascending_ids"],
        id_range=(bytes.fromhex(item["id_range"][0]), bytes.fromhex(item["id_range"][1])),
    )


def _dataset(item: Mapping[str, Any]) -> DatasetEntry:
    return DatasetEntry(
        name=item["name"],
        dimensions=tuple(item["dimensions"]),
        storage_class=item["storage_class"],
        is_calibration=item["is_calibration"],
        rows=item["rows"],
        runs=tuple(item["runs"]),
        files=item["files"],
    )


def _edge(number: int, item: Mapping[str, Any]) -> EdgeEntry:
    return EdgeEntry(
        number=number,
        label=item["label"],
        connection=item["connection"],
        kind=item["kind"],
        dataset_type=item["dataset_type"],
        component=item["component"],
        storage_class=item["storage_class"],
        count=item["count"],
        identity=item["identity"],
    )


def _init(item: Mapping[str, Any]) -> InitEntry:
    connections = tuple(
        InitConnection(
            label=item["label"],
            connection=c["connection"],
            kind=c["kind"],
            dataset_type=c["dataset_type"],
            row=c["row"],
            component=c["component"],
            storage_class=c["storage_class"],
        )
        for c in item["connections"]
    )
    return InitEntry(label=item["label"], id=uuid.UUID(item["id"]), connections=connections)


def _dropped(item: Mapping[str, Any]) -> DroppedEntry:
    return DroppedEntry(
        label=item["label"],
        dimensions=tuple(item["dimensions"]),
        rows=item["rows"],
        reasons={int(reason): count for reason, count in item["reasons"].items()},
    )
