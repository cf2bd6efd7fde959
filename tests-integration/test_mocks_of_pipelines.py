# SPDX-License-Identifier: BSD-3-Clause
"""Mocks of the pipelines that reduce images: the same quanta as in earnest, beside real data, and failures as they are asked for."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from pachon.butler import Butler
from pachon.quantum_butler import QuantumGraph

WHERE = "instrument='SimCam' AND skymap='fields' AND visit.day_obs=20250301 AND band='r'"


def test_the_science_pipeline_as_mocks(simulated_survey: Any, tmp_path: Path) -> None:
    survey = simulated_survey.copy(tmp_path)
    common = ["-b", "repo", "-p", f"{survey.pipelines}/science.yaml", "-i", "SimCam/defaults", "-d", WHERE]
    survey.run("pipetask", "qgraph", *common, "-o", "u/real", "-q", "real.qg")
    survey.run(
        "pipetask", "run", *common, "-o", "u/mock", "--mock", "--register-dataset-types", "-j", 2, "-q", "mock.qg",
        "--summary", "mock.json",
    )  # fmt: skip
    real = QuantumGraph.open(str(tmp_path / "real.qg")).task_counts()
    mocked = QuantumGraph.open(str(tmp_path / "mock.qg")).task_counts()
    assert mocked == {f"_mock_{label}": count for label, count in real.items()}
    reports = json.loads((tmp_path / "mock.json").read_text())["quantaReports"]
    assert Counter(one["taskLabel"] for one in reports) == mocked
    assert {one["status"] for one in reports} == {"success"}
    with Butler.open(str(survey.repository), collections=["u/mock"]) as butler:
        (summary, *_) = butler.query_datasets("_mock_tract_summary")
        assert butler.get(summary)["quantum"]["inputs"], "a mock says what it read"

    # One exposure fails: what is made of it is blocked, all else is made.
    visit = min(int(one["dataId"]["visit"]) for one in reports if "visit" in one["dataId"])
    failed = survey.run(
        "pipetask", "run", *common, "-o", "u/failing", "--mock", "--mock-failure", f"characterize:ValueError:visit={visit}",
        "--summary", "failing.json", "-q", "failing.qg", check=False,
    )  # fmt: skip
    assert failed.returncode == 1
    states = Counter(
        (one["taskLabel"], one["status"])
        for one in json.loads((tmp_path / "failing.json").read_text())["quantaReports"]
    )
    assert states["_mock_isr", "success"] == real["isr"]
    failures = states["_mock_characterize", "failure"]
    assert 0 < failures < real["characterize"]
    assert states["_mock_characterize", "success"] == real["characterize"] - failures
    assert states["_mock_summary", "skipped"] == real["summary"]
    report = survey.run("pipetask", "report", "repo", "failing.qg", "--json", check=False)
    assert report.returncode == 1
    tasks = json.loads(report.stdout)["tasks"]
    assert tasks["_mock_characterize"]["n_failed"] == failures
    assert tasks["_mock_summary"]["n_blocked"] == real["summary"]
