# SPDX-License-Identifier: BSD-3-Clause
"""The butler: one front to registry and datastore, which keeps them consistent.

Each verb is a module of functions; a method imports its module when it is called, so that importing `Butler` costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from pachon.base import InvalidInputError, NotFoundError, load_plugin
from pachon.base.hidden_secrets import hide_secrets
from pachon.butler.arguments import explains_arguments
from pachon.butler.reading_butler import ReadingButler

if TYPE_CHECKING:
    from pachon.butler.backup import Backup
    from pachon.butler.collections_api import ButlerCollections
    from pachon.butler.dataset_types_api import ButlerDatasetTypes
    from pachon.butler.defaults import Defaults
    from pachon.butler.dimension_records_api import ButlerDimensionRecords
    from pachon.butler.fsck.report import FsckReport
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
        StorageClasses,
    )
    from pachon.datastore import FileRecords
    from pachon.dimensions import DimensionUniverse
    from pachon.quantum_butler import QuantumGraph
    from pachon.resources import ResourcePath

__all__ = ["CLIENT_GROUP", "Butler"]

CLIENT_GROUP = "pachon.butler.clients"
"""Entry points of what opens the repository of a server, by scheme of its URL (``https``)."""

_UNSET: Any = object()


@explains_arguments
class Butler(ReadingButler):
    """Access to one data repository: datasets by their types and data IDs.

    Make one with `create` or `open`, and use it as a context manager or `close` it. A butler is for one thread: give each
    its `clone`. It can be sent to other processes; it is opened anew there.
    """

    def __init__(self, session: Session) -> None:
        if isinstance(session, str | os.PathLike):
            raise InvalidInputError(f"A butler is opened by Butler.open({str(session)!r}), and made by Butler.create.")
        self._session = session

    @classmethod
    def create(
        cls,
        root: str | ResourcePath,
        *,
        database: str | None = None,
        universe: DimensionUniverse | Mapping[str, Any] | str | ResourcePath | None = None,
        datastore: Mapping[str, Any] | None = None,
        storage_classes: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        group_writable: bool = False,
    ) -> Butler:
        """Make an empty repository, and open it for writing.

        Parameters
        ----------
        root
            Path or URI of its folder.
        database
            SQLAlchemy URL; by default a file of SQLite in the folder.
        universe
            The dimensions: a value, a document, or a YAML file; by default those of LSST's ``daf_butler``.
        datastore
            Section ``datastore`` of ``butler.yaml``; by default files in the folder.
        storage_classes
            Definitions beside the built-in ones.
        overwrite
            Replace a repository that is there; what it held is lost.
        group_writable
            Let the group of the folder write to the repository too, whatever the umask of who writes.

        Raises
        ------
        RepositoryExistsError
            If there is one already.
        """
        from pachon.butler.repository_creation import create_repository

        create_repository(
            root,
            database=database,
            universe=universe,
            datastore=datastore,
            storage_classes=storage_classes,
            overwrite=overwrite,
            group_writable=group_writable,
        )
        return cls.open(root, writeable=True)

    @classmethod
    def open(
        cls,
        root: str | ResourcePath,
        *,
        collections: str | Iterable[str] | None = None,
        run: str | None = None,
        writeable: bool | None = None,
        infer_data_id: bool = True,
        **default_data_id: Any,
    ) -> Butler:
        """Open a repository.

        Parameters
        ----------
        root
            Path, URI, configuration file, or label of the repository index; the URL of a server.
        collections
            What is searched, in order, where a call does not say; by default the run.
        run
            Where datasets are put that do not say; made by the first write.
        writeable
            Whether changes are allowed; by default if there is a run.
        infer_data_id
            Add the governor values that are the only ones in the collections to the default data ID.
        **default_data_id
            Values of governor dimensions, such as ``instrument``, for data IDs that lack them.

        Raises
        ------
        RepositoryNotFoundError
            If there is none.
        DataIdValueError
            If a default is for another dimension than a governor.
        """
        if isinstance(root, str) and root.startswith(("http://", "https://")) and not root.endswith((".yaml", ".yml")):
            return _open_client(root, collections=collections, run=run, writeable=writeable, **default_data_id)
        from pachon.butler.defaults import Defaults
        from pachon.butler.repository_opening import open_session

        defaults = Defaults.make(collections=collections, run=run, data_id=default_data_id, infer=infer_data_id)
        return cls(open_session(root, defaults, writeable=run is not None if writeable is None else writeable))

    def clone(
        self,
        *,
        collections: str | Iterable[str] | None = _UNSET,
        run: str | None = _UNSET,
        data_id: Mapping[str, Any] = _UNSET,
    ) -> Butler:
        """Give a butler of the same open repository with its own defaults and transaction; None resets a default."""
        from pachon.butler.defaults import Defaults
        from pachon.butler.session import Session

        self._session.check_open()
        old = self._session.defaults
        defaults = Defaults.make(
            collections=old.given if collections is _UNSET else collections,
            run=old.run if run is _UNSET else run,
            data_id=old.data_id if data_id is _UNSET else data_id or {},
            infer=old.infer,
        )
        defaults.check(self.universe)
        return Butler(Session(self._session.repository, defaults))

    def close(self) -> None:
        """Let go of connections and files; the butler cannot be used any more."""
        self._session.close()

    def __enter__(self) -> Self:
        self._session.check_open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        repository = self._session.repository
        return _reopen, (repository.location, self._session.defaults, repository.writeable)

    def __repr__(self) -> str:
        defaults = self._session.defaults
        shown = "".join(
            f", {name}={value!r}"
            for name, value in (("collections", defaults.collections), ("run", defaults.run))
            if value
        )
        return f"Butler({hide_secrets(self._session.root)!r}{shown})"

    # What it is.

    @property
    def root(self) -> ResourcePath:
        """The folder of the repository."""
        return self._session.repository.location.folder

    @property
    def run(self) -> str | None:
        """The run of what is put without one."""
        return self._session.defaults.run

    @property
    def writeable(self) -> bool:
        """Whether changes are allowed."""
        return self._session.repository.writeable

    @property
    def storage_classes(self) -> StorageClasses:
        """The storage classes of the repository."""
        return self._session.storage_classes

    @property
    def default_data_id(self) -> Mapping[str, Any]:
        """Values of governor dimensions for data IDs that lack them, those inferred included."""
        return self._session.default_data_id

    @cached_property
    def collections(self) -> ButlerCollections:
        """Collections: register, chain, tag, certify, list, remove."""
        from pachon.butler.collections_api import ButlerCollections

        return ButlerCollections(self._session)

    @cached_property
    def dataset_types(self) -> ButlerDatasetTypes:
        """Dataset types: register, list, remove."""
        from pachon.butler.dataset_types_api import ButlerDatasetTypes

        return ButlerDatasetTypes(self._session)

    @cached_property
    def dimension_records(self) -> ButlerDimensionRecords:
        """Dimension records: insert, compare, read."""
        from pachon.butler.dimension_records_api import ButlerDimensionRecords

        return ButlerDimensionRecords(self._session)

    # Writing.

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
        """Store many objects in one commit, all or none: (object, dataset type, data ID) or (object, reference)."""
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
            What is done about datasets that are in the repository: ``error``, or ``skip``, which resumes an ingest.
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
        that `put` gave can be read. An inner block that fails drops just its own changes. Registrations of collections and
        dataset types, and changes of chains, take effect at once.
        """
        self._session.check_writeable()
        return self._session.writer.block()

    # Removing.

    def prune(
        self,
        refs: Iterable[DatasetRef],
        *,
        unstore: bool = True,
        purge: bool = False,
        disassociate: Iterable[str] = (),
    ) -> None:
        """Remove the files of datasets; with ``purge`` also their rows; or take them out of TAGGED collections only.

        Parameters
        ----------
        refs
            Which datasets; more than 50,000 are removed in several transactions.
        unstore
            Remove the files. The datasets stay known, and `put` by reference can store them again.
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

    # Looking after it.

    def fsck(
        self,
        *,
        repair: bool = False,
        verify: Literal["existence", "size", "checksum"] = "size",
        min_age: float = 3600.0,
        unstore_damaged: bool = False,
        ignore: Iterable[str] = (),
    ) -> FsckReport:
        """Compare the files with the database, and explain every difference.

        Parameters
        ----------
        repair
            Mend what can be mended: end writers that are gone and remove what they left, empty the trash, move files that
            no writer of this repository made (or that are later than a restored database) to ``.lost+found``.
        verify
            What of each file is compared with its row.
        min_age
            Files without rows that are younger, in seconds, are left alone. What belongs to a writer that is at work is
            left alone at any age.
        unstore_damaged
            In a repair also drop the rows of files that are missing or damaged: the datasets stay known, but not stored.
        ignore
            Globs of paths below the root (or of names, without ``/``) that are nobody's business.

        Returns
        -------
        FsckReport
            ``clean`` says whether nothing is wrong (any more), ``findings`` what was found.

        Raises
        ------
        StorageError
            If a folder cannot be listed.
        """
        from pachon.butler.fsck.fsck import fsck

        return fsck(
            self._session,
            repair=repair,
            verify=verify,
            min_age=min_age,
            unstore_damaged=unstore_damaged,
            ignore=ignore,
        )

    def backup(self, destination: str | os.PathLike[str]) -> Backup:
        """Copy the database, as it is at this moment, into a new folder; writers go on meanwhile.

        `restore_repository` brings it back, and `fsck` says afterwards which files are later.

        Raises
        ------
        ConflictError
            If the folder holds something.
        InvalidInputError
            If the database is on a server; the message says how that makes a copy.
        """
        from pachon.butler.backup import backup_repository

        return backup_repository(self._session, destination)

    # Caches.

    def refresh(self) -> None:
        """Forget what is cached of the registry and of the default data ID."""
        self._session.check_open()
        self._session.registry.refresh()
        self._session.forget_inferred()


def _open_client(url: str, **options: Any) -> Butler:
    """Open the repository of a server, by the client that is installed."""
    try:
        client: Any = load_plugin(CLIENT_GROUP, url.partition(":")[0])
    except NotFoundError as error:
        error.add_note(f"The client for servers such as {hide_secrets(url)} is a package of its own.")
        raise
    opened: Butler = client(url, **options)
    return opened


def _reopen(location: Any, defaults: Defaults, writeable: bool) -> Butler:
    """Open a butler that was sent to this process."""
    from pachon.butler.repository_opening import open_session

    return Butler(open_session(location, defaults, writeable=writeable))
