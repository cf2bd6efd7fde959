# SPDX-License-Identifier: BSD-3-Clause
"""Provenance graphs: a quantum graph with what became of it, in the same kind of file.

Beside the columns of the graph there are those of the outcomes (a row a quantum), of what was made (a row a dataset), and the
contents of the small files that runs keep about themselves: logs, metadata, configurations, versions of packages.
"""

from __future__ import annotations

import json
import math
import uuid
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pachon.base import FormatError, NotFoundError
from pachon.datasets import ids_from_uuids
from pachon.quantum_butler.column_file.spooled_column import SpooledColumn
from pachon.quantum_butler.column_source import MemoryColumns
from pachon.quantum_butler.graph import QuantumGraph
from pachon.quantum_butler.graph_file import load_columns
from pachon.quantum_butler.quantum_finder import locate_quanta
from pachon.resources import ResourcePathExpression

__all__ = ["ProvenanceGraph", "QuantumRecord", "packed_content"]

_MISSING_NUMBER = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantumRecord:
    """What became of one quantum: its last attempt."""

    status: int
    """An attempt status of `pachon.pipe_base`: -4 aborted, -3 unknown, -2 aborted success, -1 failed, 0 blocked, 1 successful."""
    caveats: int = _MISSING_NUMBER
    """Bits that qualify a success; -1 where there is none."""
    attempts: int = 0
    """How many are known; 0: it did not run."""
    exception: str = ""
    """Full name of the class of what ended it."""
    message: str = ""
    start: float = float("nan")
    """Unix time (s)."""
    prep_time: float = float("nan")
    """Seconds until the task was made."""
    init_time: float = float("nan")
    """Seconds in which it was made."""
    run_time: float = float("nan")
    run_time_cpu: float = float("nan")
    memory: int = _MISSING_NUMBER
    """Peak of resident memory of its process (bytes)."""
    node: str = ""
    """The machine."""

    def to_document(self) -> dict[str, Any]:
        """Give what is known as plain data."""
        found = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "status"}
        known = {
            name: value
            for name, value in found.items()
            if value not in ("", _MISSING_NUMBER) and not (isinstance(value, float) and math.isnan(value))
        }
        return {"status": self.status, **known}


_KINDS: Mapping[str, Any] = {
    "status": np.int8, "caveats": np.int16, "attempts": np.int32, "exception": object, "message": object,
    "start": np.float64, "prep_time": np.float64, "init_time": np.float64, "run_time": np.float64,
    "run_time_cpu": np.float64, "memory": np.int64, "node": object,
}  # fmt: skip


class ProvenanceGraph:
    """A quantum graph with outcomes.

    Parameters
    ----------
    graph
        Whose columns hold the outcomes; make one with `from_records` or `open`.

    Raises
    ------
    FormatError
        If it is no provenance graph.
    """

    def __init__(self, graph: QuantumGraph) -> None:
        if graph.header.graph_type != "provenance":
            raise FormatError("This graph says what is to be done, not what was done: it is no provenance graph.")
        self.graph = graph

    @classmethod
    def open(cls, uri: ResourcePathExpression) -> Self:
        """Open a file; its columns are read when they are asked for."""
        return cls(QuantumGraph.open(uri))

    @classmethod
    def from_records(
        cls,
        graph: QuantumGraph,
        records: Mapping[str, Sequence[QuantumRecord]],
        made: Mapping[str, NDArray[np.bool_]],
        contents: Mapping[str, Sequence[bytes | None] | SpooledColumn],
    ) -> Self:
        """Add to a whole graph what became of it.

        Parameters
        ----------
        graph
            What was to be done.
        records
            By task label: for each row of ``graph.quanta(label)`` what became of it.
        made
            By dataset type: for each row of ``graph.datasets(name)`` whether it exists.
        contents
            By dataset type: for each row what its file holds, as `packed_content` gives it; `None` where there is none.
        """
        tables: dict[str, Mapping[str, Any]] = dict(load_columns(graph.columns).tables)
        for label, rows in records.items():
            tables[f"outcomes/{label}"] = {name: _column(rows, name, kind) for name, kind in _KINDS.items()}
        for name, flags in made.items():
            tables[f"made/{name}"] = {"made": np.asarray(flags, dtype=np.bool_)}
        for name, items in contents.items():
            tables[f"contents/{name}"] = {"content": items if isinstance(items, SpooledColumn) else _objects(items)}
        header = replace(graph.header, graph_type="provenance")
        return cls(QuantumGraph(header, graph.structure, MemoryColumns(tables), graph.documents))

    def write(self, uri: ResourcePathExpression, *, overwrite: bool = False) -> None:
        """Write the graph with its outcomes to a file with extension ``.qg``."""
        self.graph.write(uri, overwrite=overwrite)

    def records(self, label: str) -> list[QuantumRecord]:
        """Give what became of the quanta of a task, in the order of ``graph.quanta(label)``."""
        columns = [self.graph.columns.read(f"outcomes/{label}/{name}").tolist() for name in _KINDS]
        return [QuantumRecord(**dict(zip(_KINDS, values, strict=True))) for values in zip(*columns, strict=True)]

    def record(self, quantum_id: uuid.UUID) -> QuantumRecord:
        """Give what became of a quantum.

        Raises
        ------
        NotFoundError
            If the graph has no such quantum.
        """
        ids = ids_from_uuids([quantum_id])
        ((label, rows),) = locate_quanta(self.graph.structure, self.graph.columns, ids).items()
        values = {name: self.graph.columns.take(f"outcomes/{label}/{name}", rows)[0] for name in _KINDS}
        return QuantumRecord(**{n: v.item() if isinstance(v, np.generic) else v for n, v in values.items()})

    def made(self, dataset_type: str) -> NDArray[np.bool_]:
        """Tell for each dataset of a type whether it was there when the graph was written."""
        found: NDArray[np.bool_] = self.graph.columns.read(f"made/{dataset_type}/made")
        return found

    @property
    def kept_types(self) -> tuple[str, ...]:
        """Dataset types whose contents the file holds."""
        names = self.graph.structure.datasets
        return tuple(name for name in names if f"contents/{name}/content" in self.graph.columns)

    def content(self, dataset_id: uuid.UUID) -> Any:
        """Give what the file of a log, of metadata, of a configuration or of versions held, as plain data.

        Raises
        ------
        NotFoundError
            If it is not in this file.
        """
        types, rows = self.graph.dataset_index.find(ids_from_uuids([dataset_id]))
        name = None if types[0] < 0 else self.graph.dataset_index.names[types[0]]
        if name is None or f"contents/{name}/content" not in self.graph.columns:
            raise NotFoundError(f"The provenance graph does not hold dataset {dataset_id}.")
        packed = self.graph.columns.take(f"contents/{name}/content", rows)[0]
        if packed is None:
            raise NotFoundError(f"Dataset {dataset_id} ({name}) was not there when the provenance graph was written.")
        return json.loads(zlib.decompress(packed))


def packed_content(text: bytes) -> bytes:
    """Give the form in which a graph holds what the file of a log, of metadata, of a configuration or of versions holds.

    Parameters
    ----------
    text
        JSON in UTF-8.
    """
    return zlib.compress(text)


def _objects(items: Sequence[bytes | None]) -> NDArray[Any]:
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column


def _column(rows: Sequence[QuantumRecord], name: str, kind: Any) -> NDArray[Any]:
    column = np.empty(len(rows), dtype=kind)
    column[:] = [getattr(row, name) for row in rows]
    return column
