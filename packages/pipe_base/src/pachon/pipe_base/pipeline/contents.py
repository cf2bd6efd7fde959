# SPDX-License-Identifier: BSD-3-Clause
"""The parts of a pipeline, as values."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from pachon.pipe_base.pipeline.place import Place

__all__ = [
    "ConfigBlock",
    "Contract",
    "FieldOverride",
    "ImportEntry",
    "PipelineContents",
    "PipelineTaskEntry",
    "Step",
    "Subset",
    "SubsetMode",
]

_EMPTY: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOverride:
    """A value for a field, and where it was written."""

    value: Any
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigBlock:
    """Overrides of one task that belong together; applied as files, then ``python``, then values."""

    files: tuple[str, ...] = ()
    python: str | None = None
    data_id: Mapping[str, Any] | None = None
    values: Mapping[str, FieldOverride] = field(default_factory=lambda: MappingProxyType({}))
    """Dotted field name -> value, in written order."""
    place: Place = field(default_factory=Place, compare=False)
    python_line: int = field(default=1, compare=False)
    """Line of the file on which the code of ``python`` begins."""

    @property
    def is_empty(self) -> bool:
        """Whether the block changes nothing."""
        return not (self.files or self.python or self.values)

    def can_merge(self, other: ConfigBlock) -> bool:
        """Whether another block can be added to this one without a change of meaning."""
        if self.files or self.python is not None or other.files or other.python is not None:
            return False
        if self.data_id != other.data_id:
            return False
        return all(self.values[name] == value for name, value in other.values.items() if name in self.values)

    def merged(self, other: ConfigBlock) -> ConfigBlock:
        """Give this block with the values of another one."""
        return ConfigBlock(
            data_id=self.data_id, values=MappingProxyType({**self.values, **other.values}), place=self.place
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineTaskEntry:
    """A task of a pipeline: its label, the path of its class, and its overrides."""

    label: str
    class_name: str
    config: tuple[ConfigBlock, ...] = ()
    place: Place = field(default_factory=Place, compare=False)

    def with_block(self, block: ConfigBlock) -> PipelineTaskEntry:
        """Give the entry with a further block, merged into the last one where that changes nothing."""
        if self.config and self.config[-1].can_merge(block):
            blocks = (*self.config[:-1], self.config[-1].merged(block))
        else:
            blocks = (*self.config, block)
        return PipelineTaskEntry(label=self.label, class_name=self.class_name, config=blocks, place=self.place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subset:
    """A named group of task labels."""

    name: str
    labels: tuple[str, ...]
    """In written order, each once."""
    description: str = ""
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A subset that is run as one production step."""

    label: str
    """Name of the subset."""
    dimensions: tuple[str, ...] = ()
    """Sharding dimensions: by these, the quanta may be split in independent groups."""
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A boolean expression over configurations."""

    expression: str
    message: str = ""
    place: Place = field(default_factory=Place, compare=False)


class SubsetMode(enum.Enum):
    """What becomes of a subset some of whose tasks are not imported."""

    DROP = "DROP"
    EDIT = "EDIT"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEntry:
    """Another pipeline to be merged under a document."""

    location: str
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    rename: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    import_contracts: bool = True
    import_steps: bool = True
    mode: SubsetMode = SubsetMode.DROP
    instrument: str | None = None
    """New instrument; an empty text removes it; `None` keeps it."""
    place: Place = field(default_factory=Place, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineContents:
    """All of a pipeline without imports."""

    description: str = ""
    instrument: str | None = None
    tasks: Mapping[str, PipelineTaskEntry] = field(default_factory=lambda: MappingProxyType({}))
    subsets: Mapping[str, Subset] = field(default_factory=lambda: MappingProxyType({}))
    steps: tuple[Step, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    contracts: tuple[Contract, ...] = ()
    place: Place = field(default_factory=Place, compare=False)
    instrument_place: Place = field(default_factory=Place, compare=False)
    """Where the instrument is named."""
