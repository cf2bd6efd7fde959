# SPDX-License-Identifier: BSD-3-Clause
"""Who runs quanta of a real graph needs no database: it is not imported, and it need not be there."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pachon.butler import Butler
from pachon.quantum_butler import QuantumGraph

STRANGERS = ("sqlalchemy", "sqlite3", "alembic", "psycopg", "pachon.registry", "pachon.butler")

REPORT = f"""
import json, sys
print(json.dumps([name for name in {STRANGERS!r} if name in sys.modules]))
"""

RUN_QBB = """
import sys
from pachon.ctrl_mpexec.program import pipetask
pipetask.main(sys.argv[1:], standalone_mode=False)
"""

WORKER = """
import sys, uuid
from pachon.ctrl_mpexec.worker import QuantumWorker
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
graph, *quanta = sys.argv[1:]
worker = QuantumWorker(graph, ExecutionOptions())
for quantum in quanta:
    result = worker.run(uuid.UUID(quantum))
    assert result.outcome.status.value == "success", result.outcome
    assert len(result.files) > 0
"""


@dataclass(frozen=True)
class Job:
    """A graph of two tasks for two detectors of a visit, in a repository whose database is away."""

    repository: Path
    graph: Path
    quanta: dict[str, list[str]]
    database: Path


@pytest.fixture
def job(simulated_survey: Any, tmp_path: Path) -> Job:
    survey = simulated_survey.copy(tmp_path)
    with survey.open() as butler:
        visit = min(record.id for record in butler.query_dimension_records("visit", where="instrument='SimCam'"))
    survey.run(
        "pipetask", "qgraph", "-b", "repo", "-p", f"{survey.pipelines}/science.yaml#isr,characterize",
        "-i", "SimCam/defaults", "--output-run", "test/batch", "-q", "batch.qg",
        "-d", f"instrument='SimCam' AND exposure={visit} AND visit={visit} AND detector IN (0, 1)",
    )  # fmt: skip
    graph = QuantumGraph.open(str(tmp_path / "batch.qg"))
    quanta = {label: [str(one) for one in graph.quanta(label).uuids()] for label in ("isr", "characterize")}
    assert {label: len(ids) for label, ids in quanta.items()} == {"isr": 2, "characterize": 2}
    database = survey.repository / "registry.sqlite3"
    for file in survey.repository.glob("registry.sqlite3*"):
        file.rename(tmp_path / file.name)
    assert not database.exists()
    return Job(survey.repository, tmp_path / "batch.qg", quanta, tmp_path / database.name)


def run_python(code: str, *arguments: object) -> list[str]:
    """Run Python code, and give those of the strangers that it imported."""
    done = subprocess.run(
        [sys.executable, "-c", code + REPORT, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_worker_of_a_pool_imports_no_database(job: Job) -> None:
    """Raw formatter, calibrations, task, output: all of a quantum."""
    assert run_python(WORKER, job.graph, job.quanta["isr"][0], job.quanta["characterize"][0]) == []


def test_a_job_imports_no_database(job: Job, simulated_survey: Any) -> None:
    assert run_python(RUN_QBB, "pre-exec-init-qbb", job.repository, job.graph) == []
    for label in ("isr", "characterize"):
        for quantum in job.quanta[label]:
            assert run_python(RUN_QBB, "run-qbb", job.repository, job.graph, "--qgraph-node-id", quantum) == []
    # What the jobs wrote is taken in later, where the database is.
    for file in job.database.parent.glob("registry.sqlite3*"):
        file.rename(job.repository / file.name)
    simulated_survey.run("butler", "transfer-from-graph", job.graph, job.repository, "--register-dataset-types")
    with Butler.open(str(job.repository), collections="test/batch") as butler:
        refs = list(butler.query_datasets("visit_image"))
        assert sorted(ref.data_id["detector"] for ref in refs) == [0, 1]
        for ref in refs:
            assert butler.get(ref).shape == (512, 512)
