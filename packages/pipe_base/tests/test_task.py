# SPDX-License-Identifier: BSD-3-Clause
import logging
from typing import Any

import pytest

from pachon.base import InvalidInputError
from pachon.pipe_base import (
    ChoiceRegistry,
    Config,
    Configurable,
    RegistryChoice,
    RegistryChoices,
    Task,
    choice_field,
    choices_field,
    configurable_field,
    timed_method,
)


class InnerConfig(Config):
    n: int = 1


class InnerTask(Task):
    config_class = InnerConfig
    default_name = "inner"

    @timed_method
    def run(self) -> int:
        self.metadata["n"] = self.config.n
        return int(self.config.n)


REGISTRY = ChoiceRegistry({"one": InnerTask, "two": InnerTask})


class MiddleConfig(Config):
    inner: Configurable = configurable_field(InnerTask)
    chosen: RegistryChoice = choice_field(REGISTRY, "one")
    several: RegistryChoices = choices_field(REGISTRY, ["one", "two"])


class MiddleTask(Task):
    config_class = MiddleConfig
    default_name = "middle"
    inner: Any
    chosen: Any
    several: Any

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name in ("inner", "chosen", "several"):
            self.make_subtask(name)


def test_subtasks_have_hierarchical_names_and_their_part_of_the_configuration() -> None:
    config = MiddleConfig()
    config.inner.n = 5
    task = MiddleTask(config=config, name="label")
    assert task.inner.full_name == "label.inner"
    assert task.inner.run() == 5
    assert task.chosen.name == "chosen"
    assert list(task.several) == ["one", "two"]
    assert config.is_frozen
    assert [part.full_name for part in task.iter_tasks()][:3] == ["label", "label.inner", "label.chosen"]


def test_metadata_of_the_hierarchy() -> None:
    task = MiddleTask()
    task.metadata["top"] = 1
    task.inner.run()
    with task.timer("block"):
        pass
    found = task.full_metadata()
    assert found["middle"]["top"] == 1
    assert found["middle:inner"]["n"] == 1
    assert "middle:several:one" in found.metadata
    assert len(found["middle:inner"].get_array("runStartUtc")) == 1
    assert "blockEndCpuTime" in found["middle"]
    task.empty_metadata()
    assert len(task.inner.metadata) == 0


def test_loggers_are_named_after_the_task() -> None:
    task = MiddleTask(name="label")
    assert task.log.name == f"{__name__.partition('.')[0]}.label"
    assert task.inner.log.parent is task.log
    log = logging.getLogger("mine")
    assert MiddleTask(log=log).log is log


def test_wrong_construction() -> None:
    with pytest.raises(InvalidInputError, match="MiddleTask takes a MiddleConfig, not a InnerConfig"):
        MiddleTask(config=InnerConfig())
    with pytest.raises(InvalidInputError, match="Task has no default_name and was given no name"):
        Task()

    class _BadTask(Task):
        config_class = InnerConfig
        default_name = "bad"

        def __init__(self) -> None:
            super().__init__()
            self.make_subtask("n")

    with pytest.raises(InvalidInputError, match="Field 'n' of InnerConfig holds no subtask"):
        _BadTask()
