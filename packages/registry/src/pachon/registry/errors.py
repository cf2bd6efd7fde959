# SPDX-License-Identifier: BSD-3-Clause
"""The registry's own errors, below the classes of `pachon.base.errors`.

::

    NotFoundError       MissingCollectionError, MissingDatasetTypeError
    ConflictError       ConflictingDefinitionError, OrphanedRecordError, CalibrationLookupError, SealedRunError,
                        IncompatibleUniverseError
    InvalidInputError   CollectionTypeError, CollectionCycleError, CollectionExpressionError, NoDefaultCollectionError,
                        DatasetTypeError, InvalidQueryError (Syntax, Type, Name, Governor, Join), UnimplementedQueryError
    StorageError        DatabaseError, DatabaseBusyError, DatabaseFullError, TransactionConflictError
    FormatError         SchemaVersionError

Data IDs which name nothing, or contradict themselves, have the errors of `pachon.dimensions`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from pachon.base import ConflictError, FormatError, InvalidInputError, NotFoundError, StorageError, closest

__all__ = [
    "CalibrationLookupError",
    "CollectionCycleError",
    "CollectionExpressionError",
    "CollectionTypeError",
    "ConflictingDefinitionError",
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseFullError",
    "DatasetTypeError",
    "IncompatibleUniverseError",
    "InvalidQueryError",
    "MissingCollectionError",
    "MissingDatasetTypeError",
    "NoDefaultCollectionError",
    "OrphanedRecordError",
    "QueryGovernorError",
    "QueryJoinError",
    "QueryNameError",
    "QuerySyntaxError",
    "QueryTypeError",
    "SchemaVersionError",
    "SealedRunError",
    "TransactionConflictError",
    "UnimplementedQueryError",
]

_LONG_LINE = 120
_SHOWN_BEFORE = 60
"""Characters of a line that are shown, and how many of them before the place that is wrong."""


class MissingCollectionError(NotFoundError):
    """A collection of this name does not exist."""

    kind = "missing_collection"

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(name)
        self.name = name
        self.suggestion = closest(name, known)
        if "," in name:
            parts = [part.strip() for part in name.split(",") if part.strip()]
            self.suggestion = f" Several collections are given as a list of names: {parts}."

    def __str__(self) -> str:
        return f"There is no collection {self.name!r}.{self.suggestion}"


class MissingDatasetTypeError(NotFoundError):
    """A dataset type of this name is not registered."""

    kind = "missing_dataset_type"

    def __init__(self, name: str, known: Iterable[str] = ()) -> None:
        super().__init__(name)
        self.name = name
        self.suggestion = closest(name, known)

    def __str__(self) -> str:
        return f"There is no dataset type {self.name!r}.{self.suggestion}"


class ConflictingDefinitionError(ConflictError):
    """Something else is registered under the same name, id or data ID."""

    kind = "conflicting_definition"


class SealedRunError(ConflictError):
    """A run is sealed and takes no further datasets."""

    kind = "sealed_run"

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.run = run

    def __str__(self) -> str:
        return f"Run {self.run!r} is sealed and takes no further datasets; unseal it, or write into another run."


class OrphanedRecordError(ConflictError):
    """Something cannot be removed while other things refer to it."""

    kind = "orphaned_record"


class CalibrationLookupError(ConflictError):
    """Several calibrations are valid where one is wanted."""

    kind = "calibration_lookup"


class CollectionTypeError(InvalidInputError):
    """A collection is not of the type that the operation needs."""

    kind = "collection_type"


class CollectionCycleError(InvalidInputError):
    """A chain would contain itself."""

    kind = "collection_cycle"


class CollectionExpressionError(InvalidInputError):
    """A collection name is malformed, or a pattern stands where only names may."""

    kind = "collection_expression"


class NoDefaultCollectionError(InvalidInputError):
    """Collections are needed and none were given."""

    kind = "no_default_collection"


class DatasetTypeError(InvalidInputError):
    """A dataset type does not allow what was asked of it."""

    kind = "dataset_type"


class DatabaseError(StorageError):
    """The database failed; nothing of the call was written."""

    kind = "database"


class DatabaseFullError(DatabaseError):
    """The disk is full; whatever was to be committed is not, also if only the commit has failed."""

    kind = "database_full"


class DatabaseBusyError(DatabaseError):
    """Another process held the database's write lock for too long."""

    kind = "database_busy"


class TransactionConflictError(DatabaseBusyError):
    """Another client changed the same rows at the same time; nothing was written, and trying again may succeed."""

    kind = "transaction_conflict"


class SchemaVersionError(FormatError):
    """The database's schema is not one that this version of pachon can use."""

    kind = "schema_version"


class IncompatibleUniverseError(ConflictError):
    """A registry cannot get a new universe, because of what it holds."""

    kind = "incompatible_universe"

    def __init__(self, change: str, reasons: tuple[str, ...] = ()) -> None:
        super().__init__(change, reasons)
        self.change, self.reasons = change, reasons

    def __str__(self) -> str:
        return f"{self.change} cannot be done, and nothing was changed: {'; '.join(self.reasons)}."


class InvalidQueryError(InvalidInputError):
    """A query expression makes no sense.

    Parameters
    ----------
    reason
        What is wrong, without a full stop.
    text
        The expression, if there is one to point into.
    position
        Offset in it of the place that is wrong.
    """

    kind = "invalid_query"
    category: ClassVar[str] = "query"
    """Which rule was broken: ``syntax``, ``type``, ``name``, ``governor`` or ``join``."""

    def __init__(self, reason: str, text: str = "", position: int | None = None) -> None:
        super().__init__(reason, text, position)
        self.reason, self.text, self.position = reason, text, position
        if self.pointer:
            self.add_note(self.pointer)

    @property
    def line(self) -> int | None:
        """Line of the place, counted from 1."""
        return None if self.position is None else self.text.count("\n", 0, self.position) + 1

    @property
    def column(self) -> int | None:
        """Column of the place, counted from 1."""
        return None if self.position is None else self.position - self.text.rfind("\n", 0, self.position)

    @property
    def pointer(self) -> str:
        """The line that is wrong, or of a long one what is near, and a caret under the place; empty without a place."""
        if self.position is None or self.column is None:
            return ""
        end = self.text.find("\n", self.position)
        line = self.text[self.position - self.column + 1 : end if end >= 0 else None]
        place = self.column - 1
        if len(line) > _LONG_LINE:
            first, after = max(place - _SHOWN_BEFORE, 0), max(place - _SHOWN_BEFORE, 0) + _LONG_LINE
            before = "..." if first else ""
            place += len(before) - first
            line = f"{before}{line[first:after]}{'...' if after < len(line) else ''}"
        blank = "".join("\t" if c == "\t" else " " for c in line[:place])
        return f"{line}\n{blank}^"

    def __str__(self) -> str:
        ending = "" if self.reason.endswith((".", "?")) else "."
        if self.position is None:
            return f"{self.reason}{ending}"
        near = self.text[self.position : self.position + 20].split("\n")[0]
        place = f"line {self.line}, column {self.column}" + (f", at {near!r}" if near else ", at the end")
        return f"In the query expression, {place}: {self.reason}{ending}"


class QuerySyntaxError(InvalidQueryError):
    """The text is not an expression."""

    category = "syntax"


class QueryTypeError(InvalidQueryError):
    """An operator or a function does not take operands of these types."""

    category = "type"


class QueryNameError(InvalidQueryError):
    """An identifier, a function or a bind is unknown or ambiguous."""

    category = "name"


class QueryGovernorError(InvalidQueryError):
    """A key is constrained without the governor that gives it a meaning."""

    category = "governor"


class QueryJoinError(InvalidQueryError):
    """A spatial or temporal join is unnecessary, ambiguous or missing."""

    category = "join"


class UnimplementedQueryError(InvalidInputError):
    """The query has a meaning, but it cannot be answered yet."""

    kind = "unimplemented_query"
