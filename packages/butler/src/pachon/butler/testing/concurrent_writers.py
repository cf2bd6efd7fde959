# SPDX-License-Identifier: BSD-3-Clause
"""What one of several processes does to a shared repository, for tests of writing at the same time.

They lie in an installed module, as a new process must be able to import them by name.
"""

from __future__ import annotations

from pathlib import Path

from pachon.base import ConflictError
from pachon.butler import Butler, RepositoryExistsError
from pachon.datasets import CollectionType, DatasetType

__all__ = ["create_once", "put_and_prune", "put_same", "put_until_told", "register_same"]


def put_same(arguments: tuple[str, int]) -> str:
    """Put one data ID, and say whether this process won."""
    root, number = arguments
    with Butler.open(root, run="run", instrument="Cam") as butler:
        try:
            butler.put({"by": number}, "gain", detector=1)
        except ConflictError:
            return "conflict"
        return f"put {number}"


def register_same(arguments: tuple[str, int]) -> int:
    """Register one dataset type and put into a run of its own; give 1 if the registration was new."""
    root, number = arguments
    with Butler.open(root, run=f"run/{number}", instrument="Cam") as butler:
        made = int(
            butler.dataset_types.register(
                DatasetType("new", ("detector",), "StructuredDataDict", universe=butler.universe)
            )
        )
        butler.collections.register("chain", CollectionType.CHAINED)
        butler.put({"by": number}, "new", detector=number % 4)
        butler.collections.extend("chain", f"run/{number}")
        return made


def put_and_prune(arguments: tuple[str, int]) -> int:
    """Put and prune the same data IDs in turns; give how many puts went through."""
    root, number = arguments
    kept = 0
    with Butler.open(root, run="shared", instrument="Cam") as butler:
        for turn in range(12):
            try:
                ref = butler.put({"turn": turn, "by": number}, "gain", detector=turn % 2)
            except ConflictError:
                found = butler.find_dataset("gain", detector=turn % 2)
                if found is not None:
                    butler.prune([found], purge=True)
            else:
                kept += ref.run == "shared"
    return kept


def create_once(root: str) -> str:
    """Create a repository, and say whether this process made it."""
    try:
        Butler.create(root).close()
    except RepositoryExistsError:
        return "exists"
    return "made"


def put_until_told(arguments: tuple[str, str, int]) -> list[str]:
    """Put into a run of its own, some at a time, until a file appears; give the ids."""
    root, stop, number = arguments
    written: list[str] = []
    with Butler.open(root, run=f"run/{number}", instrument="Cam") as butler:
        exposures = [(exposure, detector) for exposure in (1, 2, 3, 4) for detector in range(4)]
        for turn in range(1000):
            if Path(stop).exists():
                break
            items = [({"turn": turn}, "raw", {"exposure": e, "detector": d}) for e, d in exposures[turn % 8 :: 8]]
            written += [str(ref.id) for ref in butler.put_many(items, run=f"run/{number}/{turn}")]
    return written
