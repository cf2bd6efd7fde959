# SPDX-License-Identifier: BSD-3-Clause
"""Which composites are taken apart when they are written."""

from __future__ import annotations

from collections.abc import Mapping

from pachon.datasets import DatasetRef, StorageClass
from pachon.datastore.errors import DatastoreConfigError
from pachon.datastore.lookup_key import LookupTable
from pachon.dimensions import DimensionUniverse

__all__ = ["Composites"]


class Composites:
    """The section ``composites`` of a datastore: ``{default: false, disassembled: {key: bool}}``."""

    def __init__(self, default: bool, disassembled: Mapping[str, object], universe: DimensionUniverse) -> None:
        self.default = default
        self.table: LookupTable[bool] = LookupTable.parse(
            disassembled, universe, _boolean, where="composites.disassembled"
        )

    def disassembles(self, ref: DatasetRef, storage_class: StorageClass) -> bool:
        """Tell whether a dataset is written as one file for each component."""
        if not storage_class.components:
            return False
        found = self.table.find_for(ref)
        return self.default if found is None else found[1]


def _boolean(written: object, where: str) -> bool:
    if not isinstance(written, bool):
        raise DatastoreConfigError(f"{where} must be true or false, not {written!r}.")
    return written
