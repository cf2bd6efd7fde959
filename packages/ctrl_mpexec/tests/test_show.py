# SPDX-License-Identifier: BSD-3-Clause
import pytest

import pachon.ctrl_mpexec
from pachon.base import InvalidInputError
from pachon.butler import Butler
from pachon.ctrl_mpexec.pipeline_edits import load_pipeline, split_label
from pachon.ctrl_mpexec.run_graph import run_quantum_graph
from pachon.ctrl_mpexec.run_values import parse_memory
from pachon.ctrl_mpexec.show import check_items, show_graph, show_pipeline
from pachon.pipe_base.graph_builder.build import build_quantum_graph
from pachon.pipe_base.pipeline import Pipeline


def test_views_of_a_pipeline(pipeline_file):
    pipeline = Pipeline.read(str(pipeline_file))
    graph = pipeline.to_graph()
    texts = dict(
        zip(
            items := ["pipeline", "config=correct::fact*", "inputs", "tasks", "task-graph"],
            show_pipeline(items, pipeline, graph),
            strict=True,
        )
    )
    assert "description: numbers" in texts["pipeline"]
    assert "config.factor=1" in texts["config=correct::fact*"]
    assert "raw" in texts["inputs"]
    assert "bias" in texts["inputs"]
    assert "corrected" not in texts["inputs"]
    assert "visit_image" not in texts["task-graph"]


def test_views_of_a_graph(repository, pipeline_file):
    with Butler.open(str(repository)) as butler:
        graph = build_quantum_graph(
            Pipeline.read(str(pipeline_file)), butler, input_collections=["defaults"], output_run="me/run"
        )
    lines = list(show_graph(["graph", "workflow"], graph))
    assert sum(line.startswith("Quantum ") for line in lines) == 15
    assert sum(line.startswith("Parent Quantum ") for line in lines) == 12
    assert any("input bias: bias@" in line for line in lines)


def test_changes_since_a_run(repository, pipeline_file):
    with Butler.open(str(repository), writeable=True) as butler:
        pipeline = Pipeline.read(str(pipeline_file))
        graph = build_quantum_graph(pipeline, butler, input_collections=["defaults"], output_run="me/run")
        for dataset_type in graph.dataset_types.values():
            butler.dataset_types.register(dataset_type)
        run_quantum_graph(graph, butler, processes=1)
        changed = pipeline.with_config("correct", "factor", 3).without_task("gather")
        changed = changed.with_task("extra", pipeline.tasks["correct"].class_name).with_config(
            "extra", "connections.corrected", "extra"
        )
        (text,) = show_pipeline(["changes=me/run"], changed, changed.to_graph(butler), butler)
    assert text == (
        "### Changes of task 'correct' since me/run\n"
        "config.factor\n"
        "  - 1                   default\n"
        "  + 3                   -c correct:factor=3\n"
        "\n"
        "### Task 'extra' was not run in me/run\n"
        "\n"
        "### Task 'visit' is configured as in me/run\n"
    )
    with pytest.raises(InvalidInputError, match="'changes=me/run' needs the repository of the run; give it with -b"):
        list(show_pipeline(["changes=me/run"], pipeline, pipeline.to_graph()))
    with pytest.raises(InvalidInputError, match="'changes' needs the collection of an earlier run"):
        check_items(["changes"])


def test_a_new_task_is_in_no_step(tmp_path):
    sample = "pachon.pipe_base.testing.sample_tasks"
    text = f"description: one\ntasks: {{measure: {sample}.MeasureTask}}\nsubsets: {{one: [measure]}}\n"
    text += "steps: [{label: one, dimensions: []}]\n"
    (tmp_path / "p.yaml").write_text(text)
    replaced = load_pipeline(str(tmp_path / "p.yaml"), [("task", f"{sample}.MeasureTask:measure")])
    assert [step.label for step in replaced.steps] == ["one"]
    added = load_pipeline(str(tmp_path / "p.yaml"), [("task", f"{sample}.CombineTask:combine")])
    assert added.steps == ()
    assert list(added.subsets) == ["one"]
    assert set(added.to_graph().tasks) == {"measure", "combine"}


def test_unknown_items_are_refused_first():
    with pytest.raises(InvalidInputError, match=r"nothing 'grap' to show.*Did you mean 'graph'"):
        check_items(["pipeline", "grap"])


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("config", "correct", "LABEL:NAME=VALUE"),
        ("config", "correct:factor", "LABEL:NAME=VALUE"),
        ("config", "correct:factor=", "LABEL:NAME=VALUE"),
        ("config_file", ":x", "LABEL:FILE"),
        ("task", "os.path.join:x", "PipelineTask"),
    ],
)
def test_changes_that_make_no_sense(pipeline_file, option, value, message):
    with pytest.raises(Exception, match=message):
        load_pipeline(str(pipeline_file), [(option, value)]).to_graph()


def test_first_colon_and_first_equals_sign_split(pipeline_file):
    assert split_label("isr:url=a:b=c", "-c", "") == ("isr", "url=a:b=c")
    pipeline = load_pipeline(str(pipeline_file), [("delete", "gather"), ("config", "correct:fail=a:b=c")])
    assert list(pipeline.tasks) == ["correct", "visit"]
    assert pipeline.to_graph().tasks["correct"].config.fail == "a:b=c"


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, None), ("3GB", 3 * 10**9), ("3000", 3 * 10**9), ("2 GiB", 2**31), ("1.5kB", 1500)],
)
def test_memory(text, expected):
    assert parse_memory(text) == expected


def test_memory_that_is_none():
    with pytest.raises(InvalidInputError, match="no amount of memory"):
        parse_memory("much")


def test_all_names_exist():
    for name in pachon.ctrl_mpexec.__all__:
        assert getattr(pachon.ctrl_mpexec, name) is not None
