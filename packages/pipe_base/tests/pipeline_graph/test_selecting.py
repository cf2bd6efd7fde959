# SPDX-License-Identifier: BSD-3-Clause
import pytest

from pachon.pipe_base import Pipeline, PipelineGraph
from pachon.pipe_base.pipeline_graph import SubsetExpressionError

SAMPLE = "pachon.pipe_base.testing.sample_tasks"


@pytest.fixture(scope="module")
def graph() -> PipelineGraph:
    pipeline = Pipeline.empty()
    for label in ("measure", "combine", "summarize"):
        pipeline = pipeline.with_task(label, f"{SAMPLE}.{label.capitalize()}Task")
    pipeline = pipeline.with_task("other", f"{SAMPLE}.SummarizeTask")
    for name in ("combined", "summary"):
        pipeline = pipeline.with_config("other", f"connections.{name}", f"other_{name}")
    return pipeline.with_subset("ends", ["measure", "summarize"]).with_subset("combined", ["combine"]).to_graph()


@pytest.mark.parametrize(
    ("expression", "labels"),
    [
        ("measure", "measure"),
        ("measure | other", "measure other"),
        ("ends", "measure summarize"),
        ("~ends", "combine other"),
        ("S:combined", "combine"),
        ("D:combined", "combine"),
        ("raw", ""),
        ("<combine", "measure"),
        ("<=combine", "combine measure"),
        (">combine", "summarize"),
        (">=combine", "combine summarize"),
        (">measurement", "combine summarize"),
        (">=measurement", "measure combine summarize"),
        (">raw", "measure combine summarize"),
        ("<summary", "measure combine"),
        (">=measure & <=combine", "measure combine"),
        ("measure | combine & other", "measure"),
        ("(measure | combine) & ~combine", "measure"),
        ("~>=combine", "measure other"),
    ],
)
def test_expressions(graph: PipelineGraph, expression: str, labels: str) -> None:
    assert set(graph.select(expression).tasks) == set(labels.split())


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("mesure", "there is no task, dataset type or subset 'mesure'. Did you mean 'measure'"),
        ("T:raw", "there is no task 'raw'"),
        ("combined", "'combined' is a dataset type (D:combined) and a subset (S:combined); write which is meant"),
        ("measure &", "a name is missing at the end"),
        ("measure combine", "'combine' is not expected here"),
        ("(measure", "a closing parenthesis is missing"),
        ("measure + combine", "'+' is not understood"),
        ("& measure", "a name is missing"),
        ("D:measurement_schema", "'measurement_schema' is an init-output, which selects no task"),
    ],
)
def test_what_is_wrong(graph: PipelineGraph, expression: str, problem: str) -> None:
    with pytest.raises(SubsetExpressionError) as caught:
        graph.select(expression)
    assert str(caught.value) == f"The task selection {expression!r} is not valid: {problem}."
