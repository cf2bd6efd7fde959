# SPDX-License-Identifier: BSD-3-Clause
"""Made-up surveys, and pipelines for them, as plain values: two systems can be given the same.

A pipeline is a list of tasks, each a mapping: ``label``, ``dimensions``, ``connections`` and the names of those that give bounds
(``spatial``, ``temporal``). A connection is a mapping: ``kind``, ``attribute``, ``name``, ``dimensions``, ``storage_class`` and its options.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from itertools import pairwise
from typing import Any

import yaml

from pachon.ctrl_mpexec.testing.sky_survey import box
from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import DimensionGroup, DimensionUniverse, Timespan
from pachon.registry import SqlRegistry

__all__ = [
    "BIND",
    "CALIBRATIONS",
    "INPUTS",
    "Survey",
    "parent_name",
    "random_pipeline",
    "random_where",
    "weather_universe",
]

KIND = "StructuredDataDict"
TABLE = "ArrowAstropy"
TABLES = ("visit_table", "detector_note")
"""Overall inputs that are tables; so are some outputs."""
_READINGS = (("", TABLE), ("", TABLE), ("", "ArrowTable"), (".rowcount", "int"))
"""As what a table is read: itself, converted, or a component of it."""
MINUTE = 60_000_000_000
START = Timespan("2026-01-01T00:00:00", None).begin_ns
_EXPOSURE = ("instrument", "exposure", "detector")
_VISIT = ("instrument", "visit", "detector")
_PATCH = ("skymap", "tract", "patch")

INPUTS: Mapping[str, tuple[str, ...]] = {
    "raw": _EXPOSURE,
    "guide": ("instrument", "exposure"),
    "image0": _VISIT,
    "visit_table": ("instrument", "visit"),
    "template": (*_PATCH, "band"),
    "sky_image": _PATCH,
    "night_log": ("instrument", "day_obs"),
    "detector_note": ("instrument", "detector"),
    "sky_map": ("skymap",),
    "weather_log": ("instrument", "weather"),
}
"""Overall inputs of pipelines, with their dimensions; ``weather`` is known in some universes only."""

CALIBRATIONS: Mapping[str, tuple[str, ...]] = {
    "bias": ("instrument", "detector"),
    "flat": ("instrument", "detector", "physical_filter"),
    "camera": ("instrument",),
}
"""Dataset types with validity ranges."""

_TASKS: Sequence[tuple[str, ...]] = (
    _EXPOSURE,
    _EXPOSURE,
    ("instrument", "exposure"),
    _VISIT,
    _VISIT,
    ("instrument", "visit"),
    ("instrument", "visit", *_PATCH),
    (*_VISIT, *_PATCH),
    (*_PATCH, "band"),
    _PATCH,
    ("skymap", "tract"),
    ("instrument", "detector"),
    ("instrument", "detector", "physical_filter"),
    ("instrument", "day_obs"),
    ("instrument",),
    ("instrument", "visit", "skymap", "tract"),
    ("instrument", "physical_filter", *_PATCH),
    ("instrument", "band"),
    ("instrument", "group"),
)
_WEATHER: Sequence[tuple[str, ...]] = (
    ("instrument", "weather"),
    ("instrument", "weather"),
    ("instrument", "exposure", "weather"),
    ("instrument", "visit", "weather"),
    ("instrument", "detector", "weather"),
)
"""Tasks that join exposures and visits with something else in time."""


def weather_universe() -> dict[str, Any]:
    """Give the document of the default universe with a second family of time spans, in a dialect that both systems read."""
    document: dict[str, Any] = yaml.safe_load(files("pachon.dimensions").joinpath("default_universe.yaml").read_text())
    document["namespace"] = "weather"
    document["elements"]["weather"] = {
        "doc": "A stretch of steady weather.",
        "requires": ["instrument"],
        "keys": [{"name": "id", "type": "int"}],
    }
    document["topology"]["temporal"]["weather_timespans"] = ["weather"]
    return document


class Survey:
    """Fills a registry with records and overall inputs: two nights, visits of one to three exposures, calibrations with gaps, two tracts;
    of two instruments now and then.
    """

    def __init__(self, registry: SqlRegistry, rng: random.Random) -> None:
        self.registry = registry
        self._rng = rng
        self.detectors = range(rng.randint(1, 3))
        self.exposures: dict[int, int] = {}
        self._there: set[Any] = set()

    def fill(self) -> None:
        """Write all of it."""
        with self.registry.write():
            self._insert_records()
            if self._rng.random() < 0.35:
                self._insert_second_instrument()
            for name in ("raws/1", "raws/2", "refcats", "done/1", "done/2", "other"):
                self.registry.collections.register(name, CollectionType.RUN)
            for name in ("calib/a", "calib/b"):
                self.registry.collections.register(name, CollectionType.CALIBRATION)
            self.registry.collections.register("best", CollectionType.TAGGED)
            chain = ["raws/1", "raws/2", "calib/a", "calib/b", "refcats"]
            self._rng.shuffle(chain)
            for name, children in {
                "defaults": chain, "nested": ["best", "defaults"], "done": ["done/2", "done/1"], "nothing": [],
            }.items():  # fmt: skip
                self.registry.collections.register(name, CollectionType.CHAINED)
                self.registry.collections.set_chain(name, children)
            self._add_inputs()
            self._add_calibrations()

    def _insert_records(self) -> None:
        rng, insert = self._rng, self.registry.dimension_records.insert
        insert("instrument", [{"name": "Cam", "detector_max": 10, "class_name": "none"}])
        insert("physical_filter", [{"instrument": "Cam", "name": name, "band": name.lower()} for name in "RG"])
        days = {20260101: 0, 20260102: 60}
        for day, minute in days.items():
            span = Timespan.from_ns(START + minute * MINUTE, START + (minute + 60) * MINUTE)
            insert("day_obs", [{"instrument": "Cam", "id": day, "timespan": span}])
        insert("visit_system", [{"instrument": "Cam", "id": 0, "name": "all"}])
        insert("detector", [{"instrument": "Cam", "id": d, "full_name": f"D{d}"} for d in self.detectors])
        insert("skymap", [{"name": "sky", "hash": b"x", "tract_max": 2, "patch_nx_max": 2, "patch_ny_max": 2}])
        for tract in range(2):
            centre = 10 + 0.5 * tract
            insert("tract", [{"skymap": "sky", "id": tract, "region": box(centre, 0, 0.62)}])
            cells = [(2 * y + x, x, y) for y in range(2) for x in range(2)]
            insert(
                "patch",
                [
                    {"skymap": "sky", "tract": tract, "id": i, "cell_x": x, "cell_y": y}
                    | {"region": box(centre - 0.15 + 0.3 * x, -0.15 + 0.3 * y, 0.32)}
                    for i, x, y in cells
                ],
            )
        if "weather" in self.registry.universe.dimensions:
            edges = sorted(rng.sample(range(120), 6))
            for number, (begin, end) in enumerate(pairwise(edges)):
                span = Timespan.from_ns(START + begin * MINUTE, START + end * MINUTE)
                if rng.random() < 0.8:
                    insert("weather", [{"instrument": "Cam", "id": number, "timespan": span}])
        for n in range(1, rng.randint(4, 7)):
            day, minute = (20260101, 8 * n) if n < 4 else (20260102, 60 + 8 * n)
            shared = {"instrument": "Cam", "physical_filter": rng.choice("RG"), "day_obs": day}
            ra, dec = rng.uniform(9.7, 10.9), rng.uniform(-0.35, 0.35)
            insert("group", [{"instrument": "Cam", "name": f"g{n}"}])
            count = rng.randint(1, 3)
            for i in range(count):
                begin = START + (minute + i) * MINUTE
                self.exposures[10 * n + i] = n
                row = {"id": 10 * n + i, "obs_id": f"o{n}{i}", "group": f"g{n}", "seq_num": i}
                kind = {"observation_type": rng.choice(["science", "science", "dark"])}
                span = Timespan.from_ns(begin, begin + MINUTE)
                insert("exposure", [{**shared, **row, **kind, "timespan": span}])
            if rng.random() < 0.1:
                continue  # exposures that are of no visit
            span = Timespan.from_ns(START + minute * MINUTE, START + (minute + count) * MINUTE)
            insert("visit", [{**shared, "id": n, "name": f"v{n}", "timespan": span, "region": box(ra, dec, 0.3)}])
            insert(
                "visit_definition", [{"instrument": "Cam", "exposure": 10 * n + i, "visit": n} for i in range(count)]
            )
            insert("visit_system_membership", [{"instrument": "Cam", "visit": n, "visit_system": 0}])
            insert(
                "visit_detector_region",
                [
                    {"instrument": "Cam", "visit": n, "detector": d}
                    | {"region": box(ra - 0.1 + 0.11 * (d % 2), dec - 0.1 + 0.11 * (d // 2), 0.1)}
                    for d in self.detectors
                ],
            )

    def _insert_second_instrument(self) -> None:
        """Insert an instrument with the same numbers of detectors, exposures and visits as the first has."""
        insert, own = self.registry.dimension_records.insert, {"instrument": "Spec"}
        insert("instrument", [{"name": "Spec", "detector_max": 10, "class_name": "none"}])
        insert("physical_filter", [{**own, "name": "R", "band": "r"}, {**own, "name": "B", "band": "b"}])
        insert("day_obs", [{**own, "id": 20260101, "timespan": Timespan.from_ns(START, START + 60 * MINUTE)}])
        insert("visit_system", [{**own, "id": 0, "name": "all"}])
        insert("detector", [{**own, "id": d, "full_name": f"S{d}"} for d in (0, 1)])
        for n in (1, 2):
            shared = {**own, "physical_filter": "RB"[n - 1], "day_obs": 20260101}
            span = Timespan.from_ns(START + 8 * n * MINUTE, START + (8 * n + 1) * MINUTE)
            insert("group", [{**own, "name": f"g{n}"}])
            row = {"id": 10 * n, "obs_id": f"s{n}", "group": f"g{n}", "seq_num": 0, "observation_type": "science"}
            insert("exposure", [{**shared, **row, "timespan": span}])
            insert("visit", [{**shared, "id": n, "name": f"s{n}", "timespan": span, "region": box(10.2, 0, 0.3)}])
            insert("visit_definition", [{**own, "exposure": 10 * n, "visit": n}])
            insert("visit_system_membership", [{**own, "visit": n, "visit_system": 0}])
            regions = [{**own, "visit": n, "detector": d, "region": box(10.1 + 0.2 * d, 0, 0.1)} for d in (0, 1)]
            insert("visit_detector_region", regions)

    def _register(self, name: str, dimensions: Sequence[str], *, calibration: bool = False) -> DatasetType:
        kind = TABLE if name in TABLES else KIND
        made = DatasetType(name, dimensions, kind, is_calibration=calibration, universe=self.registry.universe)
        self.registry.dataset_types.register(made)
        return made

    def _add(self, dataset_type: DatasetType, run: str, data_id: Any) -> DatasetRef:
        ref = DatasetRef(dataset_type, data_id, run)
        self.registry.datasets.import_([ref])
        return ref

    def _add_once(self, dataset_type: DatasetType, run: str, data_id: Mapping[str, Any]) -> None:
        key = (dataset_type.name, run, *sorted(data_id.items()))
        if key not in self._there:
            self._there.add(key)
            self.registry.dataset_types.register(dataset_type)
            self._add(dataset_type, run, data_id)

    def _add_inputs(self) -> None:
        universe = self.registry.universe
        for name, dimensions in _inputs_of(self.registry.universe).items():
            made = self._register(name, dimensions)
            # What is related in several ways, as exposures and visits, is not asked for here.
            for data_id in self.registry.facts().fetch_data_ids(universe.conform(dimensions)):
                for run in ("raws/1", "raws/2"):
                    if self._rng.random() < 0.65:
                        ref = self._add(made, run, data_id.required)
                        if run == "raws/2" and self._rng.random() < 0.5:
                            self.registry.collections.associate("best", [ref])
        for name in ("refcat", "other_refcat"):
            refcat = self._register(name, ("htm7",))
            for begin, end in universe.pixelization("htm7").envelope(box(10.25, 0, 1.4)):
                for pixel in range(begin, end):
                    if self._rng.random() < 0.7:
                        self._add(refcat, "refcats", {"htm7": pixel})

    def _add_calibrations(self) -> None:
        universe = self.registry.universe
        for name, dimensions in CALIBRATIONS.items():
            made = self._register(name, dimensions, calibration=True)
            data_ids = list(self.registry.facts().fetch_data_ids(universe.conform(dimensions)))
            for number, data_id in enumerate(data_ids):
                for collection in ("calib/a", "calib/b"):
                    edges = sorted(self._rng.sample(range(16), self._rng.choice([0, 2, 2, 4])))
                    if self._rng.random() < 0.2:
                        edges = [-10_000, 10_000]
                    for begin, end in zip(edges[::2], edges[1::2], strict=True):
                        run = f"calibs/{name}/{collection}/{number}/{begin}"
                        self.registry.collections.register(run, CollectionType.RUN)
                        ref = self._add(made, run, data_id.required)
                        # Ranges end between visits: what overlaps two of them is refused by both.
                        span = Timespan.from_ns(START + (8 * begin - 2) * MINUTE, START + (8 * end - 2) * MINUTE)
                        self.registry.collections.certify(collection, [ref], span)

    def add_outputs(self, rng: random.Random, quanta: Sequence[Any]) -> None:
        """Write, as runs that stopped half-way would have, some outputs of quanta into ``done/1``, ``done/2`` and ``out/run``."""
        self.registry.collections.register("out/run", CollectionType.RUN)
        for run, share in (("done/1", 0.5), ("done/2", 0.2), ("out/run", rng.choice([0, 0.1, 0.3]))):
            for quantum in quanta:
                if rng.random() > share:
                    continue
                for connection, refs in quantum.outputs.items():
                    if rng.random() < (0.8 if connection == "metadata" else 0.85):
                        for ref in refs:
                            self._add_once(ref.dataset_type, run, ref.data_id.required)

    def add_init_outputs(self, rng: random.Random, refs: Sequence[DatasetRef]) -> None:
        """Write some outputs of the construction of tasks into the same runs."""
        for run in ("done/1", "done/2", "out/run"):
            self.registry.collections.register(run, CollectionType.RUN)
            for ref in refs:
                if rng.random() < 0.9 and ref.dataset_type.name != "packages":
                    self._add_once(ref.dataset_type, run, {})


def _inputs_of(universe: DimensionUniverse) -> dict[str, tuple[str, ...]]:
    return {name: own for name, own in INPUTS.items() if all(dimension in universe.dimensions for dimension in own)}


def random_pipeline(rng: random.Random, universe: DimensionUniverse) -> list[dict[str, Any]]:
    """Make up one to five tasks that read overall inputs and each other's outputs."""
    made: dict[str, tuple[str, ...]] = {}
    known = _inputs_of(universe)
    choices = [*_TASKS, *_WEATHER, *_WEATHER] if "weather" in universe.dimensions else _TASKS
    # A dataset type is a prerequisite of all tasks or of none.
    regular = {name: known[name] for name in known if name in ("raw", "image0") or rng.random() < 0.6}
    init_made: list[str] = []
    tasks = []
    for number in range(rng.randint(1, 5)):
        dimensions = rng.choice(choices)
        others = {name: own for name, own in known.items() if name not in regular}
        connections = [*_inputs(rng, dimensions, {**regular, **made}, made), *_prerequisites(rng, dimensions, others)]
        if init_made and rng.random() < 0.4:
            connections.append({"kind": "init_input", "attribute": "schema_in", "name": rng.choice(init_made)})
        if rng.random() < 0.3:
            init_made.append(f"schema{number}")
            connections.append({"kind": "init_output", "attribute": "schema_out", "name": init_made[-1]})
        for i in range(rng.choice([1, 1, 2])):
            # One that has more dimensions than its task is written many times by each quantum.
            more = {"instrument": ("detector",), "tract": ("patch",)} if rng.random() < 0.2 else {}
            extra = [n for k, names in more.items() if k in dimensions for n in names if n not in dimensions]
            made[f"out{number}{i}"] = (*dimensions, *extra)
            connections.append(
                {
                    "kind": "output",
                    "attribute": f"out{i}",
                    "name": f"out{number}{i}",
                    "dimensions": made[f"out{number}{i}"],
                    "multiple": bool(extra),
                }
            )
        # LSST's packages look calibrations up at once for all quanta, and then overlook what the task says of their time.
        timed = not any(connection.get("is_calibration") for connection in connections)
        bounding = [c["attribute"] for c in connections if c["kind"] in ("input", "output")]
        tasks.append(
            {
                "label": f"task{number}",
                "dimensions": dimensions,
                "connections": connections,
                "spatial": rng.sample(bounding, 1) if rng.random() < 0.15 else [],
                "temporal": rng.sample(bounding, 1) if rng.random() < 0.15 and timed else [],
            }
        )
    _choose_storage_classes(rng, tasks)
    return tasks


def parent_name(name: str) -> str:
    """Give the name of the dataset type whose component a connection reads, or the name itself."""
    return name.partition(".")[0]


def _choose_storage_classes(rng: random.Random, tasks: Sequence[dict[str, Any]]) -> None:
    tables = set(TABLES)
    for connection in (c for task in tasks for c in task["connections"]):
        connection["storage_class"] = KIND
        if connection["kind"] == "output" and rng.random() < 0.4:
            tables.add(connection["name"])
            connection["storage_class"] = TABLE
        elif connection["name"] in tables:
            component, connection["storage_class"] = rng.choice(_READINGS)
            connection["name"] += component


def _inputs(
    rng: random.Random,
    dimensions: Sequence[str],
    known: Mapping[str, tuple[str, ...]],
    made: Mapping[str, tuple[str, ...]],
) -> Iterator[dict[str, Any]]:
    # What shares no dimension with a task is joined with all of it: such pipelines are rare, and make large graphs.
    near = [n for n, own in known.items() if set(own) & set(dimensions)] or list(known)
    fresh = [name for name in near if name in made]
    chosen = dict.fromkeys(
        rng.choice(fresh if fresh and rng.random() < 0.7 else near) for _ in range(rng.choice([1, 1, 2, 2, 3]))
    )
    for i, name in enumerate(chosen):
        single = set(known[name]) <= set(dimensions)
        yield {
            "kind": "input",
            "attribute": f"in{i}",
            "name": name,
            "dimensions": known[name],
            "multiple": not single or rng.random() < 0.1,
            "minimum": rng.choice([1, 1, 1, 1, 0, 2 if not single else 1]),
            "defer_graph_constraint": rng.random() < 0.15,
        }


def _prerequisites(
    rng: random.Random, dimensions: Sequence[str], others: Mapping[str, tuple[str, ...]]
) -> Iterator[dict[str, Any]]:
    choices: dict[str, tuple[str, ...]] = {
        **(CALIBRATIONS if "instrument" in dimensions else {}),
        **({"refcat": ("htm7",), "other_refcat": ("htm7",)} if {"visit", "tract"} & set(dimensions) else {}),
        **others,
    }
    for i, name in enumerate(rng.sample(list(choices), min(len(choices), rng.choice([0, 0, 1, 1, 2])))):
        single = set(choices[name]) <= {*dimensions, "physical_filter"}
        yield {
            "kind": "prerequisite",
            "attribute": f"pre{i}",
            "name": name,
            "dimensions": choices[name],
            "multiple": not single or rng.random() < 0.1,
            "minimum": 0 if rng.random() < 0.85 else 1,
            "is_calibration": name in CALIBRATIONS,
        }


BIND = {"lowest": 3, "chosen": [0, 2]}
"""Values that expressions of `random_where` may name."""


def random_where(rng: random.Random, dimensions: DimensionGroup) -> str:
    """Make up an expression; also one about dimensions that no task has."""
    parts = []
    if "instrument" in dimensions or rng.random() < 0.5:
        parts.append(rng.choice(["instrument = 'Cam'"] * 4 + ["instrument IN ('Cam', 'Spec')"]))
    if "skymap" in dimensions or rng.random() < 0.2:
        parts.append("skymap = 'sky'")
    conditions = [
        f"visit < {rng.randint(2, 6)}",
        f"visit IN ({rng.randint(1, 6)}, {rng.randint(1, 6)})",
        f"exposure > {rng.randint(10, 40)}",
        f"exposure IN ({rng.randint(1, 5)}0..{rng.randint(5, 7)}0)",
        f"tract = {rng.randint(0, 1)}",
        f"patch = {rng.randint(0, 3)} AND tract = 1",
        "band = 'r'",
        "physical_filter = 'G'",
        "detector != 0",
        "exposure.observation_type = 'science'",
        "day_obs = 20260102",
        "visit.timespan OVERLAPS (T'2026-01-01T00:10:00', T'2026-01-01T00:40:00')",
        "exposure.timespan OVERLAPS (T'2026-01-01T00:20:00', T'2026-01-01T01:20:00')",
        "NOT (visit = 2 OR detector = 1)",
        "exposure.seq_num = 0",
        "visit >= :lowest",
        "detector IN (:chosen)",
        "day_obs = 20260101 AND visit > 1",
    ]
    parts.extend(rng.sample(conditions, rng.choice([0, 0, 1, 1, 2])))
    return " AND ".join(parts)
