# SPDX-License-Identifier: BSD-3-Clause
"""A repository with one camera, two nights, and a few dataset types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pachon.butler.butler import Butler
from pachon.datasets import DatasetType
from pachon.dimensions import Timespan

__all__ = ["EXPOSURES", "add_example_records", "make_example_repository"]

EXPOSURES = {1: (20260101, 1), 2: (20260101, 2), 3: (20260102, 1), 4: (20260102, 2)}
"""Exposure: (day_obs, seq_num). Odd ones are in filter Cam-g, even ones in Cam-r; each is a visit of the same number."""

TYPES = (
    ("raw", ("instrument", "exposure", "detector"), "StructuredDataDict", False),
    ("flat_measurement", ("instrument", "exposure", "detector"), "StructuredDataDict", False),
    ("pvi", ("instrument", "visit", "detector"), "StructuredDataDict", False),
    ("gain", ("instrument", "detector"), "StructuredDataDict", False),
    ("bias", ("instrument", "detector"), "StructuredDataDict", True),
    ("note", (), "StructuredDataDict", False),
)


def make_example_repository(root: str | Path) -> Butler:
    """Make the repository and give a writeable butler of it, without datasets.

    Instrument ``Cam`` has detectors 0 to 3 (``S00`` ...; raft ``R0`` holds the first two), and exposures as in `EXPOSURES`.
    """
    butler = Butler.create(str(root))
    add_example_records(butler)
    for name, dimensions, storage_class, is_calibration in TYPES:
        butler.dataset_types.register(
            DatasetType(name, dimensions, storage_class, is_calibration=is_calibration, universe=butler.universe)
        )
    return butler


def add_example_records(butler: Butler, instrument: str = "Cam") -> None:
    """Insert the dimension records of one camera."""

    def of(**fields: Any) -> dict[str, Any]:
        return {"instrument": instrument, **fields}

    insert = butler.dimension_records.insert
    insert("instrument", [{"name": instrument, "class_name": "cam", "visit_system": 0, "detector_max": 4}])
    insert("physical_filter", [of(name=f"{instrument}-{band}", band=band) for band in "gr"])
    detectors = [of(id=n, full_name=f"S{n:02d}", raft=f"R{n // 2}", name_in_raft=f"S{n % 2}") for n in range(4)]
    insert("detector", detectors)
    insert("day_obs", [of(id=day, timespan=Timespan.for_day_obs(day)) for day in (20260101, 20260102)])
    insert("group", [of(name=f"g{n}") for n in EXPOSURES])
    insert("visit_system", [of(id=0, name="one-to-one"), of(id=1, name="by-group")])
    shared = [
        of(
            id=n,
            physical_filter=f"{instrument}-{'g' if n % 2 else 'r'}",
            day_obs=day,
            seq_num=seq,
            timespan=Timespan(
                f"{day // 10000}-{day // 100 % 100:02d}-{day % 100:02d}T0{seq}:00:00",
                f"{day // 10000}-{day // 100 % 100:02d}-{day % 100:02d}T0{seq}:01:00",
            ),
        )
        for n, (day, seq) in EXPOSURES.items()
    ]
    insert("exposure", [{**row, "obs_id": f"obs{row['id']}", "group": f"g{row['id']}"} for row in shared])
    insert("visit", [{**row, "name": f"v{row['id']}"} for row in shared])
    insert("visit_definition", [of(visit=n, exposure=n) for n in EXPOSURES])
    insert("visit_system_membership", [of(visit=n, visit_system=0) for n in EXPOSURES])
