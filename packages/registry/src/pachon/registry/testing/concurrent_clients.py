# SPDX-License-Identifier: BSD-3-Clause
"""Processes that do the same thing to one registry at the same moment."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from pachon.datasets import CollectionType, DatasetRef, DatasetType, deterministic_id
from pachon.dimensions import RecordTable, Timespan
from pachon.registry.errors import CollectionCycleError, ConflictingDefinitionError, SealedRunError
from pachon.registry.opaque import OpaqueColumn
from pachon.registry.sql_registry import SqlRegistry

__all__ = ["ACTIONS", "at_once"]

_PACE_S = 0.12
"""From one round to the next."""


def at_once(url: str, actions: Sequence[str], *, clients: int, rounds: int) -> dict[str, list[tuple[Any, ...]]]:
    """Let processes begin each round of each action at the same moment; give what each got, by action and round.

    Raises
    ------
    AssertionError
        If one fails.
    """
    start = time.time() + 2.5
    command = [
        sys.executable,
        "-m",
        "pachon.registry.testing.concurrent_clients",
        url,
        ",".join(actions),
        str(rounds),
        str(start),
    ]
    workers = [
        subprocess.Popen([*command, str(i)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for i in range(clients)
    ]
    outcomes = []
    for worker in workers:
        out, err = worker.communicate(timeout=300)
        assert worker.returncode == 0, err[-3000:]
        outcomes.append(json.loads(out))
    return {action: list(zip(*(own[action] for own in outcomes), strict=True)) for action in actions}


def _collection(registry: SqlRegistry, _client: int, turn: int) -> Any:
    kind = list(CollectionType)[turn % 4]
    return registry.collections.register(f"shared/{turn}", kind)


def _dataset_type(registry: SqlRegistry, _client: int, turn: int) -> Any:
    dimensions = [["detector"], ["exposure"], ["visit", "detector"], ["physical_filter"]][turn % 4]
    return registry.dataset_types.register(
        DatasetType(f"shared_{turn}", dimensions, "Table", universe=registry.universe)
    )


def _record(registry: SqlRegistry, _client: int, turn: int) -> Any:
    row = {"instrument": "Cam", "id": 100 + turn, "full_name": f"N{turn}"}
    (record,) = RecordTable.from_rows(registry.universe["detector"], [row])
    return registry.dimension_records.sync(record).inserted


def _records(registry: SqlRegistry, client: int, turn: int) -> Any:
    # Each client has some of its own, and all have the same in different orders.
    ids = [1000 * (turn + 1) + i for i in range(200)]
    rows = [{"instrument": "Cam", "id": i, "full_name": f"N{i}"} for i in (ids if client % 2 else reversed(ids))]
    return registry.dimension_records.insert("detector", rows, skip_existing=True)


def _opaque(registry: SqlRegistry, _client: int, turn: int) -> Any:
    columns = (OpaqueColumn(name="key", type="text", length=20, key=True), OpaqueColumn(name="value", type="int"))
    table = registry.opaque(f"shared_{turn}", columns)
    return table.insert({"key": ["a", "b"], "value": [1, 2]}, skip_existing=True)


def _import(registry: SqlRegistry, _client: int, turn: int) -> Any:
    bias = registry.dataset_types.get("bias")
    data_ids = [{"instrument": "Cam", "detector": d} for d in range(4)]
    run = f"import/{turn}"
    registry.collections.register(run)
    refs = [DatasetRef(bias, data_id, run) for data_id in data_ids]
    return registry.datasets.import_(
        DatasetRef(bias, ref.data_id, run, id=deterministic_id(bias.name, ref.data_id, run)) for ref in refs
    )


def _cycle(registry: SqlRegistry, client: int, turn: int) -> Any:
    names = [f"cycle/{turn}/{i}" for i in range(3)]
    for name in names:
        registry.collections.register(name, CollectionType.CHAINED)
    try:
        registry.collections.extend(names[client % 3], names[(client + 1) % 3])
    except CollectionCycleError:
        return "cycle"
    return "done"


def _chain(registry: SqlRegistry, client: int, turn: int) -> Any:
    registry.collections.register("grown", CollectionType.CHAINED)
    registry.collections.register(f"grown/{client}/{turn}")
    registry.collections.extend("grown", f"grown/{client}/{turn}")
    return None


def _certify(registry: SqlRegistry, client: int, turn: int) -> Any:
    (table,) = registry.datasets.get_by_run("one")
    day = 86_400_000_000_000
    span = Timespan.from_ns((1000 + 2 * turn) * day, (1000 + 2 * turn) * day + day + client)
    try:
        registry.collections.certify("calib", table, span)
    except ConflictingDefinitionError:
        return "conflict"
    return "done"


def _decertify(registry: SqlRegistry, client: int, turn: int) -> Any:
    day = 86_400_000_000_000
    registry.collections.decertify(
        "calib", "bias", Timespan.from_ns((10 * turn + client) * day, (10 * turn + client + 1) * day)
    )
    return None


def _seal(registry: SqlRegistry, client: int, turn: int) -> Any:
    run = f"sealed/{turn}"
    registry.collections.register(run)
    if client == 0:
        registry.collections.seal(run)
        return sum(len(table) for table in registry.datasets.get_by_run(run))
    bias = registry.dataset_types.get("bias")
    written = 0
    for detector in range(4):
        try:
            registry.datasets.insert([DatasetRef(bias, {"instrument": "Cam", "detector": detector}, run)])
        except (SealedRunError, ConflictingDefinitionError):
            continue
        written += 1
    return written


ACTIONS: dict[str, Callable[[SqlRegistry, int, int], Any]] = {
    "collection": _collection,
    "dataset_type": _dataset_type,
    "record": _record,
    "records": _records,
    "opaque": _opaque,
    "import": _import,
    "cycle": _cycle,
    "chain": _chain,
    "certify": _certify,
    "decertify": _decertify,
    "seal": _seal,
}


def _main(arguments: Sequence[str]) -> None:
    url, actions, rounds, start, client = arguments
    outcomes: dict[str, list[Any]] = {}
    moments = itertools.count()
    with SqlRegistry.open(url, writeable=True) as registry:
        for action in actions.split(","):
            outcomes[action] = []
            for turn in range(int(rounds)):
                # Some come together exactly, some a little apart.
                moment = float(start) + _PACE_S * next(moments) + 0.001 * (turn % 3) * int(client)
                time.sleep(max(0.0, moment - time.time()))
                outcomes[action].append(ACTIONS[action](registry, int(client), turn))
    print(json.dumps(outcomes))  # to the process that started this one


if __name__ == "__main__":
    _main(sys.argv[1:])
