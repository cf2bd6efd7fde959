# SPDX-License-Identifier: BSD-3-Clause
"""Exceptions of tasks as data."""

import errno
import os
import pickle

import pytest

from pachon.base import StorageError
from pachon.pipe_base.execution.outcome import ExceptionInfo, is_hopeless
from pachon.resources.errors import storage_errors


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


@pytest.mark.parametrize(
    ("number", "hopeless"), [(errno.ENOSPC, True), (errno.EROFS, True), (errno.EDQUOT, True), (errno.EIO, False)]
)
def test_a_disk_that_takes_nothing_is_hopeless_whoever_says_so(tmp_path, number, hopeless):
    refused = OSError(number, os.strerror(number))
    assert is_hopeless(refused) is hopeless
    # What a datastore raises, which says more than the system.
    with pytest.raises(StorageError) as caught, storage_errors("written", tmp_path / "file"):
        raise refused
    assert is_hopeless(caught.value) is hopeless
    with pytest.raises(StorageError) as again:
        raise StorageError("The output cannot be kept") from caught.value
    assert is_hopeless(again.value) is hopeless
    assert not is_hopeless(StorageError("nothing more is known"))
