# SPDX-License-Identifier: BSD-3-Clause
"""What can be wrong with a configuration.

::

    InvalidInputError
      ConfigError               a value, a field name or a whole configuration is not valid
        FieldValueError         a value does not fit its field
          AbsentItemError       what is to be removed is not there (also a KeyError)
        UnknownFieldError       there is no such field (also an AttributeError)
        UnsetFieldError         a field without default was read before it was set (also an AttributeError)
    ReadOnlyError
      FrozenConfigError         a frozen configuration was changed
"""

from __future__ import annotations

from pachon.base import InvalidInputError, ReadOnlyError

__all__ = [
    "AbsentItemError",
    "ConfigError",
    "FieldValueError",
    "FrozenConfigError",
    "UnknownFieldError",
    "UnsetFieldError",
    "shortened",
]


class ConfigError(InvalidInputError):
    """A configuration, or a value given to it, is not valid."""


class FieldValueError(ConfigError):
    """A value does not fit the field that it is given to."""

    def __init__(self, class_name: str, field: str, problem: str, suggestion: str = "") -> None:
        super().__init__(class_name, field, problem, suggestion)
        self.class_name, self.field, self.problem, self.suggestion = class_name, field, problem, suggestion

    def __str__(self) -> str:
        return f"Field {self.field!r} of {self.class_name}: {self.problem}.{self.suggestion}"


class AbsentItemError(FieldValueError, KeyError):
    """An item that is to be removed from a list, a mapping or a set is not there."""

    def __init__(self, class_name: str, field: str, item: object, content: object) -> None:
        super().__init__(class_name, field, f"{item!r} cannot be removed from {shortened(content)}, which lacks it")
        self.item, self.content = item, content


def shortened(value: object, width: int = 60) -> str:
    """Give the representation of a value, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= width else f"{shown[: width - 3]}..."


class UnknownFieldError(ConfigError, AttributeError):
    """A configuration has no field of this name."""

    def __init__(self, class_name: str, field: str, suggestion: str = "") -> None:
        super().__init__(class_name, field, suggestion)
        self.class_name, self.field, self.suggestion = class_name, field, suggestion

    def __str__(self) -> str:
        return f"{self.class_name} has no field {self.field!r}.{self.suggestion}"


class UnsetFieldError(ConfigError, AttributeError):
    """A field that has no default has not been given a value yet."""

    def __init__(self, class_name: str, field: str) -> None:
        super().__init__(class_name, field)
        self.class_name, self.field = class_name, field

    def __str__(self) -> str:
        return f"Field {self.field!r} of {self.class_name} has no default and no value yet; set it."


class FrozenConfigError(ReadOnlyError):
    """A configuration was changed after it had been frozen."""

    def __init__(self, class_name: str, field: str) -> None:
        super().__init__(class_name, field)
        self.class_name, self.field = class_name, field

    def __str__(self) -> str:
        return f"Field {self.field!r} of {self.class_name} cannot be changed: the configuration is frozen."
