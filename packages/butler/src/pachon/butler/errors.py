# SPDX-License-Identifier: BSD-3-Clause
"""The butler's own errors, below the classes of `pachon.base.errors`.

::

    NotFoundError
    ├── RepositoryNotFoundError (FileNotFoundError)  the path or label names no repository
    ├── DatasetNotFoundError                         no such dataset in the collections
    └── UnstoredDatasetsError (FileNotFoundError)    datasets have no files: leave them out
    ConflictError
    ├── RepositoryExistsError (FileExistsError)      the path holds a repository already
    ├── WriterEndedError                             a sweep took this process for dead: do it again
    ├── FileRemovedMeanwhileError                    another dataset's removal took the file: ingest a copy
    └── RetrievalConflictError (FileExistsError)     two retrieved files would have one name
    InvalidInputError
    ├── RepositoryConfigError                        mend butler.yaml, or what was given to create
    ├── ClosedButlerError                            it was closed: open another
    └── NotTransactionalError                        end the transaction() block first
    StorageError
    └── CommitUnknownError                           the database went away in a commit: look, then repeat
    FormatError
    └── ForeignRepositoryError                       a repository of LSST's packages, or of a newer pachon
"""

from __future__ import annotations

from collections.abc import Sequence

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError, StorageError
from pachon.base.counting import counted

__all__ = [
    "ClosedButlerError",
    "CommitUnknownError",
    "DatasetNotFoundError",
    "FileRemovedMeanwhileError",
    "ForeignRepositoryError",
    "NotTransactionalError",
    "RepositoryConfigError",
    "RepositoryExistsError",
    "RepositoryNotFoundError",
    "RetrievalConflictError",
    "UnstoredDatasetsError",
    "WriterEndedError",
]


class RepositoryNotFoundError(NotFoundError, FileNotFoundError):
    """There is no repository at a path, or of a label."""

    kind = "repository_not_found"

    def __init__(self, root: str, hint: str = "") -> None:
        super().__init__(root, hint)
        self.root, self.hint = root, hint

    def __str__(self) -> str:
        if self.root.rstrip("/").endswith(".qg"):
            return (
                f"{self.root!r} is no repository, and named as a quantum graph; --help says which argument comes first."
            )
        return f"There is no repository at {self.root!r}; 'butler create' makes one.{self.hint}"


class RepositoryExistsError(ConflictError, FileExistsError):
    """A repository cannot be made where one is."""

    kind = "repository_exists"

    def __init__(self, root: str, found: str) -> None:
        super().__init__(root, found)
        self.root, self.found = root, found

    def __str__(self) -> str:
        return f"{self.root!r} holds {self.found} already; choose another place."


class FileRemovedMeanwhileError(ConflictError):
    """A file that was ingested where it lies was removed at the same time, as that of another dataset."""

    kind = "file_removed_meanwhile"

    def __init__(self, path: str, is_there: bool) -> None:
        super().__init__(path, is_there)
        self.path, self.is_there = path, is_there

    def __str__(self) -> str:
        if self.is_there:
            return (
                f"The file {self.path!r} is in the trash, as that of a removed dataset, and may be deleted at any moment; "
                "nothing was ingested. Ingest a copy of it (transfer='copy')."
            )
        return (
            f"The file {self.path!r} was removed while it was ingested, perhaps with another dataset that it belonged to; "
            "nothing was ingested."
        )


class RetrievalConflictError(ConflictError, FileExistsError):
    """Two files cannot be retrieved under one name."""

    kind = "retrieval_conflict"

    def __init__(self, name: str, paths: tuple[str, str]) -> None:
        super().__init__(name, paths)
        self.name, self.paths = name, paths

    def __str__(self) -> str:
        first, second = self.paths
        return (
            f"{first!r} and {second!r} would both be retrieved as {self.name!r}; keep the folders (preserve_path=True)."
        )


class RepositoryConfigError(InvalidInputError):
    """The configuration of a repository is wrong."""

    kind = "repository_config"


class ForeignRepositoryError(FormatError):
    """A repository that this version of pachon cannot open."""

    kind = "incompatible_version"


class ClosedButlerError(InvalidInputError):
    """A butler was used after it was closed."""

    kind = "closed"

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.root = root

    def __str__(self) -> str:
        return f"The butler of {self.root!r} is closed; open another one."


class NotTransactionalError(InvalidInputError):
    """An operation was asked for inside a transaction block that cannot be part of one."""

    kind = "not_transactional"

    def __init__(self, operation: str) -> None:
        super().__init__(operation)
        self.operation = operation

    def __str__(self) -> str:
        return f"{self.operation} cannot be a part of a transaction; call it after the block."


class DatasetNotFoundError(NotFoundError):
    """No dataset of a type and data ID is in the collections that were searched."""

    kind = "dataset_not_found"

    def __init__(self, dataset_type: str, data_id: str, collections: Sequence[str]) -> None:
        super().__init__(dataset_type, data_id, tuple(collections))
        self.dataset_type, self.data_id, self.collections = dataset_type, data_id, tuple(collections)

    def __str__(self) -> str:
        where = ", ".join(self.collections) or "no collections"
        return f"No {self.dataset_type!r} with {self.data_id} in {where}."


class UnstoredDatasetsError(NotFoundError, FileNotFoundError):
    """Files of datasets are wanted that have none, since they were unstored or never stored."""

    kind = "unstored_datasets"

    def __init__(self, unstored: int, total: int, first: str) -> None:
        super().__init__(unstored, total, first)
        self.unstored, self.total, self.first = unstored, total, first

    def __str__(self) -> str:
        return (
            f"{self.unstored} of {counted(self.total, 'dataset')} cannot be retrieved, as they are not stored (any more), "
            f"{self.first} for one; nothing was copied. Say skip_unstored=True to leave them out."
        )


class WriterEndedError(ConflictError):
    """A sweep has declared this writer dead, so it cannot commit what it wrote."""

    kind = "writer_ended"

    def __init__(self, token: str) -> None:
        super().__init__(token)
        self.token = token

    def __str__(self) -> str:
        return (
            f"Writer {self.token!r} was declared dead by 'butler fsck --repair' while it wrote; nothing was registered: "
            "do it again."
        )


class CommitUnknownError(StorageError):
    """The database went away in a commit, and did not come back to say what became of it."""

    kind = "commit_unknown"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return (
            "The database went away in a commit, which may or may not have taken place; nothing was undone. "
            f"Look before you repeat it. ({self.reason})"
        )
