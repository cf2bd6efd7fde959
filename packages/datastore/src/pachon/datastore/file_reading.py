# SPDX-License-Identifier: BSD-3-Clause
"""Read one file of a dataset: find it, verify it, and hand it to its formatter."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from typing import Any, BinaryIO, cast

from pachon.base import InvalidInputError, NotFoundError, StorageError
from pachon.datasets import DatasetRef, StorageClass
from pachon.datastore.errors import DatasetFileNotFoundError, DatasetReadError, FileIntegrityError
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.file_store import checksum_of_bytes, checksum_of_file
from pachon.datastore.formatter import FileDescriptor, Formatter
from pachon.datastore.formatter_table import load_formatter
from pachon.datastore.records import StoredFile
from pachon.resources import ResourcePath

__all__ = ["FileRead", "read_file"]

_LARGE = 256 * 1024 * 1024
"""Bytes up to which a whole remote file is read into memory rather than downloaded to a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRead:
    """What is to be read from one file."""

    ref: DatasetRef
    row: StoredFile
    write_storage_class: StorageClass
    """What the file holds."""
    read_storage_class: StorageClass
    """What the caller wants in the end: a hint for the formatter."""
    component: str | None = None
    """A component of what the file holds, to be read alone; the formatter can do that."""
    parameters: Mapping[str, Any]
    """Parameters that the formatter applies."""


def read_file(setup: FileSetup, wanted: FileRead) -> Any:
    """Read an object, or a component of it, from one file.

    The size is always compared with the record, the checksum by configuration, before the formatter sees a byte.

    Raises
    ------
    DatasetFileNotFoundError
        If the file is gone.
    FileIntegrityError
        If it is not the one that was written.
    DatasetReadError
        If the formatter cannot read it.
    InvalidInputError
        If the formatter refuses the parameters.
    """
    setup.formatters.check_allowed(wanted.row.formatter)
    formatter_class = load_formatter(wanted.row.formatter)
    uri = setup.store.uri(wanted.row.path)
    formatter = formatter_class(
        FileDescriptor(
            write_storage_class=wanted.write_storage_class,
            read_storage_class=wanted.read_storage_class,
            uri=uri,
            component=wanted.row.component,
            parameters=wanted.parameters,
        ),
        ref=wanted.ref.with_dataset_type(wanted.ref.dataset_type.parent_type()),
    )
    local = setup.store.local_path(wanted.row.path)
    with _reading(wanted, uri):
        if local is not None:
            return _read_local(setup, wanted, formatter, uri.without_fragment(), local)
        return _read_remote(setup, wanted, formatter, uri)


def _read_local(setup: FileSetup, wanted: FileRead, formatter: Formatter, uri: ResourcePath, path: str) -> Any:
    with open(path, "rb", opener=_open_at_once) as stream:
        # The open file is what is checked and read, whatever happens to its name meanwhile.
        _check_size(wanted, os.fstat(stream.fileno()).st_size)
        if setup.verify_checksum and wanted.row.checksum is not None:
            digest = blake2b()
            while chunk := stream.read(1 << 22):
                digest.update(chunk)
            _check_sum(wanted, digest.hexdigest())
            stream.seek(0)
        return _try(wanted, formatter, uri=uri, stream=lambda: stream, path=path)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for a writer, should a pipe lie in the place of a file."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _read_remote(setup: FileSetup, wanted: FileRead, formatter: Formatter, uri: ResourcePath) -> Any:
    verify = setup.verify_checksum and wanted.row.checksum is not None
    partial = wanted.component is not None or bool(wanted.parameters)
    file = uri.without_fragment()
    if not formatter.can_read_from_stream or (wanted.row.size or 0) > _LARGE:
        if formatter.can_read_from_stream and partial and not verify:
            return _read_ranges(wanted, formatter, file)
        with file.as_local() as local:
            _check_size(wanted, local.size())
            if verify:
                _check_sum(wanted, checksum_of_file(local.ospath))
            with open(local.ospath, "rb") as stream:
                return _try(wanted, formatter, uri=local, stream=lambda: stream, path=local.ospath)
    if partial and not verify:
        return _read_ranges(wanted, formatter, file)
    data = file.read()
    _check_size(wanted, len(data))
    if verify:
        _check_sum(wanted, checksum_of_bytes(data))
    return _try(wanted, formatter, uri=file, stream=lambda: BytesIO(data), path=None)


def _read_ranges(wanted: FileRead, formatter: Formatter, file: ResourcePath) -> Any:
    _check_size(wanted, file.size())
    with file.open("rb") as stream:
        return _try(wanted, formatter, uri=file, stream=lambda: cast(BinaryIO, stream), path=None)


def _try(
    wanted: FileRead,
    formatter: Formatter,
    *,
    uri: ResourcePath,
    stream: Callable[[], BinaryIO],
    path: str | None,
) -> Any:
    """Ask the formatter to read from the place itself, from a stream, from a local file, until it does."""
    size = -1 if wanted.row.size is None else wanted.row.size
    if formatter.can_read_from_uri:
        found = formatter.read_from_uri(uri, component=wanted.component, expected_size=size)
        if found is not NotImplemented:
            return found
    if formatter.can_read_from_stream:
        found = formatter.read_from_stream(stream(), component=wanted.component, expected_size=size)
        if found is not NotImplemented:
            return found
    if formatter.can_read_from_local_file and path is not None:
        found = formatter.read_from_local_file(path, component=wanted.component, expected_size=size)
        if found is not NotImplemented:
            return found
    raise TypeError(f"formatter {wanted.row.formatter!r} cannot read it")


def _check_size(wanted: FileRead, size: int) -> None:
    if wanted.row.size is not None:
        _compare(wanted, "size", wanted.row.size, size)


def _check_sum(wanted: FileRead, checksum: str) -> None:
    _compare(wanted, "checksum", wanted.row.checksum, checksum)


def _compare(wanted: FileRead, quantity: str, recorded: object, found: object) -> None:
    if recorded != found:
        ref, path = wanted.ref, wanted.row.path
        raise FileIntegrityError(ref.id, ref.dataset_type.name, path, quantity=quantity, recorded=recorded, found=found)


@contextmanager
def _reading(wanted: FileRead, uri: ResourcePath) -> Iterator[None]:
    """Turn what goes wrong into errors that say which dataset and which file."""
    dataset_type = wanted.ref.dataset_type.name
    try:
        yield
    except FileIntegrityError:
        raise
    except (FileNotFoundError, NotFoundError) as error:
        raise DatasetFileNotFoundError(wanted.ref.id, dataset_type, uri.shown) from error
    except (InvalidInputError, StorageError) as error:
        error.add_note(f"It happened while dataset {dataset_type!r} ({wanted.ref.id}) was read from {uri.shown}.")
        raise
    except Exception as error:
        # A formatter is anybody's code, and so is what it calls.
        reason = str(error) if type(error).__module__.startswith("pachon.") else f"{type(error).__name__}: {error}"
        raise DatasetReadError(wanted.ref.id, dataset_type, uri.shown, reason) from error
