# SPDX-License-Identifier: BSD-3-Clause
"""Configurations of tasks: pydantic models that are overridden step by step, remember who did it, and are frozen."""

from typing import TYPE_CHECKING

from pachon.base import lazy_exports

if TYPE_CHECKING:
    from pachon.pipe_base.config.choices import (
        ChoiceRegistry,
        RegistryChoice,
        RegistryChoices,
        choice_field,
        choices_field,
    )
    from pachon.pipe_base.config.comparison import ConfigDifference, compare_configs
    from pachon.pipe_base.config.config import Config
    from pachon.pipe_base.config.configurable import Configurable, configurable_field
    from pachon.pipe_base.config.errors import (
        ConfigError,
        FieldValueError,
        FrozenConfigError,
        UnknownFieldError,
        UnsetFieldError,
    )
    from pachon.pipe_base.config.history import Assignment, Source
    from pachon.pipe_base.config.open_set import ConfigSet, config_set_field
    from pachon.pipe_base.config.override_code import OverrideCodeError
    from pachon.pipe_base.config.overrides import ConfigOverrider, Parameters
    from pachon.pipe_base.config.text import config_text, dump_text, find_fields, history_text

__all__ = [
    "Assignment",
    "ChoiceRegistry",
    "Config",
    "ConfigDifference",
    "ConfigError",
    "ConfigOverrider",
    "ConfigSet",
    "Configurable",
    "FieldValueError",
    "FrozenConfigError",
    "OverrideCodeError",
    "Parameters",
    "RegistryChoice",
    "RegistryChoices",
    "Source",
    "UnknownFieldError",
    "UnsetFieldError",
    "choice_field",
    "choices_field",
    "compare_configs",
    "config_set_field",
    "config_text",
    "configurable_field",
    "dump_text",
    "find_fields",
    "history_text",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Assignment": "pachon.pipe_base.config.history",
        "ChoiceRegistry": "pachon.pipe_base.config.choices",
        "Config": "pachon.pipe_base.config.config",
        "ConfigDifference": "pachon.pipe_base.config.comparison",
        "ConfigError": "pachon.pipe_base.config.errors",
        "ConfigOverrider": "pachon.pipe_base.config.overrides",
        "ConfigSet": "pachon.pipe_base.config.open_set",
        "Configurable": "pachon.pipe_base.config.configurable",
        "FieldValueError": "pachon.pipe_base.config.errors",
        "FrozenConfigError": "pachon.pipe_base.config.errors",
        "OverrideCodeError": "pachon.pipe_base.config.override_code",
        "Parameters": "pachon.pipe_base.config.overrides",
        "RegistryChoice": "pachon.pipe_base.config.choices",
        "RegistryChoices": "pachon.pipe_base.config.choices",
        "Source": "pachon.pipe_base.config.history",
        "UnknownFieldError": "pachon.pipe_base.config.errors",
        "UnsetFieldError": "pachon.pipe_base.config.errors",
        "compare_configs": "pachon.pipe_base.config.comparison",
        "config_set_field": "pachon.pipe_base.config.open_set",
        "config_text": "pachon.pipe_base.config.text",
        "configurable_field": "pachon.pipe_base.config.configurable",
        "dump_text": "pachon.pipe_base.config.text",
        "find_fields": "pachon.pipe_base.config.text",
        "history_text": "pachon.pipe_base.config.text",
        "choice_field": "pachon.pipe_base.config.choices",
        "choices_field": "pachon.pipe_base.config.choices",
    },
)
