# SPDX-License-Identifier: BSD-3-Clause
"""LSST's side of the writes in bulk: the same objects and files as in `bulk.py`; run in the environment `peer`.

usage: peer_writes.py OUT.json [--detectors D] [--files F]   (through tools/bench --peer)

Its interface has no put of many objects, so the nearest there is stands in: puts within one transaction. Whether checksums
are taken is a matter of the repository's configuration there, so each way has a repository of its own.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from bulk import NIGHTS, PUTS, SINGLE_PUTS, make_files
from lsst.daf.butler import Butler, Config, DataCoordinate, DatasetRef, DatasetType, FileDataset
from phases import Phases, peak_megabytes

DIMENSIONS = ("instrument", "detector", "day_obs")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure writes in bulk with LSST's packages.")
    parser.add_argument("out", type=Path)
    parser.add_argument("--detectors", type=int, default=30)
    parser.add_argument("--files", type=int, default=10_000)
    options = parser.parse_args()
    phases = Phases()
    with tempfile.TemporaryDirectory(prefix="peer-writes-") as name:
        for words, checksum in (("plain", False), ("sums", True)):
            root = Path(name) / words
            butler = make_repository(root, checksum=checksum, detectors=options.detectors, files=options.files)
            if not checksum:
                put_in_bulk(phases, butler, options.detectors)
            ingest_in_place(phases, butler, root, words, options.files, options.detectors)
    phases.seconds["ingest_peak_mb"] = peak_megabytes()
    phases.counts["ingest_in_place"] = options.files
    options.out.write_text(json.dumps({"T": phases.seconds, "C": phases.counts}, indent=1))


def make_repository(root: Path, *, checksum: bool, detectors: int, files: int) -> Any:
    """Make a repository with a camera and as many nights as the files or puts need."""
    config = Config()
    config["datastore", "checksum"] = checksum
    Butler.makeRepo(str(root), config=config)
    butler = Butler.from_config(str(root), writeable=True)
    insert = butler.registry.insertDimensionData
    insert("instrument", {"name": "Cam", "detector_max": detectors, "visit_max": 10**7, "exposure_max": 10**7})
    insert("detector", *({"instrument": "Cam", "id": i, "full_name": f"D{i:03d}"} for i in range(detectors)))
    nights = -(-max(files, PUTS) // detectors)
    insert("day_obs", *({"instrument": "Cam", "id": NIGHTS + number} for number in range(nights)))
    for name in ("small", "noted"):
        butler.registry.registerDatasetType(
            DatasetType(name, DIMENSIONS, "StructuredDataDict", universe=butler.dimensions)
        )
    return butler


def put_in_bulk(phases: Phases, butler: Any, detectors: int) -> None:
    """Put small objects one by one and in one transaction, in turns, for the disk's sake."""
    for run in ("bulk/single", "bulk/many"):
        butler.collections.register(run)
    ids = [{"instrument": "Cam", "detector": n % detectors, "day_obs": NIGHTS + n // detectors} for n in range(PUTS)]
    single: list[float] = []

    def put_single(part: int) -> None:
        for data_id in ids[SINGLE_PUTS * part : SINGLE_PUTS * (part + 1)]:
            start = time.perf_counter()
            butler.put({"v": 1}, "small", data_id, run="bulk/single")
            single.append(time.perf_counter() - start)

    put_single(0)
    with phases.phase("put_many_1000"), butler.transaction():
        for data_id in ids:
            butler.put({"v": 1}, "small", data_id, run="bulk/many")
    put_single(1)
    phases.seconds["put_1000_single"] = PUTS * median(single)


def ingest_in_place(phases: Phases, butler: Any, root: Path, words: str, count: int, detectors: int) -> None:
    """Ingest small files that lie in the repository, by relative and by absolute paths."""
    dataset_type = butler.get_dataset_type("noted")
    paths = list(make_files(root / "mine", count, detectors))

    def objects(run: str) -> Iterator[Any]:
        for number, path in enumerate(paths):
            data_id = DataCoordinate.standardize(
                instrument="Cam",
                detector=number % detectors,
                day_obs=NIGHTS + number // detectors,
                universe=butler.dimensions,
            )
            yield FileDataset(path=path, refs=[DatasetRef(dataset_type, data_id, run=run)])

    for transfer in (None, "direct"):
        where = "inside" if transfer is None else "direct"
        run = f"noted/{where}"
        butler.collections.register(run)
        files = list(objects(run))
        with phases.phase(f"ingest_{where}_{words}"):
            butler.ingest(*files, transfer=transfer)
        del files


if __name__ == "__main__":
    main()
