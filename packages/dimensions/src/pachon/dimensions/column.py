# SPDX-License-Identifier: BSD-3-Clause
"""One column of a dimension element."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pachon.base import InvalidInputError

__all__ = ["Column", "ColumnType", "Value"]

ColumnType = Literal["int", "string", "hash", "float", "bool", "region", "timespan"]
"""The types a column can have; ``region`` and ``timespan`` come from the topology, never from a list."""

Value = int | str
"""What a dimension's primary key can be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A key, metadata, region or time-span column of an element."""

    name: str
    type: ColumnType
    length: int | None = None
    """Largest number of characters of a ``string``."""
    nbytes: int | None = None
    """Largest number of bytes of a ``hash``."""
    nullable: bool = True
    doc: str = ""

    def check(self, value: object, owner: str) -> Any:
        """Give the value as this column stores it; refuse one of another type.

        Integers of any integral type become ``int`` (``bool`` is no integer); an
        ``int`` is accepted for a ``float``. Nothing else is converted.

        Raises
        ------
        InvalidInputError
            If the value is null but must not be, has another type, or is too long.
        """
        # What a data ID holds nearly always.
        if type(value) is int and self.type == "int":
            return self._fits(value, owner)
        if type(value) is str and self.type == "string":
            return self._short(value, owner)
        if value is None:
            if self.nullable:
                return None
            raise InvalidInputError(f"{owner}.{self.name} must not be null.")
        match self.type:
            case "int":
                if not isinstance(value, bool) and hasattr(value, "__index__") and type(value).__name__ != "ndarray":
                    return self._fits(int(value.__index__()), owner)
            case "float":
                if not isinstance(value, bool | str | bytes) and hasattr(value, "__float__"):
                    return float(value)
            case "bool":
                if isinstance(value, bool) or type(value).__name__ in {"bool", "bool_"}:
                    return bool(value)
            case "string":
                if isinstance(value, str):
                    return self._short(str(value), owner)
            case "hash":
                if isinstance(value, bytes | bytearray | memoryview):
                    return self._small(bytes(value), owner)
            case _:
                return value
        raise InvalidInputError(
            f"{owner}.{self.name} is of type {self.type}; {value!r} is of type {type(value).__name__}."
        )

    def _fits(self, value: int, owner: str) -> int:
        if not -(2**63) <= value < 2**63:
            raise InvalidInputError(f"{owner}.{self.name} does not fit in 64 bits: {value}.")
        return value

    def _short(self, value: str, owner: str) -> str:
        if self.length is not None and len(value) > self.length:
            shown = value if len(value) <= 80 else value[:77] + "..."
            raise InvalidInputError(
                f"{owner}.{self.name} holds at most {self.length} characters; {shown!r} has {len(value)}."
            )
        if "\0" in value:
            raise InvalidInputError(f"{owner}.{self.name} must not hold a NUL character: {value!r}.")
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError:
                raise InvalidInputError(f"{owner}.{self.name} is no text that UTF-8 can hold: {value!r}.") from None
        return value

    def _small(self, value: bytes, owner: str) -> bytes:
        if self.nbytes is not None and len(value) > self.nbytes:
            raise InvalidInputError(
                f"{owner}.{self.name} holds at most {self.nbytes} bytes; this value has {len(value)}."
            )
        return value
