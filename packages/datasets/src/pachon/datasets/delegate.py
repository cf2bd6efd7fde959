# SPDX-License-Identifier: BSD-3-Clause
"""How composites come apart and together: the default delegate of a storage class."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from pachon.base import InvalidInputError, NotFoundError

__all__ = ["StorageClassDelegate"]


class StorageClassDelegate:
    """Takes components out of objects of a storage class and puts objects together.

    A storage class with other needs names a subclass of its own.

    Parameters
    ----------
    storage_class_name
        For messages.
    components
        Names of the stored components.
    """

    def __init__(self, storage_class_name: str, components: Iterable[str] = ()) -> None:
        self.storage_class_name = storage_class_name
        self.components = tuple(components)

    def get_component(self, obj: Any, component: str) -> Any:
        """Give a component: the item, attribute or ``get_<name>()`` of that name.

        Raises
        ------
        NotFoundError
            If the object has none.
        """
        if isinstance(obj, Mapping) and component in obj:
            return obj[component]
        if hasattr(obj, component):
            return getattr(obj, component)
        getter = getattr(obj, f"get_{component}", None)
        if callable(getter):
            return getter()
        raise NotFoundError(
            f"An object of type {type(obj).__name__} ({self.storage_class_name}) has no component {component!r}."
        )

    def disassemble(self, obj: Any, subset: Iterable[str] | None = None) -> dict[str, Any]:
        """Give the stored components of an object; those that are `None` are left out."""
        names = self.components if subset is None else tuple(subset)
        found = {name: self.get_component(obj, name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    def assemble(self, components: Mapping[str, Any], pytype: type[Any]) -> Any:
        """Make an object of its components.

        Raises
        ------
        InvalidInputError
            If the type can neither be made from them nor take them as attributes.
        """
        try:
            return pytype(**components)
        except TypeError:
            pass
        obj = pytype()
        for name, value in components.items():
            setter = getattr(obj, f"set_{name}", None)
            if callable(setter):
                setter(value)
            elif hasattr(obj, name):
                setattr(obj, name, value)
            else:
                raise InvalidInputError(
                    f"A {pytype.__name__} ({self.storage_class_name}) cannot take a component {name!r}."
                )
        return obj

    def handle_parameters(self, obj: Any, parameters: Mapping[str, Any]) -> Any:
        """Apply the parameters of a read that the formatter did not.

        Raises
        ------
        InvalidInputError
            If there are any: this delegate knows none.
        """
        if parameters:
            raise InvalidInputError(
                f"Storage class {self.storage_class_name} has no use for the parameters {', '.join(parameters)}."
            )
        return obj

    def select_responsible_component(self, derived: str, available: Iterable[str]) -> str:
        """Give the stored component from which a derived one is made.

        Raises
        ------
        NotFoundError
            If none of those available can serve.
        """
        raise NotFoundError(
            f"Storage class {self.storage_class_name} does not say which of {', '.join(available)} gives {derived!r}."
        )

    def can_accept(self, obj: Any) -> bool:
        """Whether an object of another type can be stored without conversion."""
        return False

    def copy(self, obj: Any) -> Any:
        """Give an independent copy."""
        return copy.deepcopy(obj)
