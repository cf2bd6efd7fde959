# SPDX-License-Identifier: BSD-3-Clause
"""Other names for the classes that pipelines name, so that a file written for one set of packages is used with another."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Self

from pachon.base import FormatError
from pachon.pipe_base.pipeline.contents import PipelineContents
from pachon.pipe_base.pipeline.table_file import read_table

__all__ = ["ClassMap"]

_ANY = ".*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMap:
    """Old import paths of tasks and instruments, and the new ones.

    An old path may end with ``.*``; then what stands for the star follows the new path, which ends with ``.*`` too. A path that is
    there as it is comes before patterns, and a longer pattern before a shorter one.
    """

    names: Mapping[str, str]

    @classmethod
    def from_mapping(cls, mapping: Any, source: str = "The table of classes") -> Self:
        """Read ``{old: new, ...}``.

        Raises
        ------
        FormatError
            It is no mapping between texts, or only one side of a pattern is one.
        """
        if not isinstance(mapping, Mapping):
            raise FormatError(f"{source} is no mapping from old to new import paths.")
        for old, new in mapping.items():
            if not isinstance(old, str) or not isinstance(new, str):
                raise FormatError(f"{source}: {old!r}: {new!r} are no import paths.")
            is_pattern = old.endswith(_ANY)
            if is_pattern != new.endswith(_ANY) or f"{old}{new}".count("*") != 2 * is_pattern:
                raise FormatError(f"{source}: {old!r}: {new!r}: a pattern ends with '.*' on both sides.")
        return cls(names=MappingProxyType(dict(mapping)))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a YAML or JSON file.

        Raises
        ------
        NotFoundError
            There is no such file.
        FormatError
            It is no such table.
        StorageError
            It cannot be read.
        """
        return cls.from_mapping(read_table(path, "of classes"), f"Table of classes {os.fspath(path)!r}")

    def new_name(self, name: str) -> str:
        """Give the new import path of a class; itself if there is none."""
        if name in self.names:
            return self.names[name]
        patterns = [old for old in self.names if old.endswith(_ANY) and name.startswith(old[:-1])]
        if not patterns:
            return name
        old = max(patterns, key=len)
        return self.names[old][:-1] + name[len(old) - 1 :]

    def applied(self, contents: PipelineContents) -> PipelineContents:
        """Give the contents of a pipeline with the new names of its classes and its instrument."""
        tasks = {
            label: dataclasses.replace(task, class_name=self.new_name(task.class_name))
            for label, task in contents.tasks.items()
        }
        instrument = None if contents.instrument is None else self.new_name(contents.instrument)
        return dataclasses.replace(contents, tasks=MappingProxyType(tasks), instrument=instrument)
