# SPDX-License-Identifier: BSD-3-Clause
"""What a formatter is: it writes one Python object as one file, and reads it back."""

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, BinaryIO, ClassVar

from pachon.base import InvalidInputError
from pachon.datasets import DatasetProvenance, DatasetRef, StorageClass
from pachon.resources import ResourcePath

__all__ = ["FileDescriptor", "Formatter", "NotImplementedType"]

NotImplementedType = type(NotImplemented)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDescriptor:
    """What a formatter is told about a file."""

    write_storage_class: StorageClass
    """What the file holds."""
    read_storage_class: StorageClass
    """What the caller of a read wants; the datastore converts what the formatter gives, so this is a hint."""
    uri: ResourcePath | None = None
    """Where the file is; None while its bytes are being made."""
    component: str | None = None
    """The component that the whole file holds, if the dataset was taken apart."""
    parameters: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """Parameters of a read that the formatter said it supports."""


class Formatter(ABC):  # noqa: B024  # nothing is abstract: a formatter may only read, or only write
    """Writes objects of some storage classes as files of one format, and reads them.

    A subclass says in class attributes what it can do, and overrides one of `to_bytes` and `write_local_file`, and
    one or more of the ``read_from`` methods. It is registered in the entry-point group ``pachon.formatters``; the
    name of the entry point is stored with every file that it writes, for ever. One is made for each file.

    A file must be readable without the write parameters.

    Parameters
    ----------
    file_descriptor
        The file.
    ref
        The dataset, never a component of it.
    write_parameters
        Those of the configuration, defaults included.
    write_recipes
        All recipes of the configuration for this formatter, by name.
    provenance
        Where the object that is to be written comes from.
    """

    default_extension: ClassVar[str] = ""
    """Extension of what it writes, with the dot."""
    supported_extensions: ClassVar[frozenset[str]] = frozenset()
    """Further extensions that files of the format may have when they are ingested."""
    unsupported_parameters: ClassVar[frozenset[str] | None] = frozenset()
    """Parameters of the storage class that it leaves to the delegate; empty: supports all; None: supports none."""
    supported_write_parameters: ClassVar[frozenset[str] | None] = None
    """Write parameters that a configuration may give; None: it has none."""
    reads_components: ClassVar[bool] = False
    """Whether it can read a component without the rest; otherwise all is read and the delegate takes it out."""
    can_read_from_uri: ClassVar[bool] = False
    can_read_from_stream: ClassVar[bool] = False
    can_read_from_local_file: ClassVar[bool] = False
    is_unsafe: ClassVar[bool] = False
    """Whether reading a file can run code that is in it: refused unless the configuration allows it."""

    def __init__(
        self,
        file_descriptor: FileDescriptor,
        *,
        ref: DatasetRef | None = None,
        write_parameters: Mapping[str, Any] = _NOTHING,
        write_recipes: Mapping[str, Any] = _NOTHING,
        provenance: DatasetProvenance | None = None,
    ) -> None:
        self.file_descriptor = file_descriptor
        self.ref = ref
        self.write_parameters = write_parameters
        self.write_recipes = write_recipes
        self.provenance = provenance

    # Reading: the datastore tries them in this order; `NotImplemented` hands over to the next.

    def read_from_uri(self, uri: ResourcePath, *, component: str | None, expected_size: int) -> Any:
        """Read straight from where the file is.

        Parameters
        ----------
        uri
            The file, local or remote.
        component
            The component to read, None for all.
        expected_size
            Bytes of the file; -1 if not known.
        """
        return NotImplemented

    def read_from_stream(self, stream: BinaryIO, *, component: str | None, expected_size: int) -> Any:
        """Read from an open, seekable, binary stream; see `read_from_uri`."""
        return NotImplemented

    def read_from_local_file(self, path: str, *, component: str | None, expected_size: int) -> Any:
        """Read a file of the local file system; see `read_from_uri`."""
        return NotImplemented

    # Writing

    def to_bytes(self, obj: Any) -> Any:
        """Give the content of the file as bytes (or something with their buffer), or `NotImplemented`.

        The buffer is nobody else's from now on: another thread may write it after the content of further files was asked for.
        """
        return NotImplemented

    def write_local_file(self, obj: Any, path: str) -> Any:
        """Write into a local file, which exists and is empty; give `NotImplemented` if only `to_bytes` can.

        The file must be written in place, not replaced.
        """
        return NotImplemented

    def write_extension(self, obj: Any) -> str:
        """Give the extension of the file to be written; it may depend on the write parameters or the object.

        The object is None for an output of a graph: its path is known before there is an object.
        """
        return self.default_extension

    def add_provenance(self, obj: Any) -> Any:
        """Give the object with `provenance` noted in it, where the format has a place for it."""
        return obj

    def can_accept(self, obj: Any) -> bool:
        """Tell whether it can write an object of another type than the storage class has, without conversion."""
        return False

    # What the datastore asks of the class

    @classmethod
    def check_extension(cls, extension: str) -> None:
        """Refuse to read a file by its extension.

        Raises
        ------
        InvalidInputError
            Names the extensions that are read.
        """
        known = {cls.default_extension, *cls.supported_extensions} - {""}
        if known and extension not in known:
            raise InvalidInputError(
                f"A file with extension {extension!r} is not read by {cls.__name__}; it reads {', '.join(sorted(known))}."
            )

    @classmethod
    def check_write_parameters(cls, parameters: Mapping[str, Any], recipes: Mapping[str, Any]) -> None:
        """Refuse write parameters and recipes that make no sense; called when a configuration is loaded.

        Raises
        ------
        InvalidInputError
            Names what is wrong.
        """
        known = cls.supported_write_parameters or frozenset()
        unknown = sorted(set(parameters) - known)
        if unknown:
            has = f"it has {', '.join(sorted(known))}" if known else "it has none"
            raise InvalidInputError(f"{cls.__name__} has no write parameter {', '.join(map(repr, unknown))}; {has}.")
        if recipes:
            raise InvalidInputError(f"{cls.__name__} has no write recipes.")

    @classmethod
    def segregate_parameters(cls, parameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Divide parameters of a read into those that the formatter applies and the rest."""
        if cls.unsupported_parameters is None:
            return {}, dict(parameters)
        mine = {name: value for name, value in parameters.items() if name not in cls.unsupported_parameters}
        return mine, {name: value for name, value in parameters.items() if name not in mine}
