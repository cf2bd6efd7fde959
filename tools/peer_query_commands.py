# SPDX-License-Identifier: BSD-3-Clause
"""What the query commands of LSST's packages list; run by the interpreter of an environment that has them.

usage: peer_query_commands.py IN.json OUT.json

IN holds a list of repositories: ``world`` (`pachon.registry.testing.random_world.World.document`) and ``questions``
(`tests-integration/test_peer_query_commands.py`). OUT gets for each question ``tables``, lists of [columns, rows] with values as text,
or ``error`` and ``message``.
"""

import json
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, CollectionType
from lsst.daf.butler.script import (
    QueryDatasets,
    queryCollections,
    queryDataIds,
    queryDatasetTypes,
    queryDimensionRecords,
)
from peer_queries import fill


def main() -> None:
    warnings.simplefilter("ignore")
    answers = []
    for repository in json.loads(Path(sys.argv[1]).read_text()):
        with tempfile.TemporaryDirectory(prefix="peer-commands-") as root:
            Butler.makeRepo(root)
            fill(Butler.from_config(root, writeable=True), repository["world"])
            answers.append([answer(root, question) for question in repository["questions"]])
    Path(sys.argv[2]).write_text(json.dumps(answers))


def answer(root: str, question: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"tables": [plain(table) for table in ask(root, question)]}
    except Exception as error:  # noqa: BLE001  # whatever it is, it is the answer
        return {"error": type(error).__name__, "message": str(error)[:400]}


def ask(root: str, question: dict[str, Any]) -> list[Any]:
    common = {"where": question["where"], "collections": question["collections"], "limit": question["limit"]}
    order_by = tuple(question["order_by"])
    match question["kind"]:
        case "collections":
            types = [CollectionType[name] for name in question["types"]] or list(CollectionType)
            form = question["chains"].upper()
            return [queryCollections(root, question["names"], types, form, question["verbose"], ["c_f*"])]
        case "types":
            found = queryDatasetTypes(root, question["verbose"], question["names"], question["collections"] or None)
            return [found]
        case "datasets":
            with Butler.from_config(root) as butler:
                found = QueryDatasets(
                    glob=question["names"],
                    find_first=question["find_first"],
                    show_uri=False,
                    butler=butler,
                    order_by=order_by,
                    **common,
                )
                return list(found.getTables())
        case "records":
            table = queryDimensionRecords(
                root, question["names"][0], datasets=tuple(question["datasets"]), order_by=order_by, offset=0, **common
            )
        case _:
            table, _ = queryDataIds(
                root, question["names"], datasets=tuple(question["datasets"]), order_by=order_by, offset=0, **common
            )
    return [] if table is None else [table]


def plain(table: Any) -> list[Any]:
    return [list(table.colnames), [[str(value) for value in row] for row in table.iterrows()]]


if __name__ == "__main__":
    main()
