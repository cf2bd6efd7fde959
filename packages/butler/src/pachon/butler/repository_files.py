# SPDX-License-Identifier: BSD-3-Clause
"""What an open repository does with files: its datastore, the rows of the files, and the process as a writer of both."""

from __future__ import annotations

from typing import Self

from pachon.base import StorageError
from pachon.butler.config_writing import make_root_folder
from pachon.butler.record_store import RegistryRecordStore
from pachon.butler.repository_config import RepositoryConfig
from pachon.butler.repository_location import folder_text
from pachon.butler.writer_lease import WriterLease
from pachon.datasets import StorageClasses
from pachon.datastore import Datastore
from pachon.datastore.file_check import FileKeeper
from pachon.registry import SqlRegistry
from pachon.resources import ResourcePath

__all__ = ["RepositoryFiles"]


class RepositoryFiles:
    """The datastore of an open repository with what goes with it; queries need nothing of this."""

    def __init__(self, *, datastore: Datastore, records: RegistryRecordStore, lease: WriterLease) -> None:
        self.datastore = datastore
        self.records = records
        self.lease = lease

    @classmethod
    def open(
        cls, registry: SqlRegistry, config: RepositoryConfig, *, folder: ResourcePath, storage_classes: StorageClasses
    ) -> Self:
        """Make the parts; ``folder`` stands for ``<butlerRoot>``.

        Raises
        ------
        DatastoreConfigError, TemplateError
            If the datastore cannot be as it is configured.
        """
        records = RegistryRecordStore(registry)
        lease = WriterLease(registry)
        datastore = Datastore.open(
            config.datastore,
            root=folder,
            universe=registry.universe,
            storage_classes=storage_classes,
            records=records,
            new_token=lease.new_token,
        )
        return cls(datastore=datastore, records=records, lease=lease)

    def make_root(self, *, group_writable: bool) -> None:
        """Make the folder of all files before the first of them.

        Raises
        ------
        StorageError
            If it is missing later.
        """
        datastore = self.datastore
        if not isinstance(datastore, FileKeeper) or not datastore.root.is_local or datastore.root.exists():
            return
        if not self.records.is_empty():
            raise StorageError(
                f"The folder of the files of this repository does not exist: {folder_text(datastore.root)}. Is its disk mounted? "
                "If the files are lost, make the folder and run 'butler fsck'."
            )
        make_root_folder(datastore.root, group_writable=group_writable)
