# SPDX-License-Identifier: BSD-3-Clause
"""`ConfigSet`: an open set of named sub-configurations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import Field

from pachon.base import closest
from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.configurable import InstanceNode
from pachon.pipe_base.config.errors import FieldValueError, UnknownFieldError, shortened
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

    @property
    def fieldNames(self) -> tuple[str, ...]:  # noqa: N802  # override files use this name
        """Names of the members."""
        return tuple(self._members)

    def __iter__(self) -> Iterator[Config]:
        return iter(self._members.values())

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __getitem__(self, name: str) -> Config:
        return self._member(name)

    def __setitem__(self, name: str, value: Any) -> None:
        self.set_field(name, value, caller_source())

    def __delitem__(self, name: str) -> None:
        delattr(self, name)

    def _member(self, name: str) -> Config:
        if name not in self._members:
            hint = closest(name, self._members) or f" It has {', '.join(self._members) or 'no members'}."
            raise UnknownFieldError(self._trail.path or "ConfigSet", name, hint)
        return self._members[name]

    def __getattr__(self, name: str) -> Config:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._member(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.set_field(name, value, caller_source())

    def set_field(self, name: str, value: Any, source: Source) -> None:
        """Add or replace a member; a class is made into an instance.

        ``update`` and ``remove`` are no names of members: the first takes a mapping (or another set) of members to add,
        the second a name or several of members to take out.
        """
        self._check_writeable(name)
        match name:
            case "update":
                for key, member in self._members_of(value, name).items():
                    self._add(key, member, source)
            case "remove":
                if not isinstance(value, Iterable):
                    problem = f"{value!r} is neither the name of a member nor several"
                    raise FieldValueError("ConfigSet", self._trail.full_name(name), problem)
                for key in [value] if isinstance(value, str) else list(value):
                    self._remove(key, source)
            case _:
                self._add(name, value, source)

    def _members_of(self, value: Any, name: str = "") -> Mapping[str, Any]:
        if isinstance(value, ConfigSet):
            return value.members
        if isinstance(value, Mapping):
            return dict(value)
        problem = f"{shortened(value)} is no mapping from names to members"
        raise FieldValueError("ConfigSet", self._trail.full_name(name), problem)

    def _add(self, name: str, value: Any, source: Source) -> None:
        if isinstance(value, type) and issubclass(value, Config):
            value = value()
        if problem := self._problem(name, value):
            raise FieldValueError("ConfigSet", self._trail.full_name(str(name)), problem)
        member = value.model_copy(deep=True) if trail_of(value).attached else value
        self._members[name] = member
        place_child(member, self._trail, name)
        self._trail.record(name, member, source)

    def _problem(self, name: Any, value: Any) -> str:
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_") or hasattr(type(self), name):
            return "this cannot be the name of a member"
        if isinstance(value, self.base):
            return ""
        if isinstance(value, str):
            return f"{value!r} names no {self.base.__name__} in scope; import it in a 'python' block"
        return f"{value!r} is no {self.base.__name__}"

    def _remove(self, name: str, source: Source) -> None:
        self._member(name)
        del self._members[name]
        self._trail.record(name, None, source)

    def __delattr__(self, name: str) -> None:
        self._check_writeable(name)
        self._remove(name, caller_source())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigSet) and self._members == other._members

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"ConfigSet({', '.join(f'{name}={member!r}' for name, member in self._members.items())})"

    def iter_nodes(self) -> Iterator[tuple[str, ConfigNode]]:
        yield from self._members.items()

    def assigned(self, value: Any, source: Source) -> ConfigNode:
        new = ConfigSet(self.base)
        for name, member in self._members_of(value).items():
            new.set_field(name, member, source)
        return new

    def iter_lines(self) -> Iterator[FieldLine]:
        for name, member in self._members.items():
            full_name, cls = self._trail.full_name(name), type(member)
            yield FieldLine(
                name=full_name,
                doc=(cls.__doc__ or "").strip().partition("\n")[0],
                code=f".{full_name}={import_path_of(cls)}",
                modules=(cls.__module__,),
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
