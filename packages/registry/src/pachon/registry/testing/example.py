# SPDX-License-Identifier: BSD-3-Clause
"""A small registry with two cameras, a sky map, calibrations and processed data, for tests of queries."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from pachon.datasets import CollectionType, DatasetRef, DatasetType
from pachon.dimensions import DataCoordinate, RecordTable, Timespan, region_from_bytes
from pachon.registry.sql_registry import SqlRegistry

__all__ = ["fill_example", "load_records"]

_EXPOSURES = (
    (1, "Cam1-G", 20210909, "g1", "2021-09-09T03:00:00", 60, 60.0, 1, "science", True, False, 10.0),
    (2, "Cam1-R1", 20210909, "g1", "2021-09-09T03:02:00", 60, 45.0, 2, "science", True, False, 11.5),
    (3, "Cam1-R2", 20210910, "g2", "2021-09-10T13:00:00", 30, 30.0, 1, "flat", False, False, None),
    (4, "Cam1-R2", 20210910, "g2", "2021-09-10T13:01:00", 30, 30.0, 2, "bias", None, None, None),
)


def fill_example(registry: SqlRegistry, folder: Path) -> None:
    """Fill an empty registry of the default universe.

    Parameters
    ----------
    registry
        Opened for writing.
    folder
        Where the export files ``base.yaml``, ``spatial.yaml`` and ``datasets.yaml`` are.
    """
    for name in ("base.yaml", "spatial.yaml", "datasets.yaml"):
        for section in yaml.load((folder / name).read_text(), Loader=_Loader)["data"]:  # a safe loader
            _load_section(registry, section)
    _add_observations(registry)
    _add_collections(registry)


def load_records(registry: SqlRegistry, element: str, *rows: dict[str, Any]) -> None:
    """Insert dimension records given as mappings."""
    registry.dimension_records.insert(RecordTable.from_rows(registry.universe[element], rows))


class _Loader(yaml.SafeLoader):
    """Reads the tags of export files."""


def _region(loader: yaml.SafeLoader, node: yaml.MappingNode) -> Any:
    return region_from_bytes(bytes.fromhex(loader.construct_mapping(node)["encoded"]))


def _text(loader: Any, node: Any) -> str:
    return str(loader.construct_scalar(node))


_Loader.add_constructor("!uuid", lambda loader, node: uuid.UUID(_text(loader, node)))
_Loader.add_constructor("!butler_time/tai/iso", _text)
_Loader.add_constructor("lsst.sphgeom.ConvexPolygon", _region)


def _load_section(registry: SqlRegistry, section: dict[str, Any]) -> None:
    match section["type"]:
        case "dimension":
            load_records(registry, section["element"], *section["records"])
        case "run":
            registry.collections.register(section["name"])
        case "dataset_type":
            _register_type(
                registry,
                section["name"],
                section["dimensions"],
                section["storage_class"],
                is_calibration=section["is_calibration"],
            )
        case _:
            dataset_type = registry.dataset_types.get(section["dataset_type"])
            registry.datasets.import_(
                DatasetRef(dataset_type, record["data_id"], section["run"], id=record["dataset_id"])
                for record in section["records"]
            )


def _register_type(
    registry: SqlRegistry, name: str, dimensions: list[str], storage_class: str, *, is_calibration: bool = False
) -> DatasetType:
    dataset_type = DatasetType(
        name, dimensions, storage_class, is_calibration=is_calibration, universe=registry.universe
    )
    registry.dataset_types.register(dataset_type)
    return dataset_type


def _add_observations(registry: SqlRegistry) -> None:
    load_records(registry, "instrument", {"name": "Cam2"})
    load_records(registry, "detector", *({"instrument": "Cam2", "id": i, "full_name": f"Z{i}"} for i in (1, 2)))
    load_records(registry, "physical_filter", {"instrument": "Cam2", "name": "Cam2-G", "band": "g"})
    night = Timespan("2021-09-10T12:00:00", "2021-09-11T12:00:00")
    load_records(registry, "day_obs", {"instrument": "Cam1", "id": 20210910, "timespan": night})
    load_records(registry, "group", *({"instrument": "Cam1", "name": name} for name in ("g1", "g2")))
    load_records(registry, "exposure", *(_exposure(*row) for row in _EXPOSURES))
    load_records(registry, "visit_definition", *({"instrument": "Cam1", "exposure": i, "visit": i} for i in (1, 2)))
    systems = ((0, "one-to-one"), (1, "by-group"))
    load_records(registry, "visit_system", *({"instrument": "Cam1", "id": i, "name": n} for i, n in systems))
    load_records(
        registry, "visit_system_membership", *({"instrument": "Cam1", "visit_system": 0, "visit": i} for i in (1, 2))
    )


def _exposure(
    number: int,
    physical_filter: str,
    day_obs: int,
    group: str,
    begin: str,
    length: int,
    exposure_time: float,
    sequence: int,
    kind: str,
    sky: bool | None,  # columns of a table
    simulated: bool | None,
    ra: float | None,
) -> dict[str, Any]:
    start = Timespan(begin, None).begin_ns
    return {
        "instrument": "Cam1",
        "id": number,
        "obs_id": f"obs{number}",
        "physical_filter": physical_filter,
        "day_obs": day_obs,
        "group": group,
        "timespan": Timespan.from_ns(start, start + length * 1_000_000_000),
        "exposure_time": exposure_time,
        "seq_num": sequence,
        "observation_type": kind,
        "can_see_sky": sky,
        "has_simulated": simulated,
        "tracking_ra": ra,
    }


def _add_collections(registry: SqlRegistry) -> None:
    collections = registry.collections
    for name, kind in (
        ("tagged", CollectionType.TAGGED),
        ("calib", CollectionType.CALIBRATION),
        ("chain", CollectionType.CHAINED),
        ("proc", CollectionType.RUN),
    ):
        collections.register(name, kind)
    collections.set_chain("chain", ["tagged", "imported_g", "imported_r"])
    bias = {run: registry.query.datasets("bias", run) for run in ("imported_g", "imported_r")}
    second = np.flatnonzero(bias["imported_r"].data_ids.column("detector") == 2)
    collections.associate("tagged", bias["imported_r"].take(second))
    change = "2021-09-10T00:00:00"
    collections.certify("calib", bias["imported_g"], Timespan(None, change))
    collections.certify("calib", bias["imported_r"], Timespan(change, None))
    raw = _register_type(registry, "raw", ["instrument", "detector", "exposure"], "Exposure")
    calexp = _register_type(registry, "calexp", ["instrument", "detector", "visit"], "Exposure")
    _register_type(registry, "coadd", ["tract", "patch", "band"], "Exposure")
    registry.datasets.insert(
        DatasetRef(raw, _data_id(raw, detector=d, exposure=e), "proc") for d in (1, 2) for e in (1, 2, 3)
    )
    registry.datasets.insert(
        DatasetRef(calexp, _data_id(calexp, detector=d, visit=v), "proc") for d in (1, 2) for v in (1, 2)
    )


def _data_id(dataset_type: DatasetType, **values: int) -> DataCoordinate:
    return DataCoordinate.standardize({"instrument": "Cam1", **values}, dimensions=dataset_type.dimensions)
