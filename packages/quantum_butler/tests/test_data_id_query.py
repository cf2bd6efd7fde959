# SPDX-License-Identifier: BSD-3-Clause
import datetime
import json
import uuid

import numpy as np

from pachon.dimensions import Timespan
from pachon.quantum_butler import DataIdQuery
from pachon.quantum_butler.data_id_query import _from_json


def test_bound_values_survive_json() -> None:
    values = {
        "number": np.int64(3),
        "name": "R",
        "several": ("a", 2.5, True),
        "when": Timespan("2026-01-01", None),
        "id": uuid.UUID(int=7),
        "moment": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    }
    query = DataIdQuery.of(["isr"], ["exposure"], values | {"odd": object(), "odd_list": [object()]}, where="x")
    again = DataIdQuery.from_document(json.loads(json.dumps(query.to_document())) | {"of_a_later_version": 1})
    assert again == query
    assert again.lost_binds == ("odd", "odd_list")
    expected = values | {"several": ["a", 2.5, True]}
    assert {name: _from_json(value) for name, value in again.bind.items()} == expected


class Repository:
    """Has all data IDs."""

    def explain_empty(self, dimensions, **conditions):
        assert not conditions["where"]
        return []


def test_what_was_not_kept_is_said(any_graph) -> None:
    query = DataIdQuery.of(["isr"], ["exposure"], {"odd": object()}, where="exposure > :odd")
    (said,) = query.why_without(Repository(), any_graph.universe, ["exposure"], {"exposure": 3})
    assert said == "Nothing but the expression 'exposure > :odd' can exclude it; its value :odd was not kept."
