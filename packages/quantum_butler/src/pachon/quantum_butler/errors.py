# SPDX-License-Identifier: BSD-3-Clause
"""What can go wrong when datasets of a graph are read and written.

::

    NotFoundError
    └── DatasetNotInGraphError     the graph (or the part of it that was opened) does not know the dataset
    InvalidInputError
    ├── NotPredictedError          the graph does not predict that the chosen quanta write it
    └── NoDatastoreError           the graph does not say where its files are
    ConflictError
    └── GraphMismatchError         the graph was built for another repository, or as it was before
    FormatError
    ├── GraphFileError             (in `column_file.layout`) a graph file is damaged, newer, or something else
    └── ReceiptError               a receipt is damaged, or something else
        └── NewerReceiptError      a receipt is of a newer version
"""

from __future__ import annotations

import uuid

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError
from pachon.base.hidden_secrets import hide_secrets

__all__ = [
    "DatasetNotInGraphError",
    "GraphMismatchError",
    "NewerReceiptError",
    "NoDatastoreError",
    "NotPredictedError",
    "ReceiptError",
]


class DatasetNotInGraphError(NotFoundError):
    """A dataset is none of those that the chosen quanta read or write."""

    kind = "dataset_not_in_graph"

    def __init__(self, dataset_type: str, dataset_id: uuid.UUID) -> None:
        super().__init__(dataset_type, dataset_id)
        self.dataset_type, self.dataset_id = dataset_type, dataset_id

    def __str__(self) -> str:
        return (
            f"Dataset {self.dataset_type!r} ({self.dataset_id}) is neither an input nor an output of the quanta that "
            "this butler was opened for."
        )


class NotPredictedError(InvalidInputError):
    """A dataset was to be written that is no output of the chosen quanta."""

    kind = "not_predicted"

    def __init__(self, dataset_type: str, dataset_id: uuid.UUID) -> None:
        super().__init__(dataset_type, dataset_id)
        self.dataset_type, self.dataset_id = dataset_type, dataset_id

    def __str__(self) -> str:
        return (
            f"Dataset {self.dataset_type!r} ({self.dataset_id}) was not predicted as an output of the quanta that this "
            "butler was opened for, and cannot be written by it."
        )


class NoDatastoreError(InvalidInputError):
    """A graph does not say how to open its datastore."""

    kind = "no_datastore"

    def __init__(self, graph: str) -> None:
        super().__init__(graph)
        self.graph = graph

    def __str__(self) -> str:
        return f"The {self.graph} does not say where its datasets are stored: build it with datastore records."


class ReceiptError(FormatError):
    """A receipt is damaged, or no receipt at all."""

    kind = "receipt"

    def __init__(self, uri: str, reason: str) -> None:
        super().__init__(uri, reason)
        self.uri, self.reason = uri, reason

    def __str__(self) -> str:
        return f"Cannot read {hide_secrets(self.uri)} as a receipt: {self.reason}."

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class NewerReceiptError(ReceiptError):
    """A receipt is of a version that is not known here."""

    kind = "newer_receipt"


class GraphMismatchError(ConflictError):
    """A graph was built for another repository, or the repository has changed since."""

    kind = "graph_mismatch"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.reason} Build the graph again."
