# SPDX-License-Identifier: BSD-3-Clause
"""What a datastore remembers of its files: one row a file, in bulk as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, Self
from urllib.parse import quote, unquote
from uuid import UUID

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pachon.base import InvalidInputError

__all__ = [
    "FILE_RECORD_COLUMNS",
    "ZIP_MEMBER",
    "FileRecords",
    "IdArray",
    "NewFileRecords",
    "RecordColumn",
    "StoredFile",
    "TextArray",
    "absolute_paths",
    "file_part",
    "is_owned",
    "path_below",
    "text_array",
]

ZIP_MEMBER = "#zip-path="
"""What separates the path of a zip file from that of its member."""

IdArray = NDArray[np.uint8]
"""Dataset ids, shape (n, 16): the bytes of each UUID."""

TextArray = NDArray[np.object_]
"""Text, shape (n,): `str` objects, never None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordColumn:
    """A column of the record table, for whoever keeps it."""

    name: str
    type: Literal["uuid", "text", "int"]
    length: int | None = None
    """Largest number of characters of a text."""
    key: bool = False
    """Whether the column belongs to the primary key."""
    doc: str = ""


FILE_RECORD_COLUMNS = (
    RecordColumn(name="dataset_id", type="uuid", key=True, doc="Id of the dataset (the parent's, for a component)."),
    RecordColumn(name="component", type="text", length=128, key=True, doc="Component in the file; '' for all."),
    RecordColumn(name="path", type="text", length=1024, doc="Path below the root, or an absolute URI (not owned)."),
    RecordColumn(name="formatter", type="text", length=128, doc="Registered name of the formatter that reads it."),
    RecordColumn(name="storage_class", type="text", length=128, doc="Storage class of what the file holds."),
    RecordColumn(name="size", type="int", doc="Bytes; -1 if it was not recorded."),
    RecordColumn(name="checksum", type="text", length=128, doc="BLAKE2b of the bytes, hexadecimal; '' if not known."),
    RecordColumn(name="datastore", type="text", length=128, doc="Name of the datastore that has the file."),
)
"""The columns of `FileRecords`, in order; ``(dataset_id, component)`` is the primary key."""
_LENGTHS = tuple((column.name, column.length) for column in FILE_RECORD_COLUMNS if column.length is not None)
_LEAST = min(length for _, length in _LENGTHS)
"""What fits into every one of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """One file that holds a dataset, a component of one, or (with its siblings) several datasets."""

    dataset_id: UUID
    path: str
    """Path below the root, quoted by nothing, ``/`` between parts; or an absolute URI, which is not owned."""
    formatter: str
    storage_class: str
    component: str | None = None
    """The component that the file holds, if the dataset was taken apart; None for a whole dataset."""
    size: int | None = None
    """Bytes."""
    checksum: str | None = None
    """BLAKE2b, hexadecimal, of all bytes of the file."""
    datastore: str = ""

    @property
    def owned(self) -> bool:
        """Whether the file lies below the root, so that the datastore may remove it."""
        return is_owned(self.path)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FileRecords:
    """Rows of `StoredFile` as columns of equal length (see `FILE_RECORD_COLUMNS`)."""

    dataset_id: IdArray
    component: TextArray
    path: TextArray
    formatter: TextArray
    storage_class: TextArray
    size: NDArray[np.int64]
    checksum: TextArray
    datastore: TextArray

    def __post_init__(self) -> None:
        if self.dataset_id.ndim != 2 or self.dataset_id.shape[1] != 16:
            raise InvalidInputError(f"Dataset ids have shape {self.dataset_id.shape}; (n, 16) is needed.")
        rows = len(self.dataset_id)
        if not (
            rows == len(self.component) == len(self.path) == len(self.formatter) == len(self.storage_class)
            and rows == len(self.size) == len(self.checksum) == len(self.datastore)
        ):
            lengths = {field.name: len(getattr(self, field.name)) for field in fields(self)}
            raise InvalidInputError(f"The columns of file records differ in length: {lengths}.")

    @staticmethod
    def empty() -> FileRecords:
        """Make a table without rows."""
        return FileRecords.from_rows(())

    @staticmethod
    def from_columns(columns: Mapping[str, ArrayLike | Sequence[object]]) -> FileRecords:
        """Make a table of columns in any array form; ``datastore`` is optional."""
        ids = np.asarray(columns["dataset_id"], dtype=np.uint8).reshape(-1, 16)
        texts = {
            c.name: text_array(columns.get(c.name, ("",) * len(ids))) for c in FILE_RECORD_COLUMNS if c.type == "text"
        }
        return FileRecords(dataset_id=ids, size=np.asarray(columns["size"], dtype=np.int64), **texts)

    @staticmethod
    def from_rows(rows: Iterable[StoredFile]) -> FileRecords:
        """Make a table of rows."""
        rows = tuple(rows)
        ids = np.frombuffer(b"".join(row.dataset_id.bytes for row in rows), dtype=np.uint8).reshape(-1, 16)
        return FileRecords(
            dataset_id=ids,
            component=text_array([row.component or "" for row in rows]),
            path=text_array([row.path for row in rows]),
            formatter=text_array([row.formatter for row in rows]),
            storage_class=text_array([row.storage_class for row in rows]),
            size=np.array([-1 if row.size is None else row.size for row in rows], dtype=np.int64),
            checksum=text_array([row.checksum or "" for row in rows]),
            datastore=text_array([row.datastore for row in rows]),
        )

    @classmethod
    def concat(cls, tables: Iterable[Self]) -> Self:
        """Put tables one below the other."""
        tables = tuple(tables)
        if not tables:
            return cls.from_table(FileRecords.empty())
        return cls(**{f.name: np.concatenate([getattr(table, f.name) for table in tables]) for f in fields(cls)})

    @classmethod
    def from_table(cls, table: FileRecords) -> Self:
        """Make a table of this class of the columns of another."""
        return cls(**table.columns())  # type: ignore[arg-type]  # the columns have their names

    def columns(self) -> dict[str, NDArray[np.generic]]:
        """Give the columns by name, in order; nothing is copied."""
        return {column.name: getattr(self, column.name) for column in FILE_RECORD_COLUMNS}

    def __len__(self) -> int:
        return len(self.size)

    def row(self, index: int) -> StoredFile:
        """Give one row as a value."""
        size = int(self.size[index])
        return StoredFile(
            dataset_id=UUID(bytes=self.dataset_id[index].tobytes()),
            path=self.path[index],
            formatter=self.formatter[index],
            storage_class=self.storage_class[index],
            component=self.component[index] or None,
            size=None if size < 0 else size,
            checksum=self.checksum[index] or None,
            datastore=self.datastore[index],
        )

    def rows(self) -> Iterator[StoredFile]:
        """Iterate over the rows as values."""
        return map(self.row, range(len(self)))

    def take(self, indices: ArrayLike) -> Self:
        """Choose rows by a boolean mask or by indices."""
        chosen = np.asarray(indices)
        if chosen.size == 0 and chosen.dtype != np.bool_:
            chosen = chosen.astype(np.int64)
        return type(self)(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def of_dataset(self, dataset_id: UUID) -> Self:
        """Choose the rows of one dataset."""
        wanted = np.frombuffer(dataset_id.bytes, dtype=np.uint8)
        mask = (self.dataset_id == wanted).all(axis=1)
        return self if mask.all() else self.take(mask)

    def owned(self) -> NDArray[np.bool_]:
        """Tell for each row whether the file lies below the root (an absolute URI is somebody else's)."""
        return np.array([is_owned(path) for path in self.path], dtype=np.bool_)

    def check_lengths(self) -> None:
        """Refuse text that is longer than its column; SQLite would store it without a word.

        Raises
        ------
        InvalidInputError
            Names the column, the limit and the text.
        """
        if len(self) == 1 and max(map(len, self._texts(0))) <= _LEAST:
            return
        for name, most in _LENGTHS:
            texts = getattr(self, name).tolist()
            if len(texts) > 1 and texts[0] == texts[-1] and texts.count(texts[0]) == len(texts):
                del texts[1:]
            if (len(texts[0]) if len(texts) == 1 else max(map(len, texts), default=0)) > most:
                text = next(text for text in texts if len(text) > most)
                raise InvalidInputError(
                    f"A file record's {name} holds at most {most} characters; "
                    f"this one has {len(text)}: {text[:80]!r}..."
                )

    def _texts(self, index: int) -> tuple[str, str, str, str, str, str]:
        return (
            self.component[index],
            self.path[index],
            self.formatter[index],
            self.storage_class[index],
            self.checksum[index],
            self.datastore[index],
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FileRecords):
            return NotImplemented
        return all(np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self))

    __hash__ = None  # type: ignore[assignment]  # arrays can change


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewFileRecords(FileRecords):
    """Records of files that are written but not committed yet: they know which files the call made.

    An ingest of files that lie in their place already makes none; giving up must leave those alone.
    """

    created: NDArray[np.bool_]
    """Whether the call made the file of this row."""

    @classmethod
    def mark(cls, table: FileRecords, created: NDArray[np.bool_]) -> NewFileRecords:
        """Make records that know which files were made."""
        return cls(**table.columns(), created=created)  # type: ignore[arg-type]  # the columns have their names

    @classmethod
    def from_table(cls, table: FileRecords) -> NewFileRecords:
        return cls.mark(table, np.zeros(len(table), dtype=np.bool_))


def is_owned(path: str) -> bool:
    """Tell whether a recorded path lies below the root; an absolute URI does not."""
    return "://" not in path and not path.startswith("/")


def file_part(path: str) -> str:
    """Give the path of the file itself, for one that names a member of a zip file."""
    return path.partition(ZIP_MEMBER)[0]


def absolute_paths(roots: Sequence[str], paths: Iterable[str]) -> list[str]:
    """Give the other paths that rows may have for files below a root: the absolute ones of a ``direct`` ingest.

    ``roots`` are URIs of the root, each with a slash at its end.
    """
    quoted = [quote(path) for path in paths]
    return [f"{root}{path}" for root in roots for path in quoted]


def path_below(roots: Sequence[str], path: str) -> str:
    """Give the path below a root of an absolute path that leads there, and any other path as it is."""
    return next((unquote(path[len(root) :]) for root in roots if path.startswith(root)), path)


def text_array(values: ArrayLike | Sequence[object]) -> TextArray:
    """Make a column of texts."""
    # np.array(list of str) would make a fixed-width array, padded to the longest path.
    if isinstance(values, np.ndarray) and values.dtype == object:
        return values
    items = list(values)  # type: ignore[arg-type]  # ArrayLike also allows scalars, which are no column
    column = np.empty(len(items), dtype=object)
    column[:] = items
    return column
