# SPDX-License-Identifier: BSD-3-Clause
"""What every registry must do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pachon.registry.protocol import Registry
from pachon.registry.sql_registry import SqlRegistry
from pachon.registry.testing.collections_suite import CollectionsSuite
from pachon.registry.testing.datasets_suite import DatasetsSuite
from pachon.registry.testing.records_suite import RecordsSuite
from pachon.registry.testing.sample_data import SampleData
from pachon.registry.testing.transactions_suite import TransactionsSuite

__all__ = ["RegistrySuite"]


class RegistrySuite(CollectionsSuite, DatasetsSuite, RecordsSuite, TransactionsSuite):
    """Subclass it and give the fixture ``url``; pytest runs everything below.

    Another implementation than `SqlRegistry` overrides `create` and `open` too.
    """

    @pytest.fixture
    def url(self) -> str:
        """Give the URL of a database that holds nothing yet."""
        raise NotImplementedError

    def create(self, url: str) -> Registry:
        """Make a registry of the default universe, open for writing."""
        return SqlRegistry.create(url)

    def open(self, url: str, *, writeable: bool) -> Registry:
        """Open an existing registry."""
        return SqlRegistry.open(url, writeable=writeable)

    @pytest.fixture
    def registry(self, url: str) -> Iterator[Registry]:
        """Give an empty registry of the default universe, open for writing."""
        with self.create(url) as registry:
            yield registry

    @pytest.fixture
    def sample(self, registry: Registry) -> SampleData:
        """Give the registry with records, dataset types and collections in it."""
        return SampleData(registry)

    @pytest.fixture
    def again(self, registry: Registry, url: str) -> Iterator[Registry]:
        """Give a second client of the registry, as another process would have it."""
        with self.open(url, writeable=True) as again:
            yield again

    @pytest.fixture
    def read_only(self, registry: Registry, url: str) -> Iterator[Registry]:
        """Give a client that may not write."""
        with self.open(url, writeable=False) as read_only:
            yield read_only
