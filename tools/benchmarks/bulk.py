# SPDX-License-Identifier: BSD-3-Clause
"""Many datasets at a time: puts in one commit beside single ones, and files that are ingested where they lie."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from phases import DeviceFloor, Phases, peak_megabytes

NIGHTS = 20_300_000
"""Numbers of the nights that tell the files of a detector apart begin here."""
PUTS = 1000
"""Objects that are put in one commit."""
LINKS = 50_000
"""Names of one file at most: ext4 allows 65,000."""
SINGLE_PUTS = 100
"""Objects that are put one by one in a turn."""
TURNS = 5
"""Single puts and a put of many, in turns."""


def put_in_bulk(phases: Phases, butler: Any, root: Path, detectors: int) -> None:
    """Put small objects one by one and in one commit, in turns, for the disk's sake."""
    from pachon.datasets import DatasetType

    add_nights(butler, -(-PUTS // detectors))
    dimensions = ("instrument", "detector", "day_obs")
    butler.dataset_types.register(DatasetType("small", dimensions, "StructuredDataDict", universe=butler.universe))
    ids = [{"instrument": "Cam", "detector": n % detectors, "day_obs": NIGHTS + n // detectors} for n in range(PUTS)]
    single: list[float] = []
    device: list[float] = []
    many: list[float] = []
    created: list[float] = []
    floor = DeviceFloor(root, "bulk_floor")
    for turn in range(TURNS):
        for place, data_id in enumerate(ids[SINGLE_PUTS * turn : SINGLE_PUTS * (turn + 1)], SINGLE_PUTS * turn):
            start = time.perf_counter()
            floor.step(place)
            between = time.perf_counter()
            butler.put({"v": 1}, "small", data_id, run="bulk/single")
            single.append(time.perf_counter() - between)
            device.append(between - start)
        created.append(create_files(root / f"bulk_files{turn}", PUTS))
        start = time.perf_counter()
        butler.put_many([({"v": 1}, "small", data_id) for data_id in ids], run=f"bulk/many{turn}")
        many.append(time.perf_counter() - start)
    floor.close()
    phases.seconds["floor_1000_single"] = PUTS * median(device)
    phases.seconds["put_1000_single"] = PUTS * median(single)
    phases.seconds["floor_1000_files"] = median(created)
    phases.seconds["put_many_1000"] = median(many)


def create_files(folder: Path, count: int) -> float:
    """Make small files without any sync, and give the seconds.

    ext4 passes by the inodes of files that were removed in the last minutes, one by one for each new file: where thousands were
    removed nearby, this alone takes many times longer.
    """
    folder.mkdir()
    start = time.perf_counter()
    for number in range(count):
        descriptor = os.open(folder / str(number), os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        os.write(descriptor, b"v: 1\n")
        os.close(descriptor)
    return time.perf_counter() - start


def ingest_in_place(phases: Phases, butler: Any, root: Path, count: int, detectors: int) -> None:
    """Ingest small files that lie in the repository or elsewhere, with and without checksums, in each form."""
    from pachon.datasets import DatasetType, FileDataset, FileTable

    nights = -(-count // detectors)
    add_nights(butler, nights)
    dimensions = ("instrument", "detector", "day_obs")
    butler.dataset_types.register(DatasetType("noted", dimensions, "StructuredDataDict", universe=butler.universe))
    folder = root / "repo" / "mine"
    paths = list(make_files(folder, count, detectors))
    night = NIGHTS + np.arange(count) // detectors
    detector = np.arange(count) % detectors

    def objects() -> Iterator[Any]:
        for path, n, d in zip(paths, night.tolist(), detector.tolist(), strict=True):
            yield FileDataset(path, dataset_type="noted", data_ids={"instrument": "Cam", "detector": d, "day_obs": n})

    columns = {"instrument": "Cam", "detector": detector, "day_obs": night}
    for checksum in (False, True):
        words = "sums" if checksum else "plain"
        for transfer in (None, "direct"):
            where = "inside" if transfer is None else "direct"
            files = list(objects()) if count <= 100_000 else objects()
            with phases.phase(f"ingest_{where}_{words}"):
                butler.ingest(files, run=f"noted/{where}/{words}", transfer=transfer, checksum=checksum)
            del files
        table = FileTable(paths, dataset_type="noted", data_ids=columns)
        with phases.phase(f"ingest_table_{words}"):
            butler.ingest(table, run=f"noted/table/{words}", transfer=None, checksum=checksum)
    phases.seconds["ingest_peak_mb"] = peak_megabytes()
    phases.counts["ingest_in_place"] = count


def make_files(folder: Path, count: int, detectors: int) -> Iterator[str]:
    """Make links to a few small files (a file has no more than LINKS names), a folder a night, and give their paths."""
    folder.mkdir(parents=True)
    for number in range(count):
        night, detector = divmod(number, detectors)
        if detector == 0:
            (folder / str(night)).mkdir()
        if number % LINKS == 0:
            source = folder / f"source{number}.yaml"
            source.write_text("v: 1\n" * 20)
        path = f"{folder}/{night}/{detector}.yaml"
        os.link(source, path)
        yield path


def add_nights(butler: Any, count: int) -> None:
    """Insert the records of nights, as many as are not there."""
    rows = [{"instrument": "Cam", "id": NIGHTS + number} for number in range(count)]
    butler.dimension_records.insert("day_obs", rows, skip_existing=True)
