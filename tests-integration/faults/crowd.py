# SPDX-License-Identifier: BSD-3-Clause
"""Many processes that write to and read from one repository at the same time, and what each of them saw."""

from __future__ import annotations

import os
import pickle
import random
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from faults.checking import key_of
from faults.state import DETECTORS, Key, content, number_of
from pachon.base import ConflictError, NotFoundError
from pachon.butler import Butler

CHAIN = "chain"
SHARED = "r/0"


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one process did and saw."""

    acknowledged: dict[Key, int] = field(default_factory=dict)
    """Datasets in its own run, which nobody removes."""
    shared_puts: int = 0
    conflicts: int = 0
    removals: int = 0
    reads: int = 0
    vanished: int = 0
    """Datasets that were found and removed by another before they were read."""
    error: str = ""


def number_for(detector: int, writer: int, turn: int) -> int:
    """Make a number that tells the detector, so that a mixed-up dataset is noticed."""
    return (writer * 10_000 + turn) * 4 + detector


def write(root: str, who: int, seconds: float, seed: str) -> Seen:
    """Put into the shared run, which all write to, and into a run of one's own at the front of the chain."""
    seen, chance = Seen(), random.Random(f"{seed}-{who}")
    own, turn = f"w/{who}", 0
    with Butler.open(root, run=SHARED, instrument="Cam") as butler:
        until = time.monotonic() + seconds
        while time.monotonic() < until or not seen.shared_puts:
            turn += 1
            detector = chance.choice(DETECTORS)
            number = number_for(detector, who, turn)
            key = Key(own, "gain", detector)
            if key not in seen.acknowledged:
                butler.put(content(number), "gain", detector=detector, run=own)
                seen.acknowledged[key] = number
                butler.collections.prepend(CHAIN, own)
            try:
                butler.put(content(number), "bias", detector=detector)
                seen.shared_puts += 1
            except ConflictError:
                seen.conflicts += 1
                found = butler.find_dataset("bias", detector=detector)
                if found is not None:
                    butler.prune([found], purge=True)
                    seen.removals += 1
    return seen


def read(root: str, who: int, seconds: float, seed: str) -> Seen:
    """Read what the chain shows; each dataset that is found is whole and the right one, or was removed meanwhile."""
    seen, chance = Seen(), random.Random(f"{seed}-{who}")
    with Butler.open(root, collections=CHAIN, instrument="Cam") as butler:
        until = time.monotonic() + seconds
        while time.monotonic() < until or not seen.reads:
            for ref in butler.query_datasets(chance.choice(("gain", "bias"))):
                try:
                    number = number_of(key_of(ref), butler.get(ref))
                except NotFoundError:
                    assert ref.run == SHARED, f"{ref} vanished, and nobody removes it"
                    seen.vanished += 1
                    continue
                assert number % 4 == ref.data_id["detector"], f"{ref} has the content of another"
                seen.reads += 1
    return seen


def run_crowd(root: str, writers: int, readers: int, seconds: float, seed: str) -> list[Seen]:
    """Start the processes, wait for their end, and give what each saw: writers first."""
    roles: list[Callable[[str, int, float, str], Seen]] = [write] * writers + [read] * readers
    with tempfile.TemporaryDirectory() as folder:
        children = []
        for who, role in enumerate(roles):
            child = os.fork()
            if child == 0:
                _be(role, root, who, seconds, seed, Path(folder))
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        return [pickle.loads((Path(folder) / str(who)).read_bytes()) for who in range(len(roles))]


def _be(
    role: Callable[[str, int, float, str], Seen], root: str, who: int, seconds: float, seed: str, folder: Path
) -> None:
    try:
        seen = role(root, who, seconds, seed)
    except BaseException:  # noqa: BLE001 (told to the test)
        seen = Seen(error=traceback.format_exc())
    (folder / str(who)).write_bytes(pickle.dumps(seen))
    os._exit(0)
