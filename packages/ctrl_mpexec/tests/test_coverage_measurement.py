# SPDX-License-Identifier: BSD-3-Clause
"""The option --coverage, with the real package."""

import pytest

from pachon.base.testing import run_command
from pachon.ctrl_mpexec.program import pipetask

coverage = pytest.importorskip("coverage")


def measured(tmp_path):
    """Give the lines of the sample tasks that were run."""
    data = coverage.CoverageData(basename=str(tmp_path / ".coverage"))
    data.read()
    assert "/another/program.py" not in data.measured_files()
    (path,) = (name for name in data.measured_files() if name.endswith("testing/tasks.py"))
    return set(data.lines(path))


@pytest.mark.parametrize(
    "workers", [(), ("-j", "2"), ("--process-per-quantum",)], ids=["one process", "workers", "fresh"]
)
def test_what_tasks_run_is_covered(repository, pipeline_file, tmp_path, monkeypatch, workers):
    monkeypatch.chdir(tmp_path)
    other = coverage.CoverageData(basename=str(tmp_path / ".coverage.of.another.program"))
    other.add_lines({"/another/program.py": [1]})
    other.write()
    done = run_command(
        pipetask, "run", "-b", repository, "-p", pipeline_file, "-i", "defaults", "-o", "me", "--register-dataset-types",
        "-d", "instrument = 'Cam' AND exposure = 1 AND visit = 1", "--coverage", "--cov-packages", "pachon.ctrl_mpexec.testing",
        *workers,
    )  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "covhtml" / "index.html").is_file()
    left = {path.name for path in tmp_path.glob(".coverage*")}
    assert left == {".coverage", ".coverage.of.another.program"}, "what workers wrote is in it"
    from pachon.ctrl_mpexec.testing import tasks

    for task in (tasks.CorrectTask, tasks.VisitTask, tasks.GatherTask):
        first = task.run.__code__.co_firstlineno
        assert measured(tmp_path) & {first + 2, first + 3}, f"{task.__name__}.run was run"
