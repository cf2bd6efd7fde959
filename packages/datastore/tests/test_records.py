# SPDX-License-Identifier: BSD-3-Clause
import pickle
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.datastore import FILE_RECORD_COLUMNS, FileRecords, NewFileRecords, StoredFile
from pachon.datastore.records import file_part, is_owned
from pachon.datastore.testing.strategies import file_records, stored_files


@given(st.lists(stored_files(), max_size=6))
def test_rows_round_trip(rows):
    table = FileRecords.from_rows(rows)
    assert list(table.rows()) == rows
    assert len(table) == len(rows)
    assert table.dataset_id.shape == (len(rows), 16)


@given(file_records())
def test_columns_round_trip(table):
    assert list(table.columns()) == [column.name for column in FILE_RECORD_COLUMNS]
    assert FileRecords.from_columns(table.columns()) == table
    assert pickle.loads(pickle.dumps(table)) == table


@given(file_records(), file_records())
def test_concat_and_take(first, second):
    both = FileRecords.concat([first, second])
    assert list(both.rows()) == [*first.rows(), *second.rows()]
    assert both.take(np.arange(len(first))) == first
    assert both.take(np.arange(len(both)) >= len(first)) == second


@given(file_records())
def test_of_dataset(table):
    for row in table.rows():
        assert set(table.of_dataset(row.dataset_id).rows()) == {
            other for other in table.rows() if other.dataset_id == row.dataset_id
        }
    assert len(table.of_dataset(uuid4())) == 0


def test_empty_tables():
    assert len(FileRecords.empty()) == 0
    assert FileRecords.concat([]) == FileRecords.empty()
    assert len(NewFileRecords.concat([])) == 0
    assert len(FileRecords.empty().take([])) == 0


def test_new_records_keep_what_was_made():
    rows = [StoredFile(dataset_id=uuid4(), path=p, formatter="json", storage_class="int") for p in ("a", "b")]
    table = FileRecords.from_rows(rows)
    new = NewFileRecords(**table.columns(), created=np.array([True, False]))
    assert list(new.take([1, 0]).created) == [False, True]
    assert list(NewFileRecords.concat([new, new]).created) == [True, False, True, False]
    assert isinstance(new.of_dataset(rows[0].dataset_id), NewFileRecords)


def test_what_is_owned():
    assert is_owned("run/a.yaml")
    assert not is_owned("s3://bucket/a.yaml")
    assert not is_owned("/data/a.yaml")
    row = StoredFile(dataset_id=uuid4(), path="file:///data/a.yaml", formatter="json", storage_class="int")
    assert not row.owned
    assert list(FileRecords.from_rows([row]).owned()) == [False]


def test_file_of_a_zip_member():
    assert file_part("a/b.zip#zip-path=x.yaml") == "a/b.zip"
    assert file_part("a/b#1.yaml") == "a/b#1.yaml"


def test_bad_columns():
    table = FileRecords.from_rows([])
    with pytest.raises(InvalidInputError, match="differ in length"):
        FileRecords(**{**table.columns(), "size": np.zeros(2, dtype=np.int64)})
    with pytest.raises(InvalidInputError, match="shape"):
        FileRecords(**{**table.columns(), "dataset_id": np.zeros(3, dtype=np.uint8)})


def test_lengths_are_checked():
    row = StoredFile(dataset_id=uuid4(), path="x" * 1025, formatter="json", storage_class="int")
    with pytest.raises(InvalidInputError, match="path holds at most 1024 characters; this one has 1025"):
        FileRecords.from_rows([row]).check_lengths()
