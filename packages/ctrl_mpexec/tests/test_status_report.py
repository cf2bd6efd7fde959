# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.ctrl_mpexec.status_report import OverallStatus, RunStatus, next_status, run_status

ALL, ONE = OverallStatus, RunStatus


@pytest.mark.parametrize(
    ("metadata", "log", "upstream_bad", "expected"),
    [
        (True, True, False, ONE.SUCCESSFUL),
        (True, False, True, ONE.LOGS_MISSING),
        (False, True, True, ONE.FAILED),
        (False, False, True, ONE.BLOCKED),
        (False, False, False, ONE.METADATA_MISSING),
    ],
)
def test_status_in_one_run(metadata, log, upstream_bad, expected):
    assert run_status(metadata=metadata, log=log, upstream_bad=upstream_bad) is expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (ALL.WONKY, ONE.SUCCESSFUL, ALL.WONKY),
        (ALL.UNKNOWN, ONE.SUCCESSFUL, ALL.SUCCESSFUL),
        (ALL.FAILED, ONE.SUCCESSFUL, ALL.SUCCESSFUL),
        (ALL.UNKNOWN, ONE.LOGS_MISSING, ALL.WONKY),
        (ALL.SUCCESSFUL, ONE.FAILED, ALL.WONKY),
        (ALL.SUCCESSFUL, ONE.METADATA_MISSING, ALL.WONKY),
        (ALL.UNKNOWN, ONE.BLOCKED, ALL.BLOCKED),
        (ALL.FAILED, ONE.BLOCKED, ALL.FAILED),
        (ALL.FAILED, ONE.METADATA_MISSING, ALL.UNKNOWN),
        (ALL.BLOCKED, ONE.FAILED, ALL.FAILED),
    ],
)
def test_status_over_several_runs(old, new, expected):
    assert next_status(old, new) is expected
