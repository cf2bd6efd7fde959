# SPDX-License-Identifier: BSD-3-Clause
"""What a repository holds, as a value: the model that all fault tests compare with what they find."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

DETECTORS = range(4)
RUNS = ("r/0", "r/1", "r/2")
TAG = "tag"
CALIBRATIONS = "calib"


class Key(NamedTuple):
    """Names one dataset."""

    run: str
    type: str
    """``gain`` (YAML), ``bias`` (YAML, a calibration) or ``table`` (Parquet, which its formatter writes itself)."""
    detector: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All datasets with the number that stands for their content (None: known, not stored), tags and certifications."""

    datasets: Mapping[Key, int | None] = field(default_factory=dict)
    tagged: frozenset[Key] = frozenset()
    certified: frozenset[Key] = frozenset()

    def with_datasets(self, new: Mapping[Key, int | None]) -> Self:
        """Add datasets, or change whether they are stored."""
        return replace(self, datasets={**self.datasets, **new})

    def without(self, keys: Iterable[Key]) -> Self:
        """Remove datasets wholly."""
        gone = frozenset(keys)
        left = {key: number for key, number in self.datasets.items() if key not in gone}
        return replace(self, datasets=left, tagged=self.tagged - gone, certified=self.certified - gone)

    def stored(self) -> list[Key]:
        """Give what can be read, in order."""
        return sorted(key for key, number in self.datasets.items() if number is not None)

    def free(self) -> list[Key]:
        """Give what could be put, in order."""
        every = [Key(run, kind, n) for run in RUNS for kind in ("gain", "bias", "table") for n in DETECTORS]
        return [key for key in every if key not in self.datasets]


def content(number: int) -> dict[str, Any]:
    """Give the plain object that a number stands for: no two are alike, and some are larger than a page."""
    text = random.Random(number).choices("abcdefghijklmnop", k=20 + number * 37 % 9000)
    return {"n": number, "text": "".join(text)}


def make_object(key: Key, number: int) -> Any:
    """Give the object of a dataset."""
    if key.type != "table":
        return content(number)
    from astropy.table import Table

    return Table({"n": [number] * 3, "text": [content(number)["text"]] * 3})


def number_of(key: Key, obj: Any) -> int:
    """Give the number of an object that was read; it must be whole."""
    if key.type != "table":
        assert obj == content(obj["n"]), f"{key} has wrong content"
        return int(obj["n"])
    number = int(obj["n"][0])
    assert list(obj["n"]) == [number] * 3, f"{key} has wrong content"
    assert set(obj["text"]) == {content(number)["text"]}, f"{key} has wrong content"
    return number
