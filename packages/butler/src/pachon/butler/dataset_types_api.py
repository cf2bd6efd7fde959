# SPDX-License-Identifier: BSD-3-Clause
"""The dataset types of a butler (``butler.dataset_types``)."""

from __future__ import annotations

from collections.abc import Iterable

from pachon.butler.arguments import explains_arguments
from pachon.butler.lookup import resolve_type
from pachon.butler.session import Session
from pachon.datasets import DatasetType

__all__ = ["ButlerDatasetTypes"]


@explains_arguments
class ButlerDatasetTypes:
    """Register, list and remove dataset types; all of it takes effect at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def register(self, dataset_type: DatasetType) -> bool:
        """Register a dataset type unless it is; true if it was not.

        Raises
        ------
        ConflictingDefinitionError
            If the name is registered with other dimensions, storage class or calibration flag.
        DatasetTypeError
            If it is a component.
        UnknownStorageClassError
            If there is no such storage class.
        """
        # Who only lists them does without what writes.
        from pachon.butler.definition_notes import register_dataset_type

        self._session.check_writeable()
        self._session.storage_classes.get(dataset_type.storage_class)
        return register_dataset_type(self._session, dataset_type)

    def get(self, name: str) -> DatasetType:
        """Give the dataset type of a name, or of a component such as ``raw.wcs``.

        Raises
        ------
        MissingDatasetTypeError
            If it is not registered; close names are suggested.
        """
        self._session.check_open()
        return resolve_type(self._session, name)[1]

    def query(
        self, expression: str | Iterable[str] = "*", *, collections: str | Iterable[str] | None = None
    ) -> list[DatasetType]:
        """Give the dataset types that names and globs match, by name; absent names are left out.

        With ``collections`` only those of which one of these has ever held datasets.
        """
        self._session.check_open()
        found = self._session.registry.dataset_types.query(expression)
        if collections is None:
            return found
        names = self._session.registry.collections.query(collections)
        infos = self._session.registry.collections.find(names, dataset_types=True)
        held = {name for info in infos.values() for name in info.dataset_types or ()}
        return [dataset_type for dataset_type in found if dataset_type.name in held]

    def remove(self, expression: str | Iterable[str]) -> list[str]:
        """Remove the dataset types that names and globs match; give their names. None matching is no error.

        Raises
        ------
        OrphanedRecordError
            If there are datasets of one; then none is removed.
        """
        from pachon.butler.definition_notes import remove_dataset_types

        self._session.check_writeable()
        return remove_dataset_types(self._session, expression)
