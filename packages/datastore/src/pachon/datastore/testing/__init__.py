# SPDX-License-Identifier: BSD-3-Clause
"""Record stores and examples for tests, and the conformance suites of the interfaces of this layer.

The suites need pytest; import them from their modules: `record_store_suite.RecordStoreSuite`,
`formatter_suite.FormatterSuite`, `datastore_suite.DatastoreSuite`. `strategies` needs hypothesis.
"""

from pachon.datastore.testing.example_data import ExampleData
from pachon.datastore.testing.memory_record_store import MemoryRecordStore

__all__ = ["ExampleData", "MemoryRecordStore"]
