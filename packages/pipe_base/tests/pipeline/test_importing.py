# SPDX-License-Identifier: BSD-3-Clause
import logging
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from pachon.pipe_base import InstrumentNotFoundError, Pipeline, PipelineError, PipelineFileNotFoundError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write pipeline files; a description is added. Messages then name files as they are given."""
    monkeypatch.chdir(tmp_path)

    def write_files(**texts: str) -> Path:
        for name, text in texts.items():
            Path(f"{name}.yaml").write_text(f"description: {name}\n{textwrap.dedent(text)}")
        return tmp_path

    return write_files


BASE = """
tasks:
  one: m.One
  two: {class: m.Two, config: {x: 1}}
  three: m.Three
contracts: [one.a == two.a, three.a > 1]
subsets:
  pair: [one, two]
  rest: {subset: [three], description: the rest}
steps:
  - {label: pair, dimensions: [visit]}
  - {label: rest, dimensions: []}
parameters: {p: 1, q: 2}
"""


def test_a_plain_import_takes_everything(write: Write) -> None:
    write(base=BASE, top="imports: base.yaml\nparameters: {q: 3}\ntasks: {four: m.Four}")
    pipeline = Pipeline.read("top.yaml")
    assert list(pipeline.tasks) == ["one", "two", "three", "four"]
    assert dict(pipeline.parameters) == {"p": 1, "q": 3}
    assert list(pipeline.subsets) == ["pair", "rest"]
    assert [step.label for step in pipeline.steps] == ["pair", "rest"]
    assert len(pipeline.contracts) == 2
    assert pipeline.description == "top"


@pytest.mark.parametrize(
    ("options", "tasks", "subsets", "steps", "contracts"),
    [
        ("exclude: three", "one two", "pair", "pair", "one.a == two.a"),
        ("exclude: [rest]", "one two", "pair", "pair", "one.a == two.a"),
        ("exclude: [one]", "two three", "rest", "rest", "three.a > 1"),
        ("exclude: []", "one two three", "pair rest", "pair rest", "one.a == two.a|three.a > 1"),
        ("include: pair", "one two", "pair", "pair", "one.a == two.a"),
        ("include: [one, three]", "one three", "rest", "rest", "three.a > 1"),
        (
            "include: [one, three], labeledSubsetModifyMode: EDIT",
            "one three", "pair rest", "pair rest", "three.a > 1",
        ),
        ("exclude: [three], labeledSubsetModifyMode: EDIT", "one two", "pair rest", "pair rest", "one.a == two.a"),
        ("importContracts: false", "one two three", "pair rest", "pair rest", ""),
        ("importSteps: false", "one two three", "pair rest", "", "one.a == two.a|three.a > 1"),
        ("rename: {one: uno}", "uno two three", "pair rest", "pair rest", "uno.a == two.a|three.a > 1"),
        ("rename: {one: uno}, include: pair", "uno two", "pair", "pair", "uno.a == two.a"),
        ("rename: {one: uno}, include: one", "uno", "", "", ""),
    ],
)  # fmt: skip
def test_parts(write: Write, options: str, tasks: str, subsets: str, steps: str, contracts: str) -> None:
    write(base=BASE, top=f"imports: {{location: base.yaml, {options}}}")
    pipeline = Pipeline.read("top.yaml")
    assert list(pipeline.tasks) == tasks.split()
    assert list(pipeline.subsets) == subsets.split()
    assert [step.label for step in pipeline.steps] == steps.split()
    assert "|".join(contract.expression for contract in pipeline.contracts) == contracts
    if "rename" in options and "pair" in subsets:
        assert pipeline.subsets["pair"].labels == ("uno", "two")


def test_an_emptied_subset_may_be_filled_again(write: Write) -> None:
    write(
        base=BASE,
        top="""
        imports: {location: base.yaml, exclude: [three], labeledSubsetModifyMode: EDIT}
        tasks: {four: m.Four}
        subsets: {rest: [four]}
        """,
    )
    pipeline = Pipeline.read("top.yaml")
    assert pipeline.subsets["rest"].labels == ("four",)
    assert [step.label for step in pipeline.steps] == ["pair", "rest"]


def test_a_step_has_the_dimensions_that_were_imported(write: Write) -> None:
    write(
        a="tasks: {one: m.One}\nsubsets: {s: [one]}\nsteps: [{label: s, dimensions: [visit]}]",
        top="imports: a.yaml\nsteps: [{label: s, dimensions: []}]",
    )
    with pytest.raises(PipelineError) as caught:
        Pipeline.read("top.yaml")
    assert str(caught.value) == (
        "top.yaml, line 3, column 9, steps.0: step 's' has dimensions none, but in a.yaml, line 4, column 9, steps.0 it has visit."
    )


def test_an_imported_document_must_be_right_by_itself(write: Write) -> None:
    write(base="tasks: {one: m.One}\nsubsets: {pair: [one, tow]}", top="imports: {location: base.yaml, include: one}")
    with pytest.raises(
        PipelineError, match=r"base\.yaml.* subset 'pair' holds 'tow', which is no task of the pipeline"
    ):
        Pipeline.read("top.yaml")


def test_overrides_are_added_to_a_task_of_the_same_class(write: Write) -> None:
    write(
        base=BASE,
        middle="imports: base.yaml\ntasks:\n  two: {class: m.Two, config: {y: 2}}\n  one: m.Other",
        top="imports: middle.yaml\ntasks:\n  two: {class: m.Two, config: {x: 3}}",
    )
    pipeline = Pipeline.read("top.yaml")
    blocks = pipeline.tasks["two"].config
    assert [{name: o.value for name, o in block.values.items()} for block in blocks] == [{"x": 1, "y": 2}, {"x": 3}]
    assert pipeline.tasks["one"].class_name == "m.Other"


def test_instruments(write: Write) -> None:
    write(base="instrument: a.Cam\ntasks: {one: m.One}", other="instrument: b.Cam\ntasks: {two: m.Two}")
    write(top="imports: [base.yaml]")
    assert Pipeline.read("top.yaml").instrument == "a.Cam"
    write(top="imports: [{location: base.yaml, instrument: null}]")
    assert Pipeline.read("top.yaml").instrument is None
    write(top="imports: [{location: base.yaml, instrument: b.Cam}, other.yaml]")
    assert Pipeline.read("top.yaml").instrument == "b.Cam"
    write(top="imports: [base.yaml, other.yaml]")
    with pytest.raises(PipelineError) as caught:
        Pipeline.read("top.yaml")
    assert str(caught.value) == (
        "top.yaml, line 2, column 22, imports.1: 'other.yaml' is for instrument 'b.Cam' (other.yaml, line 2, column 1, "
        "instrument), but the pipeline is for 'a.Cam' (base.yaml, line 2, column 1, instrument); set 'instrument' in the import."
    )
    write(top="instrument: c.Cam\nimports: [base.yaml]")
    with pytest.raises(PipelineError, match=r"for 'c.Cam' \(top.yaml, line 2, column 1, instrument\); set"):
        Pipeline.read("top.yaml")
    write(top="imports: [{location: base.yaml, instrument: b.Cam}]\ninstrument: c.Cam")
    with pytest.raises(PipelineError, match=r"for instrument 'b.Cam' \(top.yaml, line 2, column 11, imports.0\), but"):
        Pipeline.read("top.yaml")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            "tasks: {one: m.One}",
            "tasks: {one: m.One}",
            (
                "top.yaml, line 2, column 19, imports.1: task 'one' comes from two imports, a.yaml, line 2, column 9, tasks.one and b.yaml, "
                "line 2, column 9, tasks.one; exclude it from one of them."
            ),
        ),
        (
            "tasks: {one: m.One}\nsubsets: {s: [one]}",
            "tasks: {two: m.One}\nsubsets: {s: [two]}",
            (
                "top.yaml, line 2, column 19, imports.1: subset 's' comes from two imports, a.yaml, line 3, column 11, subsets.s and b.yaml, "
                "line 3, column 11, subsets.s."
            ),
        ),
        (
            "tasks: {one: m.One}\nsubsets: {two: [one]}",
            "tasks: {two: m.One}",
            "a.yaml, line 3, column 11, subsets.two: 'two' names a subset here and a task in b.yaml, line 2, column 9, tasks.two.",
        ),
    ],
)
def test_conflicts_name_both_places(write: Write, first: str, second: str, message: str) -> None:
    write(a=first, b=second, top="imports: [a.yaml, b.yaml]")
    with pytest.raises(PipelineError) as caught:
        Pipeline.read("top.yaml")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "tasks: {one: m.One}\nsubsets: {s: [one, tow]}",
            "top.yaml, line 3, column 11, subsets.s: subset 's' holds 'tow', which is no task of the pipeline. Did you mean 'one'?",
        ),
        (
            "tasks: {one: m.One}\nsubsets: {one: [one]}",
            "top.yaml, line 3, column 11, subsets.one: 'one' is the name of a task (top.yaml, line 2, column 9, tasks.one) and cannot name a subset too.",
        ),
        (
            "tasks: {one: m.One}\nsubsets: {step1: [one]}\nsteps: [{label: step, dimensions: []}]",
            "top.yaml, line 4, column 9, steps.0: step 'step' is not the name of a subset. Did you mean 'step1'?",
        ),
    ],
)
def test_subsets_and_steps_must_fit(write: Write, text: str, message: str) -> None:
    write(top=text)
    with pytest.raises(PipelineError) as caught:
        Pipeline.read("top.yaml")
    expected = message.replace(" Did you mean 'one'?", "")
    assert str(caught.value) in (message, expected)


def test_cycles_are_named(write: Write, tmp_path: Path) -> None:
    write(a="imports: b.yaml", b="imports: c.yaml", c="imports: a.yaml", top="imports: a.yaml")
    with pytest.raises(PipelineError) as caught:
        Pipeline.read("top.yaml")
    circle = " -> ".join(str(tmp_path.resolve() / f"{name}.yaml") for name in "abca")
    assert str(caught.value) == f"c.yaml, line 2, column 1, imports: pipelines import each other in a circle: {circle}."


def test_one_file_may_be_imported_twice_in_parts(write: Write) -> None:
    write(
        base=BASE,
        a="imports: {location: base.yaml, include: one}",
        b="imports: {location: base.yaml, include: two}",
        top="imports: [a.yaml, b.yaml]",
    )
    assert list(Pipeline.read("top.yaml").tasks) == ["one", "two"]


def test_all_missing_files_are_named_at_once(write: Write) -> None:
    write(top="imports: [no.yaml, middle.yaml, $UNSET_VARIABLE/x.yaml]", middle="imports: gone.yaml\ntasks: {a: m.A}")
    with pytest.raises(PipelineFileNotFoundError) as caught:
        Pipeline.read("top.yaml")
    assert str(caught.value).splitlines() == [
        "Pipeline 'no.yaml' does not exist. It is imported by top.yaml, line 2, column 11, imports.0.",
        "Pipeline 'gone.yaml' does not exist. (middle.yaml, line 2, column 1, imports)",
        (
            "Pipeline '$UNSET_VARIABLE/x.yaml' does not exist. The variable $UNSET_VARIABLE is not defined. "
            "(top.yaml, line 2, column 33, imports.2)"
        ),
    ]


def test_names_that_match_nothing_are_a_warning(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    write(base=BASE, top="imports: {location: base.yaml, include: [one, thre]}")
    with caplog.at_level(logging.WARNING):
        assert list(Pipeline.read("top.yaml").tasks) == ["one"]
    assert caplog.messages == [
        "top.yaml, line 2, column 1, imports: 'thre' is no label and no subset of 'base.yaml'. Did you mean 'three'?"
    ]


@pytest.mark.parametrize(
    ("rename", "message"),
    [
        ("{five: six}", "top.yaml, line 2, column 1, imports, rename: 'base.yaml' has no task 'five'."),
        (
            "{one: two}",
            (
                "top.yaml, line 2, column 1, imports, rename: 'one' cannot be renamed to 'two', which exists already "
                "(base.yaml, line 5, column 3, tasks.two)."
            ),
        ),
    ],
)
def test_renaming_must_fit(write: Write, rename: str, message: str) -> None:
    write(base=BASE, top=f"imports: {{location: base.yaml, rename: {rename}}}")
    with pytest.raises(PipelineError) as caught:
        Pipeline.read("top.yaml")
    assert str(caught.value) == message


def test_imports_ten_deep(write: Write) -> None:
    write(level0="tasks: {t0: m.T}")
    for i in range(1, 10):
        write(**{f"level{i}": f"imports: level{i - 1}.yaml\ntasks: {{t{i}: m.T}}"})
    assert len(Pipeline.read("level9.yaml").tasks) == 10


def test_documents_elsewhere(tmp_path: Path) -> None:
    from pachon.resources import ResourcePath

    ResourcePath("memory://pipes/base.yaml").write(b"description: b\ntasks: {one: m.One}", overwrite=True)
    top = ResourcePath("memory://pipes/top.yaml")
    top.write(b"description: t\nimports: base.yaml", overwrite=True)
    assert list(Pipeline.read(top).tasks) == ["one"]
    assert list(Pipeline.read("memory://pipes/top.yaml#one").tasks) == ["one"]


def test_an_instrument_may_be_a_mapping_file_beside_the_document(write: Write) -> None:
    sample = "pachon.pipe_base.testing.sample_tasks"
    folder = write(top="imports: sub/cam.yaml")
    (folder / "sub" / "overrides").mkdir(parents=True)
    (folder / "sub" / "cam.yaml").write_text(
        f"description: d\ninstrument: my_cam.yaml\ntasks: {{combine: {sample}.CombineTask, two: {sample}.CombineTask}}\n"
        "contracts: [two.minimum == 4]\n"
        "subsets: {all: [combine]}\n"
    )
    (folder / "sub" / "my_cam.yaml").write_text("name: MyCam\nconfig_paths: overrides\n")
    (folder / "sub" / "overrides" / "combine.py").write_text("config.minimum = 4\nconfig.load('more.py')\n")
    (folder / "sub" / "overrides" / "more.py").write_text("config.saveLogOutput = False\n")
    pipeline = Pipeline.read("top.yaml")
    assert pipeline.instrument == "sub/my_cam.yaml"
    changed = pipeline.with_config("two", "connections.combined", "other")
    graph = changed.to_graph()
    assert dict(graph.data_id) == {"instrument": "MyCam"}
    for label in ("combine", "two"):  # by the default name of the class
        assert graph.tasks[label].config.minimum == 4
        assert not graph.tasks[label].config.saveLogOutput
    source = graph.tasks["two"].config.history("minimum")[-1].source
    assert (Path(source.file).name, source.line) == ("combine.py", 1)
    lost = Pipeline.from_yaml("description: d\ninstrument: nowhere.yaml\ntasks: {}\n")
    with pytest.raises(
        InstrumentNotFoundError, match=r"Instrument 'nowhere\.yaml' is not known: there is no such file"
    ):
        lost.to_graph()
