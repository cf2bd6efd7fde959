# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.datastore import Constraints, DatastoreConfigError
from pachon.datastore.testing import ExampleData

EXAMPLE = ExampleData()


def accepts(accept=(), reject=(), name="raw", storage_class="CCDData", **values):
    constraints = Constraints.parse(accept, reject, EXAMPLE.universe)
    return constraints.accepts(
        EXAMPLE.ref(EXAMPLE.dataset_type(name, ("exposure", "detector"), storage_class), **values)
    )


@pytest.mark.parametrize(
    ("accept", "reject", "expected"),
    [
        ([], [], True),
        (["raw"], [], True),
        (["flat"], [], False),
        (["CCDData"], [], True),
        (["exposure+detector"], [], True),
        ([], ["raw"], False),
        ([], ["flat"], True),
        (["raw"], ["CCDData"], True),
        (["CCDData"], ["raw"], True),
        (["all"], ["raw"], False),
        (["all"], [], True),
        ([], ["all"], False),
        (["raw"], ["all"], True),
        (["flat"], ["all"], False),
        ([{"instrument<Cam>": ["raw"]}], ["all"], True),
        ([{"instrument<Other>": ["raw"]}], ["all"], False),
        (["all"], [{"instrument<Cam>": ["all"]}], False),
        (["all"], [{"instrument<Other>": ["all"]}], True),
        ([{"instrument<Cam>": ["all"]}], [], True),
        ([{"instrument<Other>": ["all"]}], [], False),
    ],
)
def test_decisions(accept, reject, expected):
    assert accepts(accept, reject) is expected


def test_all_cannot_be_in_both_lists():
    with pytest.raises(DatastoreConfigError, match="both accepted and rejected"):
        Constraints.parse(["all"], ["all"], EXAMPLE.universe)


@pytest.mark.parametrize("entry", [3, {"a": ["b"], "c": ["d"]}, {"visit<3>": ["raw"]}, {"instrument<Cam>": "raw"}])
def test_bad_entries(entry):
    with pytest.raises(DatastoreConfigError):
        Constraints.parse([entry], [], EXAMPLE.universe)


def test_keys_leave_out_wildcards():
    constraints = Constraints.parse(["raw", {"instrument<Cam>": ["all"]}], ["flat"], EXAMPLE.universe)
    assert sorted(map(str, constraints.keys())) == ["flat", "raw"]
