# SPDX-License-Identifier: BSD-3-Clause
import datetime
import uuid
from typing import Any

import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.time import Time
from lsst.sphgeom import LonLat

from pachon.base import InvalidInputError
from pachon.dimensions import Timespan, region_from_bytes
from pachon.dimensions.region import circle
from pachon.registry.query.binds import bound_constant, bound_members, is_sequence

ID = uuid.UUID(int=5)


@pytest.mark.parametrize(
    ("value", "kind", "stored"),
    [
        (None, "null", None),
        (True, "bool", True),
        (np.bool_(False), "bool", False),
        (5, "int", 5),
        (np.uint8(5), "int", 5),
        (1.5, "float", 1.5),
        (np.float32(1.5), "float", 1.5),
        ("text", "string", "text"),
        (np.str_("text"), "string", "text"),
        (b"xy", "hash", b"xy"),
        (ID, "uuid", ID.bytes),
        (Time(59467.0, format="mjd", scale="tai"), "datetime", 1_631_232_000_000_000_000),
        (datetime.datetime(2021, 9, 10), "datetime", 1_631_232_000_000_000_000),  # noqa: DTZ001  # TAI
        (Timespan.from_ns(1, 5), "timespan", (1, 5)),
    ],
)
def test_scalars(value: Any, kind: str, stored: Any) -> None:
    constant = bound_constant(value, 3)
    assert (constant.type, constant.value, constant.position) == (kind, stored, 3)
    assert type(constant.value) is type(stored)
    assert not is_sequence(value)


@pytest.mark.parametrize("value", [circle(10, 20, 0), LonLat.fromDegrees(10, 20), SkyCoord(10, 20, unit="deg")])
def test_regions(value: Any) -> None:
    constant = bound_constant(value, 0)
    assert not is_sequence(value)
    assert constant.type == "region"
    assert isinstance(constant.value, bytes)
    assert region_from_bytes(constant.value).getBoundingCircle().contains(circle(10, 20, 0).getCenter())


@pytest.mark.parametrize("value", [object(), {}.keys, 2**70, 1j, Time([59467.0, 59468.0], format="mjd")])
def test_others_are_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError):
        bound_constant(value, 0)


@pytest.mark.parametrize("value", [[1, 2], (1, 2), {1, 2}, range(1, 3), np.array([1, 2]), iter([1, 2]), {1: 0, 2: 0}])
def test_sequences(value: Any) -> None:
    assert is_sequence(value)
    assert [constant.value for constant in bound_members(value, 0)] == [1, 2]
