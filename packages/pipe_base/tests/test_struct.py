# SPDX-License-Identifier: BSD-3-Clause
import pickle

import pytest

from pachon.pipe_base import Struct


def test_struct() -> None:
    struct = Struct(a=1, b=None)
    assert (struct.a, struct.b, len(struct)) == (1, None, 2)
    assert struct == Struct(a=1, b=None)
    assert struct.as_dict() == {"a": 1, "b": None}
    assert struct.merge(Struct(c=2)) == Struct(a=1, b=None, c=2)
    assert repr(struct) == "Struct(a=1, b=None)"
    assert pickle.loads(pickle.dumps(struct)) == struct
    with pytest.raises(AttributeError, match="The struct has no 'x'; it has a, b"):
        _ = struct.x
    with pytest.raises(ValueError, match="Both structs have a"):
        struct.merge(Struct(a=3))
