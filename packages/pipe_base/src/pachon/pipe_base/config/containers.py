# SPDX-License-Identifier: BSD-3-Clause
"""Lists, mappings and sets in fields: items are validated when they are set, changes are recorded."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self, SupportsIndex, Union, get_args, get_origin

from pydantic import BaseModel

from pachon.pipe_base.config.errors import AbsentItemError, FieldValueError, FrozenConfigError
from pachon.pipe_base.config.history import Trail, caller_source, plain_value
from pachon.pipe_base.config.node import child_nodes, place_child
from pachon.pipe_base.config.validation import type_adapter, validate_exact

__all__ = ["ItemList", "ItemMapping", "ItemSet", "find_subclass", "item_types", "union_members", "wrap"]


def wrap(value: Any, annotation: Any, trail: Trail, field: str) -> Any:
    """Put a validated value of a field into the containers of this module.

    Parameters
    ----------
    value
        A value that fits the annotation.
    annotation
        Type of the field, or of an item.
    trail
        Record of the configuration that holds the field.
    field
        Name of the field.
    """
    if isinstance(value, list):
        (item,) = item_types(annotation, list)[:1] or (Any,)
        return ItemList((wrap(v, item, trail, field) for v in value), item, trail, field)
    if isinstance(value, dict):
        key, item = (*item_types(annotation, dict), Any, Any)[:2]
        return ItemMapping({k: wrap(v, item, trail, field) for k, v in value.items()}, (key, item), trail, field)
    if isinstance(value, set):
        (item,) = item_types(annotation, set)[:1] or (Any,)
        return ItemSet(value, item, trail, field)
    return value


def item_types(annotation: Any, kind: type) -> tuple[Any, ...]:
    """Give the type arguments of ``list[...]``, ``dict[...]`` or ``set[...]`` within an annotation."""
    if get_origin(annotation) is Annotated:
        return item_types(get_args(annotation)[0], kind)
    if get_origin(annotation) in (Union, types.UnionType):
        return next((found for member in get_args(annotation) if (found := item_types(member, kind))), ())
    origin = get_origin(annotation)
    if isinstance(origin, type) and (issubclass(kind, origin) or issubclass(origin, kind)):
        return get_args(annotation)
    return ()


def find_subclass(value: Any, annotation: Any) -> str:
    """Say where a configuration is of a subclass of the declared class, or give an empty text.

    Such a value could not be read back from its saved form; a configurable field is made for that.
    """
    if isinstance(value, BaseModel):
        declared = [m for m in union_members(annotation) if isinstance(m, type) and issubclass(m, BaseModel)]
        if declared and type(value) not in declared:
            return f"it takes a {declared[0].__name__}, not its subclass {type(value).__name__}"
    elif isinstance(value, list | tuple):
        item = (item_types(annotation, list) or item_types(annotation, tuple) or (Any,))[0]
        return next((problem for v in value if (problem := find_subclass(v, item))), "")
    elif isinstance(value, dict):
        item = (*item_types(annotation, dict), Any, Any)[1]
        return next((problem for v in value.values() if (problem := find_subclass(v, item))), "")
    return ""


def union_members(annotation: Any) -> tuple[Any, ...]:
    """Give the alternatives of a type."""
    if get_origin(annotation) is Annotated:
        return union_members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(member for part in get_args(annotation) for member in union_members(part))
    return (annotation,)


class _Items:
    """What the three containers share."""

    _trail: Trail
    _field: str
    _holder: _Items | None = None
    """The container that this one is an item of."""

    def _items_of(self) -> Iterable[Any]:
        return self.values() if isinstance(self, dict) else self  # type: ignore[return-value]  # a container

    def _hold_items(self) -> None:
        for item in self._items_of():
            if isinstance(item, _Items):
                item._holder = self

    def _check_writeable(self) -> None:
        if self._trail.frozen:
            raise FrozenConfigError(self._trail.class_name, self._trail.full_name(self._field))

    def _validated(self, annotation: Any, value: Any) -> Any:
        adapter = type_adapter(annotation)
        try:
            valid = validate_exact(lambda v, strict: adapter.validate_python(v, strict=strict), value)
            if problem := find_subclass(valid, annotation):
                raise ValueError(problem)
        except ValueError as error:
            name = self._trail.full_name(self._field)
            raise FieldValueError(self._trail.class_name, name, str(error)) from None
        return wrap(valid, annotation, self._trail, self._field)

    def _absent(self, value: object) -> AbsentItemError:
        name = self._trail.full_name(self._field)
        return AbsentItemError(self._trail.class_name, name, value, plain_value(self))

    def _changed(self) -> None:
        self._hold_items()
        whole = self
        while whole._holder is not None:
            whole = whole._holder
        self._trail.record(self._field, whole, caller_source())
        for name, node in child_nodes(self._field, whole):
            place_child(node, self._trail, name)


class ItemList(list[Any], _Items):
    """A list in a field of a configuration."""

    def __init__(self, values: Iterable[Any], item: Any, trail: Trail, field: str) -> None:
        super().__init__(values)
        self._item, self._trail, self._field = item, trail, field
        self._hold_items()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return list, (list(self),)  # the configuration wraps it again

    def append(self, value: Any) -> None:
        self._check_writeable()
        super().append(self._validated(self._item, value))
        self._changed()

    def insert(self, index: SupportsIndex, value: Any) -> None:
        self._check_writeable()
        super().insert(index, self._validated(self._item, value))
        self._changed()

    def extend(self, values: Iterable[Any]) -> None:
        self._check_writeable()
        super().extend([self._validated(self._item, value) for value in values])
        self._changed()

    def __iadd__(self, values: Iterable[Any]) -> Self:  # type: ignore[misc]  # as extend
        self.extend(values)
        return self

    def __imul__(self, count: SupportsIndex) -> Self:
        self._check_writeable()
        super().__imul__(count)
        self._changed()
        return self

    def __setitem__(self, index: Any, value: Any) -> None:
        self._check_writeable()
        if isinstance(index, slice):
            super().__setitem__(index, [self._validated(self._item, item) for item in value])
        else:
            super().__setitem__(index, self._validated(self._item, value))
        self._changed()

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        self._check_writeable()
        super().__delitem__(index)
        self._changed()

    def remove(self, value: Any) -> None:
        self._check_writeable()
        if value not in self:
            raise self._absent(value)
        super().remove(value)
        self._changed()

    def pop(self, index: SupportsIndex = -1) -> Any:
        self._check_writeable()
        value = super().pop(index)
        self._changed()
        return value

    def clear(self) -> None:
        self._check_writeable()
        super().clear()
        self._changed()

    def sort(self, **options: Any) -> None:
        self._check_writeable()
        super().sort(**options)
        self._changed()

    def reverse(self) -> None:
        self._check_writeable()
        super().reverse()
        self._changed()


class ItemMapping(dict[Any, Any], _Items):
    """A mapping in a field of a configuration."""

    def __init__(self, values: Mapping[Any, Any], items: tuple[Any, Any], trail: Trail, field: str) -> None:
        super().__init__(values)
        self._items, self._trail, self._field = items, trail, field
        self._hold_items()

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def _set(self, key: Any, value: Any) -> None:
        super().__setitem__(self._validated(self._items[0], key), self._validated(self._items[1], value))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check_writeable()
        self._set(key, value)
        self._changed()

    def update(self, *others: Any, **values: Any) -> None:
        self._check_writeable()
        for key, value in dict(*others, **values).items():
            self._set(key, value)
        self._changed()

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # as update
        self.update(other)
        return self

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __delitem__(self, key: Any) -> None:
        self._check_writeable()
        if key not in self:
            raise self._absent(key)
        super().__delitem__(key)
        self._changed()

    def pop(self, key: Any, *default: Any) -> Any:
        self._check_writeable()
        value = super().pop(key, *default)
        self._changed()
        return value

    def popitem(self) -> tuple[Any, Any]:
        self._check_writeable()
        item = super().popitem()
        self._changed()
        return item

    def clear(self) -> None:
        self._check_writeable()
        super().clear()
        self._changed()


class ItemSet(set[Any], _Items):
    """A set in a field of a configuration."""

    def __init__(self, values: Iterable[Any], item: Any, trail: Trail, field: str) -> None:
        super().__init__(values)
        self._item, self._trail, self._field = item, trail, field

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return set, (set(self),)

    def add(self, value: Any) -> None:
        self._check_writeable()
        super().add(self._validated(self._item, value))
        self._changed()

    def update(self, *others: Iterable[Any]) -> None:
        self._check_writeable()
        super().update(self._validated(self._item, value) for other in others for value in other)
        self._changed()

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]  # as update
        self.update(other)
        return self

    def _shrink(self, keep: set[Any]) -> None:
        self._check_writeable()
        super().intersection_update(keep)
        self._changed()

    def difference_update(self, *others: Iterable[Any]) -> None:
        self._shrink(set(self).difference(*others))

    def intersection_update(self, *others: Iterable[Any]) -> None:
        self._shrink(set(self).intersection(*others))

    def symmetric_difference_update(self, other: Iterable[Any]) -> None:
        self._check_writeable()
        changed = set(self) ^ {self._validated(self._item, value) for value in other}
        super().clear()
        super().update(changed)
        self._changed()

    def __iand__(self, other: Any) -> Self:  # type: ignore[misc]  # gives itself
        self.intersection_update(other)
        return self

    def __isub__(self, other: Any) -> Self:  # type: ignore[misc]  # gives itself
        self.difference_update(other)
        return self

    def __ixor__(self, other: Any) -> Self:  # type: ignore[misc]  # gives itself
        self.symmetric_difference_update(other)
        return self

    def copy(self) -> set[Any]:
        return set(self)

    def discard(self, value: Any) -> None:
        self._shrink(set(self) - {value})

    def remove(self, value: Any) -> None:
        self._check_writeable()
        if value not in self:
            raise self._absent(value)
        self.discard(value)

    def pop(self) -> Any:
        self._check_writeable()
        value = super().pop()
        self._changed()
        return value

    def clear(self) -> None:
        self._shrink(set())
