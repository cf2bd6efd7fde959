# SPDX-License-Identifier: BSD-3-Clause
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pachon.quantum_butler import GraphFileError
from pachon.quantum_butler.column_file.layout import BLOCK_ROWS, LEAD_SIZE, TRAILER_SIZE, Trailer
from pachon.quantum_butler.column_file.reader import ColumnFile
from pachon.quantum_butler.column_file.writer import encode_file
from pachon.resources import ResourcePath

ROWS = 3 * BLOCK_ROWS + 17


def objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def example_columns():
    rng = np.random.default_rng(5)
    words = np.zeros((ROWS, 2), dtype=">u8")
    words[:, 1] = np.cumsum(rng.integers(1, 900, ROWS))
    return {
        "id": words.view(np.uint8).reshape(-1, 16),
        "code": rng.integers(0, 70_000, ROWS).astype(np.int32),
        "counter": np.arange(5, 5 + 3 * ROWS, 3),
        "same": np.full(ROWS, 7, dtype=np.uint8),
        "offsets": np.cumsum(rng.integers(0, 9, ROWS)),
        "noise": rng.random(ROWS),
        "path": objects([f"a/b/{number}.fits" for number in range(ROWS)]),
        "formatter": objects(["fits" if number % 3 else "yaml" for number in range(ROWS)]),
        "region": objects([None if number % 5 == 0 else bytes([number % 256] * 3) for number in range(ROWS)]),
        "mixed": objects([None if number % 7 else number for number in range(ROWS)]),
    }


@pytest.fixture
def columns():
    return example_columns()


@pytest.fixture
def path(tmp_path, columns):
    path = ResourcePath(str(tmp_path / "x.qg"))
    path.write(
        encode_file(
            header={"a": 1},
            documents={"big": list(range(100))},
            tables={"t": columns, "empty": {"none": columns["id"][:0]}},
        )
    )
    return path


def test_whole_columns(path, columns):
    file = ColumnFile.open(path)
    assert file.header == {"a": 1}
    assert file.document("big") == list(range(100))
    for name, column in columns.items():
        back = file.read(f"t/{name}")
        assert back.dtype == column.dtype
        assert (back == column).all()
    assert file.read("empty/none").shape == (0, 16)
    assert file.search("empty/none", columns["id"][:2]).tolist() == [-1, -1]
    file.verify()


@settings(max_examples=25, deadline=None)
@given(rows=st.lists(st.integers(0, ROWS - 1), max_size=30))
def test_some_rows(tmp_path_factory, rows):
    columns = example_columns()
    path = ResourcePath(str(tmp_path_factory.mktemp("columns") / "x.qg"))
    path.write(encode_file(header={}, documents={}, tables={"t": columns}))
    file = ColumnFile.open(path)
    wanted = np.array(rows, dtype=np.int64)
    for name, column in columns.items():
        assert (file.take(f"t/{name}", wanted) == column[wanted]).all()
    ids = columns["id"][wanted]
    assert file.search("t/id", ids).tolist() == rows


def test_search_misses(path, columns):
    file = ColumnFile.open(path)
    missing = columns["id"][[0, 500, -1]].copy()
    missing[:, 0] = [0, 0, 255]
    missing[1, 15] ^= 1
    below = np.zeros((1, 16), dtype=np.uint8)
    assert file.search("t/id", np.concatenate([missing[1:], below])).tolist() == [-1, -1, -1]


def test_few_requests(path, columns):
    file = ColumnFile.open(path)
    assert file.requests == 1
    rows = np.array([BLOCK_ROWS + 1, BLOCK_ROWS + 900])
    file.prefetch({f"t/{name}": rows for name in columns})
    reads = file.requests
    assert reads <= 3
    for name in columns:
        file.take(f"t/{name}", rows)
    assert file.requests == reads


def test_equal_columns_are_stored_once(columns):
    once = encode_file(header={}, documents={}, tables={"t": {"noise": columns["noise"]}})
    twice = encode_file(
        header={}, documents={}, tables={"t": {"noise": columns["noise"]}, "u": {"again": columns["noise"].copy()}}
    )
    assert len(twice) < len(once) + 200


def test_progressions_take_no_blocks():
    data = encode_file(header={}, documents={}, tables={"t": {"n": np.arange(1_000_000)}})
    assert len(data) < 500


def test_unknown_names(path):
    file = ColumnFile.open(path)
    assert "t/id" in file
    assert "t/no" not in file
    with pytest.raises(GraphFileError, match="no column"):
        file.read("t/no")
    with pytest.raises(GraphFileError, match="no document"):
        file.document("no")


def read_all(path):
    ColumnFile.open(path).verify()


def test_every_flipped_bit_is_noticed(tmp_path):
    data = bytes(
        encode_file(
            header={"a": 1},
            documents={"d": [1, 2]},
            tables={"t": {"x": np.array([3, 1, 4]), "id": np.eye(16, dtype=np.uint8)[::-1].copy()}},
        )
    )
    path = ResourcePath(str(tmp_path / "x.qg"))
    for position in range(len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 1 << (position % 8)
        path.write(bytes(damaged), overwrite=True)
        with pytest.raises(GraphFileError):
            read_all(path)


def test_every_cut_is_noticed(tmp_path):
    data = bytes(encode_file(header={"a": 1}, documents={}, tables={"t": {"x": np.array([3, 1, 4])}}))
    path = ResourcePath(str(tmp_path / "x.qg"))
    for length in range(len(data)):
        path.write(data[:length], overwrite=True)
        with pytest.raises(GraphFileError, match=r"cut short|empty"):
            read_all(path)


def test_a_large_file_that_is_cut_or_damaged(path, tmp_path):
    data = path.read()
    cut = ResourcePath(str(tmp_path / "cut.qg"))
    cut.write(data[:-1000])
    with pytest.raises(GraphFileError, match="cut short"):
        ColumnFile.open(cut)
    flipped = bytearray(data)
    flipped[LEAD_SIZE + 4000] ^= 1
    damaged = ResourcePath(str(tmp_path / "damaged.qg"))
    damaged.write(bytes(flipped))
    with pytest.raises(GraphFileError, match="does not match its checksum"):
        read_all(damaged)


def test_a_newer_version_is_refused(path, tmp_path):
    data = bytearray(path.read())
    data[8:10] = (2).to_bytes(2, "little")
    data[12:16] = zlib.crc32(data[:12]).to_bytes(4, "little")
    trailer = Trailer.unpack(bytes(data))
    newer = Trailer(
        trailer.directory_offset,
        trailer.file_length,
        trailer.directory_length,
        trailer.directory_size,
        trailer.directory_crc,
        2,
        7,
    )
    data[-TRAILER_SIZE:] = newer.pack()
    later = ResourcePath(str(tmp_path / "later.qg"))
    later.write(bytes(data))
    with pytest.raises(GraphFileError, match=r"format version 2\.\d, newer than 1"):
        ColumnFile.open(later)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"qgraph4\xf6\xe8\xa9" + b"x" * 100, "LSST"),
        (b"PK\x03\x04" + b"x" * 200_000, "zip archive"),
        (b"\x80\x04\x95" + b"x" * 100, "pickle"),
        (b"SIMPLE  =                    T", "no quantum graph"),
        (b"\x89PQ", "cut short"),
    ],
)
def test_other_files(tmp_path, content, words):
    path = ResourcePath(str(tmp_path / "other.qg"))
    path.write(content)
    with pytest.raises(GraphFileError, match=words) as caught:
        ColumnFile.open(path)
    assert "\n" not in str(caught.value)


def test_remote(columns):
    path = ResourcePath("memory://graphs/x.qg")
    path.write(bytes(encode_file(header={}, documents={}, tables={"t": columns})))
    try:
        file = ColumnFile.open(path)
        rows = np.array([0, ROWS - 1])
        assert file.take("t/code", rows).tolist() == columns["code"][rows].tolist()
    finally:
        path.remove()
