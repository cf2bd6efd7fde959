# SPDX-License-Identifier: BSD-3-Clause
"""Hypothesis strategies for values of this layer, for the tests of every package."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pachon.dimensions.data_id import DataCoordinate
from pachon.dimensions.timespan import MAX_NS, Timespan
from pachon.dimensions.universe import DimensionGroup, DimensionUniverse

__all__ = ["data_ids", "dimension_groups", "key_values", "times", "timespans", "universe_documents"]


def times() -> st.SearchStrategy[int]:
    """Make times in nanoseconds: many near the limits and near each other, for there the rules are."""
    near = st.sampled_from([0, 1, 2, 10, MAX_NS // 2, MAX_NS - 2, MAX_NS - 1, MAX_NS])
    return near | st.integers(0, 20) | st.integers(0, MAX_NS)


def timespans(*, allow_empty: bool = True) -> st.SearchStrategy[Timespan]:
    """Make time spans, bounded or not; often with bounds in common."""
    spans = st.builds(Timespan.from_ns, times(), times()) | st.just(Timespan(None, None)) | st.just(Timespan.empty())
    return spans if allow_empty else spans.filter(lambda span: not span.is_empty)


def dimension_groups(universe: DimensionUniverse) -> st.SearchStrategy[DimensionGroup]:
    """Make groups of a universe's dimensions (pixels of the sky left out)."""
    names = [name for name, element in universe.dimensions.items() if not element.is_skypix]
    return st.sets(st.sampled_from(names), max_size=4).map(universe.conform)


@st.composite
def data_ids(draw: Any, group: DimensionGroup, *, full: bool = True) -> DataCoordinate:
    """Make data IDs of a group."""
    names = group.ordered if full else group.required
    return DataCoordinate(group, tuple(draw(key_values(group.universe, name)) for name in names))


def key_values(universe: DimensionUniverse, dimension: str) -> st.SearchStrategy[int | str]:
    """Make values of a dimension: ordinary ones, and those that are hard to quote, to store or to sort."""
    column = universe.dimensions[dimension].primary_key
    if column.type == "int":
        return st.integers(-5, 2**40) | st.sampled_from([0, -(2**63), 2**63 - 1])
    plain = st.text("abcXYZ019_-é", min_size=1, max_size=8)
    hard = st.sampled_from(["'", '"', "a'); DROP TABLE x;--", "%s", ":x", "\\", "\U0001f52d", "ß", "İ", " ", ""])
    longest = column.length or 1
    return (plain | hard | st.just("x" * longest)).map(lambda text: text[:longest])


@st.composite
def universe_documents(draw: Any) -> dict[str, Any]:
    """Make universe files with a few elements, required, implied and joined at random."""
    count = draw(st.integers(1, 7))
    names = [f"d{i}" for i in range(count)]
    elements: dict[str, Any] = {}
    for index, name in enumerate(names):
        earlier = names[:index]
        requires = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else []
        closed = set(requires)
        for other in reversed(earlier):
            if other in closed:
                closed.update(elements[other]["requires"])
        rest = [n for n in earlier if n not in closed]
        implies = draw(st.lists(st.sampled_from(rest), unique=True, max_size=1)) if rest else []
        key = draw(st.sampled_from([{"name": "id", "type": "int"}, {"name": "name", "type": "string", "length": 16}]))
        elements[name] = {"keys": [key], "requires": requires, "implies": implies}
    if count > 1 and draw(st.booleans()):
        elements["pair"] = {"requires": names[-2:], "always_join": draw(st.booleans())}
    return {
        "version": 1,
        "namespace": "random",
        "skypix": {"common": "htm3", "htm": {"class": "lsst.sphgeom.HtmPixelization", "max_level": 4}},
        "elements": elements,
    }
