# SPDX-License-Identifier: BSD-3-Clause
import logging

import pytest

from pachon.pipe_base import PipelineSyntaxError
from pachon.pipe_base.pipeline.contents import SubsetMode
from pachon.pipe_base.pipeline.parsing import parse_pipeline

FULL = """\
description: A test.
instrument: sample
imports:
  - $HERE/base.yaml
  - location: other.yaml
    exclude: one
    rename: {two: three}
    importContracts: false
    importSteps: false
    labeledSubsetModifyMode: EDIT
    instrument: null
parameters:
  level: 3
  names: [a, b]
tasks:
  short: a.b.Short
  long:
    class: a.b.Long
    config:
      file: [$X/a.py, b.py]
      python: |
        config.x = 1
      sub.x: 2.5
      y: null
  several:
    class: a.b.Long
    config:
      - z: 1
      - dataId: {visit: 3}
        z: 2
contracts:
  - short.x == long.y
  - {contract: "long.n > 3", msg: too few}
subsets:
  one: [short]
  two: {subset: [short, long, short], description: both}
steps:
  - {label: one, dimensions: []}
  - {label: two, dimensions: "visit, detector"}
"""


def test_a_full_document() -> None:
    document = parse_pipeline(FULL, "f.yaml")
    contents = document.contents
    assert (contents.description, contents.instrument) == ("A test.", "sample")
    assert dict(contents.parameters) == {"level": 3, "names": ["a", "b"]}
    assert [(t.label, t.class_name, len(t.config)) for t in contents.tasks.values()] == [
        ("short", "a.b.Short", 0), ("long", "a.b.Long", 1), ("several", "a.b.Long", 2)
    ]  # fmt: skip
    block = contents.tasks["long"].config[0]
    assert (block.files, block.python, block.python_line) == (("$X/a.py", "b.py"), "config.x = 1\n", 22)
    assert {name: override.value for name, override in block.values.items()} == {"sub.x": 2.5, "y": None}
    assert str(block.values["y"].place) == "f.yaml, line 24, column 7, tasks.long.config.y"
    assert contents.tasks["several"].config[1].data_id == {"visit": 3}
    assert [(c.expression, c.message) for c in contents.contracts] == [
        ("short.x == long.y", ""), ("long.n > 3", "too few")
    ]  # fmt: skip
    assert contents.subsets["two"].labels == ("short", "long")
    assert contents.subsets["two"].description == "both"
    assert [(step.label, step.dimensions) for step in contents.steps] == [("one", ()), ("two", ("visit", "detector"))]
    first, second = document.imports
    assert (first.location, first.include, first.mode) == ("$HERE/base.yaml", None, SubsetMode.DROP)
    assert (second.exclude, dict(second.rename), second.instrument) == (("one",), {"two": "three"}, "")
    assert (second.import_contracts, second.import_steps, second.mode) == (False, False, SubsetMode.EDIT)


@pytest.mark.parametrize("imports", ["x.yaml", "{location: x.yaml}", "[x.yaml]", "[{location: x.yaml, include: a}]"])
def test_forms_of_imports(imports: str) -> None:
    document = parse_pipeline(f"description: d\nimports: {imports}", "f.yaml")
    assert [entry.location for entry in document.imports] == ["x.yaml"]


@pytest.mark.parametrize("contracts", ["a.b == c.d", "[a.b == c.d]", "{contract: a.b == c.d}"])
def test_forms_of_contracts(contracts: str) -> None:
    document = parse_pipeline(f"description: d\ntasks:\ncontracts: {contracts}", "f.yaml")
    assert [contract.expression for contract in document.contents.contracts] == ["a.b == c.d"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "f.yaml: a pipeline is a mapping, not a list; it begins with 'description: ...'."),
        ("", "f.yaml: the document is empty; it begins with 'description: ...'."),
        ("tasks: {}", "f.yaml: a pipeline needs a 'description'."),
        ("description: d", "f.yaml: a pipeline needs 'tasks' or 'imports'."),
        ("inherits: x", "f.yaml, line 1, column 1, inherits: 'inherits' is now called 'imports'."),
        ("subset: x", "f.yaml, line 1, column 1, subset: 'subset' is not a key; write 'subsets'."),
        ("instrument: [a, b]", "f.yaml, line 1, column 1, instrument: one instrument is needed, not a list."),
        ("tasks: [a]", "f.yaml, line 1, column 1, tasks: 'tasks' is a mapping from labels to tasks, not a list."),
        (
            "tasks:\n  a: 3",
            "f.yaml, line 2, column 3, tasks.a: a task is the path of a class, or a mapping with 'class', not 3.",
        ),
        ("tasks:\n  a: {config: {}}", "f.yaml, line 2, column 3, tasks.a: task 'a' has no 'class'."),
        (
            "tasks:\n  parameters: x.Y",
            "f.yaml, line 2, column 3, tasks.parameters: 'parameters' is a reserved word and cannot be a label.",
        ),
        (
            "tasks:\n  a-b: x.Y",
            (
                "f.yaml, line 2, column 3, tasks.a-b: 'a-b' cannot be a label: letters, digits and underscores only, not beginning with a digit."
            ),
        ),
        (
            "tasks:\n  a: {class: x.Y, config: 3}",
            "f.yaml, line 2, column 19, tasks.a.config: 'config' is a mapping, or a list of mappings, not 3.",
        ),
        (
            "tasks:\n  a: {class: x.Y, config: [3]}",
            "f.yaml, line 2, column 19, tasks.a.config: a block of 'config' is a mapping, not 3.",
        ),
        (
            "tasks:\n  a:\n    class: x.Y\n    config:\n      python: [1]",
            "f.yaml, line 5, column 7, tasks.a.config.python: 'python' is code, not a list.",
        ),
        (
            "tasks:\n  a:\n    class: x.Y\n    config:\n      file: 3",
            "f.yaml, line 5, column 7, tasks.a.config.file: 'file' is a text or a list of texts, not 3.",
        ),
        (
            "tasks:\n  a:\n    class: x.Y\n    config:\n      dataId: 3",
            "f.yaml, line 5, column 7, tasks.a.config.dataId: 'dataId' is a mapping, not 3.",
        ),
        (
            "tasks:\n  a:\n    class: x.Y\n    config:\n      3: x",
            "f.yaml, line 5, column 7, tasks.a.config.3: 3 is not the name of a field; names are texts.",
        ),
        (
            "subsets: [a]",
            "f.yaml, line 1, column 1, subsets: 'subsets' is a mapping from names to lists of labels, not a list.",
        ),
        ("subsets:\n  s: a", "f.yaml, line 2, column 3, subsets.s: subset 's' is not a list of labels."),
        (
            "subsets:\n  s: {}",
            "f.yaml, line 2, column 3, subsets.s: a subset is a list of labels, or a mapping with 'subset'.",
        ),
        (
            "tasks:\n  a:\n    clas: x.Y",
            "f.yaml, line 3, column 5, tasks.a: task 'a' has no 'class'; did you mean 'class' by 'clas'?",
        ),
        (
            "tasks:\n  a:\n  b: x.Y",
            "f.yaml, line 2, column 3, tasks.a: a task is the path of a class, or a mapping with 'class', not nothing.",
        ),
        (
            "tasks:\n  yes: x.Y",
            "f.yaml, line 2, column 3, tasks.True: YAML reads this label as True, not as text; put it in quotes.",
        ),
        (
            "contracts: [{contract: a, message: b}]",
            "f.yaml, line 1, column 27, contracts.0: unknown key 'message'. Known keys are contract, msg.",
        ),
        ("steps: a", "f.yaml, line 1, column 1, steps: 'steps' is a list of mappings, not a text."),
        ("steps: [a]", "f.yaml, line 1, column 9, steps.0: a step is a mapping with 'label' and 'dimensions'."),
        ("steps: [{label: a}]", "f.yaml, line 1, column 9, steps.0: a step needs 'dimensions'."),
        (
            "steps: [{label: a, dimensions: 3}]",
            "f.yaml, line 1, column 9, steps.0: the dimensions of step 'a' are not a list of names.",
        ),
        (
            "steps:\n  - {label: a, dimensions: []}\n  - {label: a, dimensions: []}",
            "f.yaml, line 3, column 5, steps.1: step 'a' appears twice.",
        ),
        (
            "steps: [{label: a, dimensons: []}]",
            "f.yaml, line 1, column 20, steps.0: unknown key 'dimensons'. Did you mean 'dimensions'?",
        ),
        (
            "parameters: [a]",
            "f.yaml, line 1, column 1, parameters: 'parameters' is a mapping from names to values, not a list.",
        ),
        ("contracts: 3", "f.yaml, line 1, column 1, contracts: 'contracts' is a list of expressions, not 3."),
        ("contracts: [3]", "f.yaml, line 1, column 13, contracts.0: a contract is an expression, not 3."),
        ("contracts: [{msg: a}]", "f.yaml, line 1, column 13, contracts.0: a contract needs the text 'contract'."),
        (
            "contracts: [{contract: a, mesg: b}]",
            "f.yaml, line 1, column 27, contracts.0: unknown key 'mesg'. Did you mean 'msg'?",
        ),
        (
            "imports: 3",
            "f.yaml, line 1, column 1, imports: 'imports' is a location, a mapping, or a list of these, not 3.",
        ),
        ("imports: [3]", "f.yaml, line 1, column 11, imports.0: an import is a location or a mapping, not 3."),
        ("imports: {include: a}", "f.yaml, line 1, column 1, imports: an import needs a 'location'."),
        (
            "imports: {location: a, includes: b}",
            "f.yaml, line 1, column 24, imports: unknown key 'includes'. Did you mean 'include'?",
        ),
        (
            "imports: a.yaml#b",
            (
                "f.yaml, line 1, column 1, imports: 'a.yaml#b': labels are not selected with '#' in an import; use 'include' or 'exclude'."
            ),
        ),
        (
            "imports: {location: a, include: b, exclude: c}",
            "f.yaml, line 1, column 1, imports: an import has 'include' or 'exclude', not both.",
        ),
        (
            "imports: {location: a, labeledSubsetModifyMode: KEEP}",
            "f.yaml, line 1, column 1, imports: 'labeledSubsetModifyMode' is DROP or EDIT, not 'KEEP'.",
        ),
        (
            "imports: {location: a, importSteps: 3}",
            "f.yaml, line 1, column 1, imports: 'importSteps' is true or false, not 3.",
        ),
        (
            "imports: {location: a, rename: b}",
            "f.yaml, line 1, column 1, imports: 'rename' is a mapping from old to new labels, not a text.",
        ),
        (
            "imports: {location: a, rename: {a: b, b: c}}",
            "f.yaml, line 1, column 1, imports: 'rename' has 'b' as old and as new label.",
        ),
        (
            "imports: {location: a, rename: {a: c, b: c}}",
            "f.yaml, line 1, column 1, imports: 'rename' gives two tasks the same new label.",
        ),
        (
            "imports: {location: a, rename: {a: [b]}}",
            "f.yaml, line 1, column 1, imports: YAML reads this label as ['b'], not as text; put it in quotes.",
        ),
        (
            "steps: [{label: [one], dimensions: []}]",
            "f.yaml, line 1, column 9, steps.0: the label of a step is the name of a subset, not a list.",
        ),
    ],
)
def test_every_mistake_is_located(text: str, message: str) -> None:
    if not text.startswith(("description", "tasks: {}", "[")) and text:
        text = f"{text}\ndescription: d\n" + ("" if text.startswith(("tasks", "imports")) else "tasks: {}\n")
    with pytest.raises(PipelineSyntaxError) as caught:
        parse_pipeline(text, "f.yaml")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "descripton: d\ntasks: {}",
            ("f.yaml, line 1, column 1: a pipeline needs a 'description'; did you mean 'description' by 'descripton'?"),
        ),
        (
            "description: d\ntask:\n  a: x.Y",
            "f.yaml, line 2, column 1: a pipeline needs 'tasks' or 'imports'; did you mean 'tasks' by 'task'?",
        ),
        (
            "description: d\nimport: x.yaml",
            "f.yaml, line 2, column 1: a pipeline needs 'tasks' or 'imports'; did you mean 'imports' by 'import'?",
        ),
    ],
)
def test_a_missing_key_may_be_misspelled(text: str, message: str) -> None:
    with pytest.raises(PipelineSyntaxError) as caught:
        parse_pipeline(text, "f.yaml")
    assert str(caught.value) == message


def test_unknown_keys_are_warnings_or_errors(caplog: pytest.LogCaptureFixture) -> None:
    text = "description: d\ntask: {}\ntasks:\n  a: {class: x.Y, confg: 3}\nsubsets:\n  s: {subset: [a], descripton: x}"
    with caplog.at_level(logging.WARNING):
        parse_pipeline(text, "f.yaml")
    assert caplog.messages == [
        "f.yaml, line 2, column 1: unknown key 'task' is ignored. Did you mean 'tasks'?",
        "f.yaml, line 4, column 19, tasks.a: unknown key 'confg' is ignored. Did you mean 'config'?",
        "f.yaml, line 6, column 20, subsets.s: unknown key 'descripton' is ignored. Did you mean 'description'?",
    ]
    with pytest.raises(PipelineSyntaxError) as caught:
        parse_pipeline(text, "f.yaml", strict=True)
    assert str(caught.value) == "f.yaml, line 2, column 1: unknown key 'task'. Did you mean 'tasks'?"
