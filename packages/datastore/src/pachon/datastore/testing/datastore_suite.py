# SPDX-License-Identifier: BSD-3-Clause
"""What every datastore must do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pachon.base import ConflictError, InvalidInputError
from pachon.datasets import DatasetRef, StorageClasses, UnknownComponentError, ids_from_uuids
from pachon.datastore.config import DatastoreConfig
from pachon.datastore.datastore import Datastore
from pachon.datastore.deferred import DeferredDataset
from pachon.datastore.errors import (
    DatasetFileNotFoundError,
    DatasetTypeNotSupportedError,
    UnknownParameterError,
)
from pachon.datastore.records import FileRecords
from pachon.datastore.testing.composite import COMPOSITE_CLASSES, Metric
from pachon.datastore.testing.example_data import ExampleData
from pachon.datastore.testing.memory_record_store import MemoryRecordStore

__all__ = ["DatastoreSuite", "OpenDatastore"]

OpenDatastore = Callable[..., Datastore]
_DIMENSIONS = ("instrument", "visit", "detector")


class DatastoreSuite:
    """Subclass it, give the fixture ``location`` and the attribute ``config``, and pytest runs everything below."""

    config: Mapping[str, Any] = {}
    """The configuration, as a document."""

    @pytest.fixture
    def location(self) -> str:
        """Give the URI of a new repository's folder."""
        raise NotImplementedError

    @pytest.fixture
    def example(self) -> ExampleData:
        """Give what refs are made with."""
        return ExampleData()

    @pytest.fixture
    def records(self) -> MemoryRecordStore:
        """Give the record store of the datastore."""
        return MemoryRecordStore()

    @pytest.fixture
    def open_datastore(self, location: str, example: ExampleData, records: MemoryRecordStore) -> OpenDatastore:
        """Give a function that opens the datastore with further configuration."""

        def open_it(**config: Any) -> Datastore:
            return Datastore.open(
                DatastoreConfig.from_document({**self.config, **config}),
                root=location,
                universe=example.universe,
                storage_classes=StorageClasses.default().with_definitions(COMPOSITE_CLASSES, allowed=None),
                records=records,
            )

        return open_it

    @pytest.fixture
    def datastore(self, open_datastore: OpenDatastore) -> Datastore:
        """Give the datastore."""
        return open_datastore()

    def put(self, datastore: Datastore, obj: Any, ref: DatasetRef) -> FileRecords:
        """Write an object and commit its records."""
        written = datastore.write_many([(obj, ref)])
        assert datastore.records is not None
        datastore.records.add(written)
        return written

    def ref(self, example: ExampleData, name: str = "thing", storage_class: str = "StructuredDataDict") -> DatasetRef:
        """Make a ref."""
        return example.ref(example.dataset_type(name, _DIMENSIONS, storage_class))

    def test_what_was_put_can_be_got(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        self.put(datastore, {"a": 1, "b": [2, 3]}, ref)
        assert datastore.get(ref) == {"a": 1, "b": [2, 3]}

    def test_many_at_once(self, datastore: Datastore, example: ExampleData) -> None:
        dataset_type = example.dataset_type("thing", _DIMENSIONS, "StructuredDataDict")
        refs = [example.ref(dataset_type, visit=visit) for visit in range(40)]
        written = datastore.write_many([({"visit": i}, ref) for i, ref in enumerate(refs)])
        assert len(written) == 40
        assert written.created.all()
        assert len(set(written.path)) == 40
        assert [datastore.get(ref, records=written) for ref in refs] == [{"visit": i} for i in range(40)]

    def test_nothing_at_once(self, datastore: Datastore) -> None:
        assert len(datastore.write_many([])) == 0

    def test_a_dataset_without_records_does_not_exist(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        datastore.write_many([({}, ref)])
        with pytest.raises(DatasetFileNotFoundError, match="thing") as caught:
            datastore.get(ref)
        assert isinstance(caught.value, FileNotFoundError)

    def test_a_path_is_never_used_twice(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        first, second = (datastore.write_many([({"n": n}, ref)]) for n in (1, 2))
        assert first.path[0] != second.path[0]
        assert datastore.get(ref, records=first) == {"n": 1}
        assert datastore.get(ref, records=second) == {"n": 2}

    def test_predicted_paths_follow_from_the_id(self, datastore: Datastore, example: ExampleData) -> None:
        ref, other = self.ref(example), self.ref(example)
        predicted = datastore.predicted_records([ref, other])
        assert len(set(predicted.path)) == 2
        assert not datastore.exists(predicted).any()
        first = datastore.write_many([({"try": 1}, ref)], predicted=True)
        second = datastore.write_many([({"try": 2}, ref)], predicted=True)
        assert first.path[0] == second.path[0] == predicted.path[0] == datastore.predicted_path(ref)
        assert datastore.get(ref, records=predicted) == {"try": 2}
        assert list(datastore.exists(predicted)) == [True, False]

    def test_discard_removes_what_was_written(self, datastore: Datastore, example: ExampleData) -> None:
        written = datastore.write_many([({}, self.ref(example)), ({}, self.ref(example))])
        assert datastore.exists(written).all()
        datastore.discard(written)
        assert not datastore.exists(written).any()
        datastore.discard(written)

    def test_discard_takes_only_what_a_write_gave(self, datastore: Datastore, example: ExampleData) -> None:
        written = datastore.write_many([({}, self.ref(example))])
        with pytest.raises(InvalidInputError):
            datastore.discard(FileRecords(**written.columns()))  # type: ignore[arg-type]  # columns by name
        assert datastore.exists(written).all()

    def test_removal(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        written = self.put(datastore, {}, ref)
        removal = datastore.remove_files(written)
        assert removal.done.all()
        assert [outcome.value for outcome in removal.outcomes] in (["removed"], ["shared"])
        assert datastore.records is not None
        datastore.records.move_to_trash(ids_from_uuids([ref.id]))
        assert datastore.remove_files(datastore.records.list_trash()).done.all()
        assert not datastore.exists(written).any()
        assert datastore.remove_files(written).done.all()

    def test_objects_are_converted_to_the_storage_class(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example, storage_class="StructuredDataList")
        self.put(datastore, (1, 2), ref)
        assert datastore.get(ref) == [1, 2]

    def test_wrong_type_is_refused(self, datastore: Datastore, example: ExampleData) -> None:
        with pytest.raises(InvalidInputError, match="cannot be converted"):
            datastore.write_many([(object(), self.ref(example))])
        with pytest.raises(InvalidInputError, match="is None"):
            datastore.write_many([(None, self.ref(example))])

    def test_a_dataset_twice_is_refused(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        with pytest.raises(ConflictError, match="twice"):
            datastore.write_many([({}, ref), ({}, ref)])

    def test_reading_as_another_storage_class(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example, storage_class="int")
        self.put(datastore, 3, ref)
        found = datastore.get(ref, storage_class="float")
        assert found == 3.0
        assert isinstance(found, float)
        with pytest.raises(InvalidInputError):
            datastore.get(ref, storage_class="StructuredDataDict")

    def test_unknown_parameters(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        self.put(datastore, {}, ref)
        with pytest.raises(UnknownParameterError, match="bbox") as caught:
            datastore.get(ref, parameters={"bbox": 1})
        assert isinstance(caught.value, KeyError)

    def test_components_and_parameters_of_a_composite(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example, storage_class="TestMetric")
        metric = Metric(summary={"mean": 2.5}, data=[1, 2, 3, 4], note="x")
        self.put(datastore, metric, ref)
        assert datastore.get(ref) == metric
        classes = datastore.storage_classes
        for component, value in {"summary": {"mean": 2.5}, "data": [1, 2, 3, 4], "count": 4}.items():
            part = ref.with_dataset_type(ref.dataset_type.component_type(component, classes))
            assert datastore.get(part) == value
        assert datastore.get(ref, parameters={"first": 2}).data == [1, 2]
        part = ref.with_dataset_type(ref.dataset_type.component_type("count", classes))
        assert datastore.get(part, parameters={"first": 3}) == 3

    def test_unknown_component(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        self.put(datastore, {}, ref)
        part = ref.with_dataset_type(example.dataset_type("thing.wcs", _DIMENSIONS, "StructuredDataDict"))
        with pytest.raises(UnknownComponentError, match="wcs"):
            datastore.get(part)

    def test_a_component_cannot_be_written(self, datastore: Datastore, example: ExampleData) -> None:
        with pytest.raises(InvalidInputError, match="component"):
            datastore.write_many([({}, self.ref(example, "thing.part"))])

    def test_what_is_got_can_be_changed_without_harm(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example)
        given = {"a": [1]}
        self.put(datastore, given, ref)
        given["a"].append(2)
        datastore.get(ref)["a"].append(3)
        assert datastore.get(ref) == {"a": [1]}

    def test_deferred(self, datastore: Datastore, example: ExampleData) -> None:
        ref = self.ref(example, storage_class="TestMetric")
        handle = datastore.get_deferred(ref, parameters={"first": 1})
        assert isinstance(handle, DeferredDataset)
        assert handle.ref == ref
        assert handle.data_id == ref.data_id
        with pytest.raises(DatasetFileNotFoundError):
            handle.get()
        self.put(datastore, Metric(summary={"a": 1}, data=[5, 6, 7], note=""), ref)
        assert handle.get().data == [5]
        assert handle.get(parameters={"first": 2}).data == [5, 6]
        assert handle.get(component="summary") == {"a": 1}

    def test_constraints(self, open_datastore: OpenDatastore, example: ExampleData) -> None:
        datastore = open_datastore(constraints={"reject": ["thing"]})
        with pytest.raises(DatasetTypeNotSupportedError, match="thing"):
            datastore.write_many([({}, self.ref(example))])
        self.put(datastore, {}, self.ref(example, "other"))

    def test_configuration_round_trip(self, datastore: Datastore) -> None:
        assert DatastoreConfig.from_document(datastore.config.to_document()) == datastore.config
        assert DatastoreConfig.from_document(datastore.config.to_document(complete=True)) == datastore.config
        assert DatastoreConfig.from_document(datastore.to_document()).name == datastore.name

    def test_uris(self, datastore: Datastore, example: ExampleData) -> None:
        written = datastore.write_many([({}, self.ref(example))])
        assert datastore.uris(written) == [datastore.uri(written.row(0))]
        assert datastore.uri(written.row(0)).is_absolute

    def test_close(self, open_datastore: OpenDatastore) -> None:
        with open_datastore() as datastore:
            assert datastore.name
