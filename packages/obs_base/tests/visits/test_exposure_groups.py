# SPDX-License-Identifier: BSD-3-Clause
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pachon.base import InvalidInputError
from pachon.obs_base.visits.exposure_groups import ALGORITHMS, check_groups


def exposure(number: int, *, start: int | None = None, end: int | None = None, group: str = "g1") -> Any:
    return SimpleNamespace(
        id=100 + number,
        obs_id=f"obs{number}",
        group=group,
        day_obs=20250301,
        seq_num=number,
        seq_start=number if start is None else start,
        seq_end=number if end is None else end,
    )


def run(algorithm: str, *exposures: Any) -> list[tuple[int, str, set[int], list[int]]]:
    groups = ALGORITHMS[algorithm][0](exposures, lambda name: int(name[1:]))
    return [(g.id, g.name, set(g.systems), [e.id for e in g.exposures]) for g in groups]


def test_one_to_one() -> None:
    assert run("one-to-one", exposure(1), exposure(2)) == [
        (101, "obs1", {0}, [101]),
        (102, "obs2", {0}, [102]),
    ]


def test_by_group() -> None:
    assert run("by-group-metadata", exposure(1), exposure(2, group="g2"), exposure(3)) == [
        (1, "g1", {1}, [101, 103]),
        (2, "g2", {1}, [102]),
    ]


def test_by_counter_single() -> None:
    assert run("one-to-one-and-by-counter", exposure(1)) == [(101, "obs1", {0, 2}, [101])]


def test_by_counter_sequence() -> None:
    found = run("one-to-one-and-by-counter", *(exposure(n, start=1, end=3) for n in (1, 2, 3)))
    assert found == [
        (9101, "obs1_first", {0}, [101]),
        (102, "obs2", {0}, [102]),
        (103, "obs3", {0}, [103]),
        (101, "obs1", {2}, [101, 102, 103]),
    ]


def test_by_counter_without_the_first(caplog: pytest.LogCaptureFixture) -> None:
    found = run("one-to-one-and-by-counter", exposure(2, start=1, end=3), exposure(3, start=1, end=3))
    assert found == [(102, "obs2", {0}, [102]), (103, "obs3", {0}, [103])]
    assert "the first of them is missing" in caplog.text


def test_ids_must_differ() -> None:
    groups = ALGORITHMS["by-group-metadata"][0]([exposure(1, group="g1"), exposure(2, group="h1")], lambda name: 1)
    with pytest.raises(InvalidInputError, match="'g1' and 'h1' would both have the id 1"):
        check_groups(groups)
