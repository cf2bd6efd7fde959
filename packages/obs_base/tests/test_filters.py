# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

import pytest

from pachon.base import ConflictError
from pachon.obs_base.errors import UnknownFilterError
from pachon.obs_base.filters import FilterDefinition, FilterDefinitions

FILTERS = FilterDefinitions(
    "Cam",
    FilterDefinition(physical_filter="V", aliases=frozenset({"Johnson V"})),
    FilterDefinition(physical_filter="i.MP9702", band="i"),
)


def test_by_name_and_alias() -> None:
    assert FILTERS.get("V") is FILTERS.get("Johnson V")
    assert FILTERS.get("V").band_name == "V"
    assert FILTERS.get("i.MP9702").band_name == "i"
    assert [one.physical_filter for one in FILTERS] == ["V", "i.MP9702"]


def test_unknown_filter_lists_the_known() -> None:
    with pytest.raises(UnknownFilterError, match=r"Filter 'Q' is not one of Cam: V, i.MP9702\."):
        FILTERS.get("Q")


def test_shared_names_are_refused() -> None:
    with pytest.raises(ConflictError, match="Two filters of Cam are called 'V'"):
        FilterDefinitions(
            "Cam",
            FilterDefinition(physical_filter="V"),
            FilterDefinition(physical_filter="W", aliases=frozenset({"V"})),
        )
