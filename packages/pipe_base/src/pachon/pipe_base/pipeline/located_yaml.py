# SPDX-License-Identifier: BSD-3-Clause
"""Safe loading of YAML that remembers lines and refuses a key that appears twice in one mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from pachon.pipe_base.pipeline.errors import PipelineSyntaxError
from pachon.pipe_base.pipeline.place import Mark, Place
from pachon.pipe_base.pipeline.yaml_problems import yaml_problem

__all__ = ["LocatedList", "LocatedMapping", "load_located_yaml"]


class LocatedMapping(dict[Any, Any]):
    """A mapping that knows where its keys and its values' contents stand."""

    __slots__ = ("content_lines", "marks")

    def __init__(self) -> None:
        super().__init__()
        self.marks: dict[Any, Mark] = {}
        self.content_lines: dict[Any, int] = {}
        """First line of a value's own text; for a block scalar the line below the indicator."""


class LocatedList(list[Any]):
    """A sequence that knows where its items stand."""

    __slots__ = ("marks",)

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[Mark] = []


# The parser in C gives the same nodes about ten times faster.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_MERGE = "tag:yaml.org,2002:merge"


class _Loader(_Base):  # type: ignore[misc]  # one of two classes
    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Resolve merges (``<<``): own keys win, then those of the mapping that is named first.

        PyYAML 6.0.4 has its own opinion where mappings with the same key are merged.
        """
        own = [pair for pair in node.value if pair[0].tag != _MERGE]
        if len(own) == len(node.value):
            return
        known = {_identity(key) for key, _ in own}
        merged = []
        for source in self._merged_nodes(node):
            self.flatten_mapping(source)
            for key, value in source.value:
                if _identity(key) not in known:
                    known.add(_identity(key))
                    merged.append((key, value))
        node.value = [*merged, *own]

    @staticmethod
    def _merged_nodes(node: yaml.MappingNode) -> Iterator[yaml.MappingNode]:
        for key, value in node.value:
            if key.tag == _MERGE:
                for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                    if not isinstance(source, yaml.MappingNode):
                        raise yaml.constructor.ConstructorError(
                            "while constructing a mapping", node.start_mark, "'<<' merges mappings only", key.start_mark
                        )
                    yield source


def _identity(key: yaml.Node) -> tuple[str, Any]:
    return key.tag, key.value if isinstance(key, yaml.ScalarNode) else id(key)


def _mark_of(node: yaml.Node) -> Mark:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> Iterator[LocatedMapping]:
    data = LocatedMapping()
    yield data
    data.update(loader.construct_mapping(node))
    for key_node, value_node in node.value:  # merge keys are resolved by now
        key = loader.construct_object(key_node)
        data.marks[key] = _mark_of(key_node)
        is_block = getattr(value_node, "style", None) in ("|", ">")
        data.content_lines[key] = value_node.start_mark.line + (2 if is_block else 1)


def _construct_list(loader: Any, node: yaml.SequenceNode) -> Iterator[LocatedList]:
    data = LocatedList()
    yield data
    data.extend(loader.construct_sequence(node))
    data.marks.extend(map(_mark_of, node.value))


_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_Loader.add_constructor("tag:yaml.org,2002:seq", _construct_list)


def load_located_yaml(text: str | bytes, file: str) -> Any:
    """Load one YAML document.

    Parameters
    ----------
    text
        The document.
    file
        What to call it in messages.

    Raises
    ------
    PipelineSyntaxError
        Not YAML, an unknown tag, a key that appears twice, or an alias that is a part of what it stands for; file, line
        and column are named.
    """
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        _check_nodes(node, Place(file=file))
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        plain = text if isinstance(text, str) else text.decode("utf-8", errors="replace")
        mark, problem = yaml_problem(error, plain)
        raise PipelineSyntaxError(Place(file=file).at(mark=mark), problem) from None
    finally:
        if loader is not None:
            loader.dispose()


def _check_nodes(root: yaml.Node, place: Place) -> None:
    """Look for repeated keys and endless aliases, before merges (``<<``) mix keys of several mappings."""
    checked: set[int] = set()
    open_nodes: set[int] = set()
    # Each node comes up twice: with what is below still to be looked at, and when that is done.
    pending = [(root, False)]
    while pending:
        node, is_done = pending.pop()
        if is_done:
            open_nodes.discard(id(node))
            continue
        if id(node) in open_nodes:
            raise PipelineSyntaxError(
                place.at(mark=_mark_of(node)), "an alias (*name) stands within what it stands for."
            )
        if id(node) in checked or not isinstance(node, yaml.CollectionNode):
            continue
        checked.add(id(node))
        open_nodes.add(id(node))
        pending.append((node, True))
        if isinstance(node, yaml.MappingNode):
            _refuse_repeated_keys(node, place)
            pending += [(part, False) for pair in node.value for part in pair]
        else:
            pending += [(item, False) for item in node.value]


def _refuse_repeated_keys(node: yaml.MappingNode, place: Place) -> None:
    seen: dict[tuple[str, Any], Mark] = {}
    for key_node, _ in node.value:
        if isinstance(key_node, yaml.ScalarNode) and key_node.tag != _MERGE:
            key, mark = _identity(key_node), _mark_of(key_node)
            if key in seen:
                raise PipelineSyntaxError(
                    place.at(mark=mark),
                    f"key {key_node.value!r} appears twice in one mapping, first in line {seen[key][0]}.",
                )
            seen[key] = mark
