# SPDX-License-Identifier: BSD-3-Clause
"""Small registries that are kept for ever, one a schema version, and what must be read from them.

To write the one of a new version into a folder: ``python -m pachon.registry.testing.samples FOLDER``.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import Timespan
from pachon.dimensions.region import circle
from pachon.registry.opaque import OpaqueColumn
from pachon.registry.schema.guard import SCHEMA_VERSION
from pachon.registry.sql_registry import SqlRegistry
from pachon.registry.testing.postgresql import PostgresServer
from pachon.registry.testing.universes import fibre_universe

__all__ = ["describe_registry", "fill_sample", "load_sample", "write_samples"]

_NOTES = (OpaqueColumn(name="id", type="uuid", key=True), OpaqueColumn(name="text", type="text", length=40))


def fill_sample(registry: SqlRegistry) -> None:
    """Fill a registry of the fibre spectrograph's universe with something of every kind."""
    insert = registry.dimension_records.insert
    insert("spectrograph", [{"name": "S", "fibre_count": 2}])
    insert("grating", [{"spectrograph": "S", "name": "blue", "arm": "b", "lines_per_mm": 600.5}])
    insert("fibre", [{"spectrograph": "S", "id": i, "label": f"f'{i}", "broken": bool(i)} for i in range(2)])
    insert("plate", [{"spectrograph": "S", "id": 1, "region": circle(10, 20, 0.1), "checksum": b"\0\1"}])
    insert("shift", [{"name": "nüit", "timespan": Timespan("2024-01-01", None)}])
    insert("fibre_target", [{"spectrograph": "S", "plate": 1, "fibre": 1, "target": "M 31"}])
    names = {"flat": ["fibre"], "shot": ["plate", "fibre"], "log": []}
    types = {
        name: DatasetType(name, dimensions, "int", universe=registry.universe, is_calibration=name == "flat")
        for name, dimensions in names.items()
    }
    for dataset_type in types.values():
        registry.dataset_types.register(dataset_type)
    for name, kind in (
        ("run/1", CollectionType.RUN),
        ("tag", CollectionType.TAGGED),
        ("calib", CollectionType.CALIBRATION),
        ("chain", CollectionType.CHAINED),
    ):
        registry.collections.register(name, kind, doc=f"The {name}.")
    refs = [
        *(DatasetRef(types["flat"], {"spectrograph": "S", "fibre": i}, "run/1") for i in range(2)),
        DatasetRef(types["shot"], {"spectrograph": "S", "plate": 1, "fibre": 0}, "run/1"),
        DatasetRef(types["log"], {}, "run/1"),
    ]
    registry.datasets.insert(refs)
    registry.collections.associate("tag", refs[2:])
    registry.collections.certify("calib", refs[:1], Timespan("2024-01-01", "2024-02-01"))
    registry.collections.set_chain("chain", ["tag", "calib", "run/1"])
    notes = registry.opaque("sample_note", _NOTES)
    notes.insert({"id": [list(ref.id.bytes) for ref in refs], "text": [f"note {i}" for i in range(len(refs))]})


def describe_registry(registry: SqlRegistry) -> dict[str, Any]:
    """Give what `fill_sample` wrote, read through the public interface, as JSON holds it."""
    collections = registry.collections
    infos = collections.find(collections.query("*"), dataset_types=True)
    names = sorted(infos)
    records = {
        element.name: sorted(repr(record) for record in registry.dimension_records.fetch(element.name))
        for element in registry.universe.elements.values()
        if not element.is_skypix
    }
    datasets = {
        name: sorted(
            f"{ref.dataset_type.name} {ref.data_id} {ref.run} {ref.id}"
            for dataset_type in ("flat", "shot", "log")
            for ref in registry.query.datasets(dataset_type, name, find_first=False)
        )
        for name in names
    }
    notes = registry.opaque("sample_note", _NOTES).fetch(order_by=["text"])
    where = "plate.region OVERLAPS POINT(10, 20) AND spectrograph = 'S'"
    return {
        "universe": [registry.universe.namespace, registry.universe.version],
        "collections": {
            name: [
                infos[name].type.name,
                infos[name].doc,
                *infos[name].children,
                sorted(infos[name].dataset_types or ()),
            ]
            for name in names
        },
        "records": records,
        "datasets": datasets,
        "notes": [[bytes(i).hex(), text] for i, text in zip(notes["id"], notes["text"], strict=True)],
        "on the sky": [str(data_id) for data_id in registry.query.data_ids(["plate"], where=where)],
        "valid in January": str(
            registry.datasets.find_one(
                "flat",
                registry.query.data_ids(["fibre"], where="spectrograph = 'S' AND fibre = 0")[0],
                "chain",
                timespan=Timespan("2024-01-05", "2024-01-06"),
            )
        ),
    }


def write_samples(folder: Path) -> None:
    """Write the samples of the present schema version, as SQL of each database, and what is read from them, as JSON."""
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary) / "registry.sqlite3"
        description = _make(f"sqlite:///{file}")
        connection = sqlite3.connect(file)
        _write(folder, "sqlite", connection.iterdump(), description)
        connection.close()
    with PostgresServer() as server:
        name = server.create_database()
        description = _make(server.url(name))
        _write(folder, "postgresql", server.dump(name), description)


def _make(url: str) -> dict[str, Any]:
    with SqlRegistry.create(url, fibre_universe()) as registry:
        fill_sample(registry)
        return describe_registry(registry)


def _write(folder: Path, kind: str, lines: Iterable[str], description: dict[str, Any]) -> None:
    path = folder / f"registry-{SCHEMA_VERSION}-{kind}.sql"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    text = json.dumps(description, indent=1, ensure_ascii=False)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def load_sample(path: Path, url: str) -> None:
    """Execute the SQL of a sample in an empty database."""
    text = path.read_text(encoding="utf-8")
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite":
        connection = sqlite3.connect(str(parsed.database))
        connection.executescript(text)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
        return
    engine = sa.create_engine(parsed)
    with engine.begin() as target:
        target.connection.cursor().execute(text)
    engine.dispose()


if __name__ == "__main__":
    write_samples(Path(sys.argv[1]))
