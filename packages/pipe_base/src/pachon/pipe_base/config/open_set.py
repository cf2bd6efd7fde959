# SPDX-License-Identifier: BSD-3-Clause
"""`ConfigSet`: an open set of named sub-configurations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from pachon.base import closest
from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.configurable import InstanceNode
from pachon.pipe_base.config.errors import FieldValueError, UnknownFieldError
from pachon.pipe_base.config.history import Source, Trail, caller_source
from pachon.pipe_base.config.node import ConfigNode, FieldLine, place_child, trail_of
from pachon.pipe_base.import_path import import_object, import_path_of

__all__ = ["ConfigSet", "config_set_field"]


class ConfigSet(InstanceNode):
    """Named configurations that may be added and removed: ``config.actions.name = ActionClass``."""

    base: type[Config]
    """Class that every member must be an instance of."""
    _members: dict[str, Config]

    def __init__(self, base: type[Config] = Config) -> None:
        vars(self).update(_trail=Trail(class_name="ConfigSet"), base=base, _members={})

    @property
    def members(self) -> dict[str, Config]:
        """The members by name, in the order in which they were added."""
        return dict(self._members)

    def __iter__(self) -> Iterator[Config]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def __getattr__(self, name: str) -> Config:
        members = vars(self).get("_members", {})
        if name in members:
            found: Config = members[name]
            return found
        if name.startswith("_"):
            raise AttributeError(name)
        raise UnknownFieldError(self._trail.path or "ConfigSet", name, closest(name, members))

    def __setattr__(self, name: str, value: Any) -> None:
        self.set_field(name, value, caller_source())

    def set_field(self, name: str, value: Any, source: Source) -> None:
        """Add or replace a member; a class is made into an instance."""
        self._check_writeable(name)
        if isinstance(value, type) and issubclass(value, Config):
            value = value()
        if not isinstance(value, self.base) or not name.isidentifier() or hasattr(type(self), name):
            problem = f"{value!r} is not a {self.base.__name__}" if name.isidentifier() else "not a legal name"
            raise FieldValueError("ConfigSet", self._trail.full_name(name), problem)
        member = value.model_copy(deep=True) if trail_of(value).attached else value
        self._members[name] = member
        place_child(member, self._trail, name)
        self._trail.record(name, member, source)

    def __delattr__(self, name: str) -> None:
        self._check_writeable(name)
        getattr(self, name)
        del self._members[name]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigSet) and self._members == other._members

    __hash__ = None  # type: ignore[assignment]  # mutable

    def iter_nodes(self) -> Iterator[tuple[str, ConfigNode]]:
        yield from self._members.items()

    def assigned(self, value: Any, source: Source) -> ConfigNode:
        members = value.members if isinstance(value, ConfigSet) else dict(value)
        new = ConfigSet(self.base)
        for name, member in members.items():
            new.set_field(name, member, source)
        return new

    def iter_lines(self) -> Iterator[FieldLine]:
        for name, member in self._members.items():
            full_name, cls = self._trail.full_name(name), type(member)
            yield FieldLine(
                name=full_name, doc="", code=f".{full_name}={import_path_of(cls)}", modules=(cls.__module__,)
            )
            yield from member.iter_lines()

    def to_data(self) -> dict[str, Any]:
        return {
            name: {"!class": import_path_of(type(member)), **member.to_data()} for name, member in self._members.items()
        }

    def set_data(self, data: Any) -> None:
        self._members.clear()
        for name, entry in data.items():
            values = dict(entry)
            member = import_object(values.pop("!class"))()
            member.set_data(values)
            self._members[name] = member
            place_child(member, self._trail, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.base, self._trail, self._members)


def _rebuild(base: type[Config], trail: Trail, members: dict[str, Config]) -> ConfigSet:
    node = ConfigSet(base)
    vars(node).update(_trail=trail, _members=members)
    return node


def config_set_field(base: type[Config] = Config, *, doc: str = "") -> Any:
    """Declare a field that holds a `ConfigSet`."""
    return Field(default_factory=lambda: ConfigSet(base), description=doc or None)
