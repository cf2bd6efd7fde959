# SPDX-License-Identifier: BSD-3-Clause
"""What LSST's packages answer to questions of every kind; run by the interpreter of an environment that has them.

usage: peer_wide_queries.py IN.json OUT.json

IN holds a list of repositories: ``world`` (`pachon.registry.testing.random_world.World.document`) and ``queries``
(`pachon.registry.testing.wide_queries.WideQuery.document`). OUT gets for each query ``rows`` and ``warned``, or ``error`` and ``message``.
"""

import datetime
import json
import logging
import re
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.table import Table
from astropy.time import Time
from lsst import sphgeom
from lsst.daf.butler import Butler, CollectionType, DataCoordinate, Timespan
from lsst.daf.butler.time_utils import TimeConverter
from peer_queries import fill

MANY = {"list": list, "tuple": tuple, "set": set}
CIRCLE = re.compile(r"CIRCLE\(([-\d.]+), ([-\d.]+), ([\d.]+)\)")


def main() -> None:
    warnings = Warnings()
    logging.getLogger("lsst").addHandler(warnings)
    answers = []
    for repository in json.loads(Path(sys.argv[1]).read_text()):
        with tempfile.TemporaryDirectory(prefix="peer-wide-queries-") as root:
            Butler.makeRepo(root)
            butler = Butler.from_config(root, writeable=True)
            fill(butler, repository["world"])
            answers.append([answer(butler, query, warnings) for query in repository["queries"]])
    Path(sys.argv[2]).write_text(json.dumps(answers))


class Warnings(logging.Handler):
    """Counts warnings."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += record.levelno >= logging.WARNING


def decoded(value: Any) -> Any:
    """Give the bound value that a document stands for; see `pachon.registry.testing.wide_values`."""
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind in MANY:
        return MANY[kind](map(decoded, content))
    match kind:
        case "timespan":
            return Timespan(None, None, _nsec=tuple(content))
        case "time":
            return TimeConverter().nsec_to_astropy(content)
        case "datetime":
            return datetime.datetime.fromisoformat(f"{TimeConverter().nsec_to_astropy(content).utc.isot}+00:00")
        case "uuid":
            return uuid.UUID(content)
        case "bytes":
            return bytes.fromhex(content)
        case "region":
            return sphgeom.Region.decode(bytes.fromhex(content))
        case "position":
            return sphgeom.LonLat.fromDegrees(*content)
        case "sky":
            return SkyCoord(*content, unit="deg")
        case _:
            return np.int64(content)


def answer(butler: Any, query: dict[str, Any], warnings: Warnings) -> dict[str, Any]:
    """Answer one question."""
    before = warnings.count
    if query["defaults"]:
        butler = butler.clone(dataId=query["defaults"], inferDefaults=False)
    if query["searched"] is not None:
        butler = butler.clone(collections=query["searched"], inferDefaults=True)
    try:
        rows = ask(butler, query)
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
        return {"error": type(error).__name__, "message": str(error)[:500]}
    return {"rows": rows, "warned": warnings.count > before}


def ask(butler: Any, query: dict[str, Any]) -> list[Any]:
    match query["kind"]:
        case "collections":
            types = {CollectionType[name] for name in query["types"]} or set(CollectionType)
            return list(butler.collections.query(query["names"], types, query["flatten"], query["chains"]))
        case "types":
            return [item.name for item in butler.registry.queryDatasetTypes(query["names"])]
    # A circle there has twice the radius.
    where, query["further"] = (
        CIRCLE.sub(lambda m: f"CIRCLE({m[1]}, {m[2]}, {float(m[3]) / 2})", query[name]) for name in ("where", "further")
    )
    bind = {name: decoded(value) for name, value in query["bind"].items()}
    if query["kind"] == "all_datasets":
        found = butler.query_all_datasets(
            query["collections"],
            name=query["names"],
            find_first=query["find_first"],
            where=where,
            bind=bind,
            limit=query["limit"],
        )
        return [as_row(ref, "datasets", query) for ref in found]
    if query["simple"]:
        return [as_row(item, query["kind"], query) for item in simply(butler, query, where, bind)]
    with butler.query() as q:
        if query["given"]:
            group = butler.dimensions.conform(query["given"][0])
            if query["tabular"]:
                q = q.join_data_coordinate_table(Table(rows=query["given"]))
            else:
                q = q.join_data_coordinates(
                    [DataCoordinate.standardize(row, dimensions=group) for row in query["given"]]
                )
        if query["joined"]:
            q = q.join_dimensions(query["joined"])
        for name, collections in query["searches"]:
            q = q.join_dataset_search(name, collections)
        conditions = [where] if where else []
        if query["materialized"]:
            q = q.join_dimensions(query["dimensions"]).where(*conditions, bind=bind, **query["data_id"])
            q = q.materialize(dimensions=query["materialized"])
        match query["kind"]:
            case "datasets":
                found = q.datasets(query["dataset_type"], places(query), find_first=query["find_first"])
            case "records":
                found = q.dimension_records(query["element"])
            case "general":
                shown = {name for name, _ in query["searches"]} & {f.partition(".")[0] for f in query["fields"]}
                find_first = query["find_first"] if shown else None
                found = q.general(query["dimensions"], *query["fields"], find_first=find_first)
            case _:
                found = q.data_ids(query["dimensions"])
        if not query["materialized"]:
            # Only the result knows what all names in the expression can mean.
            found = found.where(*conditions, bind=bind, **query["data_id"])
        if query["order_by"]:
            found = found.order_by(*query["order_by"])
        if query["limit"] is not None:
            found = found.limit(query["limit"])
        if query["further"]:
            found = found.where(query["further"], bind=bind)
        return [as_row(item, query["kind"], query) for item in found]


def places(query: dict[str, Any]) -> Any:
    """Give the collections that are named, or none where the default ones are meant."""
    return query["collections"] if query["searched"] is None else None


def simply(butler: Any, query: dict[str, Any], where: str, bind: dict[str, Any]) -> Any:
    """Ask by a single call."""
    common = {
        "where": where,
        "bind": bind,
        "data_id": query["data_id"],
        "order_by": query["order_by"] or None,
        "limit": query["limit"],
        "explain": False,
    }
    match query["kind"]:
        case "datasets":
            return butler.query_datasets(query["dataset_type"], places(query), find_first=query["find_first"], **common)
        case "records":
            return butler.query_dimension_records(query["element"], **common)
        case _:
            return butler.query_data_ids(query["dimensions"], **common)


def as_row(item: Any, kind: str, query: dict[str, Any]) -> list[Any]:
    match kind:
        case "datasets":
            return [str(item.id), item.datasetType.name, item.run, pairs(dict(item.dataId.mapping))]
        case "records":
            return pairs(item.toDict())
        case "general":
            return [[name, plain(value)] for name, value in sorted(item.items())]
        case _:
            return pairs(dict(item.mapping))


def pairs(values: dict[str, Any]) -> list[Any]:
    return [[name, plain(value)] for name, value in sorted(values.items())]


def plain(value: Any) -> Any:
    match value:
        case Timespan():
            return list(value.nsec)
        case Time():
            return int(TimeConverter().astropy_to_nsec(value))
        case sphgeom.Region():
            return value.encode().hex()
        case uuid.UUID():
            return str(value)
        case bytes():
            return value.hex()
        case _:
            return value


if __name__ == "__main__":
    main()
