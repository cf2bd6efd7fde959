# SPDX-License-Identifier: BSD-3-Clause
"""Registry fields: one or several entries of a named registry, each with a configuration of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self, SupportsIndex

from pydantic import Field

from pachon.base import closest
from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.configurable import InstanceNode, config_class_of
from pachon.pipe_base.config.containers import ItemList
from pachon.pipe_base.config.errors import ConfigError, FieldValueError
from pachon.pipe_base.config.history import Source, Trail, caller_source
from pachon.pipe_base.config.node import ConfigNode, FieldLine, place_child, trail_of

__all__ = ["ChoiceRegistry", "RegistryChoice", "RegistryChoices", "choice_field", "choices_field"]


class ChoiceRegistry(Mapping[str, Any]):
    """Named targets (classes with a ``config_class``, or configuration classes) that a field may choose from."""

    def __init__(self, targets: Mapping[str, Any] | None = None) -> None:
        self._targets = dict(targets or {})

    def register(self, name: str, target: Any) -> None:
        """Add an entry; a name that is taken by another target is refused."""
        config_class_of(target)
        if self._targets.get(name, target) is not target:
            raise ConfigError(f"The registry has an entry {name!r} already: {self._targets[name]!r}.")
        self._targets[name] = target

    def registered(self, name: str) -> Callable[[Any], Any]:
        """Register the decorated class: ``@registry.registered("name")``."""

        def decorate(target: Any) -> Any:
            self.register(name, target)
            return target

        return decorate

    def __getitem__(self, name: str) -> Any:
        return self._targets[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)


class _Names(ItemList):
    """Chosen names, in order and without repetition."""

    def append(self, name: str) -> None:
        if name not in self:
            super().append(name)

    def insert(self, index: SupportsIndex, name: str) -> None:
        if name not in self:
            super().insert(index, name)

    def extend(self, names: Iterable[str]) -> None:
        for name in [names] if isinstance(names, str) else names:
            self.append(name)

    def __setitem__(self, index: Any, value: Any) -> None:
        changed = list(self)
        changed[index] = value
        super().__setitem__(slice(None), dict.fromkeys(changed))

    add, update = append, extend

    def discard(self, name: str) -> None:
        if name in self:
            self.remove(name)

    def remove(self, name: str) -> None:
        self._check_writeable()
        if name not in self:
            chosen = ", ".join(self) or "none"
            raise FieldValueError(
                self._trail.class_name,
                self._trail.full_name(self._field),
                f"{name!r} is not chosen and cannot be removed; chosen are {chosen}",
            )
        super().remove(name)

    # The operators of sets, as override files use them; the order of the names is kept.

    def __ior__(self, names: Iterable[str]) -> Self:
        self.update(names)
        return self

    def __isub__(self, names: Iterable[str]) -> Self:
        return self._assign(self - names)

    def __iand__(self, names: Iterable[str]) -> Self:
        return self._assign(self & names)

    def __ixor__(self, names: Iterable[str]) -> Self:
        return self._assign(self ^ names)

    def __or__(self, names: Iterable[str]) -> list[str]:
        return list(dict.fromkeys([*self, *names]))

    def __sub__(self, names: Iterable[str]) -> list[str]:
        others = set(names)
        return [name for name in self if name not in others]

    def __and__(self, names: Iterable[str]) -> list[str]:
        others = set(names)
        return [name for name in self if name in others]

    def __xor__(self, names: Iterable[str]) -> list[str]:
        others = list(dict.fromkeys(names))
        return [*(self - others), *(name for name in others if name not in self)]

    __ror__, __rand__, __rxor__ = __or__, __and__, __xor__

    def _assign(self, names: list[str]) -> Self:
        self[:] = names
        return self

    def _validated(self, annotation: Any, value: Any) -> Any:
        self.check_registered(value)
        return value

    def check_registered(self, value: Any) -> None:
        """Raise unless a name is in the registry."""
        known = self._item
        if not isinstance(value, str) or value not in known:
            name = self._trail.full_name(self._field)
            hint = closest(str(value), known) or (f" Registered are {', '.join(known)}." if known else "")
            raise FieldValueError(self._trail.class_name, name, f"{value!r} is not registered", hint)


class _RegistryNode(InstanceNode):
    """What the two kinds of registry fields share."""

    registry: ChoiceRegistry

    def __init__(self, registry: ChoiceRegistry, chosen: Iterable[str], class_name: str) -> None:
        if not isinstance(registry, ChoiceRegistry):
            # In the body of a class a field hides a variable of its name.
            raise ConfigError(f"A field that chooses needs a ChoiceRegistry, not {registry!r}.")
        trail = Trail(class_name=class_name)
        chosen = tuple(dict.fromkeys(chosen))
        vars(self).update(_trail=trail, registry=registry, _configs={}, _declared=chosen)
        vars(self)["_names"] = _Names((), registry, trail, "names")
        for name in chosen:
            self._names.check_registered(name)
            list.append(self._names, name)

    _names: _Names
    _configs: dict[str, Config]
    _declared: tuple[str, ...]

    def default_entries(self) -> Mapping[str, Any]:
        return {"names": list(self._declared)}

    def __getitem__(self, name: str) -> Config:
        """Give the configuration of an entry, chosen or not."""
        if name not in self._configs:
            self._names.check_registered(name)
            config = config_class_of(self.registry[name])()
            self._configs[name] = config
            place_child(config, self._trail, f"[{name!r}]")
            trail_of(config).frozen = self._trail.frozen
        return self._configs[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self._check_writeable(f"[{name!r}]")
        config = self[name].assigned(value, caller_source())
        if type(config) is not type(self[name]):
            raise ConfigError(f"Entry {name!r} of {self._trail.path!r} takes a {type(self[name]).__name__}.")
        self._configs[name] = config
        place_child(config, self._trail, f"[{name!r}]")

    def __iter__(self) -> Iterator[str]:
        return iter(self.registry)

    def __contains__(self, name: object) -> bool:
        return name in self.registry

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.to_data() == other.to_data()

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        chosen = ", ".join(f"{name}: {self[name]!r}" for name in self._names)
        return f"{type(self).__name__}({chosen or 'none'})"

    def _choose(self, names: Iterable[str], source: Source) -> None:
        self._check_writeable("names")
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise FieldValueError(
                self._trail.class_name, self._trail.full_name("names"), f"{names!r} is not a list of names"
            )
        names = list(names)
        for name in names:
            self._names.check_registered(name)
        chosen = list(dict.fromkeys(names))
        list.__setitem__(self._names, slice(None), chosen)
        self._trail.record("names", chosen, source)

    def iter_nodes(self) -> Iterator[tuple[str, ConfigNode]]:
        for name in sorted({*self._configs, *self._names}):
            yield f"[{name!r}]", self[name]

    def to_data(self) -> dict[str, Any]:
        # Of the entries that are not chosen, only those that somebody has changed.
        entries = {name: self[name].to_data() for name in sorted({*self._configs, *self._names})}
        kept = {
            name: data
            for name, data in entries.items()
            if name in self._names or data != config_class_of(self.registry[name])().to_data()
        }
        return {"!names": list(self._names), **kept}

    def set_data(self, data: Any) -> None:
        values = dict(data)
        self._choose(values.pop("!names", ()), Source(text="saved configuration"))
        for name, entry in values.items():
            self[name].set_data(entry)

    def __reduce__(self) -> tuple[Any, ...]:
        state = {key: value for key, value in vars(self).items() if key != "_names"}
        return _rebuild, (type(self), list(self._names), state)


def _rebuild(cls: type[_RegistryNode], names: list[str], state: dict[str, Any]) -> _RegistryNode:
    node = cls.__new__(cls)
    vars(node).update(state)
    vars(node)["_names"] = _Names(names, node.registry, trail_of(node), "names")
    return node


class RegistryChoice(_RegistryNode):
    """One entry of a registry: ``config.fit.name = "spline"``, ``config.fit["spline"].order = 3``."""

    @property
    def name(self) -> str | None:
        """Name of the chosen entry."""
        return self._names[0] if self._names else None

    @property
    def active(self) -> Config:
        """Configuration of the chosen entry."""
        if self.name is None:
            raise ConfigError(f"Nothing is chosen for {self._trail.path!r}.")
        return self[self.name]

    @property
    def target(self) -> Any:
        """The chosen entry itself."""
        return self.registry[self.name] if self.name is not None else None

    def apply(self, *args: Any, **kwargs: Any) -> Any:
        """Make the chosen entry with its configuration."""
        return self.target(*args, config=self.active, **kwargs)

    def __setattr__(self, name: str, value: Any) -> None:
        self.set_field(name, value, caller_source())

    def set_field(self, name: str, value: Any, source: Source) -> None:
        """Set the ``name``, and remember who did it."""
        if name != "name":
            raise ConfigError(f"{self._trail.path!r} has no {name!r} to set; set its 'name' or an entry's field.")
        self._choose([] if value is None else [value], source)

    def assigned(self, value: Any, source: Source) -> ConfigNode:
        if isinstance(value, RegistryChoice):
            self.set_data(value.to_data())
        else:
            self._choose([] if value is None else [value], source)
        return self

    def iter_lines(self) -> Iterator[FieldLine]:
        for _, node in self.iter_nodes():
            yield from node.iter_lines()
        path = self._trail.path
        yield FieldLine(
            name=path, doc="", code=f".{path}.name={self.name!r}", accepts=" or ".join(map(repr, self.registry))
        )


class RegistryChoices(_RegistryNode):
    """Several entries of a registry: ``config.plugins.names |= ["blend"]``."""

    @property
    def names(self) -> _Names:
        """Chosen names; they can be changed in place."""
        return self._names

    @property
    def active(self) -> list[Config]:
        """Configurations of the chosen entries, in order."""
        return [self[name] for name in self._names]

    def apply(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Make every chosen entry with its configuration."""
        return {name: self.registry[name](*args, config=self[name], **kwargs) for name in self._names}

    def __setattr__(self, name: str, value: Any) -> None:
        self.set_field(name, value, caller_source())

    def set_field(self, name: str, value: Any, source: Source) -> None:
        """Set the ``names``, and remember who did it."""
        if name != "names":
            raise ConfigError(f"{self._trail.path!r} has no {name!r} to set; set its 'names' or an entry's field.")
        if value is not self._names:
            self._choose(value, source)

    def assigned(self, value: Any, source: Source) -> ConfigNode:
        if isinstance(value, RegistryChoices):
            self.set_data(value.to_data())
        else:
            self._choose(value, source)
        return self

    def iter_lines(self) -> Iterator[FieldLine]:
        for _, node in self.iter_nodes():
            yield from node.iter_lines()
        path = self._trail.path
        yield FieldLine(
            name=path,
            doc="",
            code=f".{path}.names={list(self._names)!r}",
            accepts=f"any of {', '.join(map(repr, self.registry))}",
        )


def choice_field(registry: ChoiceRegistry, default: str | None = None, *, doc: str = "") -> Any:
    """Declare a field that holds one entry of a registry."""
    chosen = () if default is None else (default,)
    return Field(default_factory=lambda: RegistryChoice(registry, chosen, "RegistryChoice"), description=doc or None)


def choices_field(registry: ChoiceRegistry, default: Iterable[str] = (), *, doc: str = "") -> Any:
    """Declare a field that holds any number of entries of a registry."""
    chosen = tuple(default)
    return Field(default_factory=lambda: RegistryChoices(registry, chosen, "RegistryChoices"), description=doc or None)
