# SPDX-License-Identifier: BSD-3-Clause
import pickle

import pytest

from pachon.base import PachonError
from pachon.registry import errors


@pytest.mark.parametrize("name", errors.__all__)
def test_tree(name: str) -> None:
    error = getattr(errors, name)("something")
    assert isinstance(error, PachonError)
    assert type(error).kind != "error"
    assert "\n" not in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)


def test_suggestions() -> None:
    assert str(errors.MissingCollectionError("rum", ["run", "x"])).endswith("Did you mean 'run'?")
    assert str(errors.MissingDatasetTypeError("x")) == "There is no dataset type 'x'."


def test_query_errors_point() -> None:
    error = errors.QueryNameError("The name 'x' is not known", "a = 1\n\tAND x", 11)
    assert (error.kind, error.category, error.line, error.column) == ("invalid_query", "name", 2, 6)
    assert error.pointer == "\tAND x\n\t    ^"
    assert str(error) == "In the query expression, line 2, column 6, at 'x': The name 'x' is not known."
    assert errors.InvalidQueryError("No").pointer == ""
    assert pickle.loads(pickle.dumps(error)).pointer == error.pointer
