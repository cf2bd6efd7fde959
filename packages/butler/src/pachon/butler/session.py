# SPDX-License-Identifier: BSD-3-Clause
"""The open parts of a butler, which all verbs work on."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from pachon.base import ReadOnlyError
from pachon.butler.defaults import Defaults
from pachon.butler.errors import ClosedButlerError, NotTransactionalError
from pachon.butler.repository_config import RepositoryConfig
from pachon.butler.repository_location import RepositoryLocation, sqlite_file
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionUniverse
from pachon.registry import SqlRegistry
from pachon.resources import ResourcePath

if TYPE_CHECKING:
    from pachon.butler.record_store import RegistryRecordStore
    from pachon.butler.repository_files import RepositoryFiles
    from pachon.butler.write_protocol import Writer
    from pachon.datasets import StorageClasses
    from pachon.datastore import Datastore, FileRecords

__all__ = ["OpenRepository", "Session"]


class OpenRepository:
    """A repository that is open: its configuration and registry, and its files when they are used; shared by a butler and its clones.

    It is closed when the last of them is.
    """

    def __init__(
        self,
        *,
        location: RepositoryLocation,
        config: RepositoryConfig,
        folder: ResourcePath,
        database_url: str,
        registry: SqlRegistry,
        storage_classes: StorageClasses | None,
        writeable: bool,
    ) -> None:
        self.location = location
        self.config = config
        self.folder = folder
        """What stands for ``<butlerRoot>``."""
        self.database_url = database_url
        """The URL of the database, the folder of the repository put in."""
        self.registry = registry
        self._storage_classes = storage_classes
        self.writeable = writeable
        self._users = 0
        self._lock = threading.Lock()
        self._files: RepositoryFiles | None = None

    @property
    def storage_classes(self) -> StorageClasses:
        """The built-in storage classes, with those of the repository if it has any."""
        if self._storage_classes is None:
            # Queries need none, and it takes a while to read them.
            from pachon.datasets import StorageClasses

            return StorageClasses.default()
        return self._storage_classes

    @property
    def files(self) -> RepositoryFiles:
        """The datastore and its records; opened when they are first used, unless the repository is opened for writing.

        Raises
        ------
        DatastoreConfigError, TemplateError
            If the datastore cannot be as it is configured.
        """
        if self._files is None:
            # The datastore and its formatters take a while to import, and queries do without them.
            from pachon.butler.repository_files import RepositoryFiles
            from pachon.datastore import DatastoreConfigError, TemplateError

            try:
                opened = RepositoryFiles.open(
                    self.registry, self.config, folder=self.folder, storage_classes=self.storage_classes
                )
            except (DatastoreConfigError, TemplateError) as error:
                # It may be read long after the repository was opened, and beside others.
                error.add_note(f"The datastore is configured in {self.location.config}.")
                raise
            # Threads may come at the same time. No lock is held while files are looked at: a process may be forked meanwhile.
            with self._lock:
                if self._files is None:
                    self._files = opened
        return self._files

    @property
    def database_file(self) -> ResourcePath | None:
        """The file of the database; None if a server has it."""
        return sqlite_file(self.database_url)

    def enter(self) -> None:
        """Count a user."""
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        """Count a user off; the last one closes."""
        with self._lock:
            self._users -= 1
            last = self._users == 0
        if last:
            if self._files is not None:
                self._files.lease.close()
            self.registry.close()


class Session:
    """One butler's view of an open repository: with its defaults and its transaction, until it is closed.

    Like the butler it is for one thread. One that does not keep the repository open is of use while another session does, and need not be
    closed.
    """

    def __init__(self, repository: OpenRepository, defaults: Defaults, *, keeps_open: bool = True) -> None:
        if keeps_open:
            repository.enter()
        self._keeps_open = keeps_open
        self.repository = repository
        self.defaults = defaults
        self.registry = repository.registry
        self.new_runs: set[str] = set()
        """Runs that are made when the first datasets of them are committed."""
        self._closed = False
        self._inferred: Mapping[str, Any] | None = None

    @property
    def storage_classes(self) -> StorageClasses:
        """The storage classes of the repository."""
        return self.repository.storage_classes

    @cached_property
    def datastore(self) -> Datastore:
        """The datastore of the repository."""
        return self.repository.files.datastore

    @cached_property
    def records(self) -> RegistryRecordStore:
        """The rows of all files."""
        return self.repository.files.records

    @cached_property
    def writer(self) -> Writer:
        """What applies changes."""
        # What writes files safely is a good part of the butler, and who only reads does without it.
        from pachon.butler.write_protocol import Writer

        files = self.repository.files
        return Writer(self.registry, files.lease, files.datastore)

    @property
    def in_block(self) -> bool:
        """Whether a ``transaction()`` block is open."""
        return self.repository.writeable and self.writer.in_block

    def pending_records(self, dataset_id: bytes) -> FileRecords | None:
        """Find the files of a dataset that was put in an open block."""
        return self.writer.pending_records(dataset_id) if self.in_block else None

    @property
    def universe(self) -> DimensionUniverse:
        """The dimensions of the repository."""
        return self.registry.universe

    @property
    def root(self) -> str:
        """The folder of the repository, for messages."""
        return str(self.repository.location.folder)

    @property
    def default_data_id(self) -> Mapping[str, Any]:
        """Values of governor dimensions where a call gives none: those given, and those that are the only ones."""
        if not self.defaults.infer or not self.defaults.collections:
            return self.defaults.data_id
        if self._inferred is None:
            # Default collections that do not exist (yet) are not an error here.
            searched = self.registry.collections.find(self.defaults.collections)
            only = self.registry.collections.fetch_governor_values(searched)
            inferred = {name: next(iter(values)) for name, values in only.items() if len(values) == 1}
            self._inferred = {**inferred, **self.defaults.data_id}
        return self._inferred

    def default_values(self, names: Iterable[str]) -> Mapping[str, Any]:
        """Give default values, those of these governor dimensions among them if there are any."""
        given = self.defaults.data_id
        return given if all(name in given for name in names) else self.default_data_id

    def forget_inferred(self) -> None:
        """Look again for the only governor values at the next call: collections changed."""
        self._inferred = None

    def note_written(self, data_ids: DataIdTable | DataCoordinate) -> None:
        """Look again for the only governor values if these data IDs have others."""
        if self._inferred is None:
            return
        for name in data_ids.group.governors:
            values = (
                [data_ids[name]] if isinstance(data_ids, DataCoordinate) else data_ids.columns[name].values.tolist()
            )
            if values != [self._inferred.get(name)]:
                self._inferred = None
                return

    def check_open(self) -> None:
        """Refuse to work after `close`."""
        if self._closed:
            raise ClosedButlerError(self.root)

    def check_writeable(self) -> None:
        """Refuse a change through a butler that was opened for reading."""
        self.check_open()
        if not self.repository.writeable:
            raise ReadOnlyError(f"The butler of {self.root!r} is read-only; open it with writeable=True or a run.")

    def check_no_block(self, operation: str) -> None:
        """Refuse what cannot be part of a transaction, be it a block of the butler or one of its collections."""
        if self.in_block or self.registry.is_writing:
            raise NotTransactionalError(operation)

    def __enter__(self) -> Self:
        self.check_open()
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session; the last one of a repository closes its connections."""
        if not self._closed:
            self._closed = True
            if self._keeps_open:
                self.repository.leave()
