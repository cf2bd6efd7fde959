# SPDX-License-Identifier: BSD-3-Clause
"""The configuration of a datastore: the section ``datastore`` of ``butler.yaml`` and of a graph's header, as a value."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from dataclasses import field as dataclass_field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast

from pachon.base import NotFoundError, load_plugin
from pachon.base.plain_shape import Fields, fits
from pachon.datastore.aliases import datastore_name
from pachon.datastore.config_data import FILE_SECTION, MEMORY_SECTION, frozen_data, plain_data
from pachon.datastore.errors import DatastoreConfigError

if TYPE_CHECKING:
    from pachon.datastore.config_document import StrictDocument

__all__ = ["BUTLER_ROOT", "DatastoreConfig", "FileDatastoreConfig", "MemoryDatastoreConfig"]

BUTLER_ROOT = "<butlerRoot>"
"""What stands in a configuration for the folder of the repository."""


def _empty() -> Mapping[str, Any]:
    return MappingProxyType({})


class _HasConfigClass(Protocol):
    config_class: type[DatastoreConfig]


class _OwnDocument:
    """A model of `pachon.datastore.config_document`, imported when somebody asks for it: with pydantic that takes long."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type | None = None) -> builtins.type[StrictDocument]:
        from pachon.datastore import config_document

        model: builtins.type[StrictDocument] = getattr(config_document, self._name)
        return model


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastoreConfig:
    """What every datastore's configuration has. Each type of datastore derives a value of its own.

    A datastore that comes from elsewhere derives one too, names its document model in ``document_class``, and gives
    it as ``config_class`` of the class that it registers in the entry-point group ``pachon.datastores``.
    """

    type: ClassVar[str]
    document_class: ClassVar[Any]
    """The model of the section, a `StrictDocument`."""
    plain_section: ClassVar[Fields | None] = None
    """What the section looks like when the model would take it as it is; without it, the model is always asked."""

    name: str
    """Stored with the records; unique in a repository, and independent of where the root is."""
    constraints: Mapping[str, Any] = dataclass_field(default_factory=_empty)
    """``accept`` and ``reject``: lists of lookup keys."""

    @staticmethod
    def from_document(document: Mapping[str, Any] | None = None) -> DatastoreConfig:
        """Read a configuration; without one, the default: a file datastore in the repository's folder.

        The key ``type`` says which datastore it is for (default ``file``); ``cls``, with a class name of LSST's
        packages, is understood too.

        Raises
        ------
        DatastoreConfigError
            If a key is unknown (the nearest one is named), a value has a wrong type, or there is no such datastore.
        """
        content = dict(document or {})
        written = content.pop("cls", None) or content.pop("type", None) or "file"
        content.pop("type", None)
        if not isinstance(written, str):
            raise DatastoreConfigError(f"datastore.type must be the name of a datastore, not {written!r}.")
        name = datastore_name(written)
        config_class = _find_class(name)
        content.setdefault("name", name)
        plain = plain_data(content)
        if config_class.plain_section is not None and fits(plain, config_class.plain_section):
            return config_class(**cast(Mapping[str, Any], frozen_data(plain)))
        from pachon.datastore.config_document import read_document  # imports pydantic

        return config_class(**read_document(config_class.document_class, content, "datastore"))

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        # Read-only views of mappings cannot be pickled, and configurations travel to worker processes.
        return DatastoreConfig.from_document, (self.to_document(complete=True),)

    def to_document(self, *, complete: bool = False) -> dict[str, Any]:
        """Give the configuration as plain data, from which `from_document` makes an equal one.

        Parameters
        ----------
        complete
            Write every key. Otherwise only ``type``, ``name``, ``root`` and what differs from the default, so that
            defaults can get better.
        """
        document: dict[str, Any] = {"type": self.type}
        for field in fields(self):
            value = getattr(self, field.name)
            if complete or field.name in ("name", "root") or value != _default(field):
                document[field.name] = plain_data(value)
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDatastoreConfig(DatastoreConfig):
    """The configuration of a datastore of files."""

    type: ClassVar[str] = "file"
    document_class = _OwnDocument("FileDocument")  # without a type: dataclasses look at what has one
    plain_section: ClassVar[Fields | None] = FILE_SECTION

    root: str = BUTLER_ROOT
    """URI of the folder of all files."""
    create: bool = True
    """Make the folder, if it is local and missing, when something is written."""
    checksum: bool = True
    """Compute and record a checksum of everything that is written or ingested."""
    verify_checksum: bool = False
    """Compare the checksum at each read. (The size is always compared.)"""
    group_writable: bool = False
    """Give the group the owner's rights to files and folders that are made, whatever the umask."""
    templates: Mapping[str, Any] = dataclass_field(default_factory=_empty)
    """File templates that are added to, or replace, the default ones."""
    formatters: Mapping[str, Any] = dataclass_field(default_factory=_empty)
    """Formatters that are added to, or replace, the default ones."""
    composites: Mapping[str, Any] = dataclass_field(default_factory=_empty)
    """``default`` and ``disassembled``: what is written as a file for each component."""
    allow_pickle: bool = False
    """Let the formatter ``pickle`` read and write; whoever can write to the repository can then run code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryDatastoreConfig(DatastoreConfig):
    """The configuration of a datastore that keeps objects in memory."""

    type: ClassVar[str] = "memory"
    document_class = _OwnDocument("MemoryDocument")  # as above
    plain_section: ClassVar[Fields | None] = MEMORY_SECTION

    copy_on_get: str = "delegate"
    """How what was put is guarded against changes by who gets it: ``never``, ``delegate`` or ``deepcopy``."""


def _default(field: Field[Any]) -> object:
    return field.default if field.default_factory is MISSING else field.default_factory()


def _find_class(name: str) -> type[DatastoreConfig]:
    """Find the configuration of a type of datastore."""
    # A datastore takes a while to import, and a configuration of our own is read without it; nobody else can take their names.
    own: Mapping[str, type[DatastoreConfig]] = {c.type: c for c in (FileDatastoreConfig, MemoryDatastoreConfig)}
    if name in own:
        return own[name]
    try:
        plugin = cast(_HasConfigClass, load_plugin("pachon.datastores", name))
    except NotFoundError as error:
        raise DatastoreConfigError(str(error)) from error
    return plugin.config_class
