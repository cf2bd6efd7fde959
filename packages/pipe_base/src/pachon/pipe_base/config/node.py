# SPDX-License-Identifier: BSD-3-Clause
"""What every node of a tree of configurations can do."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pachon.pipe_base.config.history import Source, Trail

__all__ = ["ConfigNode", "FieldLine", "child_nodes", "place_child", "place_node", "trail_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """One assignment (or the heading of a part) in the text form of a configuration."""

    name: str
    """Full name below the task's configuration, e.g. ``background.bin_size``."""
    doc: str
    code: str
    """Python code that makes the assignment, without the leading ``config``."""
    modules: tuple[str, ...] = ()
    """Modules that the code needs."""
    accepts: str = ""
    """Which values the field accepts, in short, e.g. ``int, >= 0``."""
    default: str = ""
    """Python code of the declared default, before the hooks of authors; empty if there is none."""
    is_heading: bool = False
    """Whether it only tells what a part is for, whose fields follow."""


class ConfigNode(ABC):
    """A configuration, or something in one of its fields that holds configurations."""

    _trail: Trail

    @abstractmethod
    def iter_nodes(self) -> Iterator[tuple[str, ConfigNode]]:
        """Give the nodes directly below, each with its name relative to this one."""

    @abstractmethod
    def iter_lines(self) -> Iterator[FieldLine]:
        """Give the text form of this node and of all below, in order of declaration."""

    @abstractmethod
    def to_data(self) -> Any:
        """Give the values as JSON-able data."""

    @abstractmethod
    def set_data(self, data: Any) -> None:
        """Take the values from what `to_data` gave; nothing is recorded."""

    @abstractmethod
    def assigned(self, value: Any, source: Source) -> ConfigNode:
        """Give the node that a field holds after ``field = value`` was asked of it."""

    def check_whole(self) -> None:  # noqa: B027  # most nodes have nothing to check
        """Raise `~pachon.pipe_base.config.ConfigError` if the values of this node contradict each other."""

    def freeze(self) -> None:
        """Check everything, then forbid further changes, here and below.

        Raises
        ------
        ConfigError
            A value is missing, or values contradict each other.
        """
        nodes = list(self.walk())
        for node in reversed(nodes):  # parts before the whole
            node.check_whole()
        for node in nodes:
            trail_of(node).frozen = True

    @property
    def is_frozen(self) -> bool:
        """Whether changes are forbidden."""
        return self._trail.frozen

    def walk(self) -> Iterator[ConfigNode]:
        """Give this node and all below."""
        yield self
        for _, node in self.iter_nodes():
            yield from node.walk()


def trail_of(node: ConfigNode) -> Trail:
    """Give the record of a node; it is private to configurations, whose fields may have any public name."""
    return node._trail  # this function is the door


def place_node(node: ConfigNode, path: str) -> None:
    """Tell a node, and those below, what it is called."""
    trail_of(node).path = path
    for name, child in node.iter_nodes():
        place_child(child, trail_of(node), name)


def place_child(node: ConfigNode, parent: Trail, name: str) -> None:
    """Attach a node to the node that holds it."""
    trail_of(node).attached = True
    place_node(node, parent.full_name(name))


def child_nodes(name: str, value: Any) -> Iterator[tuple[str, ConfigNode]]:
    """Give the nodes in the value of a field: the value itself, or items of a list or mapping."""
    if isinstance(value, ConfigNode):
        yield name, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from child_nodes(f"{name}[{key!r}]", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from child_nodes(f"{name}[{index}]", item)
