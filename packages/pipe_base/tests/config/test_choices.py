# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
from typing import Any

import pytest

from pachon.pipe_base.config import (
    ChoiceRegistry,
    Config,
    ConfigError,
    ConfigOverrider,
    FieldValueError,
    FrozenConfigError,
    RegistryChoice,
    RegistryChoices,
    Source,
    choice_field,
    choices_field,
    compare_configs,
    config_text,
    history_text,
)


class PolynomialConfig(Config):
    order: int = 2


class SplineConfig(Config):
    knots: int = 10


class Polynomial:
    config_class = PolynomialConfig

    def __init__(self, *, config: Any) -> None:
        self.config = config


MODELS = ChoiceRegistry({"polynomial": Polynomial, "spline": SplineConfig})


class ModelConfig(Config):
    model: RegistryChoice = choice_field(MODELS, "polynomial", doc="The model.")
    plugins: RegistryChoices = choices_field(MODELS, ["spline"])


def test_one_entry_is_chosen_by_name() -> None:
    config = ModelConfig()
    assert config.model.name == "polynomial"
    config.model["spline"].knots = 3
    config.model.name = "spline"
    assert config.model.active.knots == 3
    config.model = "polynomial"  # type: ignore[assignment]
    assert config.model.name == "polynomial"
    assert config.model.target is Polynomial
    assert isinstance(config.model.apply(), Polynomial)


def test_an_unknown_entry_is_named() -> None:
    config = ModelConfig()
    with pytest.raises(FieldValueError) as caught:
        config.model.name = "splin"
    assert str(caught.value) == (
        "Field 'model.names' of RegistryChoice: 'splin' is not registered. Did you mean 'spline'?"
    )
    with pytest.raises(FieldValueError):
        _ = config.model["none"]
    with pytest.raises(ConfigError, match="has no 'nme' to set"):
        config.model.nme = "spline"


def test_several_entries_in_order_without_repetition() -> None:
    config = ModelConfig()
    config.plugins.names.add("polynomial")
    config.plugins.names |= ["spline", "polynomial"]
    assert config.plugins.names == ["spline", "polynomial"]
    config.plugins.names = ["polynomial"]
    assert [type(active) for active in config.plugins.active] == [PolynomialConfig]
    config.plugins.names.discard("polynomial")
    assert config.plugins.names == []
    with pytest.raises(FieldValueError):
        config.plugins.names.add("none")
    config.plugins["spline"].knots = 4
    assert config.plugins["spline"].knots == 4


def test_no_way_of_changing_the_names_repeats_one() -> None:
    config = ModelConfig()
    names = config.plugins.names
    names.append("spline")
    names.extend(["polynomial", "spline"])
    names += ["polynomial"]
    names.insert(0, "polynomial")
    names[0] = "polynomial"
    assert names == ["polynomial"]
    names[:] = ["spline", "polynomial", "spline"]
    assert names == ["spline", "polynomial"]
    assert config.to_document()["values"]["plugins"]["!names"] == ["spline", "polynomial"]
    assert not compare_configs(ModelConfig.from_document(config.to_document()), config)


def test_an_entry_is_data_as_soon_as_it_is_chosen() -> None:
    one, other = ModelConfig(), ModelConfig()
    one.model.name = other.model.name = "spline"
    assert other.model["spline"].knots == 10  # looking at it changes nothing
    assert one == other
    assert not compare_configs(one, other)


@pytest.mark.parametrize("wrong", [["spline"], {"a": 1}, 3])
def test_names_are_texts(wrong: Any) -> None:
    config = ModelConfig()
    with pytest.raises(FieldValueError, match="is not registered"):
        config.model.name = wrong
    with pytest.raises(FieldValueError, match="is not registered"):
        config.plugins.names = [wrong]


def test_the_history_of_a_choice_names_the_override() -> None:
    config = ModelConfig()
    overrider = ConfigOverrider(config)
    overrider.set_value("model.name", "spline", Source(file="drp.yaml", line=3))
    overrider.set_value("plugins.names", ["polynomial"], Source(file="drp.yaml", line=4))
    shown = history_text(config, "*names")
    assert "config.model.names\n  ['polynomial']        default\n  ['spline']            drp.yaml:3\n" in shown
    assert "config.plugins.names\n  ['spline']            default\n  ['polynomial']        drp.yaml:4\n" in shown


def test_a_field_that_hides_its_registry_is_explained() -> None:
    class HidingConfig(Config):
        models: RegistryChoices = choices_field("models")  # type: ignore[arg-type]

    with pytest.raises(ConfigError, match="needs a ChoiceRegistry, not 'models'"):
        HidingConfig()


def test_frozen_choices() -> None:
    config = ModelConfig()
    config.freeze()
    for change in (
        lambda: setattr(config.model, "name", "spline"),
        lambda: config.plugins.names.add("polynomial"),
        lambda: config.plugins.names.insert(0, "polynomial"),
        lambda: config.plugins.names.__setitem__(0, "polynomial"),
        lambda: setattr(config.model["polynomial"], "order", 3),
        lambda: setattr(config.model["spline"], "knots", 3),
    ):
        with pytest.raises(FrozenConfigError):
            change()


def test_documents_and_copies() -> None:
    config = ModelConfig()
    config.model["spline"].knots = 3
    config.model.name = "spline"
    document = config.to_document()
    assert document["values"]["model"] == {"!names": ["spline"], "spline": {"knots": 3}}
    for other in (
        ModelConfig.from_document(document),
        pickle.loads(pickle.dumps(config)),
        copy.deepcopy(config),
    ):
        assert other == config
        assert other.model.active.knots == 3


def test_text_lists_the_entries_and_the_choice() -> None:
    assert config_text(ModelConfig()) == (
        "# Default: 2 (int)\nconfig.model['polynomial'].order=2\n\n"
        "# The model.\n# Default: 'polynomial' ('polynomial' or 'spline')\nconfig.model.name='polynomial'\n\n"
        "# Default: 10 (int)\nconfig.plugins['spline'].knots=10\n\n"
        "# Default: ['spline'] (any of 'polynomial', 'spline')\nconfig.plugins.names=['spline']\n"
    )


def test_a_registry_refuses_a_second_target_of_one_name() -> None:
    registry = ChoiceRegistry()

    @registry.registered("a")
    class _A:
        config_class = PolynomialConfig

    with pytest.raises(ConfigError, match="has an entry 'a' already"):
        registry.register("a", Polynomial)
    with pytest.raises(ConfigError, match="has no 'config_class'"):
        registry.register("b", int)


def test_differences_are_named_as_people_write_them_and_say_who_made_them() -> None:
    config = ModelConfig()
    overrider = ConfigOverrider(config)
    overrider.run_python("config.model.name = 'spline'\nconfig.plugins['spline'].knots = 7\n", "p.yaml", 3)
    assert [str(difference) for difference in compare_configs(ModelConfig(), config)] == [
        "model.names: ['polynomial'] (default) -> ['spline'] (p.yaml:3)",
        "model['polynomial'].order: 2 (default) -> (absent) (p.yaml:3)",
        "plugins['spline'].knots: 10 (default) -> 7 (p.yaml:4)",
        "model['spline'].knots: (absent) (default) -> 10 (p.yaml:3)",
    ]
    assert "config.model.names\n  ['polynomial']        default\n  ['spline']            p.yaml:3\n" in history_text(
        config, "model*"
    )
