# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.base import InvalidInputError, PachonError
from pachon.butler import Butler
from pachon.ctrl_mpexec import RunOptions, run_quantum_graph
from pachon.ctrl_mpexec.data_id_expression import matches
from pachon.ctrl_mpexec.mocking import MockFailure, MockRequest, mock_pipeline, parse_mock_failure
from pachon.pipe_base.context import ExecutionResources
from pachon.pipe_base.execution.quantum_run import ExecutionOptions
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.pipeline import Pipeline


def run(repository, pipeline_file, *failures, unmocked=(), **options):
    with Butler.open(str(repository), writeable=True) as butler:
        pipeline = Pipeline.read(str(pipeline_file)).to_graph()
        mocked = mock_pipeline(pipeline, butler, MockRequest(failures=failures, unmocked=unmocked))
        graph = build_quantum_graph(mocked, butler, input_collections="defaults", output_run="me/mock")
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
        return run_quantum_graph(graph, butler, options=RunOptions(**options))


def test_mocks_have_the_connections_of_the_tasks_and_say_what_they_read(repository, pipeline_file):
    report = run(repository, pipeline_file, processes=2)
    assert {label: counts["success"] for label, counts in report.counts().items()} == {
        "_mock_correct": 6, "_mock_visit": 6, "_mock_gather": 3,
    }  # fmt: skip
    with Butler.open(str(repository), collections=["me/mock"]) as butler:
        total = butler.get("_mock_visit_total", instrument="Cam", visit=2)
        assert total["dataset_type"] == "_mock_visit_total"
        assert total["quantum"]["task_label"] == "_mock_gather"
        assert [ref["data_id"]["detector"] for ref in total["quantum"]["inputs"]["images"]] == [0, 1]
        corrected = butler.get("_mock_corrected", instrument="Cam", exposure=2, detector=1)
        assert {name: refs[0]["dataset_type"] for name, refs in corrected["quantum"]["inputs"].items()} == {
            "raw": "raw", "bias": "bias",
        }  # fmt: skip
        assert butler.get("_mock_correct_config")["values"]["original"].endswith("CorrectTask")


def test_mocks_fail_as_they_are_told(repository, pipeline_file):
    failures = (
        MockFailure(label="correct", exception="NoWorkFound", where="exposure = 1 AND detector IN (0, 5..9)"),
        MockFailure(label="visit", exception="MemoryError", where="visit=3", memory=4000),
    )
    execution = ExecutionOptions(resources=ExecutionResources(max_mem=1000))
    report = run(repository, pipeline_file, *failures, execution=execution)
    assert report.is_success, "with four times the memory it goes well"
    codes = {(o.task_label, o.caveats.code()) for o in report.outcomes if o.caveats}
    assert codes == {("_mock_correct", "*N"), ("_mock_visit", "*AN")}


def test_requests_for_mocks_are_checked(repository, pipeline_file):
    assert parse_mock_failure("isr::visit=1:2GB") == MockFailure(label="isr", where="visit=1", memory=2 * 10**9)
    for where in ("visit IN (1..9:2)", "band = 'a:b'"):
        assert parse_mock_failure(f"isr::{where}") == MockFailure(label="isr", where=where)
        assert parse_mock_failure(f"isr::{where}:2GB") == MockFailure(label="isr", where=where, memory=2 * 10**9)
    for text, message in (
        ("isr:ValueErrr:", "no exception"),
        ("isr:a:b:c:d", "needs LABEL"),
        ("isr::visit in (", "cannot be understood"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            parse_mock_failure(text)
    with pytest.raises(PachonError, match="Did you mean 'correct'"):
        run(repository, pipeline_file, MockFailure(label="corect"))
    with pytest.raises(PachonError, match="no overall input"):
        run(repository, pipeline_file, unmocked=("rww",))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("visit = 4", True),
        ("visit != 4", False),
        ("visit IN (1..9:3)", True),
        ("visit IN (1..9:2)", False),
        ("NOT (detector >= 3 OR band = 'r')", True),
        ("band IN ('g', 'r') AND visit.id % 2 = 0", True),
        ("band = 'AND'", False),
    ],
)
def test_expressions_over_one_data_id(expression, expected):
    assert matches(expression, {"visit": 4, "detector": 2, "band": "g"}) is expected


def test_expressions_that_make_no_sense():
    for expression, message in (
        ("vsit = 1", "names 'vsit'"),
        ("visit.x() = 1", "not understood"),
        ("visit is 4", "comparison"),
    ):
        with pytest.raises(InvalidInputError, match=message):
            matches(expression, {"visit": 4})
