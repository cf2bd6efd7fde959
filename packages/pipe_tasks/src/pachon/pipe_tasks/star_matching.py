# SPDX-License-Identifier: BSD-3-Clause
"""The same stars in two lists, when nothing but a shift (and a little more) lies between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray, IntArray
from pachon.pipe_tasks.similarity import Similarity, fit_similarity

__all__ = ["Match", "Offset", "match_stars", "vote_offset"]


_FLOOR = 0.02
"""Least positional error of a star as a fraction of the matching tolerance: the images are not perfect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """A shift on which many pairs of stars agree."""

    dx: float
    dy: float
    votes: int
    """Stars that have a partner at this shift."""

    expected: float
    """Partners that chance would give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Two star lists laid on each other."""

    transform: Similarity
    """Brings the first list onto the second."""

    first: IntArray
    """Rows of the first list..."""

    second: IntArray
    """...and of their partners; pairs rejected as outliers are not here."""

    rms: float
    """Root mean square distance of the pairs after the transformation (both axes together, in the unit of the
    positions), each pair weighted by the inverse of its expected variance: what bright stars show."""

    @property
    def n_matched(self) -> int:
        """Number of pairs."""
        return len(self.first)


def vote_offset(
    first: FloatArray, second: FloatArray, *, max_offset: float, tolerance: float, brightest: int = 200
) -> Offset | None:
    """Find the shift that brings most stars of one list onto stars of another.

    Parameters
    ----------
    first, second
        Positions (n, 2), brightest first.
    max_offset
        Longest shift that is looked for.
    tolerance
        How well a pair must fit; stars further apart than this, compared with rotation, distortion and centroid errors.
    brightest
        So many of each list take part.

    Returns
    -------
    Offset or None
        None if no shift has more votes than chance gives.

    Notes
    -----
    Every pair of stars votes for its difference. The votes are counted in cells of the tolerance and the fullest block
    of 2 x 2 cells wins, after which the median of the votes within one tolerance is the answer. Cost: the product of
    the lengths.
    """
    first, second = first[:brightest], second[:brightest]
    if not len(first) or not len(second):
        return None
    differences = (second[None, :, :] - first[:, None, :]).reshape(-1, 2)
    differences = differences[np.hypot(differences[:, 0], differences[:, 1]) <= max_offset]
    if not len(differences):
        return None
    cells = int(np.ceil(2.0 * max_offset / tolerance)) + 1
    edges = (-max_offset, -max_offset + cells * tolerance)
    counts, x_edges, y_edges = np.histogram2d(differences[:, 0], differences[:, 1], bins=cells, range=(edges, edges))
    padded = np.pad(counts, ((0, 1), (0, 1)))
    blocks = padded[:-1, :-1] + padded[1:, :-1] + padded[:-1, 1:] + padded[1:, 1:]
    i, j = np.unravel_index(int(np.argmax(blocks)), blocks.shape)
    center = np.array([x_edges[i] + tolerance, y_edges[j] + tolerance])
    # The corner of a block is 1.41 tolerances from its middle.
    for reach in (1.5 * tolerance, tolerance, tolerance):
        near = differences[np.hypot(*(differences - center).T) <= reach]
        if not len(near):
            return None
        center = np.median(near, axis=0)
    chance = len(differences) * tolerance**2 / max_offset**2
    # A star may have two votes here where stars are dense; a vote counts once for each star of the shorter list.
    votes = min(len(near), len(first), len(second))
    # The fullest of many cells: chance reaches about five deviations above its mean somewhere.
    if votes < chance + 5.0 * np.sqrt(chance) + 3.0:
        return None
    return Offset(dx=float(center[0]), dy=float(center[1]), votes=votes, expected=float(chance))


def match_stars(
    first: FloatArray,
    second: FloatArray,
    *,
    start: Similarity,
    tolerance: float,
    fit: str = "shift",
    errors: tuple[FloatArray, FloatArray] | None = None,
    clip: float = 3.0,
    iterations: int = 6,
) -> Match:
    """Pair the stars of two lists and fit the transformation between them.

    Parameters
    ----------
    first, second
        Positions (n, 2).
    start
        Brings the first list near the second.
    tolerance
        Largest distance of a pair at the start; it shrinks as the fit improves.
    fit
        ``shift`` or ``similarity`` (shift, rotation and scale). A similarity needs four pairs; else a shift is fitted.
    errors
        Standard deviation of the positions of either list, one a star (per axis): weights of the fit; equal by default.
    clip
        Pairs further apart than this many times what scatter (robust) or their errors explain are dropped.

    Returns
    -------
    Match
        With no pairs if none are near.
    """
    from scipy.spatial import cKDTree

    transform, reach, rms = start, tolerance, float("nan")
    rows: IntArray = np.zeros(0, dtype=np.intp)
    partners = rows
    if not len(first) or not len(second):
        return Match(transform=transform, first=rows, second=partners, rms=rms)
    tree = cKDTree(second)
    for _ in range(iterations):
        moved = transform.apply(first)
        _, partner = tree.query(moved, distance_upper_bound=reach)
        _, back = cKDTree(moved).query(second, distance_upper_bound=reach)
        rows = np.flatnonzero(partner < len(second))
        rows = rows[back[partner[rows]] == rows]  # each the other's nearest
        partners = partner[rows]
        if not len(rows):
            break
        variance = np.full(len(rows), (0.1 * tolerance) ** 2)
        if errors is not None:
            variance = errors[0][rows] ** 2 + errors[1][partners] ** 2 + (_FLOOR * tolerance) ** 2
        residual = second[partners] - moved[rows]
        residual = residual - np.median(residual, axis=0)
        # At least 1: errors that are stated too large must not keep wrong pairs, nor too small ones drop right pairs.
        scatter = 1.4826 * float(np.median(np.abs(residual) / np.sqrt(variance)[:, None])) if len(rows) > 3 else 1.0
        kept = np.hypot(*residual.T) <= clip * max(scatter, 1.0) * np.sqrt(2.0 * variance)
        rows, partners, variance = rows[kept], partners[kept], variance[kept]
        transform = fit_similarity(first[rows], second[partners], model=fit, weights=1.0 / variance)
        residual = second[partners] - transform.apply(first[rows])
        rms = float(np.sqrt(np.average(np.sum(residual**2, axis=1), weights=1.0 / variance)))
        reach = min(tolerance, max(5.0 * rms, 0.3 * tolerance))
    return Match(transform=transform, first=rows, second=partners, rms=rms)
