# SPDX-License-Identifier: BSD-3-Clause
"""Receipts: what a job wrote, so that nobody has to look for it and hash it again.

A receipt is written in one step, after the outputs that it names are safely on the medium. Its last line says how long
it is and what it hashes to, so that one that was cut short is refused. See ``docs/formats/receipt.md``.
"""

from __future__ import annotations

import datetime
import json
import platform
import uuid
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from pachon.datasets import new_id
from pachon.datastore import FileRecords, StoredFile
from pachon.quantum_butler.errors import NewerReceiptError, ReceiptError
from pachon.quantum_butler.run_places import notes_folder
from pachon.resources import ResourcePath

__all__ = [
    "QuantumProvenance",
    "Receipt",
    "find_receipts",
    "find_receipts_of_run",
    "latest_records",
    "read_receipt",
    "receipt_folder",
    "write_receipt",
]

_EXTENSION = ".receipt"
_FORMAT = "pachon-receipt"
_VERSION = 1


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="microseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantumProvenance:
    """What became of the inputs and outputs of the quanta of a job; sets of dataset ids."""

    predicted_inputs: frozenset[uuid.UUID] = frozenset()
    """Inputs according to the graph."""
    available_inputs: frozenset[uuid.UUID] = frozenset()
    """Those that were looked for and are there."""
    missing_inputs: frozenset[uuid.UUID] = frozenset()
    """Those that were looked for and are not there."""
    actual_inputs: frozenset[uuid.UUID] = frozenset()
    """Those that were read (or may have been, through a handle) and not marked as unused."""
    predicted_outputs: frozenset[uuid.UUID] = frozenset()
    """Outputs according to the graph."""
    actual_outputs: frozenset[uuid.UUID] = frozenset()
    """Those that were written."""

    def limited_to(self, inputs: AbstractSet[uuid.UUID], outputs: AbstractSet[uuid.UUID]) -> QuantumProvenance:
        """Give the same of some inputs and outputs only."""
        kept = {
            name: getattr(self, name) & (outputs if name.endswith("outputs") else inputs) for name in _PROVENANCE_SETS
        }
        return QuantumProvenance(**kept)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What one job wrote."""

    graph_id: uuid.UUID
    run: str
    quanta: tuple[uuid.UUID, ...]
    """The quanta that the job was for; not all need have succeeded."""
    records: FileRecords
    """The files that it wrote."""
    provenance: QuantumProvenance = field(default_factory=QuantumProvenance)
    receipt_id: uuid.UUID = field(default_factory=new_id)
    created: str = field(default_factory=_now)
    """UTC, ISO 8601."""
    host: str = field(default_factory=platform.node)

    def to_bytes(self) -> bytes:
        """Give the content of the file."""
        lines = [_dump({"format": _FORMAT, "version": _VERSION, **self._head()})]
        lines += [_dump(_row_document(row)) for row in self.records.rows()]
        lines.append(_dump({"provenance": _provenance_document(self.provenance)}))
        body = b"".join(lines)
        return body + _dump({"end": len(lines), "checksum": _checksum(body)})

    def _head(self) -> dict[str, Any]:
        return {
            "receipt": str(self.receipt_id),
            "graph": str(self.graph_id),
            "run": self.run,
            "created": self.created,
            "host": self.host,
            "quanta": [str(quantum) for quantum in self.quanta],
        }

    @classmethod
    def from_bytes(cls, data: bytes, uri: str) -> Receipt:
        """Read the content of a file.

        Raises
        ------
        ReceiptError
            If it is cut short, damaged, of a newer version, or no receipt.
        """
        first, _, _ = data.partition(b"\n")
        head = _load(first)
        if head is None or head.get("format") != _FORMAT:
            raise ReceiptError(uri, "it does not begin as a receipt does")
        if not isinstance(head.get("version"), int):
            raise ReceiptError(uri, "it does not say which version it has")
        if head["version"] > _VERSION:
            raise NewerReceiptError(
                uri, f"it has format version {head['version']}, newer than {_VERSION}: update pachon-quantum-butler"
            )
        begin = data.rfind(b"\n", 0, len(data) - 1) + 1
        end = _load(data[begin:])
        if end is None or "end" not in end or not data.endswith(b"\n"):
            raise ReceiptError(uri, "it is cut short")
        body = data[:begin]
        lines = body.splitlines()
        if end.get("checksum") != _checksum(body) or end["end"] != len(lines):
            raise ReceiptError(uri, "it is damaged (it does not match its checksum)")
        try:
            return cls._from_parts(head, [json.loads(line) for line in lines[1:]])
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
            # Whoever writes a file can write its checksum too.
            raise ReceiptError(uri, f"its content makes no sense ({type(error).__name__}: {error!s:.200})") from error

    @classmethod
    def _from_parts(cls, head: Mapping[str, Any], items: list[dict[str, Any]]) -> Receipt:
        provenance: dict[str, list[str]] = next((item["provenance"] for item in items if "provenance" in item), {})
        return cls(
            graph_id=uuid.UUID(head["graph"]),
            run=head["run"],
            quanta=tuple(uuid.UUID(quantum) for quantum in head["quanta"]),
            records=FileRecords.from_rows(_row(item) for item in items if "dataset" in item),
            provenance=QuantumProvenance(
                **{name: frozenset(map(uuid.UUID, provenance.get(name, ()))) for name in _PROVENANCE_SETS}
            ),
            receipt_id=uuid.UUID(head["receipt"]),
            created=head["created"],
            host=head["host"],
        )


def receipt_folder(root: ResourcePath, run: str, graph_id: uuid.UUID) -> ResourcePath:
    """Give the folder of the receipts of a graph.

    Parameters
    ----------
    root
        Root of the datastore.
    run
        The output run of the graph.
    graph_id
        Id of the graph.

    Raises
    ------
    PathOutsideRootError
        If the run, which a graph file names, leads out of the root.
    """
    return notes_folder(root, run).join(f"{graph_id}/")


def write_receipt(root: ResourcePath, receipt: Receipt) -> ResourcePath:
    """Write a receipt, safely on the medium when this returns; never over another one."""
    folder = receipt_folder(root, receipt.run, receipt.graph_id)
    path = ResourcePath(f"{folder.geturl()}{receipt.receipt_id}{_EXTENSION}")
    # On a local disk it is written beside and renamed: of a job that is killed meanwhile there must be no half receipt,
    # which nobody could read. Object stores have only whole ones.
    path.write(receipt.to_bytes(), overwrite=path.is_local and not path.exists())
    return path


def read_receipt(uri: ResourcePath) -> Receipt:
    """Read a receipt.

    Raises
    ------
    ReceiptError
        If it is cut short, damaged, of a newer version, or no receipt.
    """
    return Receipt.from_bytes(uri.read(), str(uri))


def find_receipts(root: ResourcePath, run: str, graph_id: uuid.UUID) -> list[ResourcePath]:
    """List the receipts of a graph, oldest first; of jobs that repeated quanta the later counts."""
    return _receipts_below(receipt_folder(root, run, graph_id))


def find_receipts_of_run(root: ResourcePath, run: str) -> list[ResourcePath]:
    """List the receipts of all graphs that have the same output run, oldest first."""
    return _receipts_below(notes_folder(root, run))


def _receipts_below(folder: ResourcePath) -> list[ResourcePath]:
    if not folder.exists():
        return []
    found = [
        ResourcePath(f"{place.geturl()}{name}")
        for place, _, names in folder.walk()
        for name in names
        if name.endswith(_EXTENSION)
    ]
    # Receipt ids are of version 7: they sort by time.
    return sorted(found, key=lambda path: path.basename())


_PROVENANCE_SETS = tuple(QuantumProvenance.__slots__)


def _provenance_document(provenance: QuantumProvenance) -> dict[str, list[str]]:
    return {name: sorted(str(item) for item in getattr(provenance, name)) for name in _PROVENANCE_SETS}


def _row_document(row: StoredFile) -> dict[str, Any]:
    return {
        "dataset": str(row.dataset_id),
        "component": row.component,
        "path": row.path,
        "formatter": row.formatter,
        "storage_class": row.storage_class,
        "size": row.size,
        "checksum": row.checksum,
        "datastore": row.datastore,
    }


def _row(item: Mapping[str, Any]) -> StoredFile:
    for name in ("path", "formatter", "storage_class", "datastore"):
        if not isinstance(item[name], str):
            raise TypeError(f"{name} of a file is {item[name]!r}")
    for name in ("component", "checksum"):
        if not isinstance(item[name], str | None):
            raise TypeError(f"{name} of a file is {item[name]!r}")
    size = item["size"]
    if size is not None and (type(size) is not int or not 0 <= size < 2**63):
        raise ValueError(f"size of a file is {size!r}")
    return StoredFile(
        dataset_id=uuid.UUID(item["dataset"]),
        component=item["component"],
        path=item["path"],
        formatter=item["formatter"],
        storage_class=item["storage_class"],
        size=item["size"],
        checksum=item["checksum"],
        datastore=item["datastore"],
    )


def _dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def _load(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _checksum(body: bytes) -> str:
    return blake2b(body, digest_size=32).hexdigest()


def latest_records(receipts: Iterable[Receipt]) -> FileRecords:
    """Join the records of receipts, given oldest first; of records of the same dataset those of the last receipt count."""
    rows: dict[uuid.UUID, list[StoredFile]] = {}
    for receipt in receipts:
        mine: dict[uuid.UUID, list[StoredFile]] = {}
        for row in receipt.records.rows():
            mine.setdefault(row.dataset_id, []).append(row)
        rows |= mine
    return FileRecords.from_rows(row for group in rows.values() for row in group)
