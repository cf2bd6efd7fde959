# SPDX-License-Identifier: BSD-3-Clause
"""The saved form of a configuration: values and their history as data, read without running code.

A document is a mapping::

    {"version": 1, "class": "pachon.pipe_tasks.isr.IsrConfig",
     "values": {"doBias": true, "connections": {"bias": "bias"}, ...},
     "history": {"doBias": [{"value": true, "text": "-c isr:doBias=True"}], ...}}

It is what storage class ``Config`` holds and what a graph file keeps of every task.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pachon.base import FormatError
from pachon.pipe_base.config.history import Assignment
from pachon.pipe_base.config.node import ConfigNode, trail_of

__all__ = ["DOCUMENT_VERSION", "check_document", "flat_values", "node_histories", "restore_histories"]

DOCUMENT_VERSION = 1


def check_document(document: Mapping[str, Any]) -> None:
    """Raise `FormatError` unless a mapping looks like a configuration document that can be read here."""
    if not {"class", "values"} <= set(document):
        raise FormatError("This is no saved configuration: it has no 'class' and 'values'.")
    if document.get("version", 1) > DOCUMENT_VERSION:
        raise FormatError(
            f"The configuration of {document['class']} was saved in version {document['version']} of the format; "
            f"this version of pachon reads up to {DOCUMENT_VERSION}."
        )


def node_histories(root: ConfigNode) -> dict[str, list[dict[str, Any]]]:
    """Give every assignment in a tree of configurations, by the full name of the field."""
    found: dict[str, list[dict[str, Any]]] = {}
    for node in root.walk():
        trail = trail_of(node)
        for name, entries in trail.history.items():
            found[trail.full_name(name)] = [entry.to_document() for entry in entries]
    return found


def restore_histories(root: ConfigNode, histories: Mapping[str, Any]) -> None:
    """Give the nodes of a tree the assignments that `node_histories` found."""
    # A field with a subtask and the subtask's configuration have one path; the last one has the fields.
    nodes: dict[str, list[ConfigNode]] = {}
    for node in root.walk():
        trail_of(node).history = {}
        nodes.setdefault(trail_of(node).path, []).append(node)
    for full_name, entries in histories.items():
        path = max((p for p in nodes if _is_below(full_name, p)), key=len)
        name = full_name[len(path) :].removeprefix(".") if path else full_name
        fields = getattr(type(nodes[path][-1]), "model_fields", {})
        owner = nodes[path][-1 if name in fields or not fields else 0]
        trail_of(owner).history[name] = [Assignment.from_document(entry) for entry in entries]


def _is_below(name: str, path: str) -> bool:
    return not path or (name.startswith(path) and name[len(path) : len(path) + 1] in (".", "["))


def flat_values(values: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the leaves of a document's values with their full names, as people write them; lists are leaves."""
    if not (isinstance(values, Mapping) and values):
        yield prefix, values
        return
    for key, value in values.items():
        yield from flat_values(value, _name_within(prefix, str(key), is_registry="!names" in values))


def _name_within(prefix: str, key: str, *, is_registry: bool) -> str:
    """Give the full name of what stands under a key; what begins with ``!`` describes the part itself."""
    if key == "!class":
        return prefix
    if is_registry and not key.startswith("!"):
        return f"{prefix}[{key!r}]"
    name = key.removeprefix("!")
    return f"{prefix}.{name}" if prefix else name
