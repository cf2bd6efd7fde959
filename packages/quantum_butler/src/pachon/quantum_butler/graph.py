# SPDX-License-Identifier: BSD-3-Clause
"""Quantum graphs: what is to be done, to which data, in which order."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np

from pachon.base import InvalidInputError, NotFoundError, closest
from pachon.datasets import FactSource
from pachon.datasets.collection import find_name_fault
from pachon.quantum_butler.column_file.reader import ColumnFile
from pachon.quantum_butler.column_source import ColumnSource
from pachon.quantum_butler.documents import MemoryDocuments
from pachon.quantum_butler.explanation import Asker, Explanation, explain_quanta
from pachon.quantum_butler.graph_columns import columns_from_tables
from pachon.quantum_butler.graph_content import GraphContent
from pachon.quantum_butler.graph_file import (
    EXTENSION,
    encode_graph,
    load_columns,
    open_graph_file,
    read_plan,
    write_graph,
)
from pachon.quantum_butler.new_run import rewrite_run
from pachon.quantum_butler.selection import select_quanta
from pachon.quantum_butler.tables import GraphTables
from pachon.resources import ResourcePath, ResourcePathExpression
from pachon.resources.errors import storage_errors

__all__ = ["QuantumGraph"]


class QuantumGraph(GraphContent):
    """The quanta of a pipeline with their datasets, as columns.

    Make one with `from_tables` (a builder does) or `open`. A graph that was opened reads its columns from the file
    when they are asked for, and no more of them than needed. Graphs do not change.
    """

    # Making, reading, writing ------------------------------------------------------------------------------------

    @classmethod
    def from_tables(cls, tables: GraphTables) -> Self:
        """Make a graph of a builder's tables; quanta are sorted by data ID.

        Raises
        ------
        InvalidInputError
            If the tables contradict each other; the message says which.
        """
        structure, columns = columns_from_tables(tables)
        documents: dict[str, Any] = {"universe": dict(tables.universe.document), "pipeline": dict(tables.pipeline)}
        if tables.datastore is not None:
            documents["datastore"] = tables.datastore.to_document()
        return cls(tables.header, structure, columns, MemoryDocuments(documents))

    @classmethod
    def open(cls, uri: ResourcePathExpression) -> Self:
        """Open a graph file; only its directory is read.

        Raises
        ------
        GraphFileError
            If the file is cut short, damaged, of a newer version, or no graph file.
        """
        header, structure, file = open_graph_file(uri)
        return cls(header, structure, file, file)

    def with_output_run(self, run: str, *, output: str | None = None) -> Self:
        """Give the same graph for another output run: new ids for the graph, all quanta and all outputs.

        Parameters
        ----------
        run
            The new output run.
        output
            The chain that will offer it; without, that of this graph.

        Raises
        ------
        InvalidInputError
            If this graph is only a part of a larger one, or no collection can have that name.
        """
        for name in (run,) if output is None else (run, output):
            if (fault := find_name_fault(name)) is not None:
                raise InvalidInputError(f"Outputs cannot go there: {fault}")
        if self.is_partial:
            raise InvalidInputError("This graph was cut out of a larger one; only whole graphs get another run.")
        structure, columns = rewrite_run(self._structure, load_columns(self._columns), run)
        header = replace(self.header, output_run=run, output=output or self.header.output, graph_id=uuid.uuid4())
        return type(self)(header, structure, columns, self._documents)

    def write(
        self,
        uri: ResourcePathExpression,
        *,
        overwrite: bool = False,
        slices: Mapping[str, Iterable[uuid.UUID]] | None = None,
    ) -> None:
        """Write the graph to a file, safely on the medium when this returns.

        Parameters
        ----------
        uri
            Where; the extension is ``.qg``.
        overwrite
            Whether to replace a file that is there, in one step.
        slices
            Names of clusters and the ids of their quanta: each is stored once more in one piece, for jobs to read (`slice`).

        Raises
        ------
        ResourceExistsError
            If there is something and ``overwrite`` is false.
        InvalidInputError
            If the extension is another, or this graph is only a part of a larger one.
        """
        path = ResourcePath(uri)
        if path.extension != EXTENSION:
            raise InvalidInputError(f"A quantum graph is written to a file with extension {EXTENSION}; got {path}.")
        if self.is_partial:
            raise InvalidInputError("This graph was cut out of a larger one; only whole graphs are written.")
        with storage_errors("written", str(path)), path.open("wb" if overwrite else "xb") as stream:
            write_graph(stream, self.header, self._structure, self._columns, self._documents, self._parts(slices))

    def to_bytes(self, slices: Mapping[str, Iterable[uuid.UUID]] | None = None) -> bytes:
        """Give the content of the graph's file, with slices as `write` takes them."""
        return encode_graph(self.header, self._structure, self._columns, self._documents, self._parts(slices))

    def _parts(self, slices: Mapping[str, Iterable[uuid.UUID]] | None) -> Iterator[tuple[str, bytes]]:
        return ((name, self.subset(ids)._without_documents()) for name, ids in (slices or {}).items())

    def _without_documents(self) -> bytes:
        """Give the content of a slice: its documents are those of the whole graph."""
        return encode_graph(self.header, self._structure, self._columns, MemoryDocuments({}))

    @property
    def slice_names(self) -> tuple[str, ...]:
        """Names of the clusters that are stored in one piece."""
        return tuple(self._columns.slices) if isinstance(self._columns, ColumnFile) else ()

    def slice(self, name: str) -> Self:
        """Read a cluster that was stored in one piece: the same as `subset` of its quanta, with one read.

        Raises
        ------
        NotFoundError
            If there is no such cluster.
        GraphFileError
            If it is damaged.
        """
        if not isinstance(self._columns, ColumnFile) or name not in self._columns.slices:
            raise NotFoundError(f"The graph has no slice {name!r}.{closest(name, self.slice_names)}")
        _, structure, file = read_plan(self._columns.open_slice(name))
        return type(self)(self.header, structure, file, self._documents, is_partial=True)

    def with_columns(self, columns: ColumnSource) -> Self:
        """Give the graph with other values in the same columns, for tools."""
        return type(self)(self.header, self._structure, columns, self._documents, is_partial=self.is_partial)

    def loaded(self) -> Self:
        """Give the same graph with all its columns in memory."""
        return self.with_columns(load_columns(self._columns))

    def subset(self, quantum_ids: Iterable[uuid.UUID]) -> Self:
        """Cut out some quanta with all that they need, into memory; a few reads of the file.

        Parameters
        ----------
        quantum_ids
            Ids of quanta or of init quanta. Init datasets of the tasks of all chosen quanta come along.

        Raises
        ------
        NotFoundError
            If an id is not in the graph.
        """
        wanted = set(quantum_ids)
        init = {label for label, entry in self._structure.init.items() if entry.id in wanted}
        wanted -= {self._structure.init[label].id for label in init}
        rows = self._locate(sorted(wanted)) if wanted else {}
        structure, columns = select_quanta(
            self._structure,
            self._columns,
            self.universe,
            {label: np.sort(chosen) for label, chosen in rows.items()},
            init | rows.keys(),
        )
        return type(self)(self.header, structure, columns, self._documents, is_partial=True)

    # Telling and showing -----------------------------------------------------------------------------------------

    def explain(
        self,
        label: str | None = None,
        data_id: Mapping[str, Any] | None = None,
        *,
        butler: FactSource | None = None,
        **dims: Any,
    ) -> Explanation:
        """Say which quanta are in the graph, and why others are not.

        Parameters
        ----------
        label
            Only of this task.
        data_id, **dims
            Only of quanta with these values; dimensions that a task lacks are ignored.
        butler
            The repository that the graph was built from. It is asked, with the conditions of the build, why there is no quantum
            with these values where none is known; a graph itself knows only quanta that came out of the query.

        Raises
        ------
        NotFoundError
            If no task has that label.
        UnknownDimensionError
            If there is no such dimension.
        InvalidInputError
            If a value is of another type than its dimension.
        """
        values = {**(dict(data_id) if data_id is not None else {}), **dims}
        if values:
            self.universe.conform(values)  # a misspelled name would be ignored like one that a task lacks

        ask = None
        if butler is not None and values:
            # As it was built: governor values that are the only ones in the inputs were not named.
            butler = butler.searching(self.header.input_collections)
            ask = Asker(butler=butler, universe=self.universe, queries=self.header.queries, values=values)
        return explain_quanta(self._structure, self._columns, self.header.notes, label=label, data_id=values, ask=ask)

    def to_svg(self, *, max_nodes: int = 80, logs: bool = False, title: str | None = None) -> str:
        """Draw the graph and return the text of an SVG document.

        Parameters
        ----------
        max_nodes
            Above this number of quanta and datasets, all of a task or dataset type become one node with a count.
        logs
            Whether to draw logs and metadata.
        title
            Heading; by default it says what the graph holds.
        """
        from pachon.quantum_butler.picture import draw_graph  # who runs quanta draws nothing, and is to start quickly

        return draw_graph(self._structure, self._columns, self._maker, max_nodes=max_nodes, logs=logs, title=title)

    def __repr__(self) -> str:
        counts = ", ".join(f"{label} {count}" for label, count in self.task_counts().items())
        part = "part of a " if self.is_partial else ""
        return f"<{part}QuantumGraph of {len(self)} quanta for {self.header.output_run!r}: {counts or 'empty'}>"

    def _repr_html_(self) -> str:
        """Show the number of quanta of each task in a notebook."""
        from html import escape  # not for jobs, which show nothing

        rows = "".join(
            f"<tr><td>{escape(label)}</td><td>{count}</td></tr>" for label, count in self.task_counts().items()
        )
        return (
            f"<p>{len(self)} quanta for run <code>{escape(self.header.output_run)}</code></p>"
            f"<table><tr><th>task</th><th>quanta</th></tr>{rows}</table>"
        )
