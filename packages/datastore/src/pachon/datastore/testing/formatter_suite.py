# SPDX-License-Identifier: BSD-3-Clause
"""What every formatter must do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pachon.datasets import DatasetRef, FileDataset, StorageClasses
from pachon.datastore.config import DatastoreConfig
from pachon.datastore.datastore import Datastore
from pachon.datastore.errors import DatasetReadError, DatasetWriteError, DatastoreConfigError, FileIntegrityError
from pachon.datastore.formatter_table import load_formatter
from pachon.datastore.records import FileRecords
from pachon.datastore.testing.example_data import ExampleData

__all__ = ["FormatterSuite"]


class FormatterSuite:
    """Subclass it, say which formatter, storage class and objects, and pytest runs everything below."""

    formatter: str
    """Its registered name."""
    storage_class: str
    write_parameters: Mapping[str, Any] = {}
    config: Mapping[str, Any] = {}
    """Further configuration of the datastore."""
    storage_classes: Mapping[str, Mapping[str, Any]] = {}
    """Definitions to add to the built-in ones."""
    refuses_garbage: bool = True
    """Whether a file of random bytes is noticed."""
    refuses_cut_files: bool = True
    """Whether the first half of a file is noticed without its size."""
    unwritable: tuple[Any, ...] = ()
    """Objects that the storage class accepts and the formatter cannot write."""

    def examples(self) -> list[Any]:
        """Give objects to be written."""
        raise NotImplementedError

    def is_same(self, found: Any, given: Any) -> bool:
        """Compare what was read with what was written."""
        return bool(found == given)

    def expected(self, given: Any) -> Any:
        """Give what a read of an object gives, if it is not the object."""
        return given

    @pytest.fixture
    def example_data(self) -> ExampleData:
        """Give what refs are made with."""
        return ExampleData()

    @pytest.fixture
    def ref(self, example_data: ExampleData) -> DatasetRef:
        """Give a dataset to be written."""
        return example_data.ref(example_data.dataset_type("thing", ("instrument", "visit"), self.storage_class))

    def open(self, root: str | Path, example_data: ExampleData, **config: Any) -> Datastore:
        """Open a datastore that writes with the formatter."""
        entry = {"formatter": self.formatter, "parameters": dict(self.write_parameters)}
        document = {"formatters": {self.storage_class: entry}, **self.config, **config}
        return Datastore.open(
            DatastoreConfig.from_document(document),
            root=root,
            universe=example_data.universe,
            storage_classes=StorageClasses.default().with_definitions(self.storage_classes, allowed=None),
        )

    @pytest.fixture
    def datastore(self, tmp_path: Path, example_data: ExampleData) -> Datastore:
        """Give a datastore in a local folder."""
        return self.open(tmp_path, example_data)

    def file_of(self, datastore: Datastore, written: FileRecords) -> str:
        """Give the path of the one file."""
        return datastore.uri(written.row(0)).ospath

    def test_round_trip(self, datastore: Datastore, ref: DatasetRef) -> None:
        for given in self.examples():
            written = datastore.write_many([(given, ref)])
            assert written.row(0).size == os.path.getsize(self.file_of(datastore, written))
            assert written.row(0).formatter == self.formatter
            found = datastore.get(ref, records=written)
            assert self.is_same(found, self.expected(given)), f"{found!r} is not {given!r}"

    def test_round_trip_in_an_object_store(self, example_data: ExampleData, ref: DatasetRef) -> None:
        datastore = self.open(f"memory://pachon-{uuid4()}/root", example_data, verify_checksum=True)
        for given in self.examples():
            written = datastore.write_many([(given, ref)])
            assert self.is_same(datastore.get(ref, records=written), self.expected(given))

    def test_the_extension_is_one_that_it_reads(self, datastore: Datastore, ref: DatasetRef) -> None:
        for given in self.examples():
            written = datastore.write_many([(given, ref)])
            load_formatter(self.formatter).check_extension(datastore.uri(written.row(0)).extension)

    def test_components_are_those_of_the_whole(self, datastore: Datastore, ref: DatasetRef) -> None:
        storage_class = datastore.storage_classes.get(self.storage_class)
        if not load_formatter(self.formatter).reads_components:
            return
        for given in self.examples():
            written = datastore.write_many([(given, ref)])
            whole = datastore.get(ref, records=written)
            for component in storage_class.components:
                part = ref.with_dataset_type(ref.dataset_type.component_type(component, datastore.storage_classes))
                found = datastore.get(part, records=written)
                assert self.is_same_component(
                    component, found, storage_class.delegate().get_component(whole, component)
                )

    def is_same_component(self, component: str, found: Any, given: Any) -> bool:
        """Compare a component that was read alone with that of the whole."""
        return bool(found == given)

    def test_reading_needs_no_configuration(self, tmp_path: Path, example_data: ExampleData, ref: DatasetRef) -> None:
        given = self.examples()[0]
        written = self.open(tmp_path, example_data).write_many([(given, ref)])
        plain = Datastore.open(
            DatastoreConfig.from_document(dict(self.config)),
            root=tmp_path,
            universe=example_data.universe,
            storage_classes=StorageClasses.default().with_definitions(self.storage_classes, allowed=None),
        )
        assert self.is_same(plain.get(ref, records=written), self.expected(given))

    def test_a_changed_file_is_noticed(self, tmp_path: Path, example_data: ExampleData, ref: DatasetRef) -> None:
        datastore = self.open(tmp_path, example_data, verify_checksum=True)
        written = datastore.write_many([(self.examples()[0], ref)])
        path = Path(self.file_of(datastore, written))
        content = path.read_bytes()
        path.write_bytes(content[:-1])
        with pytest.raises(FileIntegrityError, match="changed since it was written: its size"):
            datastore.get(ref, records=written)
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        with pytest.raises(FileIntegrityError, match="its checksum"):
            datastore.get(ref, records=written)

    def test_a_damaged_file_is_one_error_of_ours(self, datastore: Datastore, ref: DatasetRef) -> None:
        written = datastore.write_many([(self.examples()[0], ref)])
        unknown_size = FileRecords.from_rows(replace(row, size=None, checksum=None) for row in written.rows())
        path = Path(self.file_of(datastore, written))
        content = path.read_bytes()
        damages = [b"\x00\xff\x9c garbage \x07" * 50] if self.refuses_garbage else []
        damages += [content[: len(content) // 2]] if self.refuses_cut_files else []
        for damage in damages:
            path.write_bytes(damage)
            with pytest.raises(DatasetReadError, match=str(ref.id)):
                datastore.get(ref, records=unknown_size)

    def test_what_cannot_be_written_leaves_no_file(self, tmp_path: Path, datastore: Datastore, ref: DatasetRef) -> None:
        for obj in self.unwritable:
            with pytest.raises(DatasetWriteError, match=self.formatter):
                datastore.write_many([(obj, ref)])
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    def test_unknown_write_parameter(self, tmp_path: Path, example_data: ExampleData) -> None:
        entry = {"formatter": self.formatter, "parameters": {"no_such_parameter": 1}}
        with pytest.raises(DatastoreConfigError, match="no_such_parameter"):
            self.open(tmp_path, example_data, formatters={self.storage_class: entry})

    def test_ingest_checks_the_extension(self, tmp_path: Path, datastore: Datastore, ref: DatasetRef) -> None:
        formatter = load_formatter(self.formatter)
        if not formatter.default_extension:
            return
        (tmp_path / "file.strange").write_bytes(b"")
        with pytest.raises(ValueError, match=r"'\.strange' is not read"):
            datastore.ingest_files([FileDataset("file.strange", refs=ref)], transfer=None)
