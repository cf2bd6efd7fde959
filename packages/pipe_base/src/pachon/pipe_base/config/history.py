# SPDX-License-Identifier: BSD-3-Clause
"""Who gave a field its value: the record kept beside every configuration node."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

__all__ = ["Assignment", "Source", "Trail", "caller_source", "default_assignment", "plain_value"]

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_PYDANTIC = os.sep + "pydantic" + os.sep


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an assignment stands."""

    text: str = ""
    """What made it, as a person would name it, e.g. ``-c isr:x=3``; empty for a line of code."""
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{self.text} ({place})" if self.text and place else self.text or place or "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One value that a field was given."""

    value: Any
    """The value as plain data (see `plain_value`)."""
    source: Source

    def to_document(self) -> dict[str, Any]:
        """Give the assignment as JSON-able data."""
        document: dict[str, Any] = {"value": self.value}
        for key in ("text", "file", "line"):
            if part := getattr(self.source, key):
                document[key] = part
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Assignment:
        """Read what `to_document` gave."""
        source = Source(text=document.get("text", ""), file=document.get("file", ""), line=document.get("line", 0))
        return cls(value=document["value"], source=source)


def default_assignment(value: object) -> Assignment:
    """Give the assignment that stands for a default."""
    return Assignment(value=plain_value(value), source=Source(text="default"))


@dataclass(slots=True)
class Trail:
    """What a configuration node knows about itself besides its values.

    A list or a mapping in a field shares the trail of the configuration that holds it, so that
    ``config.names.append("x")`` is refused when the configuration is frozen and is recorded else.
    """

    class_name: str = ""
    path: str = ""
    """Name of the node below the task's configuration, e.g. ``background.fit``; empty at the top."""
    frozen: bool = False
    attached: bool = False
    """Whether another node holds this one."""
    history: dict[str, list[Assignment]] = field(default_factory=dict)

    def full_name(self, name: str) -> str:
        """Give the dotted name of a field below the task's configuration."""
        if not self.path or not name:
            return self.path + name
        return self.path + name if name.startswith("[") else f"{self.path}.{name}"

    def record(self, name: str, value: object, source: Source) -> None:
        """Remember that a field was given a value."""
        assignment = Assignment(value=plain_value(value), source=source)
        entries = self.history.setdefault(name, [])
        # ``config.names += ["x"]`` changes the list and then assigns it: one line, one assignment.
        if not entries or entries[-1] != assignment:
            entries.append(assignment)


def caller_source() -> Source:
    """Give the file and line of the nearest caller outside of the configuration code."""
    frame = sys._getframe(1)  # the module inspect would read source files
    while frame.f_back is not None:
        name = frame.f_code.co_filename
        if not (name.startswith((_HERE, "<string")) or _PYDANTIC in name):
            break
        frame = frame.f_back
    return Source(file=frame.f_code.co_filename, line=frame.f_lineno)


def plain_value(value: Any) -> Any:
    """Give a value as JSON-able data: scalars, lists and mappings with text keys.

    Sets become sorted lists, enumeration members their values, classes and functions their import
    paths. Non-finite floats stay floats.
    """
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Enum):
        return plain_value(value.value)
    if isinstance(value, Mapping):
        return {_plain_key(k): plain_value(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(v) for v in value]
    if isinstance(value, set | frozenset):
        return sorted((plain_value(v) for v in value), key=repr)
    if isinstance(value, bool | int | float | str):  # subclasses, e.g. numpy.float64
        for kind in (bool, int, float, str):
            if isinstance(value, kind):
                return kind(value)
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}.{value.__qualname__}"
    if hasattr(value, "to_data"):
        return value.to_data()
    from pydantic_core import to_jsonable_python  # leaf types of the standard library: paths, times

    return to_jsonable_python(value, fallback=repr)


def _plain_key(key: object) -> str:
    plain = plain_value(key)
    return plain if isinstance(plain, str) else repr(plain)
