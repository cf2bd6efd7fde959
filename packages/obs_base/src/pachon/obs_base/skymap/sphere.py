# SPDX-License-Identifier: BSD-3-Clause
"""Directions on the sphere as arrays; all angles in degrees, ICRS."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def unit_vectors(ra: ArrayLike, dec: ArrayLike) -> Floats:
    """Give unit vectors, shape (..., 3), of directions."""
    lon, lat = np.radians(np.asarray(ra, dtype=float)), np.radians(np.asarray(dec, dtype=float))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def directions(vectors: ArrayLike) -> tuple[Floats, Floats]:
    """Give right ascension in [0, 360) and declination of vectors of shape (..., 3)."""
    xyz = np.asarray(vectors, dtype=float)
    ra = np.degrees(np.arctan2(xyz[..., 1], xyz[..., 0])) % 360.0
    dec = np.degrees(np.arctan2(xyz[..., 2], np.hypot(xyz[..., 0], xyz[..., 1])))
    return ra, dec


def offset(ra: ArrayLike, dec: ArrayLike, position_angle: ArrayLike, distance: ArrayLike) -> tuple[Any, Any]:
    """Give the direction at a distance along a position angle (north through east).

    At the poles *north* is what the limit along the meridian of ``ra`` says, so the result is
    defined everywhere.
    """
    lon, lat = np.radians(np.asarray(ra, dtype=float)), np.radians(np.asarray(dec, dtype=float))
    angle, length = np.radians(np.asarray(position_angle)), np.radians(np.asarray(distance))
    up = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    along = np.cos(angle)[..., np.newaxis] * north + np.sin(angle)[..., np.newaxis] * east
    return directions(np.cos(length)[..., np.newaxis] * up + np.sin(length)[..., np.newaxis] * along)


def separation(ra1: ArrayLike, dec1: ArrayLike, ra2: ArrayLike, dec2: ArrayLike) -> Floats:
    """Give the angle between directions (deg); accurate for small and large angles."""
    a, b = unit_vectors(ra1, dec1), unit_vectors(ra2, dec2)
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.asarray(np.degrees(np.arctan2(cross, np.sum(a * b, axis=-1))))


def polygons_as_bytes(vertices: Floats) -> list[bytes]:
    """Encode convex polygons, vertices of shape (n, corners, 3), as stored regions.

    The stored form is the letter ``p`` and the unit vectors as little-endian doubles,
    counter-clockwise as seen from outside the sphere; the order is mended here.
    """
    xyz = np.asarray(vertices, dtype=float)
    xyz = xyz / np.linalg.norm(xyz, axis=-1, keepdims=True)
    turns = np.einsum("ij,ij->i", np.cross(xyz[:, 0], xyz[:, 1]), xyz[:, 2])
    ordered = np.where((turns < 0)[:, np.newaxis, np.newaxis], xyz[:, ::-1], xyz).astype("<f8")
    return [b"p" + polygon.tobytes() for polygon in ordered]
