# SPDX-License-Identifier: BSD-3-Clause
"""Laws of time spans, groups and data IDs, tried on random values, universes included."""

import json
import pickle
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.base import PachonError
from pachon.dimensions import (
    DataCoordinate,
    DataIdTable,
    DataIdValueError,
    DimensionUniverse,
    InconsistentDataIdError,
    Timespan,
    match_rows,
)
from pachon.dimensions.testing.strategies import (
    data_ids,
    dimension_groups,
    key_values,
    times,
    timespans,
    universe_documents,
)
from pachon.dimensions.testing.volume import volume
from pachon.dimensions.timespan import MAX_NS

UNIVERSE = DimensionUniverse.default()


def moments(*spans: Timespan) -> set[int]:
    """Give the times at which membership may change: bounds, and their neighbours."""
    edges = {0, MAX_NS - 1} | {e + d for s in spans for e in (s.begin_ns, s.end_ns) for d in (-1, 0, 1)}
    return {t for t in edges if 0 <= t < MAX_NS}


def inside(span: Timespan, *others: Timespan) -> set[int]:
    """Give the moments in a time span: a time span as a set."""
    return {t for t in moments(span, *others) if span.begin_ns <= t < span.end_ns}


@volume(300)
@given(timespans(), timespans(), timespans())
def test_time_spans_are_sets_of_moments(a: Timespan, b: Timespan, c: Timespan) -> None:
    all_of = (a, b, c)
    points = {s: inside(s, *all_of) for s in all_of}
    assert a.is_empty == (not points[a])
    assert a.overlaps(b) == bool(points[a] & points[b])
    assert a.contains(b) == (points[b] <= points[a])
    assert inside(a.intersection(b, c), *all_of) == points[a] & points[b] & points[c]
    left = a.difference(b)
    assert {t for part in left for t in inside(part, *all_of)} == points[a] - points[b]
    assert all(not part.is_empty and a.contains(part) for part in left)
    assert all(first < second for first, second in pairwise(left))
    assert (a < b) == (bool(points[a]) and bool(points[b]) and max(points[a]) < min(points[b]))
    assert (a == b) == (points[a] == points[b])


@volume(200)
@given(timespans(), timespans(), timespans())
def test_laws_of_time_spans(a: Timespan, b: Timespan, c: Timespan) -> None:
    assert a.intersection(b) == b.intersection(a)
    assert a.intersection(b).intersection(c) == a.intersection(b.intersection(c))
    assert a.intersection(a) == a
    assert a.overlaps(b) == b.overlaps(a)
    assert not (a < b < a)
    if a < b < c:
        assert a < c
    if not a.is_empty and not b.is_empty:
        assert a.overlaps(b) + (a < b) + (b < a) == 1
    assert a.intersection(Timespan(None, None)) == a
    assert a.contains(Timespan.empty())
    assert not a.overlaps(Timespan.empty())


@volume(200)
@given(timespans())
def test_forms_of_a_time_span(span: Timespan) -> None:
    assert pickle.loads(pickle.dumps(span)) == span
    assert Timespan.from_json(json.loads(json.dumps(span.to_json()))) == span
    assert hash(Timespan.from_ns(span.begin_ns, span.end_ns)) == hash(span)
    if not span.is_empty:
        assert Timespan(span.begin, span.end) == span
        assert Timespan(span.begin_ns, span.end_ns) == span


@volume(100)
@given(times(), timespans())
def test_a_time_in_a_time_span(time: int, span: Timespan) -> None:
    assert span.contains(time) == (span.begin_ns <= time < span.end_ns)
    if time not in (0, MAX_NS):
        instant = Timespan(time, time)
        assert instant.end_ns - instant.begin_ns == 1
        assert span.contains(instant) == span.contains(time)


@volume(100)
@given(universe_documents(), st.data())
def test_laws_of_groups(document, data) -> None:
    universe = DimensionUniverse.from_document(document)
    a, b, c = (data.draw(dimension_groups(universe)) for _ in range(3))
    assert (a | b) is (b | a)
    assert ((a | b) | c) is (a | (b | c))
    assert (a | a) is a
    assert (a | universe.empty) is a
    assert a <= (a | b)
    assert (a <= b) == (set(a) <= set(b))
    assert (a < b) == (set(a) < set(b))
    assert (a == b) == (a is b)
    assert set(a & b) == set(a) & set(b)
    assert set(a - b) <= set(a)
    assert set(a) - set(b) <= set(a - b)
    assert a.isdisjoint(b) == set(a).isdisjoint(b)
    assert universe.conform(a.required) is a, "what is required brings the rest"
    assert universe.conform(reversed(a.names)) is a
    assert universe.adopt(a) is a
    for name in a.implied:
        assert any(name in universe[other].implied for other in a)
    for name in a.required:
        assert not any(name in universe[other].implied for other in a)
    seen: set[str] = set()
    for name in a.lookup_order:
        # Whatever a look-up needs is known by then.
        if name in a.names:
            known = seen | set(a.required) | {i for s in seen for i in universe[s].implied} | {name}
            assert set(universe[name].required) <= known
        seen.add(name)


@volume(100)
@given(universe_documents(), st.data())
def test_laws_of_data_ids(document, data) -> None:
    universe = DimensionUniverse.from_document(document)
    big, other = data.draw(dimension_groups(universe)), data.draw(dimension_groups(universe))
    group = big | other
    full = data.draw(data_ids(group))
    minimal = DataCoordinate.standardize(full.required, dimensions=group)
    assert full == minimal
    assert hash(full) == hash(minimal)
    assert not (full < minimal)
    assert minimal.is_full == (not group.implied)
    assert DataCoordinate.standardize(full, dimensions=group) == full
    assert DataCoordinate.standardize(full.full, universe=universe).full == full.full
    assert pickle.loads(pickle.dumps(full)).full == full.full
    part, rest = full.subset(big), full.subset(other)
    assert set(part) == set(big)
    assert part.union(rest).full == full.full
    assert part.union(part).full == part.full
    assert full.subset(big & other) == part.subset(big & other) == rest.subset(big & other)
    # A data ID of more dimensions gives one of fewer, and nothing is made up.
    assert DataCoordinate.standardize(full.full, dimensions=big).full == part.full
    assert (
        DataCoordinate.standardize(full.required, dimensions=big) if set(big.required) <= set(full.required) else True
    )
    for name in group.required:
        with pytest.raises(DataIdValueError, match=name):
            DataCoordinate.standardize({k: v for k, v in full.required.items() if k != name}, dimensions=group)
        with pytest.raises(DataIdValueError, match=name):
            DataCoordinate.standardize({**full.required, name: None}, dimensions=group)
        changed = data.draw(key_values(universe, name))
        if changed != full[name]:
            with pytest.raises(InconsistentDataIdError, match=name):
                full.union(DataCoordinate.standardize({**full.full, name: changed}, dimensions=group))


@volume(100)
@given(universe_documents(), st.data())
def test_tables_of_data_ids_are_lists_of_them(document, data) -> None:
    universe = DimensionUniverse.from_document(document)
    group = data.draw(dimension_groups(universe))
    rows = data.draw(st.lists(data_ids(group), max_size=6))
    table = DataIdTable.from_rows(group, rows)
    assert list(table) == rows
    assert [row.full for row in table] == [row.full for row in rows]
    assert list(table.distinct()) == sorted(set(rows))
    again = DataIdTable.concat([table, table])
    assert list(again) == rows + rows
    assert match_rows(again, table, group.required).tolist() == [rows.index(row) for row in rows + rows]
    smaller = data.draw(dimension_groups(universe)) & group
    assert list(table.project(smaller, distinct=False)) == [row.subset(smaller) for row in rows]
    order = np.argsort(table.keys(), kind="stable")
    assert list(table.take(order)) == sorted(rows)


@volume(100)
@given(
    st.dictionaries(
        st.text(max_size=5) | st.sampled_from(["instrument", "detector"]),
        st.none() | st.integers() | st.text() | st.binary() | st.floats() | st.booleans() | st.lists(st.integers()),
    )
)
def test_nothing_else_is_a_data_id(values) -> None:
    try:
        data_id = DataCoordinate.standardize(values, universe=UNIVERSE)
    except PachonError as caught:
        message = str(caught)
    else:
        message = "none"
        assert set(data_id.group.required) <= set(values)
        assert all(type(value) in (int, str) for value in data_id.values)
    assert 0 < len(message) < 2000
