# SPDX-License-Identifier: BSD-3-Clause
"""The dataset types of a registry."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from pachon.datasets import DatasetType
from pachon.registry.collection_names import as_expressions, is_glob, match_glob
from pachon.registry.database.inserts import insert_or_skip
from pachon.registry.database.retries import retried
from pachon.registry.errors import (
    ConflictingDefinitionError,
    DatasetTypeError,
    OrphanedRecordError,
    TransactionConflictError,
)
from pachon.registry.state import State

__all__ = ["DatasetTypes"]


class DatasetTypes:
    """Register, list and remove dataset types."""

    def __init__(self, state: State) -> None:
        self._state = state

    def register(self, dataset_type: DatasetType) -> bool:
        """Register a dataset type unless it is; true if it was not.

        Raises
        ------
        ConflictingDefinitionError
            If the name is registered with other dimensions, storage class or calibration flag.
        DatasetTypeError
            If it is a component.
        """
        return _register(self._state, dataset_type)

    def get(self, name: str) -> DatasetType:
        """Give the dataset type of a name.

        Raises
        ------
        MissingDatasetTypeError
            If it is not registered; close names are suggested.
        """
        with self._state.database.read() as connection:
            return self._state.view(connection).get_dataset_type(name).dataset_type

    def find(self, names: Iterable[str]) -> dict[str, DatasetType]:
        """Give the dataset types of these names; absent ones are left out."""
        with self._state.database.read() as connection:
            known = self._state.view(connection).find_dataset_types(names)
            return {name: item.dataset_type for name, item in known.items()}

    def query(self, expression: str | Iterable[str] = "*") -> list[DatasetType]:
        """Give the dataset types that names and patterns match, by name; absent names are left out."""
        with self._state.database.read() as connection:
            known = {
                item.dataset_type.name: item.dataset_type for item in self._state.view(connection).all_dataset_types()
            }
        names: set[str] = set()
        for item in as_expressions(expression):
            names.update(match_glob(item, known) if is_glob(item) else [item] if item in known else [])
        return [known[name] for name in sorted(names)]

    def remove(self, expression: str | Iterable[str]) -> list[str]:
        """Remove the dataset types that names and patterns match; give their names.

        Raises
        ------
        OrphanedRecordError
            If a dataset of one exists; then none is removed.
        """
        return _remove(self._state, [dataset_type.name for dataset_type in self.query(expression)])


@retried
def _register(state: State, dataset_type: DatasetType) -> bool:
    if dataset_type.component is not None:
        raise DatasetTypeError(f"{dataset_type.name!r} is a component; register {dataset_type.parent_name!r}.")
    dataset_type = dataset_type.conform(state.universe)
    with state.database.read() as connection:
        known = state.view(connection).find_dataset_types([dataset_type.name])
    if known:
        return _same(known[dataset_type.name].dataset_type, dataset_type)
    with state.database.write() as connection:
        state.definitions.added(connection)
        table = state.schema.static.dataset_type
        row = {
            "name": dataset_type.name,
            "group_id": _register_group(state, connection, dataset_type),
            "storage_class": dataset_type.storage_class,
            "is_calibration": dataset_type.is_calibration,
        }
        inserted = connection.execute(insert_or_skip(table, state.dialect, keys=["name"]), row).rowcount
        if inserted == 1:
            return True
        stored = state.view(connection).find_dataset_types([dataset_type.name]).get(dataset_type.name)
        if stored is None:
            # The insertion met one that is gone by now.
            raise TransactionConflictError(f"Dataset type {dataset_type.name!r} was removed while it was registered.")
        return _same(stored.dataset_type, dataset_type)


@retried
def _remove(state: State, names: list[str]) -> list[str]:
    with state.database.write() as connection:
        found = state.view(connection).find_dataset_types(names)
        table = state.schema.static.dataset_type
        numbers = [item.id for item in found.values()]
        # Who is adding datasets of these types finishes first.
        connection.execute(sa.select(table.c.name).where(table.c.dataset_type_id.in_(numbers)).with_for_update())
        for name, item in found.items():
            members = item.tables.membership
            used = sa.select(members.c.run_id).where(members.c.dataset_type_id == item.id).limit(1)
            run = connection.execute(used).scalar()
            if run is not None:
                collections = state.schema.static.collection
                place = connection.execute(sa.select(collections.c.name).where(collections.c.collection_id == run))
                raise OrphanedRecordError(
                    f"Dataset type {name!r} has datasets, such as those in run {place.scalar()!r}; remove these first."
                )
            state.definitions.changed(connection)
            connection.execute(sa.delete(table).where(table.c.dataset_type_id == item.id))
        return list(found)


def _same(known: DatasetType, asked: DatasetType) -> bool:
    if known != asked:
        raise ConflictingDefinitionError(f"{asked!r} is registered already as {known!r}.")
    return False


def _register_group(state: State, connection: sa.Connection, dataset_type: DatasetType) -> int:
    """Give the number of the type's set of dimensions; make its tables if it is the first of its kind."""
    table = state.schema.static.dimension_group
    names = ",".join(dataset_type.dimensions.names)
    inserted = connection.execute(insert_or_skip(table, state.dialect, keys=["dimensions"]), {"dimensions": names})
    number: int = connection.execute(sa.select(table.c.group_id).where(table.c.dimensions == names)).scalar_one()
    if inserted.rowcount == 1:
        state.database.on_undo(lambda: state.forget_group(number))
        tables = state.schema.datasets(dataset_type.dimensions, number)
        for new in (tables.membership, tables.validity):
            new.create(connection, checkfirst=False)
    return number
