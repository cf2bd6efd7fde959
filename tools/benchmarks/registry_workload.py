# SPDX-License-Identifier: BSD-3-Clause
"""The registry alone, large: registrations, insertions, finding and opening, on one database.

usage: registry_workload.py OUT.json URL [--datasets N] [--runs R] [--chain C] [--types T]   (through tools/bench --registry)

Writes {"T": seconds or seconds of one, "R": rows a second, "CPU": the same by the processor time of this process alone, "C": counts,
"explain": the plan of a find on PostgreSQL}. On a machine that has other work to do the processor's time says more.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from pachon.datasets import CollectionType, DatasetTable, DatasetType, new_ids
from pachon.dimensions import Categorical, DataCoordinate, DataIdTable
from pachon.dimensions.region import circle
from pachon.registry import SqlRegistry

DETECTORS = 100
BATCH = 100_000
RECORDS = 20_000
FINDS = 2_000


class Workload:
    """A registry that grows, and what was measured."""

    def __init__(self, registry: SqlRegistry, options: argparse.Namespace) -> None:
        self.registry = registry
        self.options = options
        self.times: dict[str, float] = {}
        self.rates: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.random = random.Random(7)
        self.runs = [f"u/run/{number:05d}" for number in range(options.runs)]
        self.written = 0

    def timed(self, name: str, work: Callable[[], object], rows: int = 0) -> None:
        """Measure one piece of work; with ``rows``, as rows a second."""
        start, busy = time.perf_counter(), time.process_time()
        work()
        seconds, busy = time.perf_counter() - start, time.process_time() - busy
        self.cpu[name] = rows / busy if rows else busy
        if rows:
            self.rates[name] = rows / seconds
            print(f"  {name:44s} {rows / seconds:12,.0f} /s", flush=True)
        else:
            self.times[name] = seconds
            print(f"  {name:44s} {seconds:12.4f} s", flush=True)

    def median(self, name: str, work: Callable[[Any], object], over: list[Any]) -> None:
        """Measure many small pieces of work, one of each; the first tenth warms up."""
        seconds = []
        warm = len(over) // 10
        busy = 0.0
        for number, item in enumerate(over):
            if number == warm:
                busy = time.process_time()
            start = time.perf_counter()
            work(item)
            seconds.append(time.perf_counter() - start)
        self.cpu[name] = (time.process_time() - busy) / (len(over) - warm)
        self.times[name] = statistics.median(seconds[warm:])
        print(f"  {name:44s} {self.times[name] * 1000:12.3f} ms", flush=True)

    def add_definitions(self) -> None:
        """Register an instrument, its exposures, runs, chains and dataset types."""
        registry, insert = self.registry, self.registry.dimension_records.insert
        exposures = -(-self.options.datasets // DETECTORS)
        insert("instrument", [{"name": "Cam", "detector_max": DETECTORS}])
        insert("detector", [{"instrument": "Cam", "id": i, "full_name": f"D{i}"} for i in range(DETECTORS)])
        insert("physical_filter", [{"instrument": "Cam", "name": "r", "band": "r"}])
        insert("day_obs", [{"instrument": "Cam", "id": 20260101}])
        insert("group", [{"instrument": "Cam", "name": "g"}])
        fixed = {"instrument": "Cam", "physical_filter": "r", "day_obs": 20260101}
        rows = [{**fixed, "id": i, "obs_id": f"e{i}", "group": "g"} for i in range(exposures)]
        self.timed("insert exposure records", lambda: insert("exposure", rows), len(rows))
        visits = [{**fixed, "id": i, "name": f"v{i}"} for i in range(RECORDS // DETECTORS)]
        insert("visit", visits)
        regions = [
            {
                "instrument": "Cam",
                "visit": v,
                "detector": d,
                "region": circle(10 + 0.9 * v % 300, (v % 120) - 60 + 0.2 * (d // 10), 0.1),
            }
            for v in range(len(visits))
            for d in range(DETECTORS)
        ]
        self.timed("insert records with regions", lambda: insert("visit_detector_region", regions), len(regions))

        def register_runs() -> None:
            with registry.write():
                for run in self.runs:
                    registry.collections.register(run)

        self.timed("register runs", register_runs, len(self.runs))
        registry.collections.register("long", CollectionType.CHAINED)
        registry.collections.register("short", CollectionType.CHAINED)
        chain = self.runs[: self.options.chain]
        self.timed("set the long chain", lambda: registry.collections.set_chain("long", chain))
        registry.collections.set_chain("short", chain[-5:])
        dimensions = [("exposure", "detector"), ("visit", "detector"), ("exposure",), ("tract", "patch"), ("visit",)]
        types = [
            DatasetType(f"type_{i}", dimensions[i % len(dimensions)], "Table", universe=registry.universe)
            for i in range(self.options.types)
        ]

        def register_types() -> None:
            with registry.write():
                for dataset_type in types:
                    registry.dataset_types.register(dataset_type)

        self.timed("register dataset types", register_types, len(types))
        self.raw = types[0]

    def data_ids(self, start: int, stop: int) -> DataIdTable:
        """Give data IDs by number: exposure and detector."""
        numbers = np.arange(start, stop)
        columns = {
            "instrument": np.full(len(numbers), "Cam", dtype=object),
            "exposure": numbers // DETECTORS,
            "detector": numbers % DETECTORS,
        }
        return DataIdTable.from_arrays(self.raw.dimensions, columns)

    def grow(self, total: int) -> None:
        """Insert datasets until there are so many, in runs one after the other; nothing but the insertion is timed."""
        seconds, busy, begin = 0.0, 0.0, self.written
        a_run = -(-self.options.datasets // len(self.runs))
        while self.written < total:
            stop = min(self.written + BATCH, total)
            numbers = np.arange(self.written, stop) // a_run
            names = np.array(self.runs[numbers[0] : numbers[-1] + 1], dtype=object)
            runs = Categorical((numbers - numbers[0]).astype(np.int32), names)
            table = DatasetTable(self.raw, self.data_ids(self.written, stop), new_ids(stop - self.written), runs)
            start, used = time.perf_counter(), time.process_time()
            self.registry.datasets.insert(table)
            seconds += time.perf_counter() - start
            busy += time.process_time() - used
            self.written = stop
        name = f"insert datasets, to {total:,}"
        self.rates[name] = (total - begin) / seconds
        self.cpu[name] = (total - begin) / busy
        print(f"  {name:44s} {self.rates[name]:12,.0f} /s", flush=True)

    def find(self, label: str) -> None:
        """Find datasets one by one along chains and in a run, and many at once."""
        a_run = -(-self.options.datasets // len(self.runs))
        in_long = min(self.written, a_run * self.options.chain)
        last = range(max(0, in_long - 5 * a_run), in_long)
        find = self.registry.datasets.find_one

        def data_id(number: int) -> DataCoordinate:
            values = {"instrument": "Cam", "exposure": number // DETECTORS, "detector": number % DETECTORS}
            return DataCoordinate.standardize(values, dimensions=self.raw.dimensions)

        anywhere = [data_id(self.random.randrange(in_long)) for _ in range(FINDS)]
        near = [data_id(self.random.choice(last)) for _ in range(FINDS)]
        found = [find("type_0", item, "long") for item in anywhere[:50]]
        assert all(found), "the long chain holds what was inserted"
        self.median(
            f"find in a chain of {self.options.chain:,}, {label}", lambda i: find("type_0", i, "long"), anywhere
        )
        self.median(f"find in a chain of 5, {label}", lambda i: find("type_0", i, "short"), near)
        run = self.runs[in_long // a_run - 1]
        self.median(f"find in a run, {label}", lambda i: find("type_0", i, run), near)
        many = self.data_ids(0, min(10_000, in_long))
        self.timed(
            f"find 10,000 at once, {label}", lambda: self.registry.datasets.find("type_0", many, "long"), len(many)
        )

    def open(self, url: str, label: str) -> None:
        """Open the registry with nothing cached, and find a first dataset."""

        def opened(_turn: int) -> None:
            SqlRegistry.open(url).close()

        self.median(f"open, {label}", opened, list(range(20)))


def explain(registry: SqlRegistry) -> list[str]:
    """Give PostgreSQL's plan of the statement that finds a dataset, with the times of its parts."""
    from pachon.registry.datasets.finding import find_statement

    state = registry._state
    if state.dialect != "postgresql":
        return []
    values = {"type": 1, "key_instrument": "Cam", "key_exposure": 3, "key_detector": 5}
    with state.database.read() as connection:
        known = state.view(connection).get_dataset_type("type_0")
        statement = find_statement(known).params(values | {"type": known.id})
        text = str(statement.compile(connection.engine, compile_kwargs={"literal_binds": True}))
        rows = connection.execute(sa.text(f"EXPLAIN (ANALYZE, BUFFERS) {text}".replace(":", "\\:"))).scalars()
        return list(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure a large registry.")
    parser.add_argument("out", type=Path)
    parser.add_argument("url")
    parser.add_argument("--datasets", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--chain", type=int, default=5_000)
    parser.add_argument("--types", type=int, default=1_000)
    options = parser.parse_args()
    options.runs = max(1, min(options.runs, options.datasets))
    options.chain = min(options.chain, options.runs)
    with SqlRegistry.create(options.url) as registry:
        workload = Workload(registry, options)
        workload.open(options.url, "empty")
        workload.add_definitions()
        for part in sorted({max(1, options.datasets // 10), options.datasets}):
            workload.grow(part)
            workload.find(f"{part:,} datasets")
        workload.open(options.url, "full")
        workload.timed("list all collections", lambda: registry.collections.query("*"))
        workload.counts = {
            "datasets": options.datasets,
            "runs": options.runs,
            "chain": options.chain,
            "types": options.types,
        }
        plan = explain(registry)
    result = {"T": workload.times, "R": workload.rates, "CPU": workload.cpu, "C": workload.counts, "explain": plan}
    options.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
