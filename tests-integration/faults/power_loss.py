# SPDX-License-Identifier: BSD-3-Clause
"""What a disk may hold after the power was cut: rebuilt from the log of ``write_shim.c``.

Modelled is the least that POSIX promises, which is less than ext4 or xfs usually give:

* The content of a file is safe as it was at the last ``fsync`` or ``fdatasync`` of the file. What was written later may be
  lost as a whole (`Loss.LEAST`), may have left only the length, with zeros (`Loss.ZEROED`: delayed allocation), may be there
  in some pages of 4096 bytes and not in others, in any order (`Loss.ANY`), or may be there (`Loss.MOST`).
* The names in a folder are safe as they were at the last ``fsync`` of that folder. An ``fsync`` of a file does not make its
  name safe. Of the later changes of a folder none, all, or the first few (a journal keeps their order) may be there; folders do
  not wait for each other. A rename within a folder is one change.
* What a folder holds is lost with the folder's own name.
* SQLite's shared memory (``-shm``) is written through a map, which the log does not see; it is dropped, and SQLite makes it
  anew. Its database and write-ahead log are files as any other.
* What was there when the recording began is safe.

All files have the time at which the recording began: a file that is much later than its writer was at work tells of a database that
was restored, and many cuts take minutes. Not modelled: a disk that lies about ``fsync``, sectors that are torn within a page, permissions, and
``fallocate``, ``sendfile`` and ``copy_file_range`` (the library refuses these; the log says so).
"""

from __future__ import annotations

import enum
import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from faults.write_shim import Event, Op

PAGE = 4096


class Loss(enum.Enum):
    """What becomes of what was not synced."""

    LEAST = "all is lost"
    ZEROED = "lengths without content"
    ANY = "some pages and names"
    MOST = "nothing is lost"


@dataclass(slots=True)
class File:
    """The content of a file, whatever its names are."""

    safe: bytes = b""
    now: bytearray = field(default_factory=bytearray)

    def write(self, offset: int, data: bytes) -> None:
        if len(self.now) < offset:
            self.now.extend(bytes(offset - len(self.now)))
        self.now[offset : offset + len(data)] = data

    def truncate(self, size: int) -> None:
        self.now = self.now[:size] + bytes(max(0, size - len(self.now)))

    def after(self, loss: Loss, chance: random.Random) -> bytes:
        """Give what may be read after the loss."""
        if loss is Loss.LEAST or self.safe == self.now:
            return self.safe
        if loss is Loss.MOST:
            return bytes(self.now)
        grown = self.safe[: len(self.now)] + bytes(max(0, len(self.now) - len(self.safe)))
        if loss is Loss.ZEROED:
            return grown
        pages = [(self.now if chance.random() < 0.5 else grown)[at : at + PAGE] for at in range(0, len(self.now), PAGE)]
        kept = b"".join(map(bytes, pages))
        return kept if chance.random() < 0.7 else kept[: len(self.safe)]


@dataclass(slots=True)
class Folder:
    """The names in a folder: those that are safe, and changes that may not be."""

    safe: dict[str, Node] = field(default_factory=dict)
    changes: list[Callable[[dict[str, Node]], object]] = field(default_factory=list)
    now: dict[str, Node] = field(default_factory=dict)

    def change(self, act: Callable[[dict[str, Node]], object]) -> None:
        self.changes.append(act)
        act(self.now)

    def sync(self) -> None:
        self.safe, self.changes = dict(self.now), []

    def after(self, loss: Loss, chance: random.Random) -> dict[str, Node]:
        """Give the names that may be there after the loss."""
        number = {Loss.LEAST: 0, Loss.ZEROED: len(self.changes), Loss.MOST: len(self.changes)}.get(loss)
        names = dict(self.safe)
        for act in self.changes[: chance.randint(0, len(self.changes)) if number is None else number]:
            act(names)
        return names


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


Node = File | Folder | Link


class Disk:
    """A folder, as the log changes it step by step.

    Parameters
    ----------
    top
        The folder as it is when the recording begins; it is copied to memory.
    """

    def __init__(self, top: Path) -> None:
        self._top = str(top)
        self._began_ns = time.time_ns()
        self.ignore_sync: Callable[[str], bool] = lambda path: False
        """Tells of which paths syncs have no effect, to show that a missing one would be found."""
        self._inodes: dict[int, File] = {}
        self._folders: dict[str, Folder] = {self._top: Folder()}
        for where, folders, files in os.walk(top):
            for name in folders + files:
                path = f"{where}/{name}"
                self._folders[where].now[name] = self._read(path)
        for folder in self._folders.values():
            folder.sync()

    def _read(self, path: str) -> Node:
        if os.path.islink(path):
            return Link(os.readlink(path))
        if os.path.isdir(path):
            self._folders[path] = Folder()
            return self._folders[path]
        file = self._inodes.setdefault(os.stat(path).st_ino, File())
        file.now = bytearray(Path(path).read_bytes())
        file.safe = bytes(file.now)
        return file

    def apply(self, event: Event) -> None:
        """Do what the log says."""
        if event.failed or event.op is Op.MARK:
            return
        where, _, name = event.path.rpartition("/")
        if event.op in (Op.WRITE, Op.TRUNCATE):
            file = self._inodes[event.inode]
            if event.op is Op.WRITE:
                file.write(event.offset, event.data)
            else:
                file.truncate(event.offset)
        elif event.op is Op.SYNC:
            self._sync(event)
        elif event.op is Op.CREATE:
            made = self._inodes[event.inode] = File()
            self._folders[where].change(lambda names: names.__setitem__(name, made))
        elif event.op is Op.MKDIR:
            folder = self._folders[event.path] = Folder()
            self._folders[where].change(lambda names: names.__setitem__(name, folder))
        elif event.op is Op.SYMLINK:
            self._folders[where].change(lambda names: names.__setitem__(name, Link(event.other)))
        elif event.op in (Op.UNLINK, Op.RMDIR):
            self._folders[where].change(lambda names: names.pop(name, None))
        elif event.op is Op.LINK:
            self._add(event.other, self._inodes[event.inode])
        elif event.op is Op.RENAME:
            self._rename(event)
        else:
            raise AssertionError(f"{event.path} is not modelled")

    def _sync(self, event: Event) -> None:
        if self.ignore_sync(event.path):
            return
        if event.path in self._folders:
            self._folders[event.path].sync()
        else:
            file = self._inodes[event.inode]
            file.safe = bytes(file.now)

    def _add(self, path: str, node: Node) -> None:
        where, _, name = path.rpartition("/")
        self._folders[where].change(lambda names: names.__setitem__(name, node))

    def _rename(self, event: Event) -> None:
        where, _, name = event.path.rpartition("/")
        there, _, new = event.other.rpartition("/")
        node = self._folders[where].now[name]
        assert not isinstance(node, Folder), "a folder is renamed, which is not modelled"

        def move(names: dict[str, Node]) -> None:
            names.pop(name, None)
            names[new] = node

        if where == there:
            self._folders[where].change(move)
        else:
            self._folders[where].change(lambda names: names.pop(name, None))
            self._add(event.other, node)

    def write_to(self, place: Path, loss: Loss, chance: random.Random) -> None:
        """Write what may be left to a new folder."""
        self._write(self._folders[self._top], place, loss, chance)

    def _write(self, folder: Folder, place: Path, loss: Loss, chance: random.Random) -> None:
        place.mkdir()
        for name, node in sorted(folder.after(loss, chance).items()):
            if isinstance(node, Folder):
                self._write(node, place / name, loss, chance)
            elif isinstance(node, Link):
                (place / name).symlink_to(node.target)
            elif not name.endswith("-shm"):
                (place / name).write_bytes(node.after(loss, chance))
                os.utime(place / name, ns=(self._began_ns, self._began_ns))


def cuts_of(events: Sequence[Event], count: int, chance: random.Random) -> list[tuple[int, Loss]]:
    """Choose after how many events the power is cut: before and after syncs first of all, else anywhere.

    All syncs are among them if there is room.
    """
    syncs = [n for n, event in enumerate(events) if event.op is Op.SYNC]
    edges = [(n + after, loss) for n in syncs for after in (0, 1) for loss in (Loss.LEAST, Loss.ANY, Loss.ZEROED)]
    chance.shuffle(edges)
    edges = edges[: count * 3 // 4]
    anywhere = [(chance.randint(0, len(events)), chance.choice(list(Loss))) for _ in range(count - len(edges))]
    return sorted(edges + anywhere, key=lambda cut: cut[0])
