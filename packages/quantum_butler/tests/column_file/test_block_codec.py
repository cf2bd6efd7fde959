# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pachon.quantum_butler.column_file.block_codec import (
    column_kind,
    decode_block,
    deflate,
    empty_column,
    encode_block,
    inflate,
)

NUMBERS = st.sampled_from(["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1", "f4", "f8"])


def objects(values):
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def roundtrip(column):
    kind = column_kind(column)
    back = decode_block(kind, inflate(deflate(encode_block(kind, column))[0]), len(column))
    assert back.dtype == column.dtype
    assert back.shape == column.shape
    empty = empty_column(kind, len(column))
    assert (empty.dtype, empty.shape) == (column.dtype, column.shape)
    return back


@given(NUMBERS.flatmap(lambda kind: npst.arrays(np.dtype(kind), st.integers(1, 300))))
def test_numbers(column):
    assert roundtrip(column).tobytes() == column.tobytes()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1))
def test_numbers_in_order(values):
    column = np.array(sorted(values), dtype=np.int64)
    assert roundtrip(column).tolist() == column.tolist()


@given(npst.arrays(np.uint8, st.tuples(st.integers(1, 100), st.integers(1, 20))))
def test_rows_of_bytes(column):
    assert (roundtrip(column) == column).all()


@given(st.lists(st.none() | st.text(alphabet=st.characters()), min_size=1))
def test_texts(values):
    assert roundtrip(objects(values)).tolist() == values


@given(st.lists(st.sampled_from(["a", "ä", None, "", "bb", "\ud800"]), min_size=1, max_size=500))
def test_texts_of_few_values(values):
    assert roundtrip(objects(values)).tolist() == values


@given(st.lists(st.none() | st.binary(), min_size=1).filter(lambda values: any(v is not None for v in values)))
def test_bytes(values):
    assert roundtrip(objects(values)).tolist() == values


@given(st.lists(st.none() | st.integers() | st.booleans() | st.floats(allow_nan=False) | st.text(), min_size=1))
def test_anything_else_is_json(values):
    column = objects([1, *values])
    assert column_kind(column) == "json"
    assert roundtrip(column).tolist() == [1, *values]


def test_numpy_numbers_among_objects_become_plain():
    assert roundtrip(objects([np.int64(3), None])).tolist() == [3, None]


def test_consecutive_ids_become_tiny():
    words = np.zeros((2048, 2), dtype=">u8")
    words[:, 1] = np.arange(10**9, 10**9 + 2048)
    ids = words.view(np.uint8).reshape(-1, 16)
    stored, _ = deflate(encode_block("u1x16", ids))
    assert len(stored) < 400


def test_noise_is_stored_as_it_is():
    noise = np.random.default_rng(1).integers(0, 256, (2048, 16), dtype=np.uint8)
    stored, helped = deflate(encode_block("u1x16", noise))
    assert not helped
    assert len(stored) == noise.size + 1
    assert (decode_block("u1x16", inflate(stored), 2048) == noise).all()


def test_rows_of_numbers_are_refused():
    with pytest.raises(TypeError):
        column_kind(np.zeros((2, 2)))
