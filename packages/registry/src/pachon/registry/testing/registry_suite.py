# SPDX-License-Identifier: BSD-3-Clause
"""What every registry must do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pachon.registry.sql_registry import SqlRegistry
from pachon.registry.testing.collections_suite import CollectionsSuite
from pachon.registry.testing.datasets_suite import DatasetsSuite
from pachon.registry.testing.records_suite import RecordsSuite
from pachon.registry.testing.sample_data import SampleData
from pachon.registry.testing.transactions_suite import TransactionsSuite

__all__ = ["RegistrySuite"]


class RegistrySuite(CollectionsSuite, DatasetsSuite, RecordsSuite, TransactionsSuite):
    """Subclass it and give the fixture ``url``; pytest runs everything below."""

    @pytest.fixture
    def url(self) -> str:
        """Give the URL of a database that holds nothing yet."""
        raise NotImplementedError

    @pytest.fixture
    def registry(self, url: str) -> Iterator[SqlRegistry]:
        """Give an empty registry of the default universe, open for writing."""
        with SqlRegistry.create(url) as registry:
            yield registry

    @pytest.fixture
    def sample(self, registry: SqlRegistry) -> SampleData:
        """Give the registry with records, dataset types and collections in it."""
        return SampleData(registry)

    @pytest.fixture
    def again(self, registry: SqlRegistry, url: str) -> Iterator[SqlRegistry]:
        """Give a second client of the registry, as another process would have it."""
        with SqlRegistry.open(url, writeable=True) as again:
            yield again

    @pytest.fixture
    def read_only(self, registry: SqlRegistry, url: str) -> Iterator[SqlRegistry]:
        """Give a client that may not write."""
        with SqlRegistry.open(url) as read_only:
            yield read_only
