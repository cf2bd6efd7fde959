# SPDX-License-Identifier: BSD-3-Clause
"""Ids of datasets and quanta: UUIDs, one or many at a time.

Many ids are an array of shape (n, 16), uint8, in network order; such rows sort as the ids do.
"""

from __future__ import annotations

import enum
import itertools
import os
import secrets
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from pachon.dimensions import DataCoordinate, DataIdTable
from pachon.dimensions.instances import make_instances

__all__ = [
    "DatasetId",
    "IdMode",
    "deterministic_id",
    "deterministic_ids",
    "id_keys",
    "ids_from_uuids",
    "new_id",
    "new_ids",
    "uuids_from_ids",
]

DatasetId = uuid.UUID

NAMESPACE: Final = uuid.UUID("840b31d9-05cd-5161-b2c8-00d32b280d0f")
"""Of the reproducible ids; itself the version-5 id of ``lsst.org`` among DNS names."""


class IdMode(enum.Enum):
    """How the id of a dataset is made."""

    UNIQUE = "unique"
    """Version 7: sorted by time."""
    DATAID_TYPE = "dataid_type"
    """Version 5 of dataset type and data ID: the same in every repository."""
    DATAID_TYPE_RUN = "dataid_type_run"
    """Version 5 of dataset type, run and data ID."""


class _Counter:
    """The clock and counter behind version-7 ids of this process: strictly ascending."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.lock = threading.Lock()
        self.millisecond = 0
        self.next = 0

    def take(self, n: int) -> tuple[int, int]:
        """Reserve n consecutive numbers; give the high 64 bits and the first low 62 bits."""
        with self.lock:
            now = time.time_ns() // 1_000_000
            if now > self.millisecond or self.next + n >= 2**74:
                self.millisecond = max(now, self.millisecond + 1)
                # The top bits are random, so ids of different processes differ; a free bit leaves room to count.
                self.next = secrets.randbits(73)
            if (self.next & (2**62 - 1)) + n > 2**62:
                self.next = ((self.next >> 62) + 1) << 62
            first = self.next
            self.next += n
            high = (self.millisecond << 16) | 0x7000 | (first >> 62)
            return high, first & (2**62 - 1)


_counter = _Counter()
# A forked child must not go on with its parent's numbers.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_counter.reset)


def new_ids(n: int) -> np.ndarray:
    """Make n version-7 ids in ascending order.

    Returns
    -------
    numpy.ndarray
        Shape (n, 16), uint8.

    Notes
    -----
    Ids of one call are consecutive numbers, which keeps indices dense and lets files compress them.
    """
    words = np.empty((n, 2), dtype=">u8")
    if n:
        high, low = _counter.take(n)
        words[:, 0] = high
        words[:, 1] = np.arange(low, low + n, dtype=np.uint64) | np.uint64(1 << 63)
    return words.view(np.uint8).reshape(n, 16)


def new_id() -> uuid.UUID:
    """Make one version-7 id."""
    high, low = _counter.take(1)
    return uuid.UUID(int=(high << 64) | (1 << 63) | low)


def deterministic_id(dataset_type: str, data_id: DataCoordinate, run: str | None = None) -> uuid.UUID:
    """Make the version-5 id of a dataset type and data ID, and of a run if one is given.

    The name that is hashed is ``dataset_type=<name>[,run=<run>],<dimension>=<value>,...`` with
    the required dimensions in alphabetic order.
    """
    parts = [f"dataset_type={dataset_type}"]
    if run is not None:
        parts.append(f"run={run}")
    parts.extend(f"{name}={value}" for name, value in sorted(data_id.required.items()))
    return uuid.uuid5(NAMESPACE, ",".join(parts))


def deterministic_ids(dataset_type: str, data_ids: DataIdTable, run: str | None = None) -> np.ndarray:
    """Make the version-5 ids of many data IDs, shape (n, 16), uint8."""
    return ids_from_uuids(deterministic_id(dataset_type, data_id, run) for data_id in data_ids)


def ids_from_uuids(ids: Iterable[uuid.UUID]) -> np.ndarray:
    """Put UUIDs into an array of shape (n, 16), uint8."""
    data = b"".join([item.bytes for item in ids])
    return np.frombuffer(data, dtype=np.uint8).reshape(-1, 16).copy()


def uuids_from_ids(ids: np.ndarray) -> list[uuid.UUID]:
    """Make UUIDs of an array of shape (n, 16), uint8."""
    data = np.ascontiguousarray(ids, dtype=np.uint8).tobytes()
    parts = [data[start : start + 16] for start in range(0, len(data), 16)]
    # UUID's constructor checks its other arguments, which takes most of the time of a long list.
    return make_instances(
        uuid.UUID, len(parts), int=map(int.from_bytes, parts), is_safe=itertools.repeat(uuid.SafeUUID.unknown)
    )


def id_keys(ids: np.ndarray | Sequence[np.ndarray]) -> np.ndarray:
    """View ids as one comparable, sortable item each: shape (n,), 16-byte strings.

    Byte strings of numpy drop trailing zeros when they become Python objects, so these keys are for
    sorting, searching and comparing with each other only.
    """
    array = np.ascontiguousarray(ids, dtype=np.uint8).reshape(-1, 16)
    return array.view("S16").reshape(-1)
