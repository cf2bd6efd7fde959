# SPDX-License-Identifier: BSD-3-Clause
"""Configurations as text: the fields with their documentation, as code that can be loaded again."""

from __future__ import annotations

import fnmatch
import textwrap
from collections.abc import Iterable

from pachon.pipe_base.config.config import Config
from pachon.pipe_base.config.node import ConfigNode, FieldLine, trail_of
from pachon.pipe_base.import_path import import_path_of

__all__ = ["config_text", "dump_text", "find_fields", "history_text"]


def find_fields(config: ConfigNode, pattern: str = "*", *, ignore_case: bool = True) -> list[FieldLine]:
    """Give the fields whose full name (without ``config.``) matches a glob."""
    fold = str.lower if ignore_case else str
    return [line for line in config.iter_lines() if fnmatch.fnmatchcase(fold(line.name), fold(pattern))]


def config_text(config: ConfigNode, pattern: str = "*", *, ignore_case: bool = True) -> str:
    """Give every field with its documentation above it, as ``config.name=value``."""
    return "\n".join(_field_text(line) for line in find_fields(config, pattern, ignore_case=ignore_case))


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
        if not isinstance(node, Config):
            continue
        for name in type(node).model_fields:
            full_name = trail_of(node).full_name(name)
            if not fnmatch.fnmatchcase(full_name.lower(), pattern.lower()) or isinstance(
                node.__dict__.get(name), ConfigNode
            ):
                continue
            rows = [f"  {entry.value!r:<20}  {entry.source}" for entry in node.history(name)]
            blocks.append("\n".join([f"config.{full_name}", *rows]))
    return "\n\n".join(blocks) + ("\n" if blocks else "")


def _field_text(line: FieldLine) -> str:
    code = f"config{line.code}\n" if line.code else f"# config.{line.name} has no value\n"
    return _comment(line.doc.splitlines()) + code


def _comment(doc: Iterable[str]) -> str:
    wrapped = (part for line in doc for part in (textwrap.wrap(line, 100) or [""]))
    return "".join(f"# {part}".rstrip() + "\n" for part in wrapped)
