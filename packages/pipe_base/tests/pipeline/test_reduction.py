# SPDX-License-Identifier: BSD-3-Clause
from hypothesis import given
from hypothesis import strategies as st

from pachon.pipe_base import Pipeline
from pachon.pipe_base.pipeline.contents import SubsetMode
from pachon.pipe_base.pipeline.reduction import reduce_contents

LABELS = list("abcdef")
TEXT = """\
description: d
tasks: {a: m.A, b: m.B, c: m.C, d: m.D, e: m.E, f: m.F}
subsets: {ab: [a, b], cde: [c, d, e], none: []}
steps: [{label: ab, dimensions: []}, {label: cde, dimensions: []}]
contracts: [a.x == b.x, c.x > 1, e.x == f.x]
"""
CONTENTS = Pipeline.from_yaml(TEXT).contents


@given(st.sets(st.sampled_from(LABELS)), st.sampled_from(list(SubsetMode)))
def test_what_is_left_is_consistent(keep: set[str], mode: SubsetMode) -> None:
    reduced = reduce_contents(CONTENTS, keep, mode)
    assert set(reduced.tasks) == keep
    assert all(keep.issuperset(subset.labels) for subset in reduced.subsets.values())
    assert all(step.label in reduced.subsets for step in reduced.steps)
    assert [c.expression for c in reduced.contracts] == [
        text for text, needs in (("a.x == b.x", "ab"), ("c.x > 1", "c"), ("e.x == f.x", "ef")) if keep >= set(needs)
    ]
    if mode is SubsetMode.EDIT:
        assert set(reduced.subsets) == set(CONTENTS.subsets)
    else:
        assert all(reduced.subsets[name] == CONTENTS.subsets[name] for name in reduced.subsets)
    assert reduce_contents(reduced, keep, mode) == reduced
