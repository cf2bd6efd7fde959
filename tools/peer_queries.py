# SPDX-License-Identifier: BSD-3-Clause
"""What LSST's packages answer to random queries; run by the interpreter of an environment that has them.

usage: peer_queries.py IN.json OUT.json

IN holds a list of repositories: ``world`` (`pachon.registry.testing.random_world.World.document`) or ``files`` (export
files to import) with ``extra`` (such a world, added to them), and ``queries``
(`pachon.registry.testing.random_queries.AskedQuery.document`). OUT gets for each query ``rows``, or ``error`` and ``message``.
"""

import json
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

from lsst import sphgeom
from lsst.daf.butler import Butler, CollectionType, DataCoordinate, DatasetRef, DatasetType, Timespan


def main() -> None:
    repositories = json.loads(Path(sys.argv[1]).read_text())
    answers = []
    for repository in repositories:
        with tempfile.TemporaryDirectory(prefix="peer-queries-") as root:
            Butler.makeRepo(root)
            butler = Butler.from_config(root, writeable=True)
            for file in repository.get("files", ()):
                butler.import_(filename=file, without_datastore=True)
            fill(butler, repository["world"])
            answers.append([answer(butler, query) for query in repository["queries"]])
    Path(sys.argv[2]).write_text(json.dumps(answers))


def fill(butler: Any, world: dict[str, Any], storage_classes: dict[str, str] | None = None) -> None:
    """Write a made-up repository into an empty one; datasets are numbers unless something else is said."""
    registry, universe = butler.registry, butler.dimensions
    for element, rows in world["records"].items():
        if rows:
            registry.insertDimensionData(element, *(record(universe[element], row) for row in rows))
    types = {}
    for name, dimensions in world["types"].items():
        types[name] = DatasetType(
            name,
            dimensions,
            (storage_classes or {}).get(name, "int"),
            universe=universe,
            isCalibration=name in world["calibrations"],
        )
        registry.registerDatasetType(types[name])
    for name, kind in world["collections"].items():
        butler.collections.register(name, CollectionType[kind])
    for name, children in world["chains"].items():
        butler.collections.redefine_chain(name, children)
    refs = {}
    for id_, name, run, data_id in world["datasets"]:
        coordinate = DataCoordinate.standardize(data_id, dimensions=types[name].dimensions)
        refs[id_] = DatasetRef(types[name], coordinate, run, id=uuid.UUID(id_))
    for chosen in sorted({(ref.run, ref.datasetType.name) for ref in refs.values()}):
        registry._importDatasets(
            [ref for ref in refs.values() if (ref.run, ref.datasetType.name) == chosen], expand=True
        )
    for id_, collection, bounds in world["placements"]:
        if bounds is None:
            registry.associate(collection, [refs[id_]])
        else:
            registry.certify(collection, [refs[id_]], span(bounds))


def span(bounds: list[int]) -> Any:
    return Timespan(None, None, _nsec=tuple(bounds))


def record(element: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Give a record as LSST's registry takes it."""
    hashes = {c.name for c in element.schema.all if "hash" in str(getattr(c, "type", "")).lower()}
    plain = dict(row)
    for name, value in row.items():
        if value is None:
            continue
        if name == "region":
            plain[name] = sphgeom.Region.decode(bytes.fromhex(value))
        elif name == "timespan":
            plain[name] = span(value)
        elif name in hashes:
            plain[name] = bytes.fromhex(value)
    return plain


def answer(butler: Any, query: dict[str, Any]) -> dict[str, Any]:
    """Run one query."""
    bind = {name: span(v["timespan"]) if isinstance(v, dict) else v for name, v in query["bind"].items()}
    try:
        with butler.query() as q:
            for name, collections in query["searches"]:
                q = q.join_dataset_search(name, collections)
            if query["kind"] == "datasets":
                found = q.datasets(query["dataset_type"], query["collections"], find_first=query["find_first"])
            elif query["kind"] == "records":
                found = q.dimension_records(query["element"])
            else:
                found = q.data_ids(query["dimensions"])
            if query["where"]:
                found = found.where(query["where"], bind=bind)
            return {"rows": [as_row(item, query["kind"]) for item in found]}
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
        return {"error": type(error).__name__, "message": str(error)[:500]}


def as_row(item: Any, kind: str) -> list[Any]:
    if kind == "datasets":
        return [str(item.id), item.run, sorted(dict(item.dataId.mapping).items())]
    if kind == "records":
        return sorted(dict(item.dataId.required).items())
    return sorted(dict(item.mapping).items())


if __name__ == "__main__":
    main()
