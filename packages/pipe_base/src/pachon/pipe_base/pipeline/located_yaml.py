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


class _DuplicateKeyError(Exception):
    def __init__(self, key: object, mark: Mark, first: Mark) -> None:
        super().__init__(key, mark, first)
        self.key, self.mark, self.first = key, mark, first


# The parser in C gives the same nodes about ten times faster.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # one of two classes
    pass


def _mark_of(node: yaml.Node) -> Mark:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> Iterator[LocatedMapping]:
    data = LocatedMapping()
    yield data
    seen: dict[Any, Mark] = {}
    for key_node, _ in node.value:
        if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
            key = (key_node.tag, key_node.value)
            mark = _mark_of(key_node)
            if key in seen:
                raise _DuplicateKeyError(key_node.value, mark, seen[key])
            seen[key] = mark
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
        Not YAML, an unknown tag, or a key that appears twice; file, line and column are named.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # derived from the safe loader
    except _DuplicateKeyError as error:
        place = Place(file=file).at(mark=error.mark)
        raise PipelineSyntaxError(
            place, f"key {error.key!r} appears twice in one mapping, first in line {error.first[0]}."
        ) from None
    except yaml.YAMLError as error:
        plain = text if isinstance(text, str) else text.decode("utf-8", errors="replace")
        mark, problem = yaml_problem(error, plain)
        raise PipelineSyntaxError(Place(file=file).at(mark=mark), problem) from None
