# SPDX-License-Identifier: BSD-3-Clause
"""A repository on disk with numbers for raw data: 2 detectors, a few exposures, biases valid for all time."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

from pachon.butler import Butler
from pachon.datasets import CollectionType, DatasetType
from pachon.dimensions import Timespan

__all__ = ["PIPELINE", "make_repository"]

PIPELINE = """\
description: numbers
tasks:
  correct: pachon.ctrl_mpexec.testing.tasks.CorrectTask
  visit: pachon.ctrl_mpexec.testing.tasks.VisitTask
  gather: pachon.ctrl_mpexec.testing.tasks.GatherTask
"""
"""Raw numbers to totals of visits; exposure n, detector d: raw 100 n + d, bias d, total 200 n."""

_DAY = 20260101


def make_repository(
    root: Path,
    *,
    exposures: int = 3,
    raw_storage_class: str = "StructuredDataDict",
    storage_classes: dict[str, Any] | None = None,
    database: str | None = None,
    files: str | None = None,
) -> None:
    """Create the repository with collections ``raws`` (RUN), ``calib`` (CALIBRATION) and ``defaults`` (a chain).

    Parameters
    ----------
    root
        Its folder.
    exposures
        How many.
    raw_storage_class, storage_classes
        Of the raws, and definitions beside the built-in ones.
    database
        URL of a database on a server; by default a file of SQLite.
    files
        Root of the datastore, such as a bucket; by default the folder.
    """
    datastore: dict[str, Any] = {"formatters": dict.fromkeys(storage_classes, "json")} if storage_classes else {}
    if files is not None:
        datastore["root"] = files
    with Butler.create(
        str(root), storage_classes=storage_classes, datastore=datastore or None, database=database
    ) as butler:
        _insert_records(butler, exposures)
        universe = butler.universe
        raw = DatasetType("raw", ["exposure", "detector"], raw_storage_class, universe=universe)
        bias = DatasetType("bias", ["detector"], "StructuredDataDict", is_calibration=True, universe=universe)
        for dataset_type in (raw, bias):
            butler.dataset_types.register(dataset_type)
        butler.put_many(
            [
                ({"value": 100 * n + d}, "raw", {"instrument": "Cam", "exposure": n, "detector": d})
                for n in range(1, exposures + 1)
                for d in range(2)
            ],
            run="raws",
        )
        biases = butler.put_many(
            [({"value": d}, "bias", {"instrument": "Cam", "detector": d}) for d in range(2)], run="calib/run"
        )
        butler.collections.register("calib", CollectionType.CALIBRATION)
        butler.collections.certify("calib", biases, Timespan(None, None))
        butler.collections.register("defaults", CollectionType.CHAINED)
        butler.collections.set_chain("defaults", ["raws", "calib"])


def _time(minute: int, second: int) -> str:
    begin = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    moment = begin + datetime.timedelta(minutes=minute, seconds=second)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _insert_records(butler: Butler, exposures: int) -> None:
    insert = butler.dimension_records.insert
    insert("instrument", [{"name": "Cam", "detector_max": 2, "class_name": "none"}])
    insert("physical_filter", [{"instrument": "Cam", "name": "R", "band": "r"}])
    insert("day_obs", [{"instrument": "Cam", "id": _DAY}])
    insert("visit_system", [{"instrument": "Cam", "id": 0, "name": "one-to-one"}])
    insert("detector", [{"instrument": "Cam", "id": d, "full_name": f"D{d}"} for d in range(2)])
    numbers = range(1, exposures + 1)
    insert("group", [{"instrument": "Cam", "name": f"g{n}"} for n in numbers])
    common = [
        {
            "instrument": "Cam",
            "id": n,
            "physical_filter": "R",
            "day_obs": _DAY,
            "timespan": Timespan(*(_time(n, second) for second in (0, 30))),
        }
        for n in numbers
    ]
    insert("exposure", [{**row, "obs_id": f"o{row['id']}", "group": f"g{row['id']}"} for row in common])
    insert("visit", [{**row, "name": f"v{row['id']}"} for row in common])
    insert("visit_definition", [{"instrument": "Cam", "exposure": n, "visit": n} for n in numbers])
    insert("visit_system_membership", [{"instrument": "Cam", "visit": n, "visit_system": 0} for n in numbers])
