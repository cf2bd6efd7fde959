# SPDX-License-Identifier: BSD-3-Clause
import os
import pickle
import threading
import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import InvalidInputError
from pachon.datasets import (
    DatasetRef,
    DatasetTable,
    DatasetType,
    FileDataset,
    FileTable,
    deterministic_id,
    deterministic_ids,
    id_keys,
    ids_from_uuids,
    new_id,
    new_ids,
    uuids_from_ids,
)
from pachon.dimensions import DataCoordinate, DataIdTable, DimensionUniverse

UNIVERSE = DimensionUniverse.default()
RAW = DatasetType("raw", ["exposure", "detector"], "CCDData", universe=UNIVERSE)
DATA_ID = DataCoordinate.standardize(instrument="Cam1", detector=2, exposure=1, universe=UNIVERSE)


def test_reproducible_ids():
    assert str(deterministic_id("raw", DATA_ID)) == "de319144-f388-5760-ad61-a34dd3725f96"
    assert str(deterministic_id("raw", DATA_ID, "runA")) == "ca8305ae-e88d-5cfa-b633-fcbb87ba4efb"
    table = DataIdTable.from_rows(RAW.dimensions, [DATA_ID])
    assert uuids_from_ids(deterministic_ids("raw", table, "runA")) == [deterministic_id("raw", DATA_ID, "runA")]


def test_new_ids_are_version_7_distinct_and_ascending():
    ids = np.concatenate([new_ids(1000), new_ids(1), new_ids(5000)])
    uuids = [*uuids_from_ids(ids), new_id(), new_id()]
    assert {u.version for u in uuids} == {7}
    assert {u.variant for u in uuids} == {uuid.RFC_4122}
    assert uuids == sorted(set(uuids))
    assert (np.argsort(id_keys(ids), kind="stable") == np.arange(len(ids))).all()
    assert new_ids(0).shape == (0, 16)


def test_new_ids_in_threads():
    made: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: made.append(new_ids(2000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(np.unique(id_keys(np.concatenate(made)))) == 16000


def test_a_forked_child_makes_other_ids():
    new_id()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, new_id().bytes)
        os._exit(0)
    mine = new_id().bytes
    os.waitpid(child, 0)
    assert os.read(reader, 16) != mine


@given(st.lists(st.uuids()))
def test_ids_round_trip(uuids):
    assert uuids_from_ids(ids_from_uuids(uuids)) == uuids
    keys = id_keys(ids_from_uuids(uuids))
    assert [uuids[i] for i in np.argsort(keys, kind="stable")] == sorted(uuids)


def test_ref():
    ref = DatasetRef(RAW, {"instrument": "Cam1", "detector": 2, "exposure": 1}, "run/a")
    assert ref.data_id == DATA_ID
    assert pickle.loads(pickle.dumps(ref)) == ref
    assert ref != DatasetRef(RAW, DATA_ID, "run/a")
    assert str(ref) == "raw@{instrument=Cam1, detector=2, exposure=1} in run/a"
    with pytest.raises(InvalidInputError, match="run of a dataset"):
        DatasetRef(RAW, DATA_ID, "")


def test_table():
    refs = [
        DatasetRef(RAW, {"instrument": "Cam1", "detector": d, "exposure": e}, f"run/{d}")
        for d, e in [(2, 1), (1, 1), (1, 2)]
    ]
    table = DatasetTable.from_refs(RAW, refs)
    assert list(table) == refs
    assert [r.run for r in table] == ["run/2", "run/1", "run/1"]
    assert table[-1] == refs[-1]
    assert list(table.take(np.array([2, 0]))) == [refs[2], refs[0]]
    assert list(DatasetTable.concat([table[:1], table[1:]])) == refs
    assert len(DatasetTable.empty(RAW)) == 0


def test_file_dataset_names_its_datasets_in_one_way():
    assert FileDataset("a.fits", refs=DatasetRef(RAW, DATA_ID, "r")).refs[0].run == "r"
    assert FileDataset("a.fits", dataset_type="raw", data_ids=DATA_ID).data_ids == (DATA_ID,)
    with pytest.raises(InvalidInputError, match="give either"):
        FileDataset("a.fits", dataset_type="raw")
    with pytest.raises(InvalidInputError, match="at least one"):
        FileDataset("a.fits", refs=[])


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"dataset_type": 1.5, "data_ids": {}}, "dataset_type is a dataset type or its name, not 1.5"),
        ({"dataset_type": [], "data_ids": {}}, "dataset_type is a dataset type or its name"),
        ({"dataset_type": "raw", "data_ids": 3}, "data_ids is one or a list"),
        ({"dataset_type": "raw", "data_ids": "detector"}, "data_ids is one or a list"),
        ({"refs": 3}, "refs is one or a list"),
        ({"refs": ["raw"]}, "refs are datasets"),
        ({"dataset_type": "raw", "data_ids": DATA_ID, "formatter": {}}, "formatter is the name of one"),
    ],
)
def test_files_with_what_makes_no_sense(wrong, complaint):
    with pytest.raises(InvalidInputError, match=rf"a\.fits: {complaint}"):
        FileDataset("a.fits", **wrong)


@pytest.mark.parametrize("wrong", [{"dataset_type": 1.5}, {"formatter": 7}])
def test_tables_of_files_with_what_makes_no_sense(wrong):
    with pytest.raises(InvalidInputError, match="A table of files: "):
        FileTable(["a.fits"], **{"dataset_type": "raw", "data_ids": {"detector": 1}, **wrong})
