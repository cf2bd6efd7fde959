# SPDX-License-Identifier: BSD-3-Clause
"""Every way in which override files and ``python`` blocks of production pipelines change a configuration."""

import textwrap
from collections.abc import Callable
from math import pi
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from pachon.base import FormatError
from pachon.pipe_base.config import (
    ChoiceRegistry,
    Config,
    ConfigError,
    ConfigOverrider,
    ConfigSet,
    Configurable,
    RegistryChoice,
    RegistryChoices,
    Source,
    choice_field,
    choices_field,
    config_set_field,
    configurable_field,
)
from pachon.pipe_base.config.override_code import read_override


class FitConfig(Config):
    order: int = 2
    names: list[str] = Field(default=[])


class LinearFit:
    config_class = FitConfig


class OtherLinearFit:
    config_class = FitConfig


class SplineConfig(Config):
    knots: int = 10


class SplineFit:
    config_class = SplineConfig


class ActionConfig(Config):
    column: str = "x"
    threshold: float | None = None


class ClippedActionConfig(ActionConfig):
    sigma: float = 3.0


FITS = ChoiceRegistry({"linear": LinearFit, "spline": SplineFit, "other": OtherLinearFit})


class InnerConfig(Config):
    value: float = 0.0


class PartConfig(Config):
    inner: InnerConfig = Field(default_factory=InnerConfig)


class TaskConfig(Config):
    part: PartConfig = Field(default_factory=PartConfig)
    count: int = 3
    width: float = 1.0
    title: str | None = "t"
    names: list[str] = Field(default=["a", "b"])
    pair: tuple[int, int] = (1, 2)
    table: dict[str, int] = Field(default={"k": 1})
    lists: dict[str, list[str]] = Field(default={})
    masks: set[str] = Field(default={"BAD"})
    fit: Configurable = configurable_field(LinearFit)
    model: RegistryChoice = choice_field(FITS, "linear")
    plugins: RegistryChoices = choices_field(FITS, ["linear", "spline"])
    actions: ConfigSet = config_set_field(ActionConfig)

    def use_many(self, count: int) -> None:
        self.count = count


Check = Callable[[TaskConfig], object]

IDIOMS: list[tuple[str, Check]] = [
    # attributes, at any depth
    ("config.count = 4", lambda c: c.count == 4),
    ("config.part.inner.value = 2", lambda c: c.part.inner.value == 2.0),
    ("config.width = 3", lambda c: type(c.width) is float),
    ("config.title = None", lambda c: c.title is None),
    ("config.pair = (3, 4)", lambda c: c.pair == (3, 4)),
    ("config.pair = [3, 4]", lambda c: c.pair == (3, 4)),
    ("setattr(config.part.inner, 'value', 5.0)", lambda c: c.part.inner.value == 5.0),
    # lists
    ("config.names = ['x']", lambda c: c.names == ["x"]),
    ("config.names = ('x', 'y')", lambda c: c.names == ["x", "y"]),
    ("config.names.append('c')", lambda c: c.names == ["a", "b", "c"]),
    ("config.names.extend(['c', 'd'])", lambda c: c.names == ["a", "b", "c", "d"]),
    ("config.names += ['c']", lambda c: c.names == ["a", "b", "c"]),
    ("config.names = config.names + ['c']", lambda c: c.names == ["a", "b", "c"]),
    ("config.names.remove('a')", lambda c: c.names == ["b"]),
    ("config.names.insert(0, 'z')", lambda c: c.names == ["z", "a", "b"]),
    ("config.names[0] = 'z'", lambda c: c.names == ["z", "b"]),
    ("del config.names[0]", lambda c: c.names == ["b"]),
    ("config.names = [n for n in config.names if n != 'a']", lambda c: c.names == ["b"]),
    # mappings and sets
    ("config.table['q'] = 2", lambda c: c.table == {"k": 1, "q": 2}),
    ("del config.table['k']", lambda c: c.table == {}),
    ("config.table = {'z': 5}", lambda c: c.table == {"z": 5}),
    ("config.table.update({'q': 2}, r=3)", lambda c: c.table == {"k": 1, "q": 2, "r": 3}),
    ("config.table.pop('k')", lambda c: c.table == {}),
    ("config.lists['k'] = ['a']; config.lists['k'].append('b')", lambda c: c.lists == {"k": ["a", "b"]}),
    ("config.masks.add('SAT'); config.masks.discard('BAD')", lambda c: c.masks == {"SAT"}),
    ("config.masks |= {'SAT'}; config.masks -= {'BAD'}", lambda c: c.masks == {"SAT"}),
    # subtasks
    ("config.fit.order = 5", lambda c: c.fit.order == 5),
    ("config.fit.value.order = 5", lambda c: c.fit.order == 5),
    ("config.fit.order = 5; config.fit.retarget(OtherLinearFit)", lambda c: c.fit.order == 5),
    ("config.fit.retarget(SplineFit); config.fit.knots = 3", lambda c: c.fit.value == SplineConfig(knots=3)),
    ("config.fit = SplineFit", lambda c: c.fit.target is SplineFit),
    # one of a registry
    ("config.model.name = 'spline'", lambda c: c.model.name == "spline"),
    ("config.model = 'spline'", lambda c: c.model.name == "spline"),
    ("config.model['spline'].knots = 4", lambda c: (c.model["spline"].knots, c.model.name) == (4, "linear")),
    ("config.model['linear'].names.append('x')", lambda c: c.model.active.names == ["x"]),
    ("config.model.active.order = 7", lambda c: c.model["linear"].order == 7),
    # several of a registry
    ("config.plugins.names = ['other']", lambda c: c.plugins.names == ["other"]),
    ("config.plugins.names = {'other'}", lambda c: c.plugins.names == ["other"]),
    ("config.plugins = ['other']", lambda c: c.plugins.names == ["other"]),
    ("config.plugins.names.add('other')", lambda c: c.plugins.names == ["linear", "spline", "other"]),
    ("config.plugins.names.update(['other'])", lambda c: c.plugins.names == ["linear", "spline", "other"]),
    ("config.plugins.names |= ['other', 'linear']", lambda c: c.plugins.names == ["linear", "spline", "other"]),
    ("config.plugins.names -= ['linear']", lambda c: c.plugins.names == ["spline"]),
    ("config.plugins.names &= {'linear'}", lambda c: c.plugins.names == ["linear"]),
    ("config.plugins.names ^= {'linear', 'other'}", lambda c: c.plugins.names == ["spline", "other"]),
    ("config.plugins.names = config.plugins.names | {'other'}", lambda c: len(c.plugins.names) == 3),
    ("config.plugins.names = config.plugins.names - {'linear'}", lambda c: c.plugins.names == ["spline"]),
    ("config.plugins.names.remove('linear')", lambda c: c.plugins.names == ["spline"]),
    ("config.plugins.names.discard('other')", lambda c: c.plugins.names == ["linear", "spline"]),
    ("config.plugins['spline'].knots = 2", lambda c: c.plugins.active[1] == SplineConfig(knots=2)),
    ("for name in config.plugins: config.plugins.names.add(name)", lambda c: len(c.plugins.names) == 3),
    # open sets of sub-configurations
    ("config.actions.a = ActionConfig", lambda c: c.actions.members == {"a": ActionConfig()}),
    ("config.actions.a = ActionConfig(threshold=2.0)", lambda c: c.actions.a.threshold == 2.0),
    ("config.actions.a = ClippedActionConfig; config.actions.a.sigma = 5.", lambda c: c.actions.a.sigma == 5.0),
    ("config.actions.a = ActionConfig; del config.actions.a", lambda c: not c.actions.members),
    ("config.actions.a = ActionConfig; config.actions.remove = 'a'", lambda c: not c.actions.members),
    ("config.actions.update = {'a': ActionConfig}", lambda c: list(c.actions.fieldNames) == ["a"]),
    ("config.actions['a'] = ActionConfig; config.actions['a'].column = 'q'", lambda c: c.actions.a.column == "q"),
    ("config.actions.a = ActionConfig; config.actions.b = config.actions.a; config.actions.b.column = 'q'",
     lambda c: (c.actions.a.column, c.actions.b.column) == ("x", "q")),
    ("config.actions.a = ActionConfig\nfor action in config.actions:\n    action.threshold = 1.0",
     lambda c: c.actions.a.threshold == 1.0),
    ("for band in 'gr':\n    setattr(config.actions, f'mag_{band}', ActionConfig(column=band))",
     lambda c: [action.column for action in c.actions] == ["g", "r"]),
    # any Python
    ("config.use_many(9)", lambda c: c.count == 9),
    ("from math import *\nconfig.width = pi", lambda c: c.width == pi),
    ("if config.count > 2:\n    config.title = 'many'\nelse:\n    config.title = 'few'", lambda c: c.title == "many"),
    ("def helper(config, n):\n    config.count = n\nhelper(config=config, n=6)", lambda c: c.count == 6),
    ("limit = 2\nconfig.names = [n for n in config.names if len(n) < limit]", lambda c: c.names == ["a", "b"]),
    ("config.count = parameters.size; config.names = parameters.words", lambda c: (c.count, c.names) == (7, ["w"])),
    ("ActionConfig.model_fields['column']\nassert config.count == 3", lambda c: True),
]  # fmt: skip


@pytest.mark.parametrize(("code", "check"), IDIOMS, ids=[code for code, _ in IDIOMS])
def test_an_idiom_works_in_a_block_and_in_a_file(code: str, check: Check, tmp_path: Path) -> None:
    block = TaskConfig()
    overrider = ConfigOverrider(block, {"size": 7, "words": ["w"]})
    overrider.run_python(code, "p.yaml", 1)
    # A file sees no names of the module; it imports what it needs.
    file = tmp_path / "override.py"
    names = [name for name in ("ActionConfig", "ClippedActionConfig", "SplineFit", "OtherLinearFit") if name in code]
    file.write_text("".join(f"{name} = config.__class__.use_many.__globals__['{name}']\n" for name in names) + code)
    other = TaskConfig()
    ConfigOverrider(other, {"size": 7, "words": ["w"]}).run_file(str(file))
    for config in (block, other):
        config.freeze()
        assert check(config)
    assert TaskConfig.from_document(block.to_document()) == block


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("config.count = 3.0", "Field 'count' of TaskConfig: 3.0 is not a whole number."),
        ("config.names.append(1)", "Field 'names' of TaskConfig: 1 is not accepted: input should be a valid string."),
        (
            "config.names.remove('z')",
            "Field 'names' of TaskConfig: 'z' cannot be removed from ['a', 'b'], which lacks it.",
        ),
        (
            "del config.table['z']",
            "Field 'table' of TaskConfig: 'z' cannot be removed from {'k': 1}, which lacks it.",
        ),
        ("config.masks.remove('z')", "Field 'masks' of TaskConfig: 'z' cannot be removed from ['BAD'], which lacks it."),
        ("config.cuont = 1", "TaskConfig has no field 'cuont'. Did you mean 'count'?"),
        ("config.fit.retarget(3)", "3 has no 'config_class' and cannot be put into a configurable field."),
        ("config.fit.ordr = 3", "FitConfig has no field 'ordr'. Did you mean 'order'?"),
        (
            "config.model.name = 'cubic'",
            "Field 'model.names' of RegistryChoice: 'cubic' is not registered. Registered are linear, spline, other.",
        ),
        (
            "config.plugins.names.remove('other')",
            ("Field 'plugins.names' of RegistryChoices: 'other' is not chosen and cannot be removed; chosen are linear, "
            "spline."),
        ),
        (
            "config.plugins.names = 'linear'",
            "Field 'plugins.names' of RegistryChoices: 'linear' is not a list of names.",
        ),
        ("config.actions.a = 3", "Field 'actions.a' of ConfigSet: 3 is no ActionConfig."),
        ("config.actions.remove = 'a'", "actions has no field 'a'. It has no members."),
        ("config.load('https://x.org/a.py')",
         "config.load reads local files only, not 'https://x.org/a.py'; name it in a 'file' entry."),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_the_line(code: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        ConfigOverrider(TaskConfig()).run_python(f"x = 1\n{code}", "p.yaml", 10)
    assert str(caught.value) == f"p.yaml, line 11: {problem}"


SOURCE = Source(text="here")


def _set(*values: tuple[str, Any], python: str = "") -> TaskConfig:
    config = TaskConfig()
    overrider = ConfigOverrider(config)
    overrider.run_python(python, "p.yaml", 1)
    for name, value in values:
        overrider.set_value(name, value, SOURCE)
    return config


def test_a_file_that_is_no_text_is_named_with_its_line(tmp_path):
    file = tmp_path / "latin.py"
    file.write_bytes(b"# ok\nconfig.x = 'caf\xe9'\n")
    with pytest.raises(FormatError, match=r"latin\.py, line 2, column 16: the file is no text in UTF-8"):
        read_override(str(file))


def test_a_member_of_an_open_set_is_named_by_its_class() -> None:
    config = _set(("actions.a", "ClippedActionConfig"), ("actions.a.sigma", 4), ("actions.a.column", "mag"))
    assert config.actions.members == {"a": ClippedActionConfig(sigma=4.0, column="mag")}
    renamed = _set(("actions.a", "Clipped"), python="Clipped = ClippedActionConfig")
    assert type(renamed.actions.a) is ClippedActionConfig


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("actions.a", "Cliped", ("Field 'actions.a' of ConfigSet: 'Cliped' names no ActionConfig in scope; "
         "import it in a 'python' block.")),
        ("table.q", 3, ("'table' holds {'k': 1}; a dotted name cannot reach its item 'q': set the whole, or use a "
         "'python' block.")),
        ("names.x.y", 3, ("'names' holds ['a', 'b']; a dotted name cannot reach its item 'x': set the whole, or use a "
         "'python' block.")),
        ("title.x", 3, "'title' is 't' and has no 'x'."),
    ],
)  # fmt: skip
def test_values_that_lead_nowhere(name: str, value: object, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _set((name, value))
    assert str(caught.value) == f"here: cannot set {name!r}: {problem}"


def test_each_line_is_one_entry_of_the_history() -> None:
    config = TaskConfig()
    code = textwrap.dedent(
        """
        config.names += ["c"]
        config.plugins.names |= ["other"]
        config.fit.retarget(SplineFit)
        for name in ("d", "e"):
            config.names.append(name)
        """
    )
    ConfigOverrider(config).run_python(code, "p.yaml", 1)
    assert [(entry.value, str(entry.source)) for entry in config.history("names")] == [
        (["a", "b"], "default"),
        (["a", "b", "c"], "p.yaml:2"),
        (["a", "b", "c", "d"], "p.yaml:6"),
        (["a", "b", "c", "d", "e"], "p.yaml:6"),
    ]
