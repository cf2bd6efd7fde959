# SPDX-License-Identifier: BSD-3-Clause
"""Operations on a repository as values: how each is done, and which states it may leave when it is cut off."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from faults.state import CALIBRATIONS, TAG, Key, State, content, make_object
from pachon.base import ConflictError
from pachon.butler import Butler
from pachon.datasets import DatasetRef, FileDataset
from pachon.dimensions import Timespan
from pachon.resources.local_files import create_file

SPAN = Timespan("2026-01-01T00:00:00", "2026-01-02T00:00:00")


class Operation(ABC):
    """One call of the butler, or a block of several."""

    @property
    def name(self) -> str:
        """Kind of the operation, for messages and statistics."""
        return type(self).__name__

    def prepare(self, folder: Path) -> None:  # noqa: B027 (most take no files in)
        """Make the files that it takes in; nothing is done about those that are there."""

    @abstractmethod
    def apply(self, butler: Butler, folder: Path) -> None:
        """Do it."""

    @abstractmethod
    def states(self, before: State) -> list[State]:
        """Give what may be found if it is cut off: first what was before, last what is there when it is done."""

    def check_sources(self, folder: Path, *, done: bool) -> None:  # noqa: B027 (most take no files in)
        """Check that nothing was lost outside of the repository."""


def refs_of(butler: Butler, keys: Iterable[Key]) -> list[DatasetRef]:
    """Find datasets, which must be known."""
    found = []
    for key in keys:
        ref = butler.find_dataset(key.type, detector=key.detector, instrument="Cam", collections=key.run)
        assert ref is not None, key
        found.append(ref)
    return found


@dataclass(frozen=True, kw_only=True)
class Put(Operation):
    key: Key
    number: int

    def apply(self, butler: Butler, folder: Path) -> None:
        butler.put(
            make_object(self.key, self.number), self.key.type, detector=self.key.detector, instrument="Cam",
            run=self.key.run,
        )  # fmt: skip

    def states(self, before: State) -> list[State]:
        return [before, before.with_datasets({self.key: self.number})]


@dataclass(frozen=True, kw_only=True)
class PutTwice(Operation):
    """A put of what is there already: it writes a file, meets the conflict, and removes that file."""

    key: Key
    number: int

    def apply(self, butler: Butler, folder: Path) -> None:
        try:
            Put(key=self.key, number=self.number).apply(butler, folder)
        except ConflictError:
            return
        raise AssertionError(f"{self.key} was put twice")

    def states(self, before: State) -> list[State]:
        return [before]


@dataclass(frozen=True, kw_only=True)
class PutMany(Operation):
    """All of these datasets are in one run."""

    values: Mapping[Key, int]

    def apply(self, butler: Butler, folder: Path) -> None:
        (run,) = {key.run for key in self.values}
        items = [
            (make_object(key, n), key.type, {"detector": key.detector, "instrument": "Cam"})
            for key, n in self.values.items()
        ]
        butler.put_many(items, run=run)

    def states(self, before: State) -> list[State]:
        return [before, before.with_datasets(self.values)]


@dataclass(frozen=True, kw_only=True)
class PutAgain(Operation):
    """A put by reference of a dataset that is known and not stored."""

    key: Key
    number: int

    def apply(self, butler: Butler, folder: Path) -> None:
        butler.put(make_object(self.key, self.number), refs_of(butler, [self.key])[0])

    def states(self, before: State) -> list[State]:
        return [before, before.with_datasets({self.key: self.number})]


@dataclass(frozen=True, kw_only=True)
class Ingest(Operation):
    """Files are taken in; ``mode`` ``inside`` means files that lie below the root already."""

    values: Mapping[Key, int]
    mode: str

    @property
    def name(self) -> str:
        return f"Ingest {self.mode}"

    def source(self, butler_root: Path, folder: Path, key: Key) -> Path:
        name = f"{self.values[key]}.yaml"
        return butler_root / "inside" / name if self.mode == "inside" else folder / name

    def prepare(self, folder: Path) -> None:
        for key in self.values if self.mode != "inside" else ():
            self._write(self.source(folder, folder, key), key)

    def _write(self, path: Path, key: Key) -> None:
        """Write a source, safely: a file that is ingested in place is as safe as whoever wrote it made it."""
        if not path.exists():
            data = yaml.safe_dump(content(self.values[key])).encode()
            create_file(str(path), lambda stream: stream.write(data))

    def apply(self, butler: Butler, folder: Path) -> None:
        (run,) = {key.run for key in self.values}
        root = Path(butler.root.ospath)
        files = []
        for key in self.values:
            path = self.source(root, folder, key)
            if self.mode == "inside":
                self._write(path, key)
            data_id = {"instrument": "Cam", "detector": key.detector}
            files.append(FileDataset(path, dataset_type=key.type, data_ids=data_id))
        butler.ingest(files, run=run, transfer=None if self.mode == "inside" else self.mode)

    def states(self, before: State) -> list[State]:
        return [before, before.with_datasets(self.values)]

    def check_sources(self, folder: Path, *, done: bool) -> None:
        for key in self.values if self.mode != "inside" else ():
            path = self.source(folder, folder, key)
            if self.mode == "move" and done:
                continue
            assert yaml.safe_load(path.read_text()) == content(self.values[key]), f"{self.name} lost {path}"


@dataclass(frozen=True, kw_only=True)
class Prune(Operation):
    """Datasets are removed: their files, or all of them."""

    keys: tuple[Key, ...]
    purge: bool

    @property
    def name(self) -> str:
        return "Purge" if self.purge else "Prune"

    def apply(self, butler: Butler, folder: Path) -> None:
        butler.prune(refs_of(butler, self.keys), purge=self.purge)

    def states(self, before: State) -> list[State]:
        return [before, before.without(self.keys) if self.purge else before.with_datasets(dict.fromkeys(self.keys))]


@dataclass(frozen=True, kw_only=True)
class Trash(Operation):
    keys: tuple[Key, ...]

    def apply(self, butler: Butler, folder: Path) -> None:
        butler.trash(refs_of(butler, self.keys))

    def states(self, before: State) -> list[State]:
        return [before, before.with_datasets(dict.fromkeys(self.keys))]


@dataclass(frozen=True, kw_only=True)
class EmptyTrash(Operation):
    def apply(self, butler: Butler, folder: Path) -> None:
        butler.empty_trash()

    def states(self, before: State) -> list[State]:
        return [before]


@dataclass(frozen=True, kw_only=True)
class Repair(Operation):
    """``fsck --repair`` that minds no age."""

    def apply(self, butler: Butler, folder: Path) -> None:
        butler.fsck(repair=True, min_age=0.0)

    def states(self, before: State) -> list[State]:
        return [before]


@dataclass(frozen=True, kw_only=True)
class RemoveRun(Operation):
    """A run goes, one dataset type after the other: what is in between is allowed."""

    run: str

    def apply(self, butler: Butler, folder: Path) -> None:
        if self.run in butler.collections.query("*"):
            butler.remove_runs(self.run)

    def states(self, before: State) -> list[State]:
        mine = [key for key in before.datasets if key.run == self.run]
        kinds = sorted({key.type for key in mine})
        subsets = [[kind for n, kind in enumerate(kinds) if number >> n & 1] for number in range(1 << len(kinds))]
        return [before.without(key for key in mine if key.type in subset) for subset in subsets]


@dataclass(frozen=True, kw_only=True)
class Associate(Operation):
    keys: tuple[Key, ...]
    undo: bool = False

    @property
    def name(self) -> str:
        return "Disassociate" if self.undo else "Associate"

    def apply(self, butler: Butler, folder: Path) -> None:
        act = butler.collections.disassociate if self.undo else butler.collections.associate
        act(TAG, refs_of(butler, self.keys))

    def states(self, before: State) -> list[State]:
        mine = frozenset(self.keys)
        return [before, replace(before, tagged=before.tagged - mine if self.undo else before.tagged | mine)]


@dataclass(frozen=True, kw_only=True)
class Certify(Operation):
    keys: tuple[Key, ...]

    def apply(self, butler: Butler, folder: Path) -> None:
        butler.collections.certify(CALIBRATIONS, refs_of(butler, self.keys), SPAN)

    def states(self, before: State) -> list[State]:
        return [before, replace(before, certified=before.certified | frozenset(self.keys))]


class _BlockError(Exception):
    """What makes a block fail on purpose."""


@dataclass(frozen=True, kw_only=True)
class Transaction(Operation):
    """A block; one that fails is caught outside and has done nothing."""

    parts: tuple[Operation, ...]
    fails: bool = False

    def prepare(self, folder: Path) -> None:
        for part in self.parts:
            part.prepare(folder)

    def apply(self, butler: Butler, folder: Path) -> None:
        try:
            with butler.transaction():
                for part in self.parts:
                    part.apply(butler, folder)
                if self.fails:
                    raise _BlockError
        except _BlockError:
            if not self.fails:
                raise

    def states(self, before: State) -> list[State]:
        after = before
        for part in self._lasting():
            after = part.states(after)[-1]
        return [before, after]

    def check_sources(self, folder: Path, *, done: bool) -> None:
        for part in self.parts:
            lasting = done and not self.fails and not (isinstance(part, Transaction) and part.fails)
            part.check_sources(folder, done=lasting)

    def _lasting(self) -> Iterator[Operation]:
        return iter(() if self.fails else self.parts)
