# SPDX-License-Identifier: BSD-3-Clause
import pickle

import pytest

from pachon.base import errors
from pachon.base.errors import NotFoundError, PachonError, StorageError

TREE = {
    "PachonError": ("error", Exception),
    "NotFoundError": ("not_found", LookupError),
    "ConflictError": ("conflict", ValueError),
    "InvalidInputError": ("invalid_input", ValueError),
    "ReadOnlyError": ("read_only", Exception),
    "StorageError": ("storage", OSError),
    "FormatError": ("format", ValueError),
}


def test_tree_is_complete() -> None:
    assert set(errors.__all__) == set(TREE)


@pytest.mark.parametrize("name", sorted(TREE))
def test_kind_parent_and_message(name: str) -> None:
    cls = getattr(errors, name)
    kind, builtin = TREE[name]
    assert cls.kind == kind
    assert issubclass(cls, PachonError)
    assert issubclass(cls, builtin)
    assert str(cls("The disk is full.")) == "The disk is full."


@pytest.mark.parametrize("name", sorted(TREE))
def test_pickle_keeps_message_and_notes(name: str) -> None:
    error = getattr(errors, name)("A message.")
    error.add_note("Seen from above.")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == "A message."
    assert copy.__notes__ == ["Seen from above."]


class ThingError(NotFoundError):
    def __init__(self, *, name: str, places: tuple[str, ...]) -> None:
        super().__init__(name, places)
        self.name, self.places = name, places

    def __str__(self) -> str:
        return f"No {self.name!r} in {', '.join(self.places)}"


class ReadError(StorageError):
    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path, self.reason = path, reason

    def __str__(self) -> str:
        return f"{self.path} cannot be read: {self.reason}"


@pytest.mark.parametrize("error", [ThingError(name="x", places=("a", "b")), ReadError("/a", "gone")])
def test_pickle_keeps_attributes_of_any_constructor(error: PachonError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)
    assert copy.args == error.args


def test_errors_with_two_builtin_layouts_survive_pickle() -> None:
    class _LayoutError(NotFoundError, FileNotFoundError):
        pass

    globals()["_LayoutError"] = _LayoutError
    _LayoutError.__qualname__ = "_LayoutError"
    error = _LayoutError("gone")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (_LayoutError, "gone")
