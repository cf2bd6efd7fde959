# SPDX-License-Identifier: BSD-3-Clause
"""The files of a graph's quanta, out of the repository: into a folder, or into a zip archive.

They are found by the graph: inputs by its records, outputs by their predicted places, registered or not.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from uuid import UUID

import numpy as np

from pachon.butler.graph_match import chosen_names
from pachon.butler.repository_location import as_resource
from pachon.butler.retrieve import INDEX_NAME, artifact_index, copy_files
from pachon.datasets import DatasetRef
from pachon.datastore import FileRecords, StoredFile
from pachon.datastore.records import file_part
from pachon.quantum_butler import DatasetState, QuantumBackedButler, QuantumGraph
from pachon.resources import ResourcePath

__all__ = ["retrieve_for_quanta", "zip_outputs"]


def retrieve_for_quanta(
    graph: QuantumGraph,
    destination: str | ResourcePath,
    *,
    quanta: Iterable[UUID] | None = None,
    root: str | None = None,
    inputs: bool = True,
    outputs: bool = True,
    transfer: str = "copy",
    preserve_path: bool = True,
    overwrite: bool = False,
) -> list[ResourcePath]:
    """Copy the files that quanta read and write to a folder, with an index; give their new places.

    Parameters
    ----------
    graph
        The graph.
    destination
        The folder, made if it does not exist.
    quanta
        Which quanta; all if left out.
    root
        Another place for the repository's files than the graph says.
    inputs, outputs
        Whether what they read, and what they write, is copied. What is not there is left out.
    transfer, preserve_path, overwrite
        As for `Butler.retrieve`.
    """
    with QuantumBackedButler.from_graph(graph, quanta=quanta, root=root) as butler:
        refs = list(_refs(butler.graph, inputs=inputs, outputs=outputs))
        found, rows = _stored(butler, refs)
        return copy_files(
            butler.datastore,
            found,
            rows,
            destination,
            transfer=transfer,
            preserve_path=preserve_path,
            overwrite=overwrite,
        )


def zip_outputs(
    graph: QuantumGraph,
    destination: str | ResourcePath,
    *,
    dataset_types: Iterable[str] = ("*",),
    root: str | None = None,
    overwrite: bool = False,
) -> tuple[ResourcePath, int]:
    """Put the outputs of a graph that are there into one zip archive, with an index; give its place and their number.

    Parameters
    ----------
    graph
        The graph.
    destination
        A folder, in which the archive gets the name of the graph's id, or a name that ends in ``.zip``.
    dataset_types
        Names, or globs of them.
    root
        Another place for the repository's files than the graph says.
    overwrite
        Whether an archive that is there is replaced.

    Raises
    ------
    NotFoundError
        If the quanta write no dataset type of such a name.
    """
    place = as_resource(destination)
    if place.extension != ".zip":
        folder = ResourcePath(place, force_directory=True)
        folder.mkdir()
        place = folder.join(f"{graph.header.graph_id}.zip")
    with QuantumBackedButler.from_graph(graph, root=root) as butler, tempfile.TemporaryDirectory() as scratch:
        outputs = list(_refs(butler.graph, inputs=False, outputs=True))
        written = dict.fromkeys(ref.dataset_type.name for ref in outputs)
        names = set(chosen_names(written, dataset_types, whose="The quanta of the graph write"))
        refs = [ref for ref in outputs if ref.dataset_type.name in names]
        found, rows = _stored(butler, refs)
        local = os.path.join(scratch, "outputs.zip")
        with zipfile.ZipFile(local, "w", zipfile.ZIP_STORED) as archive:
            for row in {file_part(row.path): row for row in rows}.values():
                archive.writestr(file_part(row.path), butler.datastore.uri(row).without_fragment().read())
            archive.writestr(INDEX_NAME, artifact_index(found, rows))
        place.transfer_from(ResourcePath(local), "copy", overwrite=overwrite)
    return place, len(found)


def _refs(graph: QuantumGraph, *, inputs: bool, outputs: bool) -> Iterator[DatasetRef]:
    """Give the datasets of a graph, those of the construction of tasks included; each once, as a whole."""
    seen: set[UUID] = set()
    init = [graph.init_quantum(label) for label in graph.init_labels]
    for quantum in (*init, *graph.iter_quanta()):
        sides = []
        if inputs:
            sides += [*quantum.inputs.values(), tuple(quantum.init_inputs.values())]
        if outputs:
            sides += [*quantum.outputs.values(), tuple(quantum.init_outputs.values())]
        for ref in (ref for refs in sides for ref in refs):
            if ref.id not in seen:
                seen.add(ref.id)
                yield ref.with_dataset_type(graph.dataset_types[ref.dataset_type.parent_name])


def _stored(butler: QuantumBackedButler, refs: list[DatasetRef]) -> tuple[list[DatasetRef], list[StoredFile]]:
    """Give those that are there, with the records of their files."""
    rows: list[StoredFile] = []
    by_type: dict[str, list[DatasetRef]] = {}
    for ref in refs:
        by_type.setdefault(ref.dataset_type.name, []).append(ref)
    for name, mine in by_type.items():
        wanted = {ref.id for ref in mine}
        rows += [row for row in butler.graph.file_records(name).rows() if row.dataset_id in wanted]
        table = butler.graph.datasets(name)
        made = np.flatnonzero(butler.graph.dataset_states(name) != DatasetState.EXISTING)
        predicted = [ref for ref in butler.graph.refs(name, made) if ref.id in wanted] if len(table) else []
        if predicted:
            rows += butler.datastore.predicted_records(predicted).rows()
    records = FileRecords.from_rows(rows)
    there = butler.datastore.exists(records) if rows else np.empty(0, dtype=bool)
    kept = []
    for row, is_there in zip(rows, there, strict=True):
        if is_there:
            place = butler.datastore.uri(row)
            kept.append(row if row.size is not None else replace(row, size=place.size()))
    stored = {row.dataset_id for row in kept}
    return [ref for ref in refs if ref.id in stored], kept
