# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from pachon.base import FormatError, NotFoundError
from pachon.pipe_base import Pipeline
from pachon.pipe_base.pipeline import ClassMap

SAMPLE = "pachon.pipe_base.testing.sample_tasks"
NAMES = {
    "far.away.tasks.*": f"{SAMPLE}.*",
    "far.away.*": "elsewhere.*",
    "far.away.tasks.OldCombineTask": f"{SAMPLE}.CombineTask",
    "far.away.Cam": "nickel",
}


def test_exact_names_come_before_longer_and_shorter_patterns() -> None:
    classes = ClassMap.from_mapping(NAMES)
    assert classes.new_name("far.away.tasks.OldCombineTask") == f"{SAMPLE}.CombineTask"
    assert classes.new_name("far.away.tasks.MeasureTask") == f"{SAMPLE}.MeasureTask"
    assert classes.new_name("far.away.sub.X") == "elsewhere.sub.X"
    assert classes.new_name("far.away") == "far.away"
    assert classes.new_name("far.awayness.X") == "far.awayness.X"


def test_a_pipeline_of_other_packages_is_read_with_its_imports(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("".join(f"{old}: {new}\n" for old, new in NAMES.items()))
    (tmp_path / "base.yaml").write_text(
        "description: base\ninstrument: far.away.Cam\ntasks:\n"
        "  measure: {class: far.away.tasks.MeasureTask, config: {mode: square}}\n"
        "  combine: far.away.tasks.OldCombineTask\n"
    )
    # The class has its new name here already: it is the same one.
    (tmp_path / "top.yaml").write_text(
        f"description: top\nimports: base.yaml\ntasks:\n  measure: {{class: {SAMPLE}.MeasureTask, config: {{planes: [X]}}}}\n"
    )
    pipeline = Pipeline.read(tmp_path / "top.yaml", classes=ClassMap.read(tmp_path / "map.yaml"))
    assert pipeline.instrument == "nickel"
    config = pipeline.with_instrument(None).to_graph().tasks["measure"].config
    assert (config.mode, config.planes) == ("square", ["X"])
    assert "far.away" not in pipeline.to_yaml()
    plain = Pipeline.read(tmp_path / "base.yaml")
    assert (
        plain.with_classes(ClassMap.from_mapping(NAMES)).tasks
        == Pipeline.read(tmp_path / "base.yaml", classes=ClassMap.from_mapping(NAMES)).tasks
    )
    assert "far.away.tasks.MeasureTask" in plain.to_yaml()


def test_the_instrument_that_an_import_sets_is_renamed_too(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text("description: base\ninstrument: some.Cam\ntasks: {a: m.A}\n")
    (tmp_path / "top.yaml").write_text("description: top\nimports: {location: base.yaml, instrument: far.away.Cam}\n")
    assert Pipeline.read(tmp_path / "top.yaml", classes=ClassMap.from_mapping(NAMES)).instrument == "nickel"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]", "is no mapping from old to new import paths."),
        ("a: 3", "'a': 3 are no import paths."),
        ("a.*: b", "'a.*': 'b': a pattern ends with '.*' on both sides."),
        ("a.B: b.*", "'a.B': 'b.*': a pattern ends with '.*' on both sides."),
        ("'a.*.c': b.c", "'a.*.c': 'b.c': a pattern ends with '.*' on both sides."),
        ("a: [", "line 2, column 1: this is not YAML"),
        ("a: 1\na: 2", "twice"),
    ],
)
def test_malformed_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "map.yaml").write_text(text)
    with pytest.raises(FormatError) as caught:
        ClassMap.read(tmp_path / "map.yaml")
    assert message in str(caught.value)
    with pytest.raises(NotFoundError, match="There is no table of classes"):
        ClassMap.read(tmp_path / "nothing.yaml")
