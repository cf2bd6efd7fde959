# SPDX-License-Identifier: BSD-3-Clause
import csv
import json

import pyarrow.ipc
import pytest

from pachon.base.testing import run_command
from pachon.ctrl_mpexec.program import pipetask
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


@pytest.fixture
def failed_run(repository, pipeline_file, tmp_path):
    """Give the arguments of a report on a run in which one exposure fails, which blocks a visit of both detectors and their sum."""
    graph = tmp_path / "g.qg"
    done = run_command(
        pipetask, "run", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--register-dataset-types",
        "-c", "correct:fail=exception", "-c", "correct:fail_exposure=2", "-q", graph,
    )  # fmt: skip
    assert done.exit_code == 1
    return "report", repository, graph


def test_the_quanta_that_failed_as_a_table_for_programs(failed_run):
    done = run_command(pipetask, *failed_run, "--table", "quanta", "--format", "csv")
    assert done.exit_code == 1, "a quantum failed"
    rows = list(csv.DictReader(done.stdout.splitlines()))
    assert list(rows[0]) == ["Task", "State", "instrument", "detector", "exposure", "Message"]
    assert sorted((row["Task"], row["State"], row["detector"], row["exposure"]) for row in rows) == [
        ("correct", "failed", "0", "2"),
        ("correct", "failed", "1", "2"),
    ]
    assert all("told to fail" in row["Message"] for row in rows)
    listed = json.loads(run_command(pipetask, *failed_run, "--table", "quanta", "--format", "json").stdout)
    assert [{name: str(value) for name, value in row.items()} for row in listed] == rows


@pytest.mark.parametrize("format", ["csv", "ecsv", "json", "arrow"])
def test_every_table_in_every_format(failed_run, format):
    first = {"tasks": "correct", "datasets": "correct_log", "exceptions": "correct", "quanta": "correct"}
    for table, name in first.items():
        done = run_command(pipetask, *failed_run, "--table", table, "--format", format)
        assert done.exit_code == 1
        assert done.stderr == ""
        if format == "arrow":
            column = pyarrow.ipc.open_stream(done.stdout_bytes).read_all().column(0).to_pylist()
        elif format == "json":
            column = [next(iter(row.values())) for row in json.loads(done.stdout)]
        else:
            lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
            column = [row[0] for row in csv.reader(lines, delimiter="," if format == "csv" else " ")][1:]
        assert name in column


def test_json_without_a_table_is_the_whole_report(failed_run):
    whole = json.loads(run_command(pipetask, *failed_run, "--format", "json").stdout)
    assert set(whole) == {"tasks", "datasets"}
    assert whole["tasks"]["correct"]["n_failed"] == 2
    assert whole["tasks"]["gather"]["n_blocked"] == 1
