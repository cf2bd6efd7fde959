# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError
from pachon.datasets import StorageClass, StorageClasses, UnknownStorageClassError

DEFAULT = StorageClasses.default()


def test_unknown_name_suggests():
    with pytest.raises(UnknownStorageClassError, match="Did you mean 'CCDData'"):
        DEFAULT.get("CCDdata")


def test_coercion():
    assert DEFAULT["StructuredDataList"].coerce((1, 2)) == [1, 2]
    assert DEFAULT["StructuredDataDict"].coerce({"a": 1}) == {"a": 1}
    assert DEFAULT["int"].coerce(None) is None
    assert DEFAULT["float"].can_convert(DEFAULT["int"])
    assert not DEFAULT["int"].can_convert(DEFAULT["str"])
    with pytest.raises(InvalidInputError, match="is no StructuredDataDict"):
        DEFAULT["StructuredDataDict"].coerce([1])


def test_inheritance_and_conflicts():
    more = DEFAULT.with_definitions(
        {"Child": {"inheritsFrom": "Mine", "parameters": ["y"]}, "Mine": {"pytype": "dict", "parameters": ["x"]}}
    )
    assert more["Child"].parameters == {"x", "y"}
    assert more["Child"].pytype is dict
    assert "Mine" not in DEFAULT
    assert more.with_definitions({"Mine": {"pytype": "dict", "parameters": ["x"]}}) == more
    with pytest.raises(ConflictError, match="'Mine' is defined already"):
        more.with_definitions({"Mine": {"pytype": "list"}})


@pytest.mark.parametrize(
    ("definitions", "message"),
    [
        ({"A": {"pytpe": "dict"}}, "unknown key 'pytpe'. Did you mean 'pytype'"),
        ({"A": {"components": {"x": "int"}}}, "has one component"),
        (
            {"A": {"components": {"x": "int", "y": "int"}, "derivedComponents": {"x": "int"}}},
            "as stored and as derived",
        ),
        ({"A": {"inheritsFrom": "B"}, "B": {"inheritsFrom": "A"}}, "in a circle"),
        ({"A": {"inheritsFrom": "Zz"}}, "'Zz', which is not defined"),
    ],
)
def test_mistakes(definitions, message):
    with pytest.raises(FormatError, match=message):
        DEFAULT.with_definitions(definitions)


def test_further_converters_of_a_known_class_are_not_ignored_silently(caplog):
    DEFAULT.with_definitions({"int": {"pytype": "int"}})
    assert caplog.messages == []
    again = DEFAULT.with_definitions({"int": {"pytype": "int", "converters": {"float": "int"}}})
    assert again["int"].converters == {}
    assert caplog.messages == [
        "Storage class int is defined already; its new converters and derived components are ignored."
    ]


def test_a_repository_cannot_name_any_module():
    evil = DEFAULT.with_definitions({"Evil": {"pytype": "subprocess.Popen", "delegate": "os.system"}})["Evil"]
    with pytest.raises(InvalidInputError, match="module 'subprocess' is not allowed"):
        _ = evil.pytype
    with pytest.raises(InvalidInputError, match="module 'os' is not allowed"):
        evil.delegate()
    allowed = DEFAULT.with_definitions({"Fine": {"pytype": "decimal.Decimal"}}, allowed=["decimal"])["Fine"]
    assert allowed.pytype.__name__ == "Decimal"


def test_type_that_is_not_installed():
    missing = StorageClass("M", "no_such_package.Thing")
    with pytest.raises(NotFoundError, match="Is its package installed"):
        _ = missing.pytype


def test_default_delegate():
    class Point:
        def __init__(self, x=0, y=None):
            self.x, self.y = x, y

    delegate = StorageClass("P", components={"x": "int", "y": "int"}).delegate()
    assert delegate.disassemble(Point(0, None)) == {"x": 0}
    made = delegate.assemble({"x": 3, "y": 4}, Point)
    assert (made.x, made.y) == (3, 4)
    assert delegate.get_component({"x": 5}, "x") == 5
    with pytest.raises(NotFoundError, match="no component 'z'"):
        delegate.get_component(Point(), "z")
    with pytest.raises(InvalidInputError, match="no use for the parameters bbox"):
        delegate.handle_parameters(Point(), {"bbox": 1})
