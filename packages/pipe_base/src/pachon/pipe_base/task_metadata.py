# SPDX-License-Identifier: BSD-3-Clause
"""`TaskMetadata`: what a task notes down while it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from numbers import Integral, Real
from typing import Any

from pachon.base import FormatError, InvalidInputError

__all__ = ["TaskMetadata"]

Scalar = bool | int | float | str


class TaskMetadata(MutableMapping[str, Any]):
    """Scalars, arrays of scalars, and nested metadata, by name; dots lead into nested metadata.

    Numbers, texts and truth values are accepted, and lists of one kind of them; a mapping becomes nested metadata.
    An array is given back as a list.
    """

    __slots__ = ("arrays", "metadata", "scalars")

    scalars: dict[str, Scalar]
    arrays: dict[str, list[Scalar]]
    metadata: dict[str, TaskMetadata]

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self.scalars, self.arrays, self.metadata = {}, {}, {}
        for name, value in (values or {}).items():
            self[name] = value

    def __getitem__(self, name: str) -> Any:
        first, _, rest = name.partition(".")
        if rest:
            if first in self.metadata:
                return self.metadata[first][rest]
            raise KeyError(name)
        for values in (self.scalars, self.arrays, self.metadata):
            if first in values:
                return values[first]
        raise KeyError(name)

    def __setitem__(self, name: str, value: Any) -> None:
        first, _, rest = name.partition(".")
        if rest:
            self.metadata.setdefault(first, TaskMetadata())[rest] = value
            self.scalars.pop(first, None), self.arrays.pop(first, None)
            return
        kind, plain = _classify(name, value)
        for values in (self.scalars, self.arrays, self.metadata):
            values.pop(first, None)
        getattr(self, kind)[first] = plain

    def __delitem__(self, name: str) -> None:
        first, _, rest = name.partition(".")
        if rest:
            del self.metadata[first][rest]
            return
        for values in (self.scalars, self.arrays, self.metadata):
            if first in values:
                del values[first]
                return
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        yield from self.scalars
        yield from self.arrays
        yield from self.metadata

    def __len__(self) -> int:
        return len(self.scalars) + len(self.arrays) + len(self.metadata)

    def __contains__(self, name: object) -> bool:
        try:
            self[str(name)]
        except KeyError:
            return False
        return True

    def add(self, name: str, value: Any) -> None:
        """Append a value (or several) to the array of that name; a scalar that is there becomes its first item."""
        new = value if isinstance(value, list | tuple) else [value]
        old = self.get(name, [])
        self[name] = [*(old if isinstance(old, list) else [old]), *new]

    def get_scalar(self, name: str) -> Scalar:
        """Give a scalar, or the last item of an array."""
        value: Any = self[name]
        if isinstance(value, list):
            value = value[-1]
        if isinstance(value, TaskMetadata):
            raise KeyError(name)
        found: Scalar = value
        return found

    def get_array(self, name: str) -> list[Scalar]:
        """Give an array, or a scalar as an array of one."""
        value: Any = self[name]
        if isinstance(value, TaskMetadata):
            raise KeyError(name)
        return list(value) if isinstance(value, list) else [value]

    def names(self) -> list[str]:
        """Give the full names of all scalars and arrays, nested ones with dots."""
        nested = [f"{name}.{below}" for name, child in self.metadata.items() for below in child.names()]
        return [*self.scalars, *self.arrays, *nested]

    def to_dict(self) -> dict[str, Any]:
        """Give plain nested dictionaries."""
        nested = {name: child.to_dict() for name, child in self.metadata.items()}
        return {**self.scalars, **{name: list(values) for name, values in self.arrays.items()}, **nested}

    def to_document(self) -> dict[str, Any]:
        """Give the stored form: the three maps."""
        return {
            "scalars": dict(self.scalars),
            "arrays": {name: list(values) for name, values in self.arrays.items()},
            "metadata": {name: child.to_document() for name, child in self.metadata.items()},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> TaskMetadata:
        """Read what `to_document` gave; null is read as NaN.

        Raises
        ------
        FormatError
            It is not of that form.
        """
        found = cls()
        try:
            found.scalars = {name: _read(value) for name, value in document.get("scalars", {}).items()}
            found.arrays = {name: [_read(v) for v in values] for name, values in document.get("arrays", {}).items()}
            found.metadata = {name: cls.from_document(child) for name, child in document.get("metadata", {}).items()}
        except (AttributeError, TypeError) as error:
            raise FormatError(f"This is no task metadata: {error}.") from error
        return found

    def to_json(self) -> str:
        """Give the stored form as JSON; non-finite numbers are written as NaN and Infinity."""
        return json.dumps(self.to_document())

    @classmethod
    def from_json(cls, text: str | bytes) -> TaskMetadata:
        """Read what `to_json` gave."""
        try:
            return cls.from_document(json.loads(text))
        except json.JSONDecodeError as error:
            raise FormatError(f"This is no task metadata: {error}.") from error

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TaskMetadata):
            return NotImplemented
        return (self.scalars, self.arrays, self.metadata) == (other.scalars, other.arrays, other.metadata)

    def __repr__(self) -> str:
        return f"TaskMetadata({self.to_dict()!r})"


def _read(value: Any) -> Any:
    return float("nan") if value is None else value


def _scalar(value: Any) -> Scalar | None:
    if isinstance(value, bool | int | float | str) and type(value) in (bool, int, float, str):
        return value
    if type(value).__name__ in ("bool_", "bool"):  # numpy's
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    return str(value) if isinstance(value, str) else None


def _classify(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, TaskMetadata):
        return "metadata", value
    if isinstance(value, Mapping):
        return "metadata", TaskMetadata(value)
    scalar = _scalar(value)
    if scalar is not None:
        return "scalars", scalar
    if hasattr(value, "tolist"):  # arrays of numpy
        value = value.tolist()
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        items = [_scalar(item) for item in value]
        kinds = {type(item) for item in items}
        if (len(kinds) <= 1 or kinds <= {int, float}) and type(None) not in kinds:
            return "arrays", items
        raise InvalidInputError(f"Metadata {name!r}: a list must hold scalars of one kind, not {value!r}.")
    raise InvalidInputError(f"Metadata {name!r}: a {type(value).__name__} cannot be kept; use numbers, texts, lists.")
