# SPDX-License-Identifier: BSD-3-Clause
"""Plug-ins found by entry points, imported on use."""

import importlib
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from pachon.base.entry_points import EntryPoint, read_entry_points
from pachon.base.errors import ConflictError, NotFoundError, PachonError
from pachon.base.suggest import closest

__all__ = ["BrokenPluginError", "load_plugin", "plugin_entries", "plugin_names"]

OWN_PREFIX = "pachon."
"""Modules of the project itself, which win over plug-ins of the same name."""


class BrokenPluginError(PachonError):
    """A plug-in is installed but cannot be imported."""

    kind = "broken_plugin"

    def __init__(self, group: str, name: str, value: str, reason: str) -> None:
        super().__init__(group, name, value, reason)
        self.group, self.name, self.value, self.reason = group, name, value, reason

    def __str__(self) -> str:
        return f"Plug-in {self.name!r} of {self.group!r} ({self.value}) cannot be loaded: {self.reason}"


@cache
def plugin_entries(group: str) -> Mapping[str, tuple[EntryPoint, ...]]:
    """Give the entry points of a group by name, sorted; usually one each. Nothing is imported."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in read_entry_points(group):
        found.setdefault(entry.name, []).append(entry)
    return MappingProxyType({name: tuple(found[name]) for name in sorted(found)})


def plugin_names(group: str) -> tuple[str, ...]:
    """Give the names of the installed plug-ins of a group, sorted. Nothing is imported."""
    return tuple(plugin_entries(group))


def find_plugin(group: str, name: str) -> EntryPoint:
    """Give the entry point that answers to a name.

    Raises
    ------
    NotFoundError
        No plug-in has this name; close names are suggested.
    ConflictError
        Two foreign plug-ins share the name. (The project's own wins over a foreign one.)
    """
    entries = plugin_entries(group)
    candidates = entries.get(name, ())
    if not candidates:
        raise NotFoundError(f"No plug-in {name!r} of group {group!r} is installed.{closest(name, entries)}")
    own = [entry for entry in candidates if entry.module.startswith(OWN_PREFIX)]
    choices = {entry.value: entry for entry in own or candidates}
    if len(choices) > 1:
        raise ConflictError(
            f"Plug-in {name!r} of group {group!r} is offered by {' and by '.join(choices)}; uninstall one."
        )
    return next(iter(choices.values()))


def load_plugin(group: str, name: str) -> object:
    """Import the plug-in of a group by its name.

    Raises
    ------
    NotFoundError
        No plug-in has this name; close names are suggested.
    ConflictError
        Two foreign plug-ins share the name.
    BrokenPluginError
        It is there, but its import fails.
    """
    entry = find_plugin(group, name)
    try:
        plugin: object = importlib.import_module(entry.module)
        for attribute in filter(None, entry.attribute.split(".")):
            plugin = getattr(plugin, attribute)
    except (ImportError, AttributeError, SyntaxError) as error:
        raise BrokenPluginError(group, name, entry.value, f"{type(error).__name__}: {error}") from error
    return plugin
