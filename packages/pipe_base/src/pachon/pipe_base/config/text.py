# SPDX-License-Identifier: BSD-3-Clause
"""Configurations as text: the fields with their documentation, as code that can be loaded again."""

from __future__ import annotations

import fnmatch
import textwrap
from collections.abc import Iterable, Iterator, Mapping

from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.configurable import InstanceNode
from pachon.pipe_base.config.errors import shortened
from pachon.pipe_base.config.history import Assignment, default_assignment
from pachon.pipe_base.config.node import ConfigNode, FieldLine, trail_of
from pachon.pipe_base.import_path import import_path_of

__all__ = ["config_text", "dump_text", "find_fields", "history_text"]


def find_fields(config: ConfigNode, pattern: str = "*", *, ignore_case: bool = True) -> list[FieldLine]:
    """Give the fields whose full name (without ``config.``) matches a glob."""
    fold = str.lower if ignore_case else str
    return [line for line in config.iter_lines() if fnmatch.fnmatchcase(fold(line.name), fold(pattern))]


def config_text(config: ConfigNode, pattern: str = "*", *, ignore_case: bool = True) -> str:
    """Give every field as ``config.name=value``, below its documentation, its default and what it accepts."""
    found = find_fields(config, pattern, ignore_case=ignore_case)
    defaults = {line.name: _value_of(line) for line in type(config)().iter_lines()} if found else {}
    return "\n".join(_field_text(line, _default_text(line, defaults)) for line in found)


def _value_of(line: FieldLine) -> str:
    return line.code.partition("=")[2] or line.code.removeprefix(f".{line.name}.")


def _default_text(line: FieldLine, defaults: Mapping[str, str]) -> str:
    """Give the line about the default: that of the whole configuration, after the hooks of authors."""
    accepts = f" ({line.accepts})" if line.accepts else ""
    # The declared one counts in parts that are not there by default.
    if default := defaults.get(line.name, "") or line.default:
        return f"Default: {default}{accepts}"
    return f"No default{accepts}." if accepts else ""


def dump_text(config: Config) -> str:
    """Give the whole configuration as an override file: imports, a check of the class, all values."""
    lines = list(config.iter_lines())
    path, module = import_path_of(type(config)), type(config).__module__
    modules = sorted({module, *(name for line in lines for name in line.modules)} - {"builtins"})
    imports = "".join(f"import {name}\n" for name in modules)
    check = f"assert type(config) is {path}, f'config is of type {{type(config)}} instead of {path}'\n"
    return f"{imports}\n{check}\n" + "\n".join(_field_text(line) for line in lines)


def history_text(config: ConfigNode, pattern: str) -> str:
    """Give each assignment of the fields that match a glob, oldest first, with value and source."""
    blocks: list[str] = []
    for node in config.walk():
        for name, entries in _histories(node):
            full_name = trail_of(node).full_name(name)
            if fnmatch.fnmatchcase(full_name.lower(), pattern.lower()):
                rows = [f"  {_shown(entry.value):<20}  {entry.source}" for entry in entries]
                blocks.append("\n".join([f"config.{full_name}", *rows]))
    return "\n\n".join(blocks) + ("\n" if blocks else "")


def _histories(node: ConfigNode) -> Iterator[tuple[str, list[Assignment]]]:
    """Give the assignments of the fields of one node.

    A field that holds a part (a sub-configuration, a subtask, a choice) is shown only if the part as a whole was set;
    what happened within is shown with the part.
    """
    recorded = trail_of(node).history
    if isinstance(node, Config):
        for name in type(node).model_fields:
            if isinstance(vars(node).get(name), ConfigNode):
                if name in recorded:
                    yield name, recorded[name]
            else:
                yield name, node.history(name)
    else:
        defaults = node.default_entries() if isinstance(node, InstanceNode) else {}
        for name in dict.fromkeys([*defaults, *recorded]):
            default = [default_assignment(defaults[name])] if name in defaults else []
            yield name, [*default, *recorded.get(name, ())]


def _shown(value: object) -> str:
    # A part is shown by its class or choice; its values have lines of their own.
    if isinstance(value, dict):
        for key in ("!target", "!class", "!names"):
            if key in value:
                return str(value[key])
    return shortened(value, 100)


def _field_text(line: FieldLine, default: str = "") -> str:
    if line.is_heading:
        return _comment(f"config.{line.name}: {line.doc}".splitlines())
    code = f"config{line.code}\n" if line.code else f"# config.{line.name} has no value\n"
    return _comment([*line.doc.splitlines(), *([default] if default else [])]) + code


def _comment(doc: Iterable[str]) -> str:
    wrapped = (part for line in doc for part in (textwrap.wrap(line, 100) or [""]))
    return "".join(f"# {part}".rstrip() + "\n" for part in wrapped)
