# SPDX-License-Identifier: BSD-3-Clause
"""How a value in a pipeline file or on the command line becomes the value of a field.

The field's declared type is asked first: text for a text field stays text. Any other text is read as a Python
literal in which bare names are texts (or, for fields that hold classes, objects of the configuration's module).
"""

from __future__ import annotations

import ast
import collections.abc
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.containers import union_members
from pachon.pipe_base.config.node import ConfigNode
from pachon.pipe_base.config.open_set import ConfigSet

__all__ = ["convert_value", "field_annotation", "parse_literal"]


def field_annotation(node: object, name: str) -> Any:
    """Give the declared type of a field of a node, or `Any` where it has none."""
    if isinstance(node, ConfigSet):
        return type[node.base]  # a member is named by its class
    if isinstance(node, Config) and name in type(node).model_fields:
        return type(node).model_fields[name].annotation
    value = getattr(node, "value", None)
    return field_annotation(value, name) if isinstance(value, Config) else Any


def convert_value(value: Any, annotation: Any, names: Mapping[str, Any]) -> Any:
    """Convert a value of a YAML file or of the command line for a field.

    Parameters
    ----------
    value
        Text is parsed; so are the texts in a list and among the values of a mapping.
    annotation
        Declared type of the field.
    names
        Objects that bare names may stand for, where the field accepts objects.
    """
    if isinstance(value, str):
        return _convert_text(value, annotation, names)
    if isinstance(value, list | tuple):
        item = _item_annotation(annotation)
        return [_convert_text(v, item, names) if isinstance(v, str) else v for v in value]
    if isinstance(value, Mapping):
        item = _item_annotation(annotation)
        return {k: _convert_text(v, item, names) if isinstance(v, str) else v for k, v in value.items()}
    return value


def _convert_text(text: str, annotation: Any, names: Mapping[str, Any]) -> Any:
    members = union_members(annotation)
    if any(_is_one_of(text, member) for member in members):
        return text
    if type(None) in members and text == "None":
        return None
    if str in members and all(member in (str, type(None)) for member in members):
        return _unquoted(text)
    parsed = parse_literal(text, names if any(map(_takes_objects, members)) else {})
    if isinstance(parsed, str) and any(map(_takes_numbers_only, members)) and str not in members:
        return _number_or_text(parsed)
    return parsed


def parse_literal(text: str, names: Mapping[str, Any]) -> Any:
    """Read text as a Python literal; give the text itself if it is none.

    Bare names are looked up in ``names`` and stand for themselves otherwise, so ``[x, y]`` is a list of two texts.
    """
    try:
        return _evaluate(ast.parse(text.strip(), mode="eval").body, names)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return text


def _evaluate(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value) if not isinstance(value, bytes | complex | type(...)):
            return value
        case ast.Name(id=name):
            return names.get(name, name)
        case ast.List(elts=items):
            return [_evaluate(item, names) for item in items]
        case ast.Tuple(elts=items):
            return tuple(_evaluate(item, names) for item in items)
        case ast.Set(elts=items):
            return {_evaluate(item, names) for item in items}
        case ast.Dict(keys=keys, values=values) if None not in keys:
            pairs = zip(keys, values, strict=True)
            return {_evaluate(key, names): _evaluate(value, names) for key, value in pairs if key is not None}
        case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
            number = _evaluate(operand, names)
            if isinstance(number, int | float):
                return -number if isinstance(sign, ast.USub) else +number
    raise ValueError("not a literal")


def _number_or_text(text: str) -> Any:
    # inf and nan have no literal in Python.
    try:
        return float(text) if text.strip("+-").lower() in ("inf", "nan", "infinity") else text
    except ValueError:
        return text


def _unquoted(text: str) -> str:
    if text[:1] in ("'", '"') and text[-1:] == text[:1]:
        parsed = parse_literal(text, {})
        return parsed if isinstance(parsed, str) else text
    return text


def _item_annotation(annotation: Any) -> Any:
    """Give the type of the items of a sequence, or of the values of a mapping."""
    for member in union_members(annotation):
        origin, arguments = get_origin(member), get_args(member)
        if isinstance(origin, type) and issubclass(origin, collections.abc.Iterable) and arguments:
            arguments = tuple(argument for argument in arguments if argument is not Ellipsis)
            same = all(argument == arguments[-1] for argument in arguments)
            return arguments[-1] if issubclass(origin, collections.abc.Mapping) or same else Any
    return Any


def _is_one_of(text: str, member: Any) -> bool:
    if get_origin(member) is Literal:
        return text in get_args(member)
    return isinstance(member, type) and issubclass(member, Enum) and any(text == entry.value for entry in member)


def _takes_objects(member: Any) -> bool:
    origin = get_origin(member) or member
    if origin in (type, collections.abc.Callable) or member is collections.abc.Callable:
        return True
    return isinstance(origin, type) and issubclass(origin, ConfigNode)


def _takes_numbers_only(member: Any) -> bool:
    return member is float
