# SPDX-License-Identifier: BSD-3-Clause
"""The butler: one front to registry and datastore, which keeps them consistent.

Here it is opened, described, looked after and closed; what it reads and writes is in the two classes that it is made of. Each
verb is a module of functions; a method imports its module when it is called, so that importing `Butler` costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Self

from pachon.base import InvalidInputError, NotFoundError, load_plugin
from pachon.base.hidden_secrets import hide_secrets
from pachon.butler.arguments import explains_arguments
from pachon.butler.reading_butler import ReadingButler
from pachon.butler.writing_butler import WritingButler

if TYPE_CHECKING:
    from pachon.butler.backup import Backup
    from pachon.butler.collections_api import ButlerCollections
    from pachon.butler.dataset_types_api import ButlerDatasetTypes
    from pachon.butler.defaults import Defaults
    from pachon.butler.dimension_records_api import ButlerDimensionRecords
    from pachon.butler.fsck.report import FsckReport
    from pachon.butler.session import Session
    from pachon.datasets import StorageClasses
    from pachon.dimensions import DimensionUniverse
    from pachon.resources import ResourcePath

__all__ = ["CLIENT_GROUP", "Butler"]

CLIENT_GROUP = "pachon.butler.clients"
"""Entry points of what opens the repository of a server, by scheme of its URL (``https``)."""

_UNSET: Any = object()


@explains_arguments
class Butler(ReadingButler, WritingButler):
    """Access to one data repository: datasets by their types and data IDs.

    Make one with `create` or `open`, and use it as a context manager or `close` it. A butler is for one thread: give each
    its `clone`. It can be sent to other processes; it is opened anew there.
    """

    def __init__(self, session: Session | None = None) -> None:
        if session is None:
            raise InvalidInputError("A butler is opened by Butler.open(...), and made by Butler.create(...).")
        if isinstance(session, str | os.PathLike):
            raise InvalidInputError(f"A butler is opened by Butler.open({str(session)!r}), and made by Butler.create.")
        self._session = session

    @classmethod
    def create(
        cls,
        root: str | os.PathLike[str] | ResourcePath,
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
        root: str | os.PathLike[str] | ResourcePath,
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

        asked: object = writeable
        if asked is not None and not isinstance(asked, bool):
            raise InvalidInputError(f"writeable is true or false, or None; got {writeable!r}.")
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
        return Butler(self._other_session(collections, run, data_id, keeps_open=True))

    def searching(self, collections: Sequence[str]) -> Butler:
        """Give a butler with these default collections; a governor value that is the only one there is meant where none is named.

        It is of use as long as this one is open, and need not be closed.
        """
        return Butler(self._other_session(collections, _UNSET, _UNSET, keeps_open=False))

    def _other_session(
        self,
        collections: str | Iterable[str] | None,
        run: str | None,
        data_id: Mapping[str, Any],
        *,
        keeps_open: bool,
    ) -> Session:
        """Open a session of the same repository with other defaults."""
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
        return Session(self._session.repository, defaults, keeps_open=keeps_open)

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
            Mend what can be mended: end writers that are gone, empty the trash, remove what writers left that ended, and move
            to ``.lost+found`` what killed ones left, what no writer of this repository made, and what is later than a
            restored database.
        verify
            What of each file is compared with its row.
        min_age
            Files without rows that are younger, in seconds, are left alone. What belongs to a writer that is at work is
            left alone at any age.
        unstore_damaged
            In a repair also drop the rows of files that are missing or damaged: the datasets stay known, but not stored.
            Damaged files are moved to ``.lost+found``.
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
        raise NotFoundError(
            f"{hide_secrets(url)} is the address of a server, and no client that opens repositories of servers is installed."
        ) from error
    opened: Butler = client(url, **options)
    return opened


def _reopen(location: Any, defaults: Defaults, writeable: bool) -> Butler:
    """Open a butler that was sent to this process."""
    from pachon.butler.repository_opening import open_session

    return Butler(open_session(location, defaults, writeable=writeable))
