# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle

import pytest

from pachon.pipe_base.config import (
    Config,
    ConfigSet,
    FieldValueError,
    FrozenConfigError,
    UnknownFieldError,
    config_set_field,
    dump_text,
)


class ActionConfig(Config):
    factor: float = 1.0


class OtherConfig(Config):
    x: int = 1


class ToolConfig(Config):
    actions: ConfigSet = config_set_field(ActionConfig)


def test_members_are_added_by_assignment() -> None:
    config = ToolConfig()
    config.actions.first = ActionConfig
    config.actions.second = ActionConfig(factor=2)
    config.actions.first.factor = 3.0
    assert {name: member.factor for name, member in config.actions.members.items()} == {"first": 3.0, "second": 2.0}
    del config.actions.first
    assert len(config.actions) == 1
    with pytest.raises(UnknownFieldError, match=r"actions has no field 'secnd'\. Did you mean 'second'"):
        _ = config.actions.secnd


def test_only_the_declared_class_is_accepted() -> None:
    config = ToolConfig()
    with pytest.raises(FieldValueError, match="is no ActionConfig"):
        config.actions.bad = OtherConfig


@pytest.mark.parametrize("wrong", [None, 3, "name", [ActionConfig]])
def test_a_set_is_replaced_by_a_mapping_only(wrong: object) -> None:
    config = ToolConfig()
    with pytest.raises(FieldValueError, match=r"Field 'actions' of ConfigSet: .* is no mapping from names to members"):
        config.actions = wrong  # type: ignore[assignment]
    with pytest.raises(FieldValueError, match=r"Field 'actions.update' of ConfigSet: .* is no mapping"):
        config.actions.update = wrong
    with pytest.raises(FieldValueError, match="3 is neither the name of a member nor several"):
        config.actions.remove = 3
    with pytest.raises(FieldValueError, match="cannot be the name of a member"):
        config.actions.update = {3: ActionConfig}


def test_frozen() -> None:
    config = ToolConfig()
    config.actions.first = ActionConfig
    config.freeze()
    with pytest.raises(FrozenConfigError):
        config.actions.other = ActionConfig
    with pytest.raises(FrozenConfigError):
        config.actions.first.factor = 2.0


def test_copies_and_text() -> None:
    config = ToolConfig()
    config.actions.first = ActionConfig(factor=4)
    for other in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config)):
        assert other == config
    assert f"config.actions.first={__name__}.ActionConfig\n\nconfig.actions.first.factor=4.0" in dump_text(config)
