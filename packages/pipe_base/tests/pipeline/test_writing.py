# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pachon.pipe_base import Pipeline
from pachon.pipe_base.pipeline import (
    ConfigBlock,
    Contract,
    FieldOverride,
    PipelineContents,
    PipelineTaskEntry,
    Step,
    Subset,
)

TEXT = """\
description: |
  Two lines
  of text.
instrument: sample
parameters:
  p: [1, {a: b}]
tasks:
  one: m.One
  two:
    class: m.Two
    config:
      file: $X/a.py
      python: |
        config.x = 1
        config.y = 2
      z: 'None'
contracts:
  - two.x == one.x
  - {contract: one.x > 3, msg: why}
subsets:
  s: {subset: [two, one], description: both}
  empty: []
steps:
  - {label: s, dimensions: [visit]}
"""


def test_the_order_of_keys_and_the_long_form() -> None:
    text = Pipeline.from_yaml(TEXT).to_yaml()
    keys = [line.partition(":")[0] for line in text.splitlines() if line[:1].isalpha()]
    assert keys == ["description", "instrument", "parameters", "tasks", "contracts", "subsets", "steps"]
    assert "  one:\n    class: m.One\n" in text
    assert "    - file:\n      - $X/a.py\n      python: |\n        config.x = 1\n        config.y = 2\n" in text
    assert text.index("contract: one.x > 3") < text.index("two.x == one.x")


def test_a_round_trip_loses_nothing(tmp_path: Path) -> None:
    pipeline = Pipeline.from_yaml(TEXT)
    again = Pipeline.from_yaml(pipeline.to_yaml())
    assert set(again.contracts) == set(pipeline.contracts)
    for name in ("description", "instrument", "tasks", "subsets", "steps", "parameters"):
        assert getattr(again, name) == getattr(pipeline, name)
    assert again.to_yaml() == pipeline.to_yaml()
    pipeline.write(tmp_path / "p.yaml")
    assert Pipeline.read(tmp_path / "p.yaml").to_yaml() == pipeline.to_yaml()


names = st.from_regex(r"\A[a-z][a-z0-9_]{0,5}\Z").filter(lambda name: name != "parameters")
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab:#'\"\n \t[é", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
blocks = st.dictionaries(names.filter(lambda n: n not in ("file", "python")), values, min_size=1, max_size=3)


@given(
    tasks=st.dictionaries(names, st.lists(blocks, max_size=3), max_size=4),
    parameters=st.dictionaries(names, values, max_size=3),
    data=st.data(),
)
def test_any_pipeline_is_read_back(
    tasks: dict[str, list[Any]], parameters: dict[str, Any], data: st.DataObject
) -> None:
    pipeline = Pipeline.empty("generated")
    for name, value in parameters.items():
        pipeline = pipeline.with_config("parameters", name, value) if not isinstance(value, str) else pipeline
    for label, entries in tasks.items():
        pipeline = pipeline.with_task(label, f"m.{label.capitalize()}")
        for block in entries:
            for name, value in block.items():
                pipeline = pipeline.with_config(label, name, value)
    if tasks:
        chosen = data.draw(st.lists(st.sampled_from(sorted(tasks))))
        pipeline = pipeline.with_subset("chosen-ones", chosen, description="d")
    again = Pipeline.from_yaml(pipeline.to_yaml())
    assert again.tasks == pipeline.tasks
    assert again.parameters == pipeline.parameters
    assert again.subsets == pipeline.subsets


# Texts that YAML might take for something else, or fold.
texts = st.sampled_from(
    ["", " ", "\n", "yes", "null", "~", "1e3", "1_0", "0o7", "2020-01-01", "=", "<<", "a: b", "- a", "# no", "x = 1\n\n  y = 2 ",
     "\tif a:\n\t\tb", "trailing \nspace ", "é\u2028ü", "'\"", "{a}_b", "@x", "%y", "*z", "&w", "!v", "|", ">", "a\r\nb"]
) | st.text(max_size=12).filter(lambda text: text.isprintable())  # fmt: skip
labels = names
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts
deep_values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.integers(), inner, max_size=3),
    max_leaves=6,
)
fields = st.lists(names, min_size=1, max_size=6).map(".".join).filter(lambda name: name not in ("file", "python"))
config_blocks = st.builds(
    ConfigBlock,
    files=st.lists(texts, max_size=2).map(tuple),
    python=st.none() | texts,
    data_id=st.none() | st.dictionaries(names, st.integers() | texts, max_size=2),
    values=st.dictionaries(fields, deep_values.map(lambda value: FieldOverride(value=value)), max_size=3),
)
expressions = st.sampled_from(
    ["a.x > 3", "a.names == ['x', \"y\"]", "len(a.b) if a.c else b.d != 'é: {x}'", "a.x\n== b.y"]
)


@st.composite
def whole_pipelines(draw: st.DrawFn) -> PipelineContents:
    tasks = draw(st.dictionaries(labels, st.lists(config_blocks, max_size=3), max_size=4))
    subset_names = draw(st.lists(labels.map(lambda name: f"{name}-s"), unique=True, max_size=3))
    members = st.lists(st.sampled_from(sorted(tasks)), unique=True) if tasks else st.just([])
    subsets = {name: Subset(name=name, labels=tuple(draw(members)), description=draw(texts)) for name in subset_names}
    steps = draw(st.lists(st.sampled_from(subset_names), unique=True)) if subset_names else []
    dimensions = st.lists(st.sampled_from(["visit", "detector", "tract"]), unique=True).map(tuple)
    contracts = draw(st.lists(st.builds(Contract, expression=expressions, message=texts), max_size=3))
    return PipelineContents(
        description=draw(texts),
        instrument=draw(st.none() | st.sampled_from(["nickel", "a.b.Cam", "./cam.yaml", "$X/c d.yml"])),
        tasks={
            label: PipelineTaskEntry(label=label, class_name=f"m.{label}", config=tuple(found))
            for label, found in tasks.items()
        },
        subsets=subsets,
        steps=tuple(Step(label=name, dimensions=draw(dimensions)) for name in steps),
        parameters=draw(st.dictionaries(names, deep_values, max_size=3)),
        contracts=tuple(sorted(contracts, key=lambda contract: contract.expression)),
    )


@given(whole_pipelines())
def test_every_part_of_a_pipeline_is_read_back(contents: PipelineContents) -> None:
    again = Pipeline.from_yaml(Pipeline(contents).to_yaml(), strict=True).contents
    for part in ("description", "instrument", "tasks", "subsets", "steps", "parameters", "contracts"):
        assert getattr(again, part) == getattr(contents, part)
    assert list(again.tasks) == list(contents.tasks)
    assert list(again.subsets) == list(contents.subsets)
