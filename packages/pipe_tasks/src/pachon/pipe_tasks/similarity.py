# SPDX-License-Identifier: BSD-3-Clause
"""Shift, rotation and scale in a plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray

__all__ = ["Similarity", "fit_similarity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Similarity:
    """``p -> pivot + scale * R(rotation) (p - pivot) + (dx, dy)``."""

    dx: float = 0.0
    dy: float = 0.0
    rotation: float = 0.0
    """Degrees, counter-clockwise where y points up."""

    scale: float = 1.0
    pivot: tuple[float, float] = (0.0, 0.0)

    def apply(self, points: FloatArray) -> FloatArray:
        """Transform positions (n, 2)."""
        angle = np.deg2rad(self.rotation)
        matrix = self.scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        pivot = np.asarray(self.pivot)
        return np.asarray((np.asarray(points) - pivot) @ matrix.T + pivot + (self.dx, self.dy))


def fit_similarity(
    first: FloatArray, second: FloatArray, *, model: str = "shift", weights: FloatArray | None = None
) -> Similarity:
    """Fit the transformation from one set of positions to another by least squares.

    Parameters
    ----------
    first, second
        Positions (n, 2) of the same stars, at least one.
    model
        ``shift`` or ``similarity``; with less than four stars a shift is fitted.
    weights
        One a star; equal by default.

    Returns
    -------
    Similarity
        About the weighted mean of the first positions, so that the shift is what the middle of the stars moves.

    References
    ----------
    The closed form is that of Umeyama (1991, IEEE PAMI 13, 376) in two dimensions.
    """
    weight = np.ones(len(first)) if weights is None else np.asarray(weights, dtype=float)
    weight = weight / weight.sum()
    pivot, target = weight @ first, weight @ second
    shift = target - pivot
    rotation, scale = 0.0, 1.0
    if model == "similarity" and len(first) >= 4:
        a = (first - pivot) @ np.array([1.0, 1.0j])
        b = (second - target) @ np.array([1.0, 1.0j])
        factor = np.sum(weight * np.conj(a) * b) / np.sum(weight * np.abs(a) ** 2)
        rotation, scale = float(np.rad2deg(np.angle(factor))), float(np.abs(factor))
    return Similarity(
        dx=float(shift[0]),
        dy=float(shift[1]),
        rotation=rotation,
        scale=scale,
        pivot=(float(pivot[0]), float(pivot[1])),
    )
