# SPDX-License-Identifier: BSD-3-Clause
"""The part of a butler that changes what a repository holds: put, ingest, transactions, removal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Literal

from pachon.butler.arguments import explains_arguments

if TYPE_CHECKING:
    from pachon.butler.lookup import DataId
    from pachon.butler.put import Item
    from pachon.butler.session import Session
    from pachon.datasets import (
        DatasetProvenance,
        DatasetRef,
        DatasetTable,
        DatasetType,
        FileDataset,
        FileTable,
        IdMode,
    )
    from pachon.datastore import FileRecords
    from pachon.quantum_butler import QuantumGraph
    from pachon.resources import ResourcePath

__all__ = ["WritingButler"]


@explains_arguments
class WritingButler:
    """What a butler can change in a repository; each method imports its verb when it is called."""

    _session: Session

    # Storing.

    def put(
        self,
        obj: Any,
        dataset_type_or_ref: DatasetType | str | DatasetRef,
        data_id: DataId | None = None,
        *,
        run: str | None = None,
        provenance: DatasetProvenance | None = None,
        **dims: Any,
    ) -> DatasetRef:
        """Store an object as a dataset.

        Parameters
        ----------
        obj
            An object of the storage class of the dataset type, or one that converts to it.
        dataset_type_or_ref
            What it is: a registered type with a data ID, or a reference, whose id is kept.
        data_id, **dims
            Its label; alternate keys and default values are understood. The dimension records must exist.
        run
            The run it goes to, made if it does not exist; by default the butler's.
        provenance
            Where it comes from, for formats that can note it.

        Returns
        -------
        DatasetRef
            The dataset. It survives a power failure from now on; in a transaction block, from its end on.

        Raises
        ------
        ConflictingDefinitionError
            If the run has a dataset of this type and data ID.
        DataIdValueError
            If there is no record of a dimension.
        """
        from pachon.butler.put import put

        return put(self._session, obj, dataset_type_or_ref, data_id, run=run, provenance=provenance, dims=dims)

    def put_many(self, items: Iterable[Item], *, run: str | None = None) -> list[DatasetRef]:
        """Store many objects in one commit, all or none.

        Parameters
        ----------
        items
            Tuples (object, dataset type or its name, data ID), or (object, reference).
        run
            The run of those that are given by type and data ID; the butler's, by default.

        Returns
        -------
        list
            References, in the order of the objects.

        Raises
        ------
        ConflictError
            If a dataset of that type and data ID is in the run already.
        """
        from pachon.butler.put import put_many

        return put_many(self._session, items, run=run)

    def ingest(
        self,
        files: Iterable[FileDataset] | FileTable,
        *,
        run: str | None = None,
        transfer: str | None = "auto",
        on_conflict: Literal["error", "skip"] = "error",
        checksum: bool = True,
        track: bool = True,
        id_mode: IdMode | None = None,
    ) -> Sequence[DatasetRef]:
        """Take in files that exist; all of a call, or none.

        Parameters
        ----------
        files
            Files with the datasets in each, or a table of files with one dataset each, which is the quickest form for
            many. Types given as objects are registered, runs are made.
        run
            The run of datasets that are given by type and data ID.
        transfer
            ``copy``, ``move``, ``link``, ``hardlink``, ``symlink``, ``relsymlink``: files are brought into the repository
            (sources of ``move`` are removed after the commit). ``direct``: they are recorded where they are, and never
            deleted. None: they lie in the repository already. ``auto``: None if all do, a link or copy if none does. Files
            that stay where they are must be safe there: they are not brought to the medium once more.
        on_conflict
            What is done about datasets that are in the repository: ``error``, or ``skip``, which resumes an ingest. With
            ``skip`` those that are registered and lost their files (`prune` with ``unstore``) get the new ones.
        checksum
            Record checksums.
        track
            Record sizes and checksums; without, changed files are not noticed.
        id_mode
            How ids are made; by default they are unique.

        Returns
        -------
        sequence of DatasetRef
            The new datasets.

        Raises
        ------
        ConflictError
            If a dataset exists or occurs twice; nothing is ingested.
        SourceFileNotFoundError
            If a file is not there; nothing is ingested.
        ExceptionGroup
            If sources of ``move`` cannot be removed; the files are ingested all the same.
        """
        from pachon.butler.ingest import ingest
        from pachon.datasets import IdMode

        return ingest(
            self._session,
            files,
            run=run,
            transfer=transfer,
            on_conflict=on_conflict,
            checksum=checksum,
            track=track,
            id_mode=IdMode.UNIQUE if id_mode is None else id_mode,
        )

    def register_graph_outputs(self, datasets: Iterable[DatasetTable], files: FileRecords) -> int:
        """Write the rows of outputs of a quantum graph whose files are safe; give the number of new datasets.

        Repeating it changes nothing. Every dataset needs a record among ``files``, and every file must be there.

        Raises
        ------
        MissingOutputsError
            If a file is not there; nothing is registered.
        ConflictingDefinitionError
            If an id means another dataset, or a run has another dataset of that type and data ID.
        """
        from pachon.butler.graph_outputs import register_graph_outputs

        return register_graph_outputs(self._session, datasets, files)

    def transfer_from_graph(
        self,
        graph: QuantumGraph | str | ResourcePath,
        *,
        dataset_types: str | Iterable[str] = "*",
        register_dataset_types: bool = False,
        dimension_records: bool = False,
        update_output_chain: bool = False,
        dry_run: bool = False,
    ) -> int:
        """Register what the jobs of a quantum graph wrote; give the number of new datasets. It can be repeated.

        Parameters
        ----------
        graph
            The graph, or its file; it was built for this repository.
        dataset_types
            Names and globs of the types to be registered.
        register_dataset_types
            Register the types themselves where the repository lacks them.
        dimension_records
            Insert dimension records that the repository lacks.
        update_output_chain
            Put the run of the graph in front of its output chain, which is made if it does not exist.
        dry_run
            Only count.
        """
        from pachon.butler.transfer_from_graph import transfer_from_graph

        return transfer_from_graph(
            self._session,
            graph,
            dataset_types=dataset_types,
            register_dataset_types=register_dataset_types,
            dimension_records=dimension_records,
            update_output_chain=update_output_chain,
            dry_run=dry_run,
        )

    def transaction(self) -> AbstractContextManager[None]:
        """Open a block whose changes take effect together at its end, files included, or not at all.

        Files are written at once, rows at the end: until then no query sees them, those of the block included; a reference
        that `put` gave can be read. What cannot be, such as a second dataset of a data ID in a run, is thus an error at the end of
        the block, and not of the call. An inner block that fails drops just its own changes. Registrations of collections and
        dataset types, and changes of chains, take effect at once.
        """
        self._session.check_writeable()
        return self._session.writer.block()

    # Removing.

    def prune(
        self,
        refs: Iterable[DatasetRef],
        *,
        unstore: bool | None = None,
        purge: bool = False,
        disassociate: Iterable[str] = (),
    ) -> None:
        """Remove the files of datasets; with ``purge`` also their rows; or take them out of TAGGED collections only.

        Parameters
        ----------
        refs
            Which datasets; more than 50,000 are removed in several transactions.
        unstore
            Remove the files. The datasets stay known, and `put` by reference can store them again. By default files are
            removed, unless ``disassociate`` is all that was asked for.
        purge
            Remove the datasets wholly, with their tags and validity ranges.
        disassociate
            TAGGED collections to take them out of.
        """
        from pachon.butler.prune import prune

        prune(self._session, refs, unstore=unstore, purge=purge, disassociate=disassociate)

    def trash(self, refs: Iterable[DatasetRef]) -> None:
        """Take the files of datasets out of sight; `empty_trash` removes them."""
        from pachon.butler.prune import trash

        trash(self._session, refs)

    def empty_trash(self, refs: Iterable[DatasetRef] | None = None, *, dry_run: bool = False) -> list[ResourcePath]:
        """Remove the files of the trash, of all datasets or of some; give the places of the removed files."""
        from pachon.butler.prune import empty_trash

        return empty_trash(self._session, refs, dry_run=dry_run)

    def remove_runs(self, names: str | Iterable[str], *, unlink_from_chains: bool = False) -> None:
        """Remove runs with all their datasets and files.

        Raises
        ------
        OrphanedRecordError
            If a chain holds one and ``unlink_from_chains`` is not set; then nothing is removed.
        """
        from pachon.butler.prune import remove_runs

        remove_runs(self._session, names, unlink_from_chains=unlink_from_chains)
