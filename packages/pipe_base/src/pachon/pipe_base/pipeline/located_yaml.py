# SPDX-License-Identifier: BSD-3-Clause
"""Safe loading of YAML that remembers lines and refuses a key that appears twice in one mapping."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from pachon.pipe_base.pipeline.errors import PipelineSyntaxError
from pachon.pipe_base.pipeline.place import Place

__all__ = ["LocatedList", "LocatedMapping", "load_located_yaml"]


class LocatedMapping(dict[Any, Any]):
    """A mapping that knows the lines of its keys and of its values' contents."""

    __slots__ = ("content_lines", "lines")

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[Any, int] = {}
        self.content_lines: dict[Any, int] = {}
        """First line of a value's own text; for a block scalar the line below the indicator."""


class LocatedList(list[Any]):
    """A sequence that knows the lines of its items."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


class _DuplicateKeyError(Exception):
    def __init__(self, key: object, line: int, first_line: int) -> None:
        super().__init__(key, line, first_line)
        self.key, self.line, self.first_line = key, line, first_line


# The parser in C gives the same nodes about ten times faster.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # one of two classes
    pass


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> Iterator[LocatedMapping]:
    data = LocatedMapping()
    yield data
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        if isinstance(key_node, yaml.ScalarNode) and key_node.tag != "tag:yaml.org,2002:merge":
            key = (key_node.tag, key_node.value)
            line = key_node.start_mark.line + 1
            if key in seen:
                raise _DuplicateKeyError(key_node.value, line, seen[key])
            seen[key] = line
    data.update(loader.construct_mapping(node))
    for key_node, value_node in node.value:  # merge keys are resolved by now
        key = loader.construct_object(key_node)
        data.lines[key] = key_node.start_mark.line + 1
        is_block = getattr(value_node, "style", None) in ("|", ">")
        data.content_lines[key] = value_node.start_mark.line + (2 if is_block else 1)


def _construct_list(loader: Any, node: yaml.SequenceNode) -> Iterator[LocatedList]:
    data = LocatedList()
    yield data
    data.extend(loader.construct_sequence(node))
    data.lines.extend(item.start_mark.line + 1 for item in node.value)


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
        place = Place(file=file, line=error.line)
        raise PipelineSyntaxError(
            place, f"key {error.key!r} appears twice in one mapping, first in line {error.first_line}."
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file=file, line=mark.line + 1, column=mark.column + 1) if mark else Place(file=file)
        context = f" {error.context}" if error.context else ""
        raise PipelineSyntaxError(place, f"not valid YAML{context}: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise PipelineSyntaxError(Place(file=file), f"not valid YAML: {error}") from None
