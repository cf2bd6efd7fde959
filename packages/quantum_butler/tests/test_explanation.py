# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace

import numpy as np
import pytest

from pachon.base import NotFoundError
from pachon.dimensions import UnknownDimensionError
from pachon.quantum_butler import DroppedQuanta, DropReason, QuantumGraph
from pachon.quantum_butler.testing import example_tables


def test_all_tasks(any_graph):
    explanation = any_graph.explain()
    assert explanation.kept == 42
    assert explanation.dropped() == {DropReason.NO_VALID_CALIBRATION: 3, DropReason.NO_INPUTS: 1}
    assert not explanation.nothing_to_do
    assert explanation.lines[:3] == (
        "isr: 12 quanta in the graph, dropped:",
        "    3 without a calibration that is valid at the time: bias",
        "    1 without inputs: raw",
    )


def test_one_quantum(any_graph):
    there = any_graph.explain("isr", exposure=1001, detector=0)
    assert there.kept == 1
    gone = any_graph.explain("isr", {"exposure": 1005, "detector": 2})
    assert gone.tasks[0].dropped == {(DropReason.NO_VALID_CALIBRATION, "bias"): 1}
    unknown = any_graph.explain("isr", exposure=7, detector=0)
    assert "no quantum with exposure=7 was ever considered" in str(unknown)
    never = any_graph.explain("isr", exposure=1006, detector=2)
    assert "no such data ID" in str(never)
    assert any_graph.explain("warp", exposure=1005).kept == 8


def test_unknown_task(any_graph):
    with pytest.raises(NotFoundError, match="Did you mean 'isr'"):
        any_graph.explain("isrr")
    with pytest.raises(NotFoundError, match=r"The graph has no task 'z'\. It has isr, "):
        any_graph.explain("z")
    with pytest.raises(UnknownDimensionError, match=r"'expsoure'.*'exposure'"):
        any_graph.explain("isr", expsoure=1001)


def test_nothing_to_do_differs_from_nothing_found():
    tables = example_tables()
    empty = replace(tables, quanta=(), datasets=(), edges=(), init=(), init_ids={}, file_records=None, dropped=())
    nothing = QuantumGraph.from_tables(replace(empty, header=replace(tables.header, notes=("No raws match.",))))
    assert not nothing.explain().nothing_to_do
    assert nothing.explain().lines == ("No raws match.",)
    isr = tables.quanta[0]
    done = DroppedQuanta(
        label="isr", data_ids=isr.data_ids, reasons=np.full(len(isr.ids), DropReason.ALREADY_DONE, dtype=np.uint8)
    )
    explanation = QuantumGraph.from_tables(replace(empty, dropped=(done,))).explain()
    assert explanation.nothing_to_do
    assert "12 already done" in str(explanation)
    # As pipetask says: what was done and made nothing leaves nothing to do downstream.
    cal = tables.quanta[1]
    reasons = np.full(len(cal.ids), DropReason.UPSTREAM_DROPPED, dtype=np.uint8)
    downstream = DroppedQuanta(label="cal", data_ids=cal.data_ids, reasons=reasons)
    assert QuantumGraph.from_tables(replace(empty, dropped=(done, downstream))).explain().nothing_to_do
    assert not QuantumGraph.from_tables(replace(empty, dropped=(downstream,))).explain().nothing_to_do
    # What the task itself has no work for it had none for the first time either.
    for reason, nothing_left in (
        (DropReason.NO_WORK, True),
        (DropReason.REMOVED_BY_HOOK, True),
        (DropReason.NO_INPUTS, False),
        (DropReason.MISSING_PREREQUISITE, False),
    ):
        other = DroppedQuanta(label="cal", data_ids=cal.data_ids, reasons=np.full(len(cal.ids), reason, dtype=np.uint8))
        explanation = QuantumGraph.from_tables(replace(empty, dropped=(done, other))).explain()
        assert explanation.nothing_to_do is nothing_left


def test_reasons_have_texts_and_keep_their_numbers():
    assert {reason.name: int(reason) for reason in DropReason} == {
        "ALREADY_DONE": 1,
        "NO_INPUTS": 2,
        "MISSING_PREREQUISITE": 3,
        "NO_VALID_CALIBRATION": 4,
        "UPSTREAM_DROPPED": 5,
        "NO_WORK": 6,
        "REMOVED_BY_HOOK": 7,
        "UNANCHORED": 8,
        "USER_CONSTRAINT": 9,
        "NO_OVERLAP": 10,
        "NOT_IN_COLLECTIONS": 11,
    }
    assert all(reason.text for reason in DropReason)
