# SPDX-License-Identifier: BSD-3-Clause
"""Differences of two configurations, with who made them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.document import check_document, flat_values
from pachon.pipe_base.config.errors import shortened
from pachon.pipe_base.config.history import Assignment

__all__ = ["ConfigDifference", "compare_configs"]

_ABSENT = "(absent)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigDifference:
    """One field in which two configurations differ."""

    name: str
    old: Any
    new: Any
    old_source: str = "default"
    new_source: str = "default"

    def to_text(self) -> str:
        """Give the difference as lines for people: the field, what it was, what it is, and who set each."""
        rows = [
            (sign, value if value is _ABSENT else shortened(value, 100), source)
            for sign, value, source in (("-", self.old, self.old_source), ("+", self.new, self.new_source))
        ]
        return f"config.{self.name}\n" + "".join(f"  {sign} {value:<18}  {source}\n" for sign, value, source in rows)

    def __str__(self) -> str:
        old = self.old if self.old is _ABSENT else repr(self.old)
        new = self.new if self.new is _ABSENT else repr(self.new)
        return f"{self.name}: {old} ({self.old_source}) -> {new} ({self.new_source})"


def compare_configs(old: Config | Mapping[str, Any], new: Config | Mapping[str, Any]) -> tuple[ConfigDifference, ...]:
    """Give every difference between two configurations or saved configurations, in order of the fields.

    Saved configurations (documents) are compared without their classes.
    """
    documents = [side.to_document() if isinstance(side, Config) else side for side in (old, new)]
    for document in documents:
        check_document(document)
    before, after = (dict(flat_values(document["values"])) for document in documents)
    found: list[ConfigDifference] = []
    if documents[0]["class"] != documents[1]["class"]:
        found.append(ConfigDifference(name="class", old=documents[0]["class"], new=documents[1]["class"]))
    for name in dict.fromkeys([*before, *after]):
        if _has_parts(name, before) or _has_parts(name, after):
            continue  # empty on the other side: each of the parts is a difference of its own
        values = before.get(name, _ABSENT), after.get(name, _ABSENT)
        if values[0] != values[1] and not (values[0] != values[0] and values[1] != values[1]):  # two NaN are equal
            sources = [_last_source(document, name) for document in documents]
            found.append(
                ConfigDifference(name=name, old=values[0], new=values[1], old_source=sources[0], new_source=sources[1])
            )
    return tuple(found)


def _has_parts(name: str, values: Mapping[str, Any]) -> bool:
    return name not in values and any(other.startswith((f"{name}.", f"{name}[")) for other in values)


def _last_source(document: Mapping[str, Any], name: str) -> str:
    """Give who last set a field, or the node that holds it, or what that is made of."""
    history = document.get("history", {})
    while name:
        for recorded in (name, f"{name}.target", f"{name}.names"):
            if entries := history.get(recorded):
                return str(Assignment.from_document(entries[-1]).source)
        name = name[: max(name.rfind("."), name.rfind("["), 0)]
    return "default"
