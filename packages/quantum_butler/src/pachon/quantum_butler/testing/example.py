# SPDX-License-Identifier: BSD-3-Clause
"""A graph of five tasks of any size, made of arithmetic: no repository, no pipeline code.

``isr`` (exposure, detector; with a bias) -> ``cal`` (visit, detector) -> ``visit_summary`` (visit, a gather) ->
``warp`` (visit, patch) -> ``coadd`` (patch, band). Each task writes a log and metadata; ``coadd`` reads the schema
that ``cal`` writes when it is constructed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pachon.datasets import DatasetTable, DatasetType, new_ids
from pachon.datastore import FileRecords
from pachon.dimensions import Categorical, DataIdTable, DimensionUniverse, RecordTable
from pachon.quantum_butler.data_id_query import DataIdQuery
from pachon.quantum_butler.dataset_state import DatasetState
from pachon.quantum_butler.drop_reason import DropReason
from pachon.quantum_butler.graph import QuantumGraph
from pachon.quantum_butler.header import DatastoreSource, GraphHeader
from pachon.quantum_butler.tables import (
    ConnectionEdges,
    DatasetNodes,
    DroppedQuanta,
    GraphTables,
    InitConnection,
    TaskQuanta,
)

__all__ = ["example_graph", "example_tables"]

_BANDS = ("g", "r", "i")
_FIRST_VISIT = 1001
_GRAPH_ID = uuid.UUID("0197c0de-0000-4000-8000-000000000001")

_Numbers = NDArray[np.int64]


def example_graph(**sizes: Any) -> QuantumGraph:
    """Make the graph of `example_tables`."""
    return QuantumGraph.from_tables(example_tables(**sizes))


def example_tables(
    *,
    visits: int = 4,
    detectors: int = 3,
    patches: int = 2,
    overlaps: int = 2,
    run: str = "u/someone/run",
    storage_class: str = "StructuredDataDict",
    datastore: DatastoreSource | None = None,
    ids: NDArray[np.uint8] | None = None,
) -> GraphTables:
    """Make the tables of a graph.

    Parameters
    ----------
    visits, detectors, patches
        How many.
    overlaps
        Number of patches that each detector overlaps.
    run
        The output run.
    storage_class
        Of all datasets.
    datastore
        How to open the datastore.
    ids
        Ids for all quanta and datasets, ascending; new ones if left out.
    """
    world = _World(visits, detectors, patches, overlaps)
    source = _Ids(ids)
    universe = world.universe
    labels = {
        "isr": world.exposures,
        "cal": world.visit_detectors,
        "visit_summary": world.visits,
        "warp": world.warps,
        "coadd": world.coadds,
    }
    quanta = tuple(
        TaskQuanta(label=name, data_ids=table, ids=source.take(len(table))) for name, table in labels.items()
    )
    made = {
        "post_isr": world.exposures,
        "calexp": world.visit_detectors,
        "visit_summary": world.visits,
        "warp": world.warps,
        "coadd": world.coadds,
        "cal_schema": DataIdTable(universe.empty, {}, 1),
        "packages": DataIdTable(universe.empty, {}, 1),
    }
    for name, table in labels.items():
        made |= {f"{name}_metadata": table, f"{name}_log": table}
    found = {"raw": world.exposures, "bias": world.detectors}
    datasets = [
        DatasetNodes(
            datasets=DatasetTable(
                DatasetType(name, table.group, storage_class, is_calibration=name == "bias"),
                table,
                source.take(len(table)),
                run if name in made else f"CAM/{name}",
            ),
            states=DatasetState.PREDICTED if name in made else DatasetState.EXISTING,
        )
        for name, table in (found | made).items()
    ]
    name = "main" if datastore is None else datastore.config["name"]
    return GraphTables(
        header=GraphHeader(
            output_run=run,
            input_collections=("CAM/raw", "CAM/bias"),
            output=run.rpartition("/")[0] or None,
            graph_id=_GRAPH_ID,
            created="2026-11-23T00:00:00+00:00",
            user="someone",
            command="pipetask qgraph",
            repository="example",
            queries=(
                DataIdQuery.of(
                    tuple(labels),
                    ("instrument", "detector", "exposure"),
                    {"first": 1001},
                    where="exposure >= :first",
                    datasets={"raw": ("CAM/raw",)},
                ),
            ),
        ),
        universe=universe,
        pipeline={"description": "an example", "tasks": [{"label": label} for label in labels]},
        quanta=quanta,
        datasets=tuple(datasets),
        edges=tuple(_edges(world, list(labels))),
        init=(
            InitConnection(label="cal", connection="schema", kind="init_output", dataset_type="cal_schema", row=0),
            InitConnection(label="coadd", connection="schema", kind="init_input", dataset_type="cal_schema", row=0),
            InitConnection(label="", connection="packages", kind="init_output", dataset_type="packages", row=0),
        ),
        init_ids={label: uuid.UUID(bytes=source.take(1)[0].tobytes()) for label in (*labels, "")},
        records=tuple(_records(world)),
        file_records=FileRecords.concat([_file_records(nodes.datasets, storage_class, name) for nodes in datasets[:2]]),
        dropped=(_dropped(world),),
        datastore=datastore,
    )


class _Ids:
    """Hands out ids in ascending order."""

    def __init__(self, ids: NDArray[np.uint8] | None) -> None:
        self._ids = ids
        self._used = 0

    def take(self, count: int) -> NDArray[np.uint8]:
        if self._ids is None:
            return new_ids(count)
        self._used += count
        return self._ids[self._used - count : self._used]


class _World:
    """Data IDs and which of them overlap."""

    def __init__(self, visits: int, detectors: int, patches: int, overlaps: int) -> None:
        self.universe = DimensionUniverse.default()
        self.counts = (visits, detectors, patches)
        self.visit_values = np.arange(_FIRST_VISIT, _FIRST_VISIT + visits)
        # Sorted as data IDs are: detector first, then exposure or visit.
        detector = np.repeat(np.arange(detectors), visits)
        visit = np.tile(np.arange(visits), detectors)
        self.exposures = self._table(("exposure", "detector"), visit=visit, detector=detector)
        self.visit_detectors = self._table(("visit", "detector"), visit=visit, detector=detector)
        self.visits = self._table(("visit",), visit=np.arange(visits))
        self.detectors = self._table(("detector",), detector=np.arange(detectors))
        # Detector row d of visit v overlaps some patches that follow from both.
        pair = np.arange(len(visit))
        self.overlap_rows = np.repeat(pair, overlaps)
        shift = np.tile(np.arange(overlaps), len(pair))
        overlap_patch = (visit[self.overlap_rows] + detector[self.overlap_rows] // 2 + shift) % patches
        keys = overlap_patch * visits + visit[self.overlap_rows]
        distinct, self.overlap_warps = np.unique(keys, return_inverse=True)
        patch, warp_visit = distinct // visits, distinct % visits
        self.warps = self._table(("visit", "tract", "patch"), visit=warp_visit, patch=patch)
        self.warp_visits = warp_visit
        band = warp_visit % len(_BANDS)
        coadd_keys = self._band_codes(band).astype(np.int64) * patches + patch
        coadd_distinct, self.warp_coadds = np.unique(coadd_keys, return_inverse=True)
        self.coadds = self._table(
            ("tract", "patch", "band"), band_code=coadd_distinct // patches, patch=coadd_distinct % patches
        )

    @staticmethod
    def _band_codes(band: _Numbers) -> NDArray[np.int32]:
        """Give codes into the sorted bands."""
        order = {name: code for code, name in enumerate(sorted(_BANDS))}
        return np.array([order[name] for name in _BANDS], dtype=np.int32)[band]

    def _table(self, dimensions: Sequence[str], **rows: _Numbers) -> DataIdTable:
        group = self.universe.conform(dimensions)
        count = len(next(iter(rows.values())))
        columns: dict[str, Categorical] = {}
        for name in group.ordered:
            match name:
                case "instrument" | "skymap":
                    columns[name] = Categorical.constant({"instrument": "Cam", "skymap": "sky"}[name], count)
                case "exposure" | "visit":
                    columns[name] = Categorical(rows["visit"].astype(np.int32), self.visit_values)
                case "group":
                    columns[name] = Categorical(rows["visit"].astype(np.int32), _texts(self.visit_values))
                case "detector":
                    columns[name] = Categorical(rows["detector"].astype(np.int32), np.arange(self.counts[1]))
                case "patch":
                    columns[name] = Categorical(rows["patch"].astype(np.int32), np.arange(self.counts[2]))
                case "tract":
                    columns[name] = Categorical.constant(1, count)
                case "day_obs":
                    columns[name] = Categorical.constant(20260101, count)
                case "band":
                    given = rows["band_code"] if "band_code" in rows else self._band_codes(rows["visit"] % len(_BANDS))
                    columns[name] = Categorical(given.astype(np.int32), _texts(sorted(_BANDS)))
                case "physical_filter":
                    codes = self._band_codes(rows["visit"] % len(_BANDS))
                    columns[name] = Categorical(codes, _texts([f"{band}-cam" for band in sorted(_BANDS)]))
        return DataIdTable(group, columns, count)


def _edges(world: _World, labels: Sequence[str]) -> list[ConnectionEdges]:
    visits, detectors, _ = world.counts
    rows = np.arange(visits * detectors)

    def pairs(label: str, connection: str, dataset_type: str, quanta: _Numbers, found: _Numbers) -> ConnectionEdges:
        return ConnectionEdges(
            label=label,
            connection=connection,
            kind="prerequisite" if dataset_type == "bias" else "input",
            dataset_type=dataset_type,
            quantum_rows=quanta,
            dataset_rows=found,
        )

    edges = [
        ConnectionEdges(label="isr", connection="raw", kind="input", dataset_type="raw"),
        pairs("isr", "bias", "bias", rows, rows // visits),
        ConnectionEdges(label="isr", connection="post_isr", kind="output", dataset_type="post_isr"),
        ConnectionEdges(label="cal", connection="image", kind="input", dataset_type="post_isr"),
        ConnectionEdges(label="cal", connection="calexp", kind="output", dataset_type="calexp"),
        pairs("visit_summary", "images", "calexp", rows % visits, rows),
        ConnectionEdges(label="visit_summary", connection="summary", kind="output", dataset_type="visit_summary"),
        pairs("warp", "images", "calexp", world.overlap_warps, world.overlap_rows),
        pairs("warp", "summary", "visit_summary", np.arange(len(world.warps)), world.warp_visits),
        ConnectionEdges(label="warp", connection="warp", kind="output", dataset_type="warp"),
        pairs("coadd", "warps", "warp", world.warp_coadds, np.arange(len(world.warps))),
        ConnectionEdges(label="coadd", connection="coadd", kind="output", dataset_type="coadd"),
    ]
    edges += [
        ConnectionEdges(label=label, connection=f"_{suffix}", kind="output", dataset_type=f"{label}_{suffix}")
        for label in labels
        for suffix in ("metadata", "log")
    ]
    return edges


def _records(world: _World) -> list[RecordTable]:
    visits, detectors, patches = world.counts
    bands = sorted(_BANDS)
    filters = [f"{_BANDS[number % len(_BANDS)]}-cam" for number in range(visits)]
    begin = 1_000_000_000 * np.arange(visits, dtype=np.int64)
    columns: dict[str, Mapping[str, Any]] = {
        "instrument": {"name": ["Cam"], "detector_max": [detectors]},
        "physical_filter": {"name": [f"{band}-cam" for band in bands], "band": bands},
        "detector": {
            "id": np.arange(detectors),
            "full_name": [f"D{number:03d}" for number in range(detectors)],
            "purpose": ["SCIENCE"] * detectors,
        },
        "day_obs": {"id": [20260101]},
        "group": {"name": [str(visit) for visit in world.visit_values]},
        "exposure": {
            "id": world.visit_values,
            "day_obs": np.full(visits, 20260101),
            "group": [str(visit) for visit in world.visit_values],
            "physical_filter": filters,
            "obs_id": [f"obs_{visit}" for visit in world.visit_values],
            "exposure_time": np.full(visits, 30.0),
            "timespan_begin": begin,
            "timespan_end": begin + 30,
        },
        "visit": {
            "id": world.visit_values,
            "day_obs": np.full(visits, 20260101),
            "physical_filter": filters,
            "name": [f"visit_{visit}" for visit in world.visit_values],
            "region": [_REGION] * visits,
            "timespan_begin": begin,
            "timespan_end": begin + 30,
        },
        "visit_detector_region": {
            "detector": world.visit_detectors.column("detector"),
            "visit": world.visit_detectors.column("visit"),
            "region": [_REGION] * len(world.visit_detectors),
        },
        "skymap": {"name": ["sky"], "hash": [b"\x00\x01"]},
        "tract": {"id": [1], "region": [_REGION]},
        "patch": {"tract": np.ones(patches, dtype=np.int64), "id": np.arange(patches), "region": [_REGION] * patches},
    }
    return [_record_table(world.universe, element, given) for element, given in columns.items()]


def _record_table(universe: DimensionUniverse, name: str, given: Mapping[str, Any]) -> RecordTable:
    """Fill the columns that are not given with nulls."""
    element = universe[name]
    rows = len(next(iter(given.values())))
    columns: dict[str, NDArray[Any]] = {}
    for column in element.columns:
        if column.type == "timespan":
            for end in ("timespan_begin", "timespan_end"):
                columns[end] = np.asarray(given.get(end, np.full(rows, -1)), dtype=np.int64)
        elif column.name in given:
            value = given[column.name]
            columns[column.name] = value if isinstance(value, np.ndarray) else _objects(value)
            if column.type == "int" and not column.nullable:
                columns[column.name] = columns[column.name].astype(np.int64)
        elif column.name in {"instrument", "skymap"}:
            columns[column.name] = _texts([{"instrument": "Cam", "skymap": "sky"}[column.name]] * rows)
        elif column.type == "float":
            columns[column.name] = np.full(rows, np.nan)
        else:
            columns[column.name] = np.full(rows, None, dtype=object)
    return RecordTable(element, columns)


def _file_records(table: DatasetTable, storage_class: str, datastore: str) -> FileRecords:
    count = len(table)
    name = table.dataset_type.name
    return FileRecords.from_columns(
        {
            "dataset_id": table.ids,
            "component": [""] * count,
            "path": [f"CAM/{name}/{number // 100:05d}/{name}_{number}.json" for number in range(count)],
            "formatter": ["json"] * count,
            "storage_class": [storage_class] * count,
            "size": np.full(count, 2),
            "checksum": [""] * count,
            "datastore": [datastore] * count,
        }
    )


def _dropped(world: _World) -> DroppedQuanta:
    """Say of one more visit that it had no bias, and of another that its raws are missing."""
    group = world.universe.conform(["exposure", "detector"])
    detectors = world.counts[1]
    last = int(world.visit_values[-1])
    table = DataIdTable.from_arrays(
        group,
        {
            "instrument": np.array(["Cam"] * (detectors + 1), dtype=object),
            "detector": np.array([*range(detectors), 0]),
            "exposure": np.array([last + 1] * detectors + [last + 2]),
        },
    )
    reasons = np.array([DropReason.NO_VALID_CALIBRATION] * detectors + [DropReason.NO_INPUTS], dtype=np.uint8)
    details = Categorical.encode(["bias"] * detectors + ["raw"])
    return DroppedQuanta(label="isr", data_ids=table, reasons=reasons, details=details)


def _texts(values: Iterable[Any]) -> NDArray[Any]:
    return _objects([str(value) for value in values])


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


_REGION = bytes.fromhex("63000000000000f03f000000000000000000000000000000002d431cebe2363a3fef8e8fa6f77a943f")
"""A small circle, as lsst-sphgeom encodes it."""
