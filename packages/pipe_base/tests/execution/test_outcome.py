# SPDX-License-Identifier: BSD-3-Clause
"""Exceptions of tasks as data."""

import pickle

from pachon.pipe_base.execution.outcome import ExceptionInfo


class NoText:
    def __str__(self):
        raise RuntimeError("no text")


class CarryingError(ValueError):
    def __init__(self, metadata):
        super().__init__("carrying")
        self.metadata = metadata


def test_metadata_that_cannot_be_kept_costs_only_itself():
    endless = {}
    endless["self"] = endless
    for metadata in (endless, {"a": NoText()}, 3):
        info = ExceptionInfo.of(CarryingError(metadata))
        assert (info.message, info.metadata) == ("carrying", {})
        assert pickle.loads(pickle.dumps(info)) == info


def test_a_long_text_keeps_both_ends():
    info = ExceptionInfo.of(ValueError("begin" + "x" * 100_000 + "end"))
    assert info.is_shortened
    assert info.message.startswith("begin")
    assert info.message.endswith("end")
    assert "(100008 characters in all)" in info.message
    assert len(info.message) < 30_000
    assert "ValueError: begin" in info.traceback
