# SPDX-License-Identifier: BSD-3-Clause
import copy
import pickle
from typing import Literal

import pytest
from pydantic import Field, field_validator, model_validator

from pachon.pipe_base.config import (
    Config,
    ConfigError,
    FieldValueError,
    FrozenConfigError,
    UnknownFieldError,
    UnsetFieldError,
)


class FitConfig(Config):
    order: int = Field(default=6, ge=0)
    """Order of the polynomial."""
    planes: list[str] = Field(default=["BAD"])
    """Mask planes to ignore."""

    def check(self) -> None:
        if self.order > 6 and not self.planes:
            raise ValueError("an order above 6 needs mask planes")


class TopConfig(Config):
    fit: FitConfig = Field(default_factory=FitConfig)
    """How the fit is made."""
    mode: Literal["fast", "good"] = "fast"
    scale: float = 1.0
    limits: tuple[int, ...] = (0, 1)
    names: dict[str, int] = Field(default={})
    tags: set[str] = Field(default=set())
    note: str | None = None
    fits: dict[str, FitConfig] = Field(default={})
    size: int
    """Must be given."""

    def set_defaults(self) -> None:
        self.fit.order = 4


@pytest.fixture
def config() -> TopConfig:
    return TopConfig(size=1)


def test_defaults_come_from_fields_then_from_the_hook(config: TopConfig) -> None:
    assert config.fit.order == 4
    assert config.mode == "fast"
    assert FitConfig().order == 6


def test_defaults_are_not_shared() -> None:
    one, other = FitConfig(), FitConfig()
    one.planes.append("SAT")
    assert other.planes == ["BAD"]


def test_attribute_docstrings_are_field_docs() -> None:
    assert FitConfig.model_fields["order"].description == "Order of the polynomial."


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("size", "3", "Field 'size' of TopConfig: '3' is not a whole number."),
        ("size", 3.0, "Field 'size' of TopConfig: 3.0 is not a whole number."),
        ("size", True, "Field 'size' of TopConfig: True is not a whole number."),
        ("scale", "2.5", "Field 'scale' of TopConfig: '2.5' is not a number."),
        ("note", 3, "Field 'note' of TopConfig: 3 is not accepted: input should be a valid string."),
        ("mode", "slow", "Field 'mode' of TopConfig: 'slow' is not accepted: input should be 'fast' or 'good'."),
        ("limits", [1, "2"], "Field 'limits' of TopConfig: '2' is not a whole number."),
        ("names", {"a": "1"}, "Field 'names' of TopConfig: '1' is not a whole number."),
        ("tags", {1}, "Field 'tags' of TopConfig: 1 is not accepted: input should be a valid string."),
        (
            "fit",
            3,
            "Field 'fit' of TopConfig: 3 is not accepted: input should be a valid dictionary or instance of FitConfig.",
        ),
    ],
)
def test_assignment_is_validated(config: TopConfig, name: str, value: object, problem: str) -> None:
    before = config.to_data()
    with pytest.raises(FieldValueError) as caught:
        setattr(config, name, value)
    assert str(caught.value) == problem
    assert config.to_data() == before


def test_constraints_are_checked_with_the_full_name(config: TopConfig) -> None:
    with pytest.raises(FieldValueError) as caught:
        config.fit.order = -1
    assert (
        str(caught.value)
        == "Field 'fit.order' of FitConfig: -1 is not accepted: input should be greater than or equal to 0."
    )


def test_containers_may_change_their_kind(config: TopConfig) -> None:
    config.limits = [1, 2, 3]  # type: ignore[assignment]
    assert config.limits == (1, 2, 3)
    config.scale = 2
    assert isinstance(config.scale, float)


def test_unknown_fields_get_a_suggestion(config: TopConfig) -> None:
    with pytest.raises(UnknownFieldError) as caught:
        config.scael = 3  # type: ignore[attr-defined]
    assert str(caught.value) == "TopConfig has no field 'scael'. Did you mean 'scale'?"
    with pytest.raises(AttributeError, match="TopConfig has no field 'scael'"):
        _ = config.scael
    assert not hasattr(config, "other")


def test_fields_cannot_be_deleted(config: TopConfig) -> None:
    with pytest.raises(ConfigError, match="cannot be deleted"):
        del config.mode


def test_a_field_without_default_may_be_set_later() -> None:
    config = TopConfig()  # type: ignore[call-arg]
    with pytest.raises(UnsetFieldError) as caught:
        _ = config.size
    assert str(caught.value) == "Field 'size' of TopConfig has no default and no value yet; set it."
    with pytest.raises(UnsetFieldError):
        config.freeze()
    config.size = 3
    config.freeze()


def test_lists_validate_their_items(config: TopConfig) -> None:
    planes = config.fit.planes
    planes.append("SAT")
    planes.extend(["A", "B"])
    planes.insert(0, "FIRST")
    planes.remove("A")
    planes += ["C"]
    planes[1] = "WORST"
    planes[2:3] = ["X", "Y"]
    del planes[0]
    assert config.fit.planes == ["WORST", "X", "Y", "B", "C"]
    planes.sort(reverse=True)
    planes.reverse()
    assert planes.pop() == "Y"
    with pytest.raises(FieldValueError, match=r"Field 'fit.planes' of FitConfig: 3 is not accepted"):
        planes.append(3)  # type: ignore[arg-type]
    with pytest.raises(FieldValueError):
        planes.extend(["fine", 3])  # type: ignore[list-item]
    assert planes == ["B", "C", "WORST", "X"]
    planes.clear()
    assert config.fit.planes == []


def test_mappings_validate_their_items(config: TopConfig) -> None:
    config.names["a"] = 1
    config.names.update(b=2)
    config.names |= {"c": 3}
    assert config.names.setdefault("d", 4) == 4
    assert config.names.pop("a") == 1
    del config.names["b"]
    assert config.names == {"c": 3, "d": 4}
    with pytest.raises(FieldValueError, match="'x' is not accepted"):
        config.names["c"] = "x"  # type: ignore[assignment]
    with pytest.raises(FieldValueError):
        config.names[3] = 3  # type: ignore[index]


def test_sets_validate_their_items(config: TopConfig) -> None:
    config.tags.add("a")
    config.tags |= {"b", "c"}
    config.tags.discard("a")
    config.tags.remove("b")
    config.tags -= {"x"}
    assert config.tags == {"c"}
    with pytest.raises(FieldValueError):
        config.tags.add(3)  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        config.tags.remove("nothing")
    config.tags.symmetric_difference_update(["c", "d"])
    config.tags ^= {"e"}
    config.tags.difference_update(["x"], ["y"])
    config.tags.intersection_update(["d", "e"], {"e"})
    assert config.tags == {"e"}
    with pytest.raises(FieldValueError):
        config.tags ^= {3}  # type: ignore[arg-type]
    assert config.tags == {"e"}
    copied = config.tags.copy()
    copied.add("f")
    assert (config.tags.pop(), config.tags, copied) == ("e", set(), {"e", "f"})
    with pytest.raises(KeyError):
        config.tags.pop()
    assert [entry.value for entry in config.history("tags")][-2:] == [["e"], []]


def test_sub_configurations_in_a_mapping(config: TopConfig) -> None:
    config.fits["one"] = FitConfig(order=2)
    config.fits["one"].planes.append("Z")
    with pytest.raises(FieldValueError, match=r"Field \"fits\['one'\].order\" of FitConfig"):
        config.fits["one"].order = -1
    config.freeze()
    with pytest.raises(FrozenConfigError):
        config.fits["one"].order = 3


def test_a_class_stands_for_its_defaults(config: TopConfig) -> None:
    config.fit = FitConfig  # type: ignore[assignment]
    assert config.fit.order == 6


def test_a_configuration_is_never_shared(config: TopConfig) -> None:
    other = TopConfig(size=2)
    other.fit = config.fit
    other.fit.order = 9
    assert config.fit.order == 4


def test_freezing_checks_the_whole(config: TopConfig) -> None:
    config.fit.order = 9
    config.fit.planes.clear()  # contradictory now, and allowed: the series of overrides may go on
    with pytest.raises(ConfigError) as caught:
        config.freeze()
    assert str(caught.value) == "FitConfig (fit) is not consistent: an order above 6 needs mask planes."
    config.fit.planes.append("BAD")
    config.freeze()
    assert config.is_frozen
    assert config.fit.is_frozen


def test_a_frozen_configuration_cannot_be_changed(config: TopConfig) -> None:
    config.freeze()
    with pytest.raises(FrozenConfigError) as caught:
        config.scale = 3.0
    assert str(caught.value) == "Field 'scale' of TopConfig cannot be changed: the configuration is frozen."
    for change in (
        lambda: config.fit.planes.append("X"),
        lambda: config.names.update(a=1),
        lambda: config.tags.add("a"),
        config.tags.pop,
        lambda: config.tags.difference_update(["a"]),
        lambda: config.tags.intersection_update(["b"]),
        lambda: config.tags.symmetric_difference_update(["a"]),
        lambda: config.tags.__ixor__({"a"}),
        lambda: setattr(config.fit, "order", 2),
    ):
        with pytest.raises(FrozenConfigError):
            change()


class ValidatedConfig(Config):
    low: int = 0
    high: int = 1

    @field_validator("low")
    @classmethod
    def _not_seven(cls, value: int) -> int:
        if value == 7:
            raise ValueError("seven is not for us.")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> "ValidatedConfig":
        if self.low > self.high:
            raise ValueError("low is above high")
        if self.high == 100:
            self.high = 99
        return self


def test_pydantic_validators_of_fields_run_at_once() -> None:
    config = ValidatedConfig()
    with pytest.raises(FieldValueError) as caught:
        config.low = 7
    assert str(caught.value) == "Field 'low' of ValidatedConfig: seven is not for us."


def test_pydantic_validators_of_the_model_wait_for_the_whole() -> None:
    config = ValidatedConfig()
    config.low = 5  # above high, until the next line
    config.high = 100
    config.freeze()
    assert config.high == 99
    broken = ValidatedConfig(low=5)
    with pytest.raises(ConfigError) as caught:
        broken.freeze()
    assert str(caught.value) == "ValidatedConfig is not consistent: low is above high."


def test_equality_is_of_values(config: TopConfig) -> None:
    other = TopConfig(size=2)
    assert config != other
    other.size = 1
    assert config == other
    assert config != FitConfig()


def test_copies_and_pickles_are_whole(config: TopConfig) -> None:
    config.fits["a"] = FitConfig()
    for other in (pickle.loads(pickle.dumps(config)), copy.deepcopy(config), config.model_copy(deep=True)):
        assert other == config
        assert other.to_document() == config.to_document()
        other.fit.planes.append("NEW")
        assert "NEW" not in config.fit.planes
        with pytest.raises(FieldValueError):
            other.fits["a"].planes.append(3)
    config.freeze()
    assert pickle.loads(pickle.dumps(config)).is_frozen


@pytest.mark.filterwarnings("ignore:Field name")
def test_reserved_names_cannot_be_fields() -> None:
    with pytest.raises(ConfigError) as caught:

        class _BadConfig(Config):
            freeze: int = 3  # type: ignore[assignment]

    assert str(caught.value) == "_BadConfig: a field cannot be called 'freeze', which is a method of configurations."


def test_deprecated_fields_warn_when_set() -> None:
    class OldConfig(Config):
        old: int = Field(default=1, deprecated="Use new.")
        new: int = 1

    config = OldConfig()
    with pytest.warns(FutureWarning, match="Field 'old' of OldConfig is deprecated. Use new."):
        config.old = 3
