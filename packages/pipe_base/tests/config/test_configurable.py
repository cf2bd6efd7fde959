# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
from typing import Any

import pytest
from pydantic import Field

from pachon.pipe_base.config import (
    Config,
    ConfigError,
    Configurable,
    FieldValueError,
    FrozenConfigError,
    UnknownFieldError,
    configurable_field,
    dump_text,
    history_text,
)


class MeanConfig(Config):
    clip: float = 3.0
    """Clipping in sigma."""


class Mean:
    config_class = MeanConfig

    def __init__(self, *, config: Any, name: str = "") -> None:
        self.config, self.name = config, name


class FastMean(Mean):
    """Shares the configuration of `Mean`."""


class MedianConfig(Config):
    size: int = 5


class Median:
    config_class = MedianConfig

    def __init__(self, *, config: Any) -> None:
        self.config = config


class BackgroundConfig(Config):
    method: Configurable[Mean] = configurable_field(Mean)
    """How the level is found."""
    bins: list[int] = Field(default=[8])


def test_fields_of_the_target_are_reached_through_the_field() -> None:
    config = BackgroundConfig()
    config.method.clip = 5.0
    assert config.method.value.clip == 5.0
    assert config.method.target is Mean
    with pytest.raises(FieldValueError) as caught:
        config.method.clip = "x"
    assert (
        str(caught.value) == "Field 'method.clip' of MeanConfig: 'x' is not accepted: input should be a valid number."
    )
    with pytest.raises(UnknownFieldError, match=r"MeanConfig has no field 'clap'\. Did you mean 'clip'"):
        config.method.clap = 3


def test_retarget_drops_values_unless_the_configuration_class_is_the_same() -> None:
    config = BackgroundConfig()
    config.method.clip = 5.0
    config.method.retarget(FastMean)
    assert config.method.clip == 5.0
    config.method.retarget(Median)
    assert config.method.size == 5
    config.method = Mean  # the same, as an assignment
    assert config.method.clip == 3.0


def test_a_configuration_of_the_right_class_can_be_assigned() -> None:
    config = BackgroundConfig()
    config.method = MeanConfig(clip=1.0)
    assert config.method.clip == 1.0
    with pytest.raises(ConfigError, match="Field 'method' takes a MeanConfig"):
        config.method = MedianConfig()
    with pytest.raises(ConfigError, match="has no 'config_class'"):
        config.method = 3


def test_apply_makes_the_target() -> None:
    config = BackgroundConfig()
    config.freeze()
    made = config.method.apply(name="x")
    assert isinstance(made, Mean)
    assert made.config is config.method.value
    assert made.config.is_frozen


def test_a_frozen_field_cannot_be_retargeted() -> None:
    config = BackgroundConfig()
    config.freeze()
    with pytest.raises(FrozenConfigError):
        config.method.retarget(Median)
    with pytest.raises(FrozenConfigError):
        config.method.clip = 1.0


def test_documents_keep_the_target() -> None:
    config = BackgroundConfig()
    config.method.retarget(Median)
    config.method.size = 7
    document = config.to_document()
    assert document["values"]["method"] == {"!target": f"{__name__}.Median", "size": 7}
    assert document["history"]["method.size"][0]["value"] == 7


def test_copies_are_whole() -> None:
    config = BackgroundConfig()
    config.method.retarget(Median)
    for other in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config)):
        assert other == config
        other.method.size = 9
        assert config.method.size == 5


def test_text_sets_the_target_first() -> None:
    config = BackgroundConfig()
    lines = [line for line in dump_text(config).splitlines() if line.startswith("config")]
    assert lines == [f"config.method.retarget({__name__}.Mean)", "config.method.clip=3.0", "config.bins=[8]"]


def test_who_retargeted_a_field_is_known_after_it_was_saved() -> None:
    config = BackgroundConfig()
    config.method.retarget(Median)
    config.method.size = 7
    again = BackgroundConfig.from_document(config.to_document())
    assert history_text(again, "method*") == history_text(config, "method*")
    assert history_text(again, "method.target").startswith("config.method.target\n")
    assert again.to_document() == config.to_document()
