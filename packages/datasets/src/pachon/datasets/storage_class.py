# SPDX-License-Identifier: BSD-3-Clause
"""Storage classes: which Python type a dataset is, its components and conversions."""

from __future__ import annotations

import builtins
import importlib
import inspect
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import yaml

from pachon.base import (
    ConflictError,
    FormatError,
    InvalidInputError,
    NotFoundError,
    closest,
    load_plugin,
    plugin_names,
)
from pachon.datasets.delegate import StorageClassDelegate

__all__ = ["PLUGIN_GROUP", "StorageClass", "StorageClasses", "UnknownComponentError", "UnknownStorageClassError"]

_log = logging.getLogger(__name__)

PLUGIN_GROUP: Final = "pachon.storage_classes"
"""Entry points that name a mapping of definitions (or a function that gives one)."""

_TRUSTED_MODULES: Final = frozenset(
    {"builtins", "collections", "pachon", "numpy", "astropy", "pandas", "pyarrow", "uuid", "datetime", "pathlib"}
)
_KEYS: Final = (
    "pytype", "inheritsFrom", "components", "derivedComponents", "parameters", "delegate", "converters",
)  # fmt: skip


class UnknownStorageClassError(NotFoundError):
    """No storage class of that name is defined."""

    kind = "unknown_storage_class"

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(name, known)
        self.name, self.known = name, known

    def __str__(self) -> str:
        return f"There is no storage class {self.name!r}.{closest(self.name, self.known)}"


class UnknownComponentError(NotFoundError):
    """A storage class has no component of that name."""

    kind = "unknown_component"

    def __init__(self, storage_class: str, component: str, known: tuple[str, ...]) -> None:
        super().__init__(storage_class, component, known)
        self.storage_class, self.component, self.known = storage_class, component, known

    def __str__(self) -> str:
        has = f"it has {', '.join(self.known)}" if self.known else "it has none"
        return f"Storage class {self.storage_class!r} has no component {self.component!r}: {has}."


class StorageClass:
    """One storage class; its Python type is imported when it is first needed.

    Parameters
    ----------
    name
        Its name.
    pytype_name
        Full name of the Python type of its objects.
    components
        Storage class of each component that can be stored by itself.
    derived_components
        Storage class of each component that is computed on reading.
    parameters
        Parameters that a read may have, those of components not included.
    delegate_name
        Full name of the class of its delegate, or `None` for `StorageClassDelegate`.
    converters
        Full name of a Python type -> full name of a function that makes an object of ``pytype`` of it.
    allowed
        Top-level modules from which names may be imported; `None` allows all.
    """

    __slots__ = (
        "_allowed", "components", "converters", "delegate_name", "derived_components", "name", "parameters",
        "pytype_name",
    )  # fmt: skip

    name: str
    pytype_name: str
    components: Mapping[str, str]
    derived_components: Mapping[str, str]
    parameters: frozenset[str]
    delegate_name: str | None
    converters: Mapping[str, str]

    def __init__(
        self,
        name: str,
        pytype_name: str = "object",
        *,
        components: Mapping[str, str] | None = None,
        derived_components: Mapping[str, str] | None = None,
        parameters: Iterable[str] = (),
        delegate_name: str | None = None,
        converters: Mapping[str, str] | None = None,
        allowed: frozenset[str] | None = None,
    ) -> None:
        self.name = name
        self.pytype_name = pytype_name
        self.components = dict(components or {})
        self.derived_components = dict(derived_components or {})
        self.parameters = frozenset(parameters)
        self.delegate_name = delegate_name
        self.converters = dict(converters or {})
        self._allowed = allowed
        if len(self.components) == 1:
            raise FormatError(f"Storage class {name!r} has one component; a composite has at least two.")
        both = self.components.keys() & self.derived_components.keys()
        if both:
            raise FormatError(f"Storage class {name!r} has {', '.join(sorted(both))} as stored and as derived.")

    @property
    def all_components(self) -> dict[str, str]:
        """Stored and derived components with their storage classes."""
        return {**self.components, **self.derived_components}

    def component(self, name: str) -> str:
        """Give the name of the storage class of a component.

        Raises
        ------
        UnknownComponentError
            If there is none of that name.
        """
        try:
            return self.all_components[name]
        except KeyError:
            raise UnknownComponentError(self.name, name, tuple(self.all_components)) from None

    @property
    def pytype(self) -> type[Any]:
        """The Python type, imported now.

        Raises
        ------
        NotFoundError
            If it cannot be imported.
        InvalidInputError
            If its module is not allowed.
        """
        found = _import_name(self.pytype_name, self._allowed, f"storage class {self.name!r}")
        if not isinstance(found, type):
            raise FormatError(f"{self.pytype_name!r} of storage class {self.name!r} is no type.")
        return found

    def delegate(self) -> StorageClassDelegate:
        """Give the delegate of this storage class."""
        if self.delegate_name is None:
            return StorageClassDelegate(self.name, self.components)
        made = _import_name(self.delegate_name, self._allowed, f"storage class {self.name!r}")
        delegate = made(self.name, self.components)
        assert isinstance(delegate, StorageClassDelegate)
        return delegate

    def accepts(self, obj: Any) -> bool:
        """Whether an object is of this storage class as it is."""
        return self.pytype_name == "object" or isinstance(obj, self.pytype)

    def can_convert(self, other: StorageClass) -> bool:
        """Whether objects of another storage class can be read as this one."""
        if self.name == other.name or self.pytype_name in ("object", other.pytype_name):
            return True
        if other.pytype_name in self.converters:
            return True
        try:
            theirs = other.pytype
            if issubclass(theirs, self.pytype):
                return True
        except (NotFoundError, InvalidInputError):
            return False
        return self._converter(theirs) is not None

    def coerce(self, obj: Any) -> Any:
        """Make an object of this storage class of another; `None` stays `None`.

        Raises
        ------
        InvalidInputError
            If there is no conversion.
        """
        if obj is None or self.accepts(obj):
            return obj
        converter = self._converter(type(obj))
        if converter is None:
            raise InvalidInputError(
                f"An object of type {_full_name(type(obj))} is no {self.name} ({self.pytype_name}) "
                "and cannot be converted to one."
            )
        return converter(obj)

    def _converter(self, pytype: type[Any]) -> Callable[[Any], Any] | None:
        names = {_full_name(base) for base in inspect.getmro(pytype)}
        for source, target in self.converters.items():
            if source not in names and not _is_same_type(source, pytype):
                continue
            try:
                found: Callable[[Any], Any] = _import_name(target, self._allowed, f"a converter of {self.name!r}")
                return found
            except NotFoundError as error:
                _log.warning("A converter of storage class %s is left out: %s", self.name, error)
        return None

    def _key(self) -> tuple[Any, ...]:
        return (
            self.name,
            self.pytype_name,
            self.delegate_name,
            self.parameters,
            tuple(sorted(self.components.items())),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StorageClass):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"StorageClass({self.name!r}, {self.pytype_name!r})"


class StorageClasses(Mapping[str, StorageClass]):
    """An immutable set of storage classes, by name."""

    def __init__(self, members: Mapping[str, StorageClass]) -> None:
        self._members = dict(members)

    @classmethod
    @cache
    def default(cls) -> StorageClasses:
        """Give the built-in storage classes and those of plug-ins."""
        from importlib import resources  # with much for temporary files

        text = (resources.files("pachon.datasets") / "storage_classes.yaml").read_text(encoding="utf-8")
        # The C form of the safe loader is ten times faster.
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        members = cls({}).with_definitions(document["storageClasses"], allowed=None)
        for name in plugin_names(PLUGIN_GROUP):
            definitions = load_plugin(PLUGIN_GROUP, name)
            if callable(definitions):
                definitions = definitions()
            assert isinstance(definitions, Mapping)
            members = members.with_definitions(definitions, allowed=None)
        return members

    def with_definitions(
        self, definitions: Mapping[str, Mapping[str, Any]], *, allowed: Iterable[str] | None = ()
    ) -> StorageClasses:
        """Add storage classes as a configuration defines them.

        Parameters
        ----------
        definitions
            Name -> mapping with ``pytype``, ``inheritsFrom``, ``components``, ``derivedComponents``,
            ``parameters``, ``delegate`` and ``converters``.
        allowed
            Further top-level modules that these definitions may import from. `None` trusts them
            wholly: for definitions that come with installed code, never for those of a repository.

        Raises
        ------
        ConflictError
            If a name is taken by a definition with another type, delegate, parameters or components. (Other converters and
            derived components are ignored with a warning.)
        FormatError
            If a definition has an unknown key, or inherits from an unknown storage class.
        """
        modules = None if allowed is None else _TRUSTED_MODULES | frozenset(allowed)
        members = dict(self._members)
        pending = dict(definitions)
        while pending:
            ready = [n for n, d in pending.items() if (d or {}).get("inheritsFrom") not in pending.keys() - {n}]
            if not ready:
                raise FormatError(f"Storage classes inherit from each other in a circle: {', '.join(pending)}.")
            for name in ready:
                made = _define(name, pending.pop(name) or {}, members, modules)
                known = members.setdefault(name, made)
                if known != made:
                    raise ConflictError(f"Storage class {name!r} is defined already, and differently.")
                if (known.converters, known.derived_components) != (made.converters, made.derived_components):
                    _log.warning(
                        "Storage class %s is defined already; its new converters and derived components are ignored.",
                        name,
                    )
        return StorageClasses(members)

    def get(self, name: str, default: Any = None) -> StorageClass:
        """Give a storage class.

        Raises
        ------
        UnknownStorageClassError
            If there is none of that name.
        """
        try:
            return self._members[name]
        except KeyError:
            raise UnknownStorageClassError(name, tuple(self._members)) from None

    def __getitem__(self, name: str) -> StorageClass:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)


def _define(
    name: str,
    definition: Mapping[str, Any],
    members: Mapping[str, StorageClass],
    allowed: frozenset[str] | None,
) -> StorageClass:
    for key in definition:
        if key not in _KEYS:
            raise FormatError(f"Storage class {name!r} has an unknown key {key!r}.{closest(str(key), _KEYS)}")
    parent_name = definition.get("inheritsFrom")
    parent = members.get(parent_name) if parent_name is not None else StorageClass(name)
    if parent is None:
        raise FormatError(f"Storage class {name!r} inherits from {parent_name!r}, which is not defined.")
    return StorageClass(
        name,
        definition.get("pytype", parent.pytype_name),
        components={**parent.components, **(definition.get("components") or {})},
        derived_components={**parent.derived_components, **(definition.get("derivedComponents") or {})},
        parameters={*parent.parameters, *(definition.get("parameters") or ())},
        delegate_name=definition.get("delegate", parent.delegate_name),
        converters={**parent.converters, **(definition.get("converters") or {})},
        allowed=allowed,
    )


def _full_name(pytype: type[Any]) -> str:
    return pytype.__qualname__ if pytype.__module__ == "builtins" else f"{pytype.__module__}.{pytype.__qualname__}"


@cache
def _resolve(name: str) -> Any:
    """Import ``package.module.Class`` or a builtin; `None` if that cannot be done."""
    if "." not in name:
        return getattr(builtins, name, None)
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        outer = _resolve(module) if "." in module else None
        return getattr(outer, attribute, None)


def _import_name(name: str, allowed: frozenset[str] | None, owner: str) -> Any:
    root = name.partition(".")[0]
    if allowed is not None and "." in name and root not in allowed:
        raise InvalidInputError(
            f"{owner} names {name!r}; module {root!r} is not allowed here. An administrator can allow it in "
            "the configuration (allowed_modules)."
        )
    found = _resolve(name)
    if found is None:
        raise NotFoundError(f"{name!r}, which {owner} names, cannot be imported. Is its package installed?")
    return found


def _is_same_type(name: str, pytype: type[Any]) -> bool:
    """Whether a name (perhaps a public one, such as ``astropy.table.Table``) is that type or a base of it."""
    if name.partition(".")[0] not in {base.__module__.partition(".")[0] for base in inspect.getmro(pytype)}:
        return False
    found = _find_loaded(name)
    return isinstance(found, type) and issubclass(pytype, found)


def _find_loaded(name: str) -> Any:
    """Give what a dotted name means in the modules that are there; nothing is imported.

    The modules of an object's type and of its bases are there, with the packages around them that offer the public names.
    """
    module, _, attribute = name.rpartition(".")
    if not module:
        return getattr(builtins, name, None)
    found = sys.modules.get(module)
    return getattr(_find_loaded(module) if found is None and "." in module else found, attribute, None)
