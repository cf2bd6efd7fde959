# SPDX-License-Identifier: BSD-3-Clause
"""A butler for the datasets of some quanta, whose registry is the graph: no database is opened.

Invariants: what `put` has returned is on the medium and whole, at the path that follows from its id; a retry replaces
it in one step; nothing is written that the graph does not predict. A receipt names only outputs that are safe.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from pachon.datasets import DatasetProvenance, DatasetRef, Quantum, StorageClasses, ids_from_uuids, uuids_from_ids
from pachon.datastore import BUTLER_ROOT, DatasetFileNotFoundError, Datastore, DeferredDataset, FileRecords
from pachon.dimensions import DimensionUniverse
from pachon.quantum_butler.dataset_state import DatasetState
from pachon.quantum_butler.errors import DatasetNotInGraphError, NoDatastoreError, NotPredictedError
from pachon.quantum_butler.graph import QuantumGraph
from pachon.quantum_butler.provenance_tracker import ProvenanceTracker
from pachon.quantum_butler.receipt import QuantumProvenance, Receipt, write_receipt
from pachon.quantum_butler.record_store import GraphRecordStore
from pachon.resources import ResourcePath, ResourcePathExpression

__all__ = ["QuantumBackedButler"]

_CACHED_REFS = 50_000


class QuantumBackedButler:
    """Reads inputs and writes outputs of quanta, by references that belong to the graph.

    Make one with `open` or `from_graph`.
    """

    def __init__(
        self, graph: QuantumGraph, datastore: Datastore, records: GraphRecordStore, root: ResourcePath
    ) -> None:
        self.graph = graph
        """The quanta that this butler is for, with all that they read and write."""
        self.datastore = datastore
        """Where the files are."""
        self.root = root
        """Root of the datastore, below which receipts are written."""
        self._records = records
        self._inputs, self._outputs = _roles(graph)
        self._tracker = ProvenanceTracker(
            predicted_inputs=_id_set(graph, self._inputs), predicted_outputs=_id_set(graph, self._outputs)
        )
        self._not_taken: dict[uuid.UUID, FileRecords] = {}
        self._written: dict[uuid.UUID, FileRecords] = {}
        self._is_small = graph.is_partial and sum(graph.dataset_counts().values()) <= _CACHED_REFS
        self._ref_by_id = lru_cache(_CACHED_REFS)(self._look_up)
        self._predicted_files: dict[uuid.UUID, FileRecords] = {}

    @classmethod
    def open(
        cls,
        graph_uri: ResourcePathExpression,
        *,
        quanta: Iterable[uuid.UUID] | None = None,
        slice_name: str | None = None,
        root: ResourcePathExpression | None = None,
        storage_classes: StorageClasses | None = None,
    ) -> Self:
        """Open a graph file and the datastore that it names.

        Parameters
        ----------
        graph_uri
            The file.
        quanta
            Ids of the quanta, or init quanta, to be run; all if left out.
        slice_name
            Name of a cluster that is stored in one piece in the file; ``quanta`` are then some of it.
        root
            Another place for the same files: it replaces the root of the datastore.
        storage_classes
            Those of the repository, if it is at hand; else the built-in ones and those that the graph's header defines,
            whose types come from trusted modules only.

        Raises
        ------
        GraphFileError
            If the file cannot be read as a graph.
        NotFoundError
            If the graph has no such quantum.
        NoDatastoreError
            If the graph does not say where its files are.
        """
        graph = QuantumGraph.open(graph_uri)
        part = graph if slice_name is None else graph.slice(slice_name)
        return cls.from_graph(part, quanta=quanta, root=root, storage_classes=storage_classes)

    @classmethod
    def from_graph(
        cls,
        graph: QuantumGraph,
        *,
        quanta: Iterable[uuid.UUID] | None = None,
        root: ResourcePathExpression | None = None,
        storage_classes: StorageClasses | None = None,
    ) -> Self:
        """Do what `open` does for a graph that is at hand; a worker opens the file once and this for each quantum."""
        part = graph.loaded() if quanta is None else graph.subset(quanta)
        source = graph.datastore
        if source is None:
            raise NoDatastoreError(repr(graph))
        if storage_classes is None:
            storage_classes = StorageClasses.default()
            if source.storage_classes:
                storage_classes = storage_classes.with_definitions(source.storage_classes)
        config = dict(source.config)
        if root is not None and "root" in config:
            config["root"] = BUTLER_ROOT
        records = GraphRecordStore(part.file_records())
        repository_root = ResourcePath(root if root is not None else source.root, force_directory=True)
        datastore = Datastore.open(
            config, root=repository_root, universe=graph.universe, storage_classes=storage_classes, records=records
        )
        place = config.get("root", BUTLER_ROOT)
        place = repository_root if place == BUTLER_ROOT else ResourcePath(place, force_directory=True)
        return cls(part, datastore, records, place)

    def moved_to(self, graph: QuantumGraph, quanta: Iterable[uuid.UUID]) -> Self:
        """Give a butler for other quanta of the same graph, on the same open datastore; this one is used no more.

        Parameters
        ----------
        graph
            The graph that this butler was made for, or a part of it.
        quanta
            Ids of the quanta.
        """
        part = graph.subset(quanta)
        self._records.begin_with(part.file_records())
        return type(self)(part, self.datastore, self._records, self.root)

    def close(self) -> None:
        """Let go of the datastore; no receipt is written."""
        self.datastore.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions."""
        return self.graph.universe

    # Reading -----------------------------------------------------------------------------------------------------

    def get(
        self,
        ref: DatasetRef,
        *,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> Any:
        """Read a dataset, or a component of one.

        Raises
        ------
        DatasetNotInGraphError
            If the chosen quanta neither read nor write it.
        DatasetFileNotFoundError
            If it was not written, or is gone.
        """
        known = self._known(ref)
        obj = self.datastore.get(
            _like(known, ref), records=self._records_of(known), parameters=parameters, storage_class=storage_class
        )
        self._tracker.read(ref.id)
        return obj

    def get_deferred(
        self,
        ref: DatasetRef,
        *,
        parameters: Mapping[str, Any] | None = None,
        storage_class: str | None = None,
    ) -> DeferredDataset:
        """Give a handle that reads the dataset later; it counts as read at once.

        Raises
        ------
        DatasetNotInGraphError
            If the chosen quanta neither read nor write it.
        """
        known = self._known(ref)
        self._tracker.read(ref.id)
        return self.datastore.get_deferred(
            _like(known, ref), records=self._records_of(known), parameters=parameters, storage_class=storage_class
        )

    def exists(self, ref: DatasetRef) -> bool:
        """Tell whether a dataset is there; its files are looked for."""
        return self.exists_many([ref])[0]

    def exists_many(self, refs: Sequence[DatasetRef]) -> list[bool]:
        """Tell for each dataset whether it is there; one that is not of the graph is not."""
        tables = [self._records_of(known) if known is not None else None for known in map(self._find, refs)]
        present = [table for table in tables if table is not None]
        there = self.datastore.exists(FileRecords.concat(present)) if present else np.empty(0, dtype=bool)
        answers: list[bool] = []
        start = 0
        for ref, table in zip(refs, tables, strict=True):
            found = False
            if table is not None:
                files = there[start : start + len(table)]
                start += len(table)
                # Of a predicted dataset that is taken apart, components that were None have no file.
                found = bool(files.any() if (table.size < 0).any() else files.all()) and len(files) > 0
            self._tracker.looked_for(ref.id, found=found)
            answers.append(found)
        return answers

    def find_missing(self, refs: Sequence[DatasetRef]) -> set[uuid.UUID]:
        """Give the ids of inputs that another quantum was to make and did not, or that had no file when the graph was built.

        What had one counts as there: that its file is gone is an error for whoever reads it.
        """
        known = ((ref, self._find(ref)) for ref in refs)
        doubtful = [
            ref for ref, whole in known if whole is None or not self._existed(whole) or ref.id not in self._records
        ]
        return {ref.id for ref, there in zip(doubtful, self.exists_many(doubtful), strict=True) if not there}

    def get_uri(self, ref: DatasetRef) -> ResourcePath:
        """Give the place of the first file of a dataset, whether it is there or not.

        Raises
        ------
        DatasetNotInGraphError
            If the chosen quanta neither read nor write it.
        DatasetFileNotFoundError
            If it is an overall input and the graph was built without datastore records.
        """
        records = self._records_of(self._known(ref))
        if not len(records):
            raise DatasetFileNotFoundError(ref.id, ref.dataset_type.name, None, self.datastore.name)
        return self.datastore.uri(records.row(0))

    # Writing -----------------------------------------------------------------------------------------------------

    def put(self, obj: Any, ref: DatasetRef, *, provenance: DatasetProvenance | None = None) -> DatasetRef:
        """Write an output; when this returns it is on the medium, in place of what an earlier attempt wrote.

        Raises
        ------
        NotPredictedError
            If it is no output of the chosen quanta.
        """
        return self.put_many([(obj, ref)], provenance=provenance)[0]

    def put_many(
        self, items: Iterable[tuple[Any, DatasetRef]], *, provenance: DatasetProvenance | None = None
    ) -> list[DatasetRef]:
        """Write outputs and bring them to the medium together; they appear in this order.

        Raises
        ------
        NotPredictedError
            If one is no output of the chosen quanta; nothing is written.
        """
        planned = [(obj, self._predicted(ref)) for obj, ref in items]
        written = self.datastore.write_many(planned, predicted=True, provenance=provenance)
        self._remove_leftovers([ref for _, ref in planned], written)
        self._records.renew(written)
        for _, ref in planned:
            self._tracker.written(ref.id)
            self._written[ref.id] = self._not_taken[ref.id] = (
                written if len(planned) == 1 else written.of_dataset(ref.id)
            )
        return [ref for _, ref in planned]

    def remove(self, refs: Iterable[DatasetRef]) -> None:
        """Remove outputs that an earlier attempt may have left; those that are not there are no error.

        Raises
        ------
        NotPredictedError
            If one is no output of the chosen quanta.
        ExceptionGroup
            If files could not be removed.
        """
        chosen = [self._predicted(ref) for ref in refs]
        self._records.forget(ids_from_uuids(ref.id for ref in chosen))
        removal = self.datastore.remove_files(self.datastore.predicted_records(chosen))
        for ref in chosen:
            self._tracker.removed(ref.id)
            self._written.pop(ref.id, None)
            self._not_taken.pop(ref.id, None)
        failures = [OSError(error) for error in removal.errors if error]
        if failures:
            raise ExceptionGroup("Outputs of an earlier attempt could not be removed", failures)

    def _remove_leftovers(self, refs: Sequence[DatasetRef], written: FileRecords) -> None:
        """Remove components that an earlier attempt wrote and this one did not, as they were None."""
        if len(written) == len(refs) and not written.component.any():
            return  # each is one file
        apart = [ref for ref in refs if len(written.of_dataset(ref.id)) > 1 or written.of_dataset(ref.id).component[0]]
        if not apart:
            return
        possible = self.datastore.predicted_records(apart)
        fresh = set(written.path)
        left = np.array([path not in fresh for path in possible.path], dtype=bool)
        if left.any():
            self.datastore.remove_files(possible.take(left))

    # What was done -----------------------------------------------------------------------------------------------

    def mark_input_unused(self, ref: DatasetRef) -> None:
        """Note that an input was read, or its handle taken, and not used."""
        self._tracker.unused(ref.id)

    def provenance(self, quantum: Quantum | None = None) -> QuantumProvenance:
        """Give which datasets were looked for, read and written so far: all, or those of one quantum."""
        noted = self._tracker.snapshot()
        if quantum is None:
            return noted
        inputs = {ref.id for refs in quantum.inputs.values() for ref in refs}
        inputs |= {ref.id for ref in quantum.init_inputs.values()}
        outputs = {ref.id for refs in quantum.outputs.values() for ref in refs}
        return noted.limited_to(inputs, outputs)

    def take_written(self, *, forget: bool = False) -> FileRecords:
        """Give the records of what was written since the last call, for whoever commits them.

        Parameters
        ----------
        forget
            Begin anew, as after opening: what was read and written is no longer noted. So a butler can serve one quantum
            after the other, and another process may write the same outputs in between.
        """
        taken = FileRecords.concat(self._not_taken.values())
        self._not_taken.clear()
        if forget:
            self._records.forget(ids_from_uuids(self._written))
            self._written.clear()
            self._tracker.forget()
        return taken

    def receipt(self) -> Receipt:
        """Give what was written and read by this butler."""
        return Receipt(
            graph_id=self.graph.header.graph_id,
            run=self.graph.header.output_run,
            quanta=tuple(uuids_from_ids(self.graph.ids)),
            records=FileRecords.concat(self._written.values()),
            provenance=self.provenance(),
        )

    def write_receipt(self) -> ResourcePath:
        """Write the receipt of what was done, safely on the medium when this returns."""
        return write_receipt(self.root, self.receipt())

    # Helpers -----------------------------------------------------------------------------------------------------

    def _find(self, ref: DatasetRef) -> DatasetRef | None:
        """Give the graph's own reference, expanded and in the dataset type's storage class."""
        known, _ = self._ref_by_id(ref.id)
        if known is None or known.dataset_type.name != ref.dataset_type.parent_name:
            return None
        return known

    def _look_up(self, dataset_id: uuid.UUID) -> tuple[DatasetRef | None, bool]:
        """Give the reference, and whether the dataset was there when the graph was built."""
        if self._is_small:
            return self._all_refs.get(dataset_id, (None, False))
        types, rows = self.graph.dataset_index.find(ids_from_uuids([dataset_id]))
        if types[0] < 0:
            return None, False
        name = self.graph.dataset_index.names[types[0]]
        existed = bool(self.graph.dataset_states(name)[rows[0]] == DatasetState.EXISTING)
        return self.graph.refs(name, rows)[0], existed

    @cached_property
    def _all_refs(self) -> dict[uuid.UUID, tuple[DatasetRef, bool]]:
        """Everything that `_look_up` can find, made together: much faster than one after the other."""
        found: dict[uuid.UUID, tuple[DatasetRef, bool]] = {}
        for name, count in self.graph.dataset_counts().items():
            existed = (self.graph.dataset_states(name) == DatasetState.EXISTING).tolist()
            refs = self.graph.refs(name, np.arange(count))
            found.update((ref.id, (ref, old)) for ref, old in zip(refs, existed, strict=True))
        return found

    def _existed(self, ref: DatasetRef) -> bool:
        """Tell whether a dataset was there when the graph was built, so that its path does not follow from its id."""
        return self._ref_by_id(ref.id)[1]

    def _known(self, ref: DatasetRef) -> DatasetRef:
        known = self._find(ref)
        if known is None:
            raise DatasetNotInGraphError(ref.dataset_type.name, ref.id)
        return known

    def _predicted(self, ref: DatasetRef) -> DatasetRef:
        known = self._find(ref)
        if known is None or ref.dataset_type.component is not None:
            raise NotPredictedError(ref.dataset_type.name, ref.id)
        if ref.id not in self._tracker.predicted_outputs:
            raise NotPredictedError(ref.dataset_type.name, ref.id)
        return known

    def _records_of(self, ref: DatasetRef) -> FileRecords:
        """Give the records that the graph has or this process made, else those that the dataset will have."""
        if ref.id in self._records:
            return self._records.fetch(ids_from_uuids([ref.id]))
        if self._existed(ref):
            return FileRecords.empty()
        found = self._predicted_files.get(ref.id)
        if found is None:
            if len(self._predicted_files) > _CACHED_REFS:
                self._predicted_files.clear()
            found = self._predicted_files[ref.id] = self.datastore.predicted_records([ref])
        return found


_Roles = Mapping[str, NDArray[np.bool_]]
"""By dataset type: which rows have the role."""


def _roles(graph: QuantumGraph) -> tuple[_Roles, _Roles]:
    """Tell which datasets the quanta of a graph read, and which they are to write."""
    structure, columns = graph.structure, graph.columns
    inputs = {name: np.zeros(entry.rows, dtype=bool) for name, entry in structure.datasets.items()}
    outputs = {name: np.zeros(entry.rows, dtype=bool) for name, entry in structure.datasets.items()}
    for edge in structure.edges:
        role = outputs if edge.kind == "output" else inputs
        role[edge.dataset_type] |= True if edge.identity else np.diff(columns.read(f"{edge.table}/back_offsets")) > 0
    for entry in structure.init.values():
        for item in entry.connections:
            role = outputs if item.kind == "init_output" else inputs
            role[item.dataset_type][item.row] = True
    for name, mask in outputs.items():
        # What existed when the graph was built is never written, whatever quantum made it.
        mask &= graph.dataset_states(name) != DatasetState.EXISTING
    return inputs, outputs


def _id_set(graph: QuantumGraph, roles: _Roles) -> frozenset[uuid.UUID]:
    return frozenset(
        id_ for name, mask in roles.items() for id_ in uuids_from_ids(graph.columns.read(f"datasets/{name}/id")[mask])
    )


def _like(known: DatasetRef, asked: DatasetRef) -> DatasetRef:
    """Give the graph's reference in the storage class, or as the component, that was asked for."""
    return known if known.dataset_type == asked.dataset_type else known.with_dataset_type(asked.dataset_type)
