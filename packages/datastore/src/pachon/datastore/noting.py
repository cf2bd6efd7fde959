# SPDX-License-Identifier: BSD-3-Clause
"""Take in many files where they lie, one dataset each: nothing is moved, so that paths, sizes and checksums are all there is.

The bulk form of `pachon.datastore.ingesting` for the modes None and ``direct``, with the same rules; what the files of a folder
share is settled once for the folder, and what the files of an extension share once for the extension.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import repeat
from typing import Any
from urllib.parse import quote

import numpy as np

from pachon.base import InvalidInputError, PachonError, StorageError, progress
from pachon.datasets import DatasetTable
from pachon.datastore.errors import DatasetTypeNotSupportedError, PathOutsideRootError, SourceFileNotFoundError
from pachon.datastore.faults import reach
from pachon.datastore.file_setup import FileSetup
from pachon.datastore.file_store import checksum_of_file
from pachon.datastore.final_path import check_stored_path, has_link
from pachon.datastore.formatter_table import load_formatter
from pachon.datastore.ingesting import require_file
from pachon.datastore.records import ZIP_MEMBER, FileRecords, NewFileRecords, TextArray
from pachon.resources.url import COMPRESSIONS

__all__ = ["can_note", "note_files"]

_PLAIN = re.compile(r"[A-Za-z0-9_.~-]*")
_KIND, _REGULAR = stat.S_IFMT(0o177777), stat.S_IFREG
"""Bits of a mode that tell what kind of thing a path names, and those of a file."""
_SMALL = 1 << 18
"""Bytes up to which a file is read and hashed at once: a thread would cost more."""
_STEP = 1000
"""Files that are looked at together, and between two movements of the progress bar."""
_LOOKS = 200
"""Results of `os.stat` that are alive together: the collector of garbage would take more for objects that stay."""
_NO_FILES = frozenset(("", ".", ".."))
"""What follows the last slash of a path of a folder."""
_EXPANDED = frozenset(("~", "$"))
"""How a path begins that stands for another one."""


def can_note(setup: FileSetup, paths: Sequence[Any], datasets: DatasetTable, formatter: str | None) -> bool:
    """Tell whether these are all paths of this machine, written as text, for one formatter."""
    if setup.store.local_root is None or not len(datasets):
        return False
    if formatter is None and "instrument" in datasets.dataset_type.dimensions:
        instruments = datasets.data_ids.columns["instrument"].compacted().values.tolist()
        if len({setup.formatters.choose(datasets.dataset_type, name).name for name in instruments}) > 1:
            return False
    if set(map(type, paths)) != {str} or not _EXPANDED.isdisjoint({path[:1] for path in paths}):
        return False
    # Many paths are searched as one text in a fraction of the time that one after the other takes.
    return not any("://" in "\n".join(paths[start : start + _STEP]) for start in range(0, len(paths), _STEP))


def note_files(
    setup: FileSetup,
    paths: Sequence[str],
    datasets: DatasetTable,
    *,
    inside: bool,
    formatter: str | None,
    checksum: bool,
    track: bool,
) -> NewFileRecords:
    """Describe files where they lie, and give their records.

    Parameters
    ----------
    setup
        The datastore.
    paths
        Local paths; relative ones are below the root.
    datasets
        The dataset in each file.
    inside
        Whether all must lie below the root, to be recorded by their path there; otherwise they are recorded by URI.
    formatter, checksum, track
        As for `pachon.datastore.Datastore.ingest_files`.
    """
    reach("ingest.begin")
    _check_accepted(setup, datasets)
    folders = _Folders(setup, inside=inside)
    formatters = _Formatters(setup, datasets, formatter)
    describe = _describe_and_sum_all if checksum and track and setup.checksum else _describe
    count = len(paths)
    recorded, readers, sums = (np.empty(count, dtype=object) for _ in range(3))
    sizes = np.empty(count, dtype=np.int64)
    large: list[tuple[int, str]] = []
    with progress("Ingesting", total=count) as bar:
        for start in range(0, count, _STEP):
            stop = min(start + _STEP, count)
            texts, places, names = _locate(paths[start:stop], folders, inside=inside)
            recorded[start:stop] = texts
            sizes[start:stop], sums[start:stop] = describe(places)
            large += [(start + n, places[n]) for n, value in enumerate(sums[start:stop]) if value is None]
            readers[start:stop] = formatters.find(names, places)
            bar.advance(stop - start)
    if large:
        with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
            for (number, _), found in zip(large, threads.map(_sum_of, [p for _, p in large]), strict=True):
                sums[number] = found
    reach("ingest.all_transferred")
    reach("ingest.synced")
    return _records(setup, datasets, recorded, readers, sizes if track else np.full(count, -1, dtype=np.int64), sums)


def _locate(
    paths: Sequence[str], folders: _Folders, *, inside: bool
) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """Give for each file what is recorded of its path, its place on this machine, and its name.

    What is asked here is asked of very many files: of all together, or once for each folder.
    """
    above: Sequence[str]
    above, slashes, names = zip(*map(str.rpartition, paths, repeat("/")), strict=True)
    if "" in above:
        # Nothing stands before a file of the root of the datastore, and a slash before one of the topmost folder.
        above = [folder or slash for folder, slash in zip(above, slashes, strict=True)]
    if not _NO_FILES.isdisjoint(names) or ZIP_MEMBER in "\n".join(names):
        for path, folder, name in zip(paths, above, names, strict=True):
            if name in _NO_FILES or ZIP_MEMBER in name:
                raise _no_file(path)
            folders.find(folder)  # which may be wrong, too: the first mistake is told
    found = {}
    for folder in dict.fromkeys(above):
        try:
            found[folder] = folders.find(folder)
        except InvalidInputError as error:
            error.add_note(f"The first file there is {paths[above.index(folder)]}; nothing was ingested.")
            raise

    def following(before: Mapping[str, str], names: Sequence[str]) -> Sequence[str]:
        # Most are as they were given: one text of each is enough.
        if all(text == f"{folder}/" for folder, text in before.items()):
            return paths
        return [before[folder] + name for folder, name in zip(above, names, strict=True)]

    places = following({folder: place for folder, (place, _) in found.items()}, names)
    plain = inside or _PLAIN.fullmatch("".join(names)) is not None
    shown = names if plain else [quote(name) for name in names]
    return following({folder: text for folder, (_, text) in found.items()}, shown), places, names


def _check_accepted(setup: FileSetup, datasets: DatasetTable) -> None:
    if not setup.constraints.accept and not setup.constraints.reject:
        return
    rejected = sum(not setup.constraints.accepts(ref) for ref in datasets)
    if rejected:
        problem = DatasetTypeNotSupportedError(datasets.dataset_type.name, setup.name)
        problem.add_note(f"{rejected} of {len(datasets)} datasets are rejected; none was ingested.")
        raise problem


class _Folders:
    """Where the files of each folder are, and how their places are recorded."""

    def __init__(self, setup: FileSetup, *, inside: bool) -> None:
        self._store = setup.store
        self._inside = inside
        self._known: dict[str, tuple[str, str]] = {}
        self._plain: set[str] = set()
        """Folders that are known to be no links; below them folders are told apart by one look each."""

    def find(self, folder: str) -> tuple[str, str]:
        """Give what stands before the name of a file: of its place, and of the recorded path."""
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = self._settle(folder)
        return known

    def _settle(self, folder: str) -> tuple[str, str]:
        text = folder or "."
        try:
            below = self._store.path_inside(f"{text.rstrip('/')}/file")
            if below is not None:
                check_stored_path(below)
        except PathOutsideRootError:
            raise PathOutsideRootError(f"The folder {text!r} is not inside the root of the datastore.") from None
        if below is not None:
            root = str(self._store.local_root)
            if has_link(root, os.path.dirname(f"{root}/{below}"), self._plain):
                below = self._store.without_links(below)
            prefix = below.removesuffix("file")
            if self._inside:
                return f"{self._store.local_root}/{prefix}", prefix
            # One path, by whatever link the repository was reached.
            place = self._store.real_path(prefix)
            return place, f"file://{quote(place)}"
        if self._inside:
            raise InvalidInputError(
                f"{folder} does not lie in the repository; say how its files are to get there (transfer)."
            )
        place = os.path.normpath(text)
        place = place if place.endswith("/") else f"{place}/"
        return place, f"file://{quote(place)}"


class _Formatters:
    """Which formatter reads the files of each extension."""

    def __init__(self, setup: FileSetup, datasets: DatasetTable, name: str | None) -> None:
        self._setup = setup
        self._name = name
        self._datasets = datasets
        self._known: dict[str, str] = {}
        self._choice: str | None = None

    def find(self, names: Sequence[str], places: Sequence[str]) -> list[str]:
        """Give the reader of each file."""
        last = names[-1]
        end = last[last.rfind(".") :]
        # Most files have one extension, which no name is without: looked for in all names at once.
        is_usual = end[:1] == "." and end in self._known and end not in COMPRESSIONS and end not in names
        if is_usual and all(map(str.endswith, names, repeat(end))):
            return [self._known[end]] * len(names)
        # The end of a name stands for its extension until it is known to have two (``.fits.gz``).
        ends = [name[dot:] if (dot := name.rfind(".")) > 0 else "" for name in names]
        for end in set(ends) - self._known.keys():
            if end not in COMPRESSIONS:
                self._known[end] = self._check(end, places[ends.index(end)])
        if COMPRESSIONS.isdisjoint(ends):
            return list(map(self._known.__getitem__, ends))
        return [self._find(name, end, place) for name, end, place in zip(names, ends, places, strict=True)]

    def _find(self, name: str, extension: str, place: str) -> str:
        if extension in COMPRESSIONS:
            extension = os.path.splitext(name[: -len(extension)])[1] + extension
        known = self._known.get(extension)
        if known is None:
            known = self._known[extension] = self._check(extension, place)
        return known

    def _check(self, extension: str, place: str) -> str:
        formatters = self._setup.formatters
        if self._choice is None:
            choice = formatters.find(self._datasets[0]) if self._name is None else formatters.named(self._name)
            self._choice = choice.name
        formatters.check_allowed(self._choice)
        try:
            load_formatter(self._choice).check_extension(extension)
        except InvalidInputError as error:
            error.add_note(f"The file is {place}; name another formatter for it, if there is one.")
            raise
        return self._choice


def _cannot(place: str, error: OSError | ValueError) -> PachonError:
    """Make the error that says that a file cannot be taken in."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return SourceFileNotFoundError(place)
    if isinstance(error, OSError):
        return StorageError(f"{place} cannot be looked at: {error.strerror or error}")
    return InvalidInputError(f"{place!r} is no path of a file: {error}.")


def _no_file(path: str) -> InvalidInputError:
    if ZIP_MEMBER in path.rpartition("/")[2]:
        return InvalidInputError(f"{path!r} cannot be ingested: {ZIP_MEMBER!r} names a member of a zip file.")
    return InvalidInputError(f"{path!r} is a folder and cannot be ingested; name its files.")


def _describe(places: Sequence[str]) -> tuple[list[int], list[str | None]]:
    """Give the sizes of files, and no checksums."""
    sizes: list[int] = []
    for start in range(0, len(places), _LOOKS):
        sizes += _sizes(places[start : start + _LOOKS])
    return sizes, [""] * len(places)


def _sizes(places: Sequence[str]) -> list[int]:
    looks: list[os.stat_result] = []
    failure: OSError | ValueError | None = None
    try:
        looks.extend(map(os.stat, places))
    except (OSError, ValueError) as error:
        failure = error
    # What was looked at before a failure is the first mistake, if it is one.
    if any(mode & _KIND != _REGULAR for mode in {status.st_mode for status in looks}):
        for place, status in zip(places, looks, strict=False):
            require_file(place, status)
    if failure is not None:
        raise _cannot(places[len(looks)], failure) from failure
    return [status.st_size for status in looks]


def _describe_and_sum_all(places: Sequence[str]) -> tuple[list[int], list[str | None]]:
    """Give sizes and checksums of files; None for the checksum of a large one, which a thread computes."""
    sizes: list[int] = []
    sums: list[str | None] = []
    # A pipe would wait for somebody who writes.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    # A function for each file, and the names of these, would take as long as the checksum.
    open_, look_at, read, close = os.open, os.fstat, os.read, os.close
    try:
        for place in places:
            descriptor = open_(place, flags)
            try:
                status = look_at(descriptor)
                if status.st_mode & _KIND != _REGULAR:
                    require_file(place, status)
                size = status.st_size
                data = read(descriptor, size + 1) if size <= _SMALL else None
            finally:
                close(descriptor)
            if data is not None and len(data) != size:
                raise StorageError(f"{place} changes while it is read; ingest it when it is complete.")
            sums.append(None if data is None else blake2b(data).hexdigest())
            sizes.append(size)
    except PachonError:
        raise
    except (OSError, ValueError) as error:
        raise _cannot(places[len(sizes)], error) from error
    return sizes, sums


def _sum_of(place: str) -> str:
    try:
        return checksum_of_file(place)
    except OSError as error:
        raise _cannot(place, error) from error


def _records(
    setup: FileSetup,
    datasets: DatasetTable,
    recorded: TextArray,
    readers: TextArray,
    sizes: np.ndarray,
    sums: TextArray,
) -> NewFileRecords:
    count = len(recorded)

    def same(value: str) -> TextArray:
        # np.full would make a text for each row.
        column = np.empty(count, dtype=object)
        column.fill(value)
        return column

    table = FileRecords(
        dataset_id=datasets.ids,
        component=same(""),
        path=recorded,
        formatter=readers,
        storage_class=same(datasets.dataset_type.storage_class),
        size=sizes,
        checksum=sums,
        datastore=same(setup.name),
    )
    table.check_lengths()
    return NewFileRecords.mark(table, np.zeros(count, dtype=np.bool_))
