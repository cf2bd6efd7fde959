# SPDX-License-Identifier: BSD-3-Clause
"""The collections of a butler (``butler.collections``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from pachon.butler.argument_kinds import listed_refs
from pachon.butler.arguments import explains_arguments
from pachon.butler.lookup import DataId, data_id_table
from pachon.butler.session import Session
from pachon.datasets import CollectionInfo, CollectionType, DatasetRef, DatasetTable, DatasetType
from pachon.dimensions import DataIdTable, Timespan

__all__ = ["ButlerCollections"]

Datasets = DatasetTable | Iterable[DatasetRef]


@explains_arguments
class ButlerCollections:
    """Register, chain, tag, certify, list and remove collections.

    Registrations, chains and removals take effect at once. What refers to datasets (`associate`, `disassociate`, `certify`,
    `decertify`) takes effect at the end of a ``transaction()`` block if one is open.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def defaults(self) -> tuple[str, ...]:
        """The collections that are searched where a call names none."""
        return self._session.defaults.collections or ()

    def register(self, name: str, type: CollectionType | str = CollectionType.RUN, *, doc: str | None = None) -> bool:
        """Make a collection unless it exists; true if it was made. An existing one keeps its documentation.

        Raises
        ------
        ConflictingDefinitionError
            If it exists with another type.
        CollectionExpressionError
            If the name is not allowed.
        """
        # Who only lists them does without what writes.
        from pachon.butler.own_places import register_collection

        self._session.check_writeable()
        return register_collection(self._session, name, type, doc=doc)

    def get(self, name: str) -> CollectionInfo:
        """Give what is known of a collection, its parents included.

        Raises
        ------
        MissingCollectionError
            If it does not exist.
        """
        self._session.check_open()
        return self._session.registry.collections.get(name, parents=True)

    def query(
        self,
        expression: str | Iterable[str] = "*",
        types: CollectionType | str | Iterable[CollectionType | str] | None = None,
        *,
        flatten_chains: bool = False,
        include_chains: bool | None = None,
    ) -> list[str]:
        """Give the names of matching collections: those of globs first, by name, then explicit ones in order.

        With ``flatten_chains`` the children of matched chains are given in search order; the chains themselves only with
        ``include_chains``. ``types``, or their names in any case, filter what is given.

        Raises
        ------
        MissingCollectionError
            If an explicit name does not exist.
        """
        self._session.check_open()
        return self._session.registry.collections.query(
            expression, types, flatten_chains=flatten_chains, include_chains=include_chains
        )

    def query_info(
        self,
        expression: str | Iterable[str] = "*",
        types: CollectionType | str | Iterable[CollectionType | str] | None = None,
        *,
        flatten_chains: bool = False,
        include_chains: bool | None = None,
        dataset_types: bool = False,
    ) -> list[CollectionInfo]:
        """Give what is known of matching collections, parents included; dataset types ever held on request."""
        names = self.query(expression, types, flatten_chains=flatten_chains, include_chains=include_chains)
        found = self._session.registry.collections.find(names, parents=True, dataset_types=dataset_types)
        return [found[name] for name in names if name in found]

    def flatten(self, names: str | Iterable[str]) -> tuple[str, ...]:
        """Expand chains depth first; each collection once, at its first place."""
        self._session.check_open()
        return self._session.registry.collections.flatten(names)

    def set_doc(self, name: str, doc: str | None) -> None:
        """Replace the documentation of a collection."""
        self._session.check_writeable()
        self._session.registry.collections.set_doc(name, doc)

    def seal(self, name: str) -> None:
        """Let a run take no further datasets (`SealedRunError`); those it holds can be read, tagged and removed as before.

        Raises
        ------
        CollectionTypeError
            If it is no run.
        """
        self._session.check_writeable()
        self._session.registry.collections.seal(name)

    def unseal(self, name: str) -> None:
        """Let a sealed run take datasets again."""
        self._session.check_writeable()
        self._session.registry.collections.unseal(name)

    def set_chain(self, name: str, children: str | Iterable[str]) -> None:
        """Replace the children of a chain; duplicates keep their first place.

        Raises
        ------
        CollectionCycleError
            If the chain would contain itself.
        CollectionTypeError
            If it is no chain.
        """
        self._session.check_writeable()
        self._session.registry.collections.set_chain(name, children)
        self._session.forget_inferred()

    def extend(self, name: str, children: str | Iterable[str]) -> None:
        """Add children at the end of a chain; one that is there already moves."""
        self._session.check_writeable()
        self._session.registry.collections.extend(name, children)
        self._session.forget_inferred()

    def prepend(self, name: str, children: str | Iterable[str]) -> None:
        """Add children at the beginning of a chain; one that is there already moves."""
        self._session.check_writeable()
        self._session.registry.collections.prepend(name, children)
        self._session.forget_inferred()

    def remove_from(self, name: str, children: str | Iterable[str]) -> None:
        """Take children out of a chain; those that are not there are ignored."""
        self._session.check_writeable()
        self._session.registry.collections.remove_from(name, children)
        self._session.forget_inferred()

    def remove(self, name: str) -> None:
        """Remove a collection; its datasets and children stay. A run must be empty: see `Butler.remove_runs`.

        Raises
        ------
        OrphanedRecordError
            If a chain holds it, or it is a run with datasets.
        """
        self._session.check_writeable()
        self._session.registry.collections.remove(name)
        self._session.forget_inferred()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Let the changes of collections in the block take effect together, or none of them; nothing slow belongs inside.

        What writes or removes files (`NotTransactionalError`) cannot be inside: use `Butler.transaction`.
        """
        self._session.check_writeable()
        try:
            with self._session.registry.write():
                yield
        finally:
            self._session.forget_inferred()

    def associate(self, name: str, datasets: Datasets) -> None:
        """Refer to datasets in a TAGGED collection; all or none.

        Raises
        ------
        CollectionTypeError
            If the collection is not TAGGED.
        ConflictingDefinitionError
            If it holds another dataset of the same type and data ID.
        """
        given = self._given(datasets)
        registry = self._session.registry
        self._commit(lambda: registry.collections.associate(name, given))

    def disassociate(self, name: str, datasets: Datasets) -> None:
        """Take datasets out of a TAGGED collection; those that are not there are ignored."""
        given = self._given(datasets)
        registry = self._session.registry
        self._commit(lambda: registry.collections.disassociate(name, given))

    def certify(self, name: str, datasets: Datasets, timespan: Timespan) -> None:
        """Give datasets a validity range in a CALIBRATION collection; all or none.

        Raises
        ------
        ConflictingDefinitionError
            If a range of the same type and data ID overlaps, be it of the same dataset.
        CollectionTypeError, DatasetTypeError
            If the collection, or a dataset type, is not one of calibrations.
        """
        given = self._given(datasets)
        registry = self._session.registry
        self._commit(lambda: registry.collections.certify(name, given, timespan))

    def decertify(
        self,
        name: str,
        dataset_type: str | DatasetType,
        timespan: Timespan,
        *,
        data_ids: DataIdTable | Iterable[DataId] | None = None,
    ) -> None:
        """Take a time span out of validity ranges, of all data IDs or of some; what is left of a range stays."""
        self._session.check_writeable()
        registry = self._session.registry
        table = None if data_ids is None else data_id_table(self._session, dataset_type, data_ids)
        self._commit(lambda: registry.collections.decertify(name, dataset_type, timespan, data_ids=table))

    def _given(self, datasets: Datasets) -> DatasetTable | list[DatasetRef]:
        self._session.check_writeable()
        return datasets if isinstance(datasets, DatasetTable) else listed_refs(datasets)

    def _commit(self, write_rows: Callable[[], None]) -> None:
        from pachon.butler.write_protocol import Change

        self._session.check_writeable()
        self._session.writer.commit(Change(write_rows=write_rows))
