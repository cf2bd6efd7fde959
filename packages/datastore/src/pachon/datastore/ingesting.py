# SPDX-License-Identifier: BSD-3-Clause
"""Take files in that somebody else wrote: link or copy them to final paths, or note where they are.

Invariants, as for writing: a file that this brings below the root is at a path that was never used, and on the medium
when `ingest_files` returns; what a failing call made is removed, and nothing else is ever removed. No rows are written
here. The sources of a ``move`` are removed by `remove_sources`, after the rows are committed.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from urllib.parse import quote
from uuid import UUID

import numpy as np

from pachon.base import ConflictError, InvalidInputError, NotFoundError, PachonError, StorageError, closest, progress
from pachon.datasets import FileDataset, ids_from_uuids
from pachon.datastore.errors import DatasetTypeNotSupportedError, SourceFileNotFoundError
from pachon.datastore.faults import reach
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.file_store import checksum_of_file
from pachon.datastore.formatter_table import load_formatter
from pachon.datastore.records import ZIP_MEMBER, FileRecords, NewFileRecords, TextArray
from pachon.datastore.writing import making, remove_created
from pachon.resources import ResourcePath, UnsupportedOperationError
from pachon.resources.url import COMPRESSIONS

__all__ = ["IngestMode", "ingest_files", "remove_sources", "require_file"]

_log = logging.getLogger(__name__)

IngestMode = Literal["auto", "copy", "move", "link", "hardlink", "symlink", "relsymlink", "direct", "split"]
"""How files get into the datastore; None is for files that lie below the root already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Source:
    """One file that is to be taken in, and what is known of it before anything is done."""

    file: FileDataset
    place: str | ResourcePath
    """Path of this machine, or place elsewhere."""
    inside: str | None
    """Recorded path, if it lies below the root."""
    formatter: str
    extension: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """One file where it will be read from."""

    source: _Source
    path: str
    size: int
    checksum: str
    is_new: bool


def ingest_files(
    setup: FileSetup, files: Sequence[FileDataset], *, transfer: str | None, checksum: bool, track: bool
) -> NewFileRecords:
    """Take files in; see `pachon.datastore.Datastore.ingest_files`."""
    if transfer is not None and transfer not in get_args(IngestMode):
        known = get_args(IngestMode)
        raise InvalidInputError(
            f"There is no transfer mode {transfer!r}; modes are {', '.join(known)} and none.{closest(transfer, known)}"
        )
    reach("ingest.begin")
    _check_refs(setup, files)
    inspector = _Inspector(setup)
    sources = [inspector.look_at(file) for file in files]
    mode = _choose_mode(sources, transfer)
    _check_mode(sources, mode)
    checksum = checksum and track and setup.checksum
    taken: list[_Taken] = []
    created: list[str] = []
    try:
        with progress("Ingesting", total=len(sources)) as bar:
            for source in sources:
                taken.append(_take(setup, source, mode, created, checksum=checksum))
                bar.advance(1)
        reach("ingest.all_transferred")
        setup.store.sync(created)
        setup.store.sync_names(created)
        reach("ingest.synced")
        return _records(setup, taken, track=track)
    except BaseException as error:
        remove_created(setup.store, created, error)
        raise


def remove_sources(setup: FileSetup, files: Iterable[FileDataset]) -> None:
    """Remove the files that were moved, after their rows were committed; those below the root stay.

    Raises
    ------
    ExceptionGroup
        Of those that cannot be removed. (They are ingested all the same.)
    """
    failures: list[PachonError] = []
    for file in files:
        if setup.store.path_inside(file.path) is not None:
            continue
        reach("ingest.before_source_removed")
        try:
            ResourcePath(file.path).remove(missing_ok=True)
        except PachonError as error:
            failures.append(error)
        reach("ingest.source_removed")
    if failures:
        raise ExceptionGroup("Some files were ingested but could not be removed from where they were", failures)


def _check_refs(setup: FileSetup, files: Sequence[FileDataset]) -> None:
    seen: set[tuple[UUID, str | None]] = set()
    rejected: dict[str, int] = {}
    for file in files:
        if not file.refs:
            raise InvalidInputError(f"{file.path}: the datasets must have ids (refs) before their file is ingested.")
        for ref in file.refs:
            key = (ref.id, ref.dataset_type.component)
            if key in seen:
                raise ConflictError(
                    f"Dataset {ref.dataset_type.name!r} ({ref.id}) is to be ingested twice in one call."
                )
            seen.add(key)
            if not setup.constraints.accepts(ref):
                rejected[ref.dataset_type.name] = rejected.get(ref.dataset_type.name, 0) + 1
    if rejected:
        problem = DatasetTypeNotSupportedError(", ".join(sorted(rejected)), setup.name)
        problem.add_note(f"{sum(rejected.values())} of {len(seen)} datasets are rejected; none was ingested.")
        raise problem


class _Inspector:
    """Looks at the files of one call; what many of them share is looked at once."""

    def __init__(self, setup: FileSetup) -> None:
        self._setup = setup
        self._folders: dict[str, str] = {}
        """Recorded paths of the folders that were met, as they are without links."""
        self._extensions: set[tuple[str, str]] = set()

    def look_at(self, file: FileDataset) -> _Source:
        if ZIP_MEMBER in str(file.path):
            raise InvalidInputError(
                f"{str(file.path)!r} cannot be ingested: {ZIP_MEMBER!r} names a member of a zip file; take it out first."
            )
        inside = self._without_links(self._setup.store.path_inside(file.path))
        place = self._place(file, inside)
        try:
            size = _size(place)
        except SourceFileNotFoundError as error:
            if inside is not None:
                error.add_note("A relative path is one below the root of the repository, not of the current folder.")
            raise
        extension = _extension(place)
        formatter = self._formatter(file, extension, place)
        return _Source(file=file, place=place, inside=inside, formatter=formatter, extension=extension, size=size)

    def _without_links(self, inside: str | None) -> str | None:
        if inside is None:
            return None
        folder, _, name = inside.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = self._setup.store.without_links(inside).rpartition("/")[0]
        return f"{real}/{name}" if (real := self._folders[folder]) else name

    def _place(self, file: FileDataset, inside: str | None) -> str | ResourcePath:
        if inside is None:
            return _local(file.path) or ResourcePath(file.path)
        store = self._setup.store
        if store.local_root is None:
            return store.uri(inside)
        return f"{store.local_root}/{inside}"

    def _formatter(self, file: FileDataset, extension: str, place: str | ResourcePath) -> str:
        formatters = self._setup.formatters
        name = (formatters.find(file.refs[0]) if file.formatter is None else formatters.named(file.formatter)).name
        if (name, extension) not in self._extensions:
            formatters.check_allowed(name)
            try:
                load_formatter(name).check_extension(extension)
            except InvalidInputError as error:
                error.add_note(f"The file is {_shown(place)}; name another formatter for it, if there is one.")
                raise
            self._extensions.add((name, extension))
        return name


def _local(path: object) -> str | None:
    """Give the absolute path of this machine that somebody wrote as text, without making a URI of it."""
    if isinstance(path, ResourcePath):
        return path.ospath if path.is_local else None
    text = os.fspath(path)  # type: ignore[call-overload]  # a path, or else its TypeError says it
    if text.startswith("file://"):
        return ResourcePath(text).ospath
    return None if "://" in text else os.path.normpath(os.path.expanduser(text))


def _extension(place: str | ResourcePath) -> str:
    if isinstance(place, ResourcePath):
        return place.extension
    stem, suffix = os.path.splitext(os.path.basename(place))
    if suffix in COMPRESSIONS:
        return os.path.splitext(stem)[1] + suffix
    return suffix


def _size(place: str | ResourcePath) -> int:
    try:
        if isinstance(place, str):
            status = os.stat(place)
            require_file(place, status)
            return status.st_size
        return place.size()
    except (FileNotFoundError, NotFoundError) as error:
        raise SourceFileNotFoundError(_shown(place)) from error
    except OSError as error:
        reason = getattr(error, "strerror", None) or error
        raise StorageError(f"{_shown(place)} cannot be looked at: {reason}") from error


def require_file(place: str, status: os.stat_result) -> None:
    """Refuse what has no content of its own: folders, and pipes and devices, whose reading may never end.

    Raises
    ------
    InvalidInputError
        Says which it is.
    """
    if stat.S_ISREG(status.st_mode):
        return
    if stat.S_ISDIR(status.st_mode):
        raise InvalidInputError(f"{place} is a folder and cannot be ingested; name its files.")
    raise InvalidInputError(f"{place} is a pipe, socket or device and cannot be ingested.")


def _shown(place: str | ResourcePath) -> str:
    """Give a place for messages."""
    return place if isinstance(place, str) else place.shown


def _choose_mode(sources: Sequence[_Source], transfer: str | None) -> str | None:
    """Settle what ``auto`` means: nothing if all files lie below the root, a link or copy if none does."""
    if transfer != "auto" or not sources:
        return transfer
    inside = sum(source.inside is not None for source in sources)
    if inside == len(sources):
        return None
    if inside == 0:
        return "auto"
    _log.warning("%d of %d files lie in the repository, the others are recorded where they are.", inside, len(sources))
    return "split"


def _check_mode(sources: Sequence[_Source], mode: str | None) -> None:
    if mode is not None:
        return
    outside = [_shown(source.place) for source in sources if source.inside is None]
    if outside:
        more = f" and {len(outside) - 1} more" if len(outside) > 1 else ""
        raise InvalidInputError(
            f"{outside[0]}{more} does not lie in the repository; say how it is to get there (transfer)."
        )


def _take(setup: FileSetup, source: _Source, mode: str | None, created: list[str], *, checksum: bool) -> _Taken:
    """Bring one file to where it will be, if it is not there, and describe what is there then."""
    if source.inside is not None and mode in (None, "split"):
        return _describe(source, source.inside, source.place, checksum=checksum, is_new=False)
    if mode in ("direct", "split"):
        place = source.place
        if source.inside is not None and setup.store.local_root is not None:
            # One path, by whatever link the repository was reached.
            place = setup.store.real_path(source.inside)
        return _describe(source, _absolute(place), source.place, checksum=checksum, is_new=False)
    assert mode is not None
    path = setup.templates.unique_path(source.file.refs[0], source.extension)
    (local,) = setup.store.make_room([path])
    with (
        making(created, path),
        setup.store.answer_may_be_lost(path, source.size, lambda: checksum_of_file(source.place)),
    ):
        _transfer(setup.store.uri(path), _as_resource(source.place), mode, sync=local is None)
    setup.store.share(path)
    reach("ingest.transferred")
    # Described is what arrived; of an object store the source is asked, which spares a download.
    return _describe(source, path, source.place if local is None else local, checksum=checksum, is_new=True)


def _transfer(target: ResourcePath, source: ResourcePath, mode: str, *, sync: bool) -> None:
    if mode != "move":
        target.transfer_from(source, mode, sync=sync)
        return
    if source.is_local and os.path.islink(source.ospath):
        # The link goes, and what it leads to stays where it is: the two must not be one file.
        target.transfer_from(source, "copy", sync=sync)
        return
    try:
        target.transfer_from(source, "hardlink", sync=sync)
    except (StorageError, UnsupportedOperationError):
        # Another file system, or one without hard links: it is copied, and the source goes after the commit.
        target.transfer_from(source, "copy", sync=sync)


def _describe(source: _Source, path: str, place: str | ResourcePath, *, checksum: bool, is_new: bool) -> _Taken:
    return _Taken(
        source=source,
        path=path,
        size=_size(place) if is_new else source.size,
        checksum=checksum_of_file(place) if checksum else "",
        is_new=is_new,
    )


def _as_resource(place: str | ResourcePath) -> ResourcePath:
    return place if isinstance(place, ResourcePath) else ResourcePath(f"file://{quote(place)}")


def _absolute(place: str | ResourcePath) -> str:
    return f"file://{quote(place)}" if isinstance(place, str) else place.geturl()


def _records(setup: FileSetup, taken: Sequence[_Taken], *, track: bool) -> NewFileRecords:
    counts = np.array([len(one.source.file.refs) for one in taken], dtype=np.int64)
    refs = [ref for one in taken for ref in one.source.file.refs]

    def repeated(values: list[str]) -> TextArray:
        column = np.empty(len(values), dtype=object)
        column[:] = values
        return np.repeat(column, counts)

    table = FileRecords.from_columns(
        {
            "dataset_id": ids_from_uuids(ref.id for ref in refs),
            "component": [ref.dataset_type.component or "" for ref in refs],
            "path": repeated([one.path for one in taken]),
            "formatter": repeated([one.source.formatter for one in taken]),
            "storage_class": repeated([one.source.file.refs[0].dataset_type.storage_class for one in taken]),
            "size": np.repeat(np.array([one.size if track else -1 for one in taken], dtype=np.int64), counts),
            "checksum": repeated([one.checksum for one in taken]),
            "datastore": [setup.name] * len(refs),
        }
    )
    table.check_lengths()
    created = np.repeat(np.array([one.is_new for one in taken], dtype=np.bool_), counts)
    return NewFileRecords.mark(table, created)
