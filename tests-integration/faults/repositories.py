# SPDX-License-Identifier: BSD-3-Clause
"""Repositories of the fault tests, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.state import CALIBRATIONS, TAG
from pachon.butler import Butler
from pachon.butler.testing import add_example_records
from pachon.datasets import CollectionType, DatasetType

TYPES = (("gain", "StructuredDataDict", False), ("bias", "StructuredDataDict", True), ("table", "ArrowAstropy", False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository with the types of `faults.state` and without datasets."""

    root: str
    folder: Path
    """A folder beside the repository, for sources and journals."""

    @classmethod
    def make(
        cls, folder: Path, *, database: str | None = None, datastore: Mapping[str, Any] | None = None
    ) -> Repository:
        """Make one in a folder."""
        root = folder.resolve() / "repo"
        with Butler.create(str(root), database=database, datastore=datastore) as butler:
            add_example_records(butler)
            for name, storage_class, is_calibration in TYPES:
                butler.dataset_types.register(
                    DatasetType(
                        name,
                        ("instrument", "detector"),
                        storage_class,
                        is_calibration=is_calibration,
                        universe=butler.universe,
                    )
                )
            butler.collections.register(TAG, CollectionType.TAGGED)
            butler.collections.register(CALIBRATIONS, CollectionType.CALIBRATION)
        sources = folder.resolve() / "sources"
        sources.mkdir()
        return cls(root=str(root), folder=sources)

    def open(self) -> Butler:
        """Open it for writing."""
        return Butler.open(self.root, writeable=True)
