# SPDX-License-Identifier: BSD-3-Clause
"""Hypothesis strategies for values of this layer, for the tests of every package."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pachon.dimensions.data_id import DataCoordinate
from pachon.dimensions.timespan import MAX_NS, Timespan
from pachon.dimensions.universe import DimensionGroup, DimensionUniverse

__all__ = ["data_ids", "dimension_groups", "timespans", "universe_documents"]


def timespans(*, allow_empty: bool = True) -> st.SearchStrategy[Timespan]:
    """Make time spans, bounded or not."""
    bounds = st.integers(0, MAX_NS)
    spans = st.builds(Timespan.from_ns, bounds, bounds)
    return spans if allow_empty else spans.filter(lambda span: not span.is_empty)


def dimension_groups(universe: DimensionUniverse) -> st.SearchStrategy[DimensionGroup]:
    """Make groups of a universe's dimensions (pixels of the sky left out)."""
    names = [name for name, element in universe.dimensions.items() if not element.is_skypix]
    return st.sets(st.sampled_from(names), max_size=4).map(universe.conform)


@st.composite
def data_ids(draw: Any, group: DimensionGroup, *, full: bool = True) -> DataCoordinate:
    """Make data IDs of a group."""
    values = []
    for name in group.ordered if full else group.required:
        if group.universe.dimensions[name].primary_key.type == "int":
            values.append(draw(st.integers(-5, 2**40)))
        else:
            values.append(draw(st.text("abcXYZ019_-é", min_size=1, max_size=8)))
    return DataCoordinate(group, tuple(values))


@st.composite
def universe_documents(draw: Any) -> dict[str, Any]:
    """Make universe files with a few elements, required, implied and joined at random."""
    count = draw(st.integers(1, 7))
    names = [f"d{i}" for i in range(count)]
    elements: dict[str, Any] = {}
    for index, name in enumerate(names):
        earlier = names[:index]
        requires = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2)) if earlier else []
        rest = [n for n in earlier if n not in requires]
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
