# SPDX-License-Identifier: BSD-3-Clause
"""What a graph says of itself before any of its quanta is read."""

from __future__ import annotations

import datetime
import getpass
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from pachon.quantum_butler.data_id_query import DataIdQuery

__all__ = ["DatastoreSource", "GraphHeader", "GraphType"]

GraphType: TypeAlias = Literal["predicted", "provenance"]
"""Whether a graph says what is to be done, or what was done."""


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphHeader:
    """Where a graph came from, and where its outputs go."""

    output_run: str
    """RUN collection of the outputs."""
    input_collections: tuple[str, ...] = ()
    """The search path of overall inputs, as the user gave it."""
    output: str | None = None
    """CHAINED collection that is to offer inputs and outputs, if any."""
    graph_type: GraphType = "predicted"
    graph_id: uuid.UUID = field(default_factory=uuid.uuid4)
    """Names the graph for ever, for example in receipts."""
    created: str = field(default_factory=_now)
    """Time of building, UTC, ISO 8601."""
    user: str = field(default_factory=_user)
    command: str = ""
    """The command line that built it."""
    repository: str | None = None
    """What identifies the repository that the facts came from."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Whatever the builder wants to remember; JSON."""
    notes: tuple[str, ...] = ()
    """Sentences of the builder that explain what emptied the graph or parts of it, the chief culprit first."""
    queries: tuple[DataIdQuery, ...] = ()
    """What gave the data IDs, a query for each part of the pipeline that hangs together; none in files of older versions."""

    def to_document(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        document = asdict(self)
        document["graph_id"] = str(self.graph_id)
        document["input_collections"] = list(self.input_collections)
        document["notes"] = list(self.notes)
        document["metadata"] = dict(self.metadata)
        if document.pop("queries"):
            document["queries"] = [query.to_document() for query in self.queries]
        return document

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> GraphHeader:
        """Read what `to_document` gave; what later versions added is ignored."""
        known: dict[str, Any] = {name: document[name] for name in cls.__slots__ if name in document}
        known["graph_id"] = uuid.UUID(known["graph_id"])
        known["input_collections"] = tuple(known.get("input_collections", ()))
        known["notes"] = tuple(known.get("notes", ()))
        known["queries"] = tuple(map(DataIdQuery.from_document, known.get("queries", ())))
        return cls(**known)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatastoreSource:
    """How to open the datastore of a graph without its repository."""

    config: Mapping[str, Any]
    """The datastore's configuration document."""
    root: str
    """URI of its root."""
    storage_classes: Mapping[str, Any] = field(default_factory=dict)
    """Definitions that the repository adds to the built-in storage classes."""

    def to_document(self) -> dict[str, Any]:
        """Give plain data for JSON."""
        return {"config": dict(self.config), "root": self.root, "storage_classes": dict(self.storage_classes)}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> DatastoreSource:
        """Read what `to_document` gave."""
        return cls(
            config=document["config"],
            root=document["root"],
            storage_classes=document.get("storage_classes", {}),
        )
