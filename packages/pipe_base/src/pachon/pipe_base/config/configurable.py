# SPDX-License-Identifier: BSD-3-Clause
"""`Configurable`: a field that holds a class (usually a subtask) together with that class's configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import Field
from pydantic_core import CoreSchema, core_schema

from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.errors import ConfigError, FrozenConfigError
from pachon.pipe_base.config.history import Source, Trail, caller_source
from pachon.pipe_base.config.node import ConfigNode, FieldLine, place_child, place_node, trail_of
from pachon.pipe_base.import_path import import_object, import_path_of

__all__ = ["Configurable", "InstanceNode", "config_class_of", "configurable_field"]


def config_class_of(target: Any) -> type[Config]:
    """Give the configuration class of a target: its ``config_class``, or itself if it is one.

    Raises
    ------
    ConfigError
        The target is not configurable.
    """
    found = target if isinstance(target, type) and issubclass(target, Config) else getattr(target, "config_class", None)
    if not (isinstance(found, type) and issubclass(found, Config)):
        raise ConfigError(f"{target!r} has no 'config_class' and cannot be put into a configurable field.")
    return found


class InstanceNode(ConfigNode):
    """A node that pydantic accepts as it is, because it looks after its own values."""

    def default_entries(self) -> Mapping[str, Any]:
        """Give what the node itself holds if nobody changes it, by the names that its record uses."""
        return {}

    @classmethod
    def __class_getitem__(cls, item: Any) -> type[Self]:
        return cls  # the argument is for readers

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        return core_schema.is_instance_schema(cls)

    def _check_writeable(self, name: str) -> None:
        if self._trail.frozen:
            raise FrozenConfigError(self._trail.class_name or type(self).__name__, self._trail.full_name(name))


class Configurable(InstanceNode):
    """A target class and its configuration.

    ``config.background.bin_size = 64`` sets a field of the target's configuration;
    ``config.background.retarget(OtherTask)`` swaps the class.

    Parameters
    ----------
    target
        A task class, or anything callable with a ``config_class``.
    """

    def __init__(self, target: Any) -> None:
        config = config_class_of(target)()
        trail = Trail(class_name=import_path_of(target))
        vars(self).update(_trail=trail, target=target, value=config, _declared=target)

    _declared: Any
    target: Any
    """The class that is made from this configuration."""
    value: Config
    """Configuration of the target."""

    def retarget(self, target: Any) -> None:
        """Replace the class; values are kept only if the new class has the same configuration class."""
        self._check_writeable("target")
        config_class = config_class_of(target)
        vars(self)["target"] = target
        self._trail.class_name = import_path_of(target)
        if config_class is not type(self.value):
            vars(self)["value"] = config_class()
        self._trail.record("target", target, caller_source())
        place_node(self, self._trail.path)

    def apply(self, *args: Any, **kwargs: Any) -> Any:
        """Make the target with its configuration: ``target(*args, config=..., **kwargs)``."""
        return self.target(*args, config=self.value, **kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(vars(self)["value"], name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("target", "value", "_trail"):
            raise ConfigError(f"Use retarget() to change the {name} of {self._trail.path!r}.")
        self.value.set_field(name, value, caller_source())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Configurable) and self.target is other.target and self.value == other.value

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"Configurable({import_path_of(self.target)}, {self.value!r})"

    # -- the node --------------------------------------------------------------------------------------------------

    def default_entries(self) -> Mapping[str, Any]:
        return {"target": self._declared}

    def iter_nodes(self) -> Iterator[tuple[str, ConfigNode]]:
        yield "", self.value

    def assigned(self, value: Any, source: Source) -> ConfigNode:
        if isinstance(value, Configurable):
            new = Configurable(value.target)
            new.value.set_data(value.value.to_data())
            return new
        if isinstance(value, Config):
            if type(value) is not config_class_of(self.target):
                raise ConfigError(
                    f"Field {self._trail.path!r} takes a {config_class_of(self.target).__name__}, the configuration of "
                    f"{import_path_of(self.target)}, not a {type(value).__name__}; retarget it first."
                )
            vars(self)["value"] = value.model_copy(deep=True) if trail_of(value).attached else value
        else:
            self.retarget(value)
        return self

    def iter_lines(self) -> Iterator[FieldLine]:
        code = f".{self._trail.path}.retarget({import_path_of(self.target)})"
        yield FieldLine(name=self._trail.path, doc="", code=code, modules=(self.target.__module__,))
        yield from self.value.iter_lines()

    def to_data(self) -> dict[str, Any]:
        return {"!target": import_path_of(self.target), **self.value.to_data()}

    def set_data(self, data: Any) -> None:
        values = dict(data)
        target = values.pop("!target", None)
        if target is not None and target != import_path_of(self.target):
            self.retarget(import_object(target))
        self.value.set_data(values)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), dict(vars(self)))


def _rebuild(cls: type[Configurable], state: dict[str, Any]) -> Configurable:
    node = cls.__new__(cls)
    vars(node).update(state)
    place_child(node.value, trail_of(node), "")
    return node


def configurable_field(target: Any, *, doc: str = "") -> Any:
    """Declare a field that holds a `Configurable`.

    ::

        class CalibrateConfig(Config):
            background: Configurable = configurable_field(BackgroundTask)
            '''How the background is subtracted.'''
    """
    return Field(default_factory=lambda: Configurable(target), description=doc or None)
