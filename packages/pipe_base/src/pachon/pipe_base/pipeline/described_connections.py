# SPDX-License-Identifier: BSD-3-Clause
"""Connections of a described task that depend on its configuration.

What the constructor of a connections class decides by code, a description says in rules::

    connections:
      dark: {kind: prerequisite_input, ..., remove_if: {field: doDark, equals: false}}
      coadd: {kind: output, ..., dimensions_if: {field: perBand, equals: true, dimensions: [band, patch]}}
      flats: {kind: input, name: "flat_{item}", ..., repeat_over: bands}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from pachon.base import InvalidInputError
from pachon.pipe_base.connections import Connection, InitInput, InitOutput, Input, Output, PrerequisiteInput
from pachon.pipe_base.connections.connection_types import connection_problem

__all__ = ["Condition", "DescribedConnection", "DimensionsIf", "read_dimensions_if", "text_tuple"]

_KINDS: Mapping[str, type[Connection]] = {
    kind.kind: kind for kind in (InitInput, InitOutput, Input, PrerequisiteInput, Output)
}
_RULES = ("remove_if", "dimensions_if", "repeat_over")


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Whether a field has a value; false if the value of the field is not known."""

    field: str
    """Dotted name."""
    equals: Any

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Tell it from the known values of fields."""
        return self.field in values and values[self.field] == self.equals

    @classmethod
    def from_mapping(cls, mapping: Any, rule: str, *others: str) -> Self:
        """Read ``{field: NAME, equals: VALUE}``.

        Raises
        ------
        InvalidInputError
        """
        if not isinstance(mapping, Mapping) or set(mapping) != {"field", "equals", *others}:
            keys = ", ".join(("field", "equals", *others))
            raise InvalidInputError(f"{rule!r} is a mapping with {keys}, not {mapping!r}")
        return cls(field=str(mapping["field"]), equals=mapping["equals"])


DimensionsIf = tuple[Condition, tuple[str, ...]]
"""Dimensions that hold under a condition."""


def read_dimensions_if(rules: Any) -> tuple[DimensionsIf, ...]:
    """Read one rule ``{field: NAME, equals: VALUE, dimensions: [...]}`` or a list of them, of which the first that holds counts.

    Raises
    ------
    InvalidInputError
    """
    listed = rules if isinstance(rules, list) else [rules]
    return tuple(
        (Condition.from_mapping(rule, "dimensions_if", "dimensions"), text_tuple(rule["dimensions"], "dimensions"))
        for rule in listed
    )


def text_tuple(value: Any, what: str) -> tuple[str, ...]:
    """Give a list of names.

    Raises
    ------
    InvalidInputError
    """
    if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
        raise InvalidInputError(f"{what!r} is a list of names, not {value!r}")
    return tuple(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribedConnection:
    """One connection, or as many as a list field has items, with the rules about it."""

    connection: Connection
    """With the declared name, templates not filled in."""
    remove_if: tuple[Condition, ...] = ()
    dimensions_if: tuple[DimensionsIf, ...] = ()
    repeat_over: str | None = None
    """List field, for each item of which there is a connection; ``{item}`` in the name stands for it."""

    @classmethod
    def from_mapping(cls, name: str, options: Any) -> Self:
        """Read the options of a connection.

        Raises
        ------
        InvalidInputError
            It is malformed; the text is part of a sentence that names the connection.
        """
        if not isinstance(options, Mapping):
            raise InvalidInputError(f"it is a mapping, not {options!r}")
        kind = _KINDS.get(str(options.get("kind")))
        if kind is None:
            raise InvalidInputError(f"it needs a 'kind', one of {', '.join(_KINDS)}")
        given: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in options.items()
            if key not in ("kind", *_RULES)
        }
        connection = kind(**given, attribute=name)
        if problem := connection_problem(connection):
            raise InvalidInputError(problem)
        removals = options.get("remove_if", [])
        repeat_over = options.get("repeat_over")
        if repeat_over is not None and not isinstance(repeat_over, str):
            raise InvalidInputError(f"'repeat_over' is the name of a field, not {repeat_over!r}")
        return cls(
            connection=connection,
            remove_if=tuple(
                Condition.from_mapping(rule, "remove_if")
                for rule in (removals if isinstance(removals, list) else [removals])
            ),
            dimensions_if=read_dimensions_if(options["dimensions_if"]) if "dimensions_if" in options else (),
            repeat_over=repeat_over,
        )

    def for_values(self, values: Mapping[str, Any]) -> Iterator[tuple[Connection, Mapping[str, str]]]:
        """Give the connections that there are with some values of fields, each with templates of its own."""
        if any(condition.holds(values) for condition in self.remove_if):
            return
        connection: Any = self.connection
        for condition, dimensions in self.dimensions_if:
            if condition.holds(values):
                connection = replace(connection, dimensions=dimensions)
                break
        if self.repeat_over is None:
            yield connection, {}
            return
        items = values.get(self.repeat_over, ())
        for item in items if isinstance(items, list | tuple | set) else [items]:
            yield replace(connection, attribute=f"{connection.attribute}_{item}"), {"item": str(item)}
