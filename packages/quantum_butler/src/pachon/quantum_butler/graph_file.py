# SPDX-License-Identifier: BSD-3-Clause
"""A graph's columns to the bytes of its file and back."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import IO, Any

from numpy.typing import NDArray

from pachon.quantum_butler.column_file.layout import GraphFileError
from pachon.quantum_butler.column_file.reader import ColumnFile
from pachon.quantum_butler.column_file.writer import write_file
from pachon.quantum_butler.column_source import ColumnSource, MemoryColumns
from pachon.quantum_butler.documents import DocumentSource
from pachon.quantum_butler.header import GraphHeader
from pachon.quantum_butler.structure import GraphStructure
from pachon.resources import ResourcePath, ResourcePathExpression

__all__ = ["EXTENSION", "encode_graph", "load_columns", "open_graph_file", "read_plan", "write_graph"]

EXTENSION = ".qg"


def open_graph_file(uri: ResourcePathExpression) -> tuple[GraphHeader, GraphStructure, ColumnFile]:
    """Read the directory of a graph file.

    Raises
    ------
    GraphFileError
        If the file is cut short, damaged, of a newer version, or no graph file.
    """
    path = ResourcePath(uri)
    if path.extension != EXTENSION:
        if path.extension == ".qgraph":
            raise GraphFileError(
                str(path), f"LSST's pipe_base made it; build the graph anew or name a {EXTENSION} file"
            )
        raise GraphFileError(
            str(path),
            f"its name does not end in {EXTENSION}; if it is a repository, --help says which argument comes first",
        )
    return read_plan(ColumnFile.open(path))


def read_plan(file: ColumnFile) -> tuple[GraphHeader, GraphStructure, ColumnFile]:
    """Read what an open file says of its graph.

    Raises
    ------
    GraphFileError
        If that makes no sense.
    """
    try:
        header = GraphHeader.from_document(file.header["graph"])
        structure = GraphStructure.from_document(file.header["structure"])
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        # Whoever writes a file can write its checksums too.
        raise GraphFileError(
            file.uri, f"its header makes no sense ({type(error).__name__}: {error!s:.200}); build the graph anew"
        ) from error
    return header, structure, file


def load_columns(columns: ColumnSource) -> MemoryColumns:
    """Read all columns into memory, unless they are there."""
    if isinstance(columns, MemoryColumns):
        return columns
    assert isinstance(columns, ColumnFile)
    tables: dict[str, dict[str, NDArray[Any]]] = {}
    for name in columns.names:
        table, member = _split_name(name)
        tables.setdefault(table, {})[member] = columns.read(name)
    return MemoryColumns(tables)


def encode_graph(
    header: GraphHeader,
    structure: GraphStructure,
    columns: ColumnSource,
    documents: DocumentSource,
    slices: Iterable[tuple[str, bytes]] = (),
) -> bytes:
    """Give the content of a graph's file; slices are such contents, without documents."""
    stream = io.BytesIO()
    write_graph(stream, header, structure, columns, documents, slices)
    return stream.getvalue()


def write_graph(
    stream: IO[bytes],
    header: GraphHeader,
    structure: GraphStructure,
    columns: ColumnSource,
    documents: DocumentSource,
    slices: Iterable[tuple[str, bytes]] = (),
) -> None:
    """Write the content of a graph's file to a stream."""
    write_file(
        stream,
        header={"graph": header.to_document(), "structure": structure.to_document()},
        documents={name: documents.document(name) for name in documents.document_names},
        tables=load_columns(columns).tables,
        slices=slices,
    )


def _split_name(name: str) -> tuple[str, str]:
    """Give table and column of a column's name: the table is all but ``codes/...`` or the last part."""
    table, _, member = name.rpartition("/")
    # A task or dataset type may be called "codes" as well.
    if table.endswith("/codes") and table.count("/") > 1:
        return table.removesuffix("/codes"), f"codes/{member}"
    return table, member
