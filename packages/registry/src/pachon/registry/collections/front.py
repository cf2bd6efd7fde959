# SPDX-License-Identifier: BSD-3-Clause
"""The collections of a registry."""

from __future__ import annotations

from collections.abc import Iterable

from pachon.datasets import CollectionInfo, CollectionType, DatasetRef, DatasetTable, DatasetType
from pachon.dimensions import DataIdTable, Timespan
from pachon.registry import summaries
from pachon.registry.collection_names import refuse_globs
from pachon.registry.collections import chains, listing, registration
from pachon.registry.datasets.rows import as_tables
from pachon.registry.errors import MissingCollectionError
from pachon.registry.state import State

__all__ = ["Collections"]


class Collections:
    """Register, chain, tag, certify, list and remove collections."""

    def __init__(self, state: State) -> None:
        self._state = state

    def register(self, name: str, type: CollectionType | str = CollectionType.RUN, *, doc: str | None = None) -> bool:
        """Make a collection unless it exists; true if it was made. An existing one keeps its documentation.

        Raises
        ------
        ConflictingDefinitionError
            If it exists with another type.
        CollectionExpressionError
            If the name is not allowed.
        """
        return registration.register(self._state, name, type, doc)

    def get(self, name: str, *, parents: bool = False, dataset_types: bool = False) -> CollectionInfo:
        """Give what is known of a collection; the chains that hold it and the types that it held on request.

        Raises
        ------
        MissingCollectionError
            If it does not exist.
        """
        info = self.find([name], parents=parents, dataset_types=dataset_types).get(name)
        if info is None:
            with self._state.database.read() as connection:
                self._state.view(connection).get_collection(name)
            raise MissingCollectionError(name)
        return info

    def find(
        self, names: Iterable[str], *, parents: bool = False, dataset_types: bool = False
    ) -> dict[str, CollectionInfo]:
        """Give what is known of collections; absent ones are left out."""
        return listing.find_infos(self._state, names, parents=parents, dataset_types=dataset_types)

    def find_types(self, names: Iterable[str]) -> dict[str, CollectionType]:
        """Give the types of collections; absent ones are left out. What was asked before is known without a query."""
        with self._state.database.read() as connection:
            found = self._state.view(connection).find_collections(names)
        return {name: collection.type for name, collection in found.items()}

    def query(
        self,
        expression: str | Iterable[str] = "*",
        types: listing.Types | None = None,
        *,
        flatten_chains: bool = False,
        include_chains: bool | None = None,
    ) -> list[str]:
        """Give the names of matching collections: those of patterns first, by name, then explicit ones in order.

        With ``flatten_chains`` the children of matched chains are given in search order; the chains themselves only
        with ``include_chains`` (by default, when not flattening). ``types``, or their names, filter what is given.

        Raises
        ------
        MissingCollectionError
            If an explicit name does not exist.
        """
        return listing.query(
            self._state, expression, types, flatten_chains=flatten_chains, include_chains=include_chains
        )

    def flatten(self, names: str | Iterable[str]) -> tuple[str, ...]:
        """Expand chains depth first; each collection once, at its first place.

        Raises
        ------
        MissingCollectionError
            If a name does not exist.
        """
        with self._state.database.read() as connection:
            path = self._state.view(connection).flatten(refuse_globs(names, "a search path"))
            return tuple(collection.name for collection in path)

    def set_doc(self, name: str, doc: str | None) -> None:
        """Replace the documentation of a collection."""
        registration.set_doc(self._state, name, doc)

    def seal(self, name: str) -> None:
        """Let a run take no further datasets; those it holds can be read, tagged and removed as before.

        Raises
        ------
        CollectionTypeError
            If it is no run.
        """
        registration.seal(self._state, name, sealed=True)

    def unseal(self, name: str) -> None:
        """Let a sealed run take datasets again; one that is not sealed stays as it is."""
        registration.seal(self._state, name, sealed=False)

    def remove(self, name: str) -> None:
        """Remove a collection, with its associations and validity ranges; datasets and children stay.

        Raises
        ------
        OrphanedRecordError
            If a chain holds it, or it is a run with datasets.
        """
        registration.remove(self._state, name)

    def set_chain(self, parent: str, children: str | Iterable[str]) -> None:
        """Replace the children of a chain; duplicates keep their first place.

        Raises
        ------
        CollectionCycleError
            If the chain would contain itself.
        CollectionTypeError
            If the parent is no chain.
        """
        chains.set_chain(self._state, parent, children)

    def extend(self, parent: str, children: str | Iterable[str]) -> None:
        """Add children at the end of a chain; one that is there already moves."""
        chains.extend(self._state, parent, children)

    def prepend(self, parent: str, children: str | Iterable[str]) -> None:
        """Add children at the beginning of a chain; one that is there already moves."""
        chains.prepend(self._state, parent, children)

    def remove_from(self, parent: str, children: str | Iterable[str]) -> None:
        """Take children out of a chain; those that are not there are ignored."""
        chains.remove_from(self._state, parent, children)

    def associate(self, name: str, datasets: DatasetTable | Iterable[DatasetRef]) -> None:
        """Refer to datasets in a TAGGED collection; all or none.

        Raises
        ------
        CollectionTypeError
            If the collection is not TAGGED.
        ConflictingDefinitionError
            If it holds another dataset of the same type and data ID.
        """
        from pachon.registry.collections import associations  # with what inserts datasets; queries do without

        associations.associate(self._state, name, as_tables(datasets))

    def disassociate(self, name: str, datasets: DatasetTable | Iterable[DatasetRef]) -> None:
        """Take datasets out of a TAGGED collection; those that are not there are ignored."""
        from pachon.registry.collections import associations

        associations.disassociate(self._state, name, as_tables(datasets))

    def certify(self, name: str, datasets: DatasetTable | Iterable[DatasetRef], timespan: Timespan) -> None:
        """Give datasets a validity range in a CALIBRATION collection; all or none.

        Raises
        ------
        ConflictingDefinitionError
            If a range of the same type and data ID overlaps, be it of the same dataset.
        CollectionTypeError, DatasetTypeError
            If the collection, or a dataset type, is not one of calibrations.
        """
        from pachon.registry.collections import calibrations

        calibrations.certify(self._state, name, as_tables(datasets), timespan)

    def decertify(
        self,
        name: str,
        dataset_type: str | DatasetType,
        timespan: Timespan,
        *,
        data_ids: DataIdTable | None = None,
    ) -> None:
        """Take a time span out of validity ranges, of all data IDs or of some; what is left of a range stays."""
        from pachon.registry.collections import calibrations

        type_name = dataset_type if isinstance(dataset_type, str) else dataset_type.name
        calibrations.decertify(self._state, name, type_name, timespan, data_ids)

    def fetch_governor_values(self, names: Iterable[str]) -> dict[str, set[str]]:
        """Give the values of each governor that collections (chains expanded) ever held."""
        with self._state.database.read() as connection:
            path = self._state.view(connection).flatten(names)
            held = summaries.fetch_governor_values(self._state, connection, [c.id for c in path])
        merged: dict[str, set[str]] = {}
        for values in held.values():
            for governor, some in values.items():
                merged.setdefault(governor, set()).update(some)
        return merged

    def refresh_summaries(self) -> None:
        """Compute anew which dataset types and governor values each collection holds."""
        summaries.refresh(self._state)
