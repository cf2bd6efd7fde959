# SPDX-License-Identifier: BSD-3-Clause
"""The magnitude of one electron a second, from standard stars in the field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pachon.pipe_tasks.arrays import FloatArray, IntArray

__all__ = ["StandardMatch", "ZeroPoint", "fit_zero_point", "match_standards"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandardMatch:
    """Standard stars found among the sources of a visit."""

    standards: IntArray
    """Rows of the standards..."""

    sources: IntArray
    """...and of the sources that they are."""

    dx: float
    """How far the standards lie from where the WCS puts them (same unit as the positions)."""

    dy: float
    scatter: float
    """Robust scatter of catalogue minus instrumental magnitude (mag)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroPoint:
    """Catalogue magnitude = instrumental magnitude + value."""

    value: float
    """mag"""

    error: float
    """Standard error of the mean (mag), from the scatter; from the photometric errors with less than two stars."""

    scatter: float
    """Standard deviation of one star (mag), NaN of less than two."""

    residuals: FloatArray
    """One a star given, rejected ones included (mag)."""

    used: FloatArray
    """Whether each star is in the mean."""


def match_standards(
    standards: FloatArray,
    magnitudes: FloatArray,
    sources: FloatArray,
    instrumental: FloatArray,
    *,
    max_offset: float,
    tolerance: float,
    magnitude_tolerance: float = 0.5,
    minimum: int = 2,
    certain: int = 3,
    brightest: int = 100,
    anchors: int = 12,
    judges: int = 40,
) -> StandardMatch | None:
    """Find standard stars although the pointing is wrong by much more than the stars are apart.

    Parameters
    ----------
    standards, sources
        Positions (n, 2) in one plane.
    magnitudes, instrumental
        Catalogue magnitudes, and instrumental ones of the sources.
    max_offset
        Longest error of the pointing.
    tolerance
        How well the positions of standards relative to each other must fit.
    magnitude_tolerance
        How well their magnitudes must (mag): a difference between two standards is one between two sources.
    minimum
        So many must be found. With less than ``certain`` of them, the pointing error must be shorter than the
        tolerance, or the standards be the brightest sources, for chance to be excluded.
    brightest
        So many of the sources, brightest first, take part in the search for the offset.
    anchors, judges
        The brightest so many standards make hypotheses for the offset, and judge them; the rest is matched when the
        offset is known.

    Returns
    -------
    StandardMatch or None

    Notes
    -----
    Every pair of an anchor and a source is a hypothesis for the offset; it is judged by how many standards it puts on
    sources with the same difference of magnitude, then by the scatter of those differences.
    """
    order = np.argsort(instrumental, kind="stable")
    order = order[np.isfinite(instrumental[order])]
    usable = np.flatnonzero(np.isfinite(magnitudes) & np.isfinite(standards).all(axis=1))
    usable = usable[np.argsort(magnitudes[usable], kind="stable")]
    if not len(order) or not len(usable):
        return None
    some, bright = usable[:judges], order[:brightest]
    best: StandardMatch | None = None
    for candidate in _hypotheses(
        standards[some],
        magnitudes[some],
        sources[bright],
        instrumental[bright],
        anchors=anchors,
        max_offset=max_offset,
        tolerance=tolerance,
        magnitude_tolerance=magnitude_tolerance,
    ):
        if best is None or _rank(candidate) > _rank(best):
            best = candidate
    if best is None or len(best.standards) < minimum:
        return None
    near = np.hypot(best.dx, best.dy) <= tolerance
    leading = bool(np.all(best.sources < 2 * len(best.standards)))
    if len(best.standards) < certain and not (near or leading):
        return None
    zero = float(np.median(magnitudes[some[best.standards]] - instrumental[bright[best.sources]]))
    pairs = _pairs_at(
        standards[usable] + (best.dx, best.dy),
        magnitudes[usable] - zero,
        sources[order],
        instrumental[order],
        tolerance,
        magnitude_tolerance,
    )
    return _as_match(
        np.column_stack([usable[pairs[:, 0]], order[pairs[:, 1]]]), standards, magnitudes, sources, instrumental
    )


def _rank(match: StandardMatch) -> tuple[int, float]:
    return len(match.standards), -match.scatter


def _hypotheses(
    standards: FloatArray,
    magnitudes: FloatArray,
    sources: FloatArray,
    instrumental: FloatArray,
    *,
    anchors: int,
    max_offset: float,
    tolerance: float,
    magnitude_tolerance: float,
) -> Iterator[StandardMatch]:
    from scipy.spatial import cKDTree

    tree = cKDTree(sources)
    for anchor in range(min(anchors, len(standards))):
        for source in tree.query_ball_point(standards[anchor], max_offset):
            offset = sources[source] - standards[anchor]
            zero = magnitudes[anchor] - instrumental[source]
            pairs = _pairs_at(
                standards + offset, magnitudes - zero, sources, instrumental, tolerance, magnitude_tolerance
            )
            if len(pairs):
                yield _as_match(pairs, standards, magnitudes, sources, instrumental)


def _pairs_at(
    places: FloatArray,
    expected: FloatArray,
    sources: FloatArray,
    instrumental: FloatArray,
    tolerance: float,
    magnitude_tolerance: float,
) -> IntArray:
    """Pair expected standards with sources, shape (n, 2): of those near the place the one with the right magnitude."""
    from scipy.spatial import cKDTree

    pairs: dict[int, tuple[float, int]] = {}
    for standard, near in enumerate(cKDTree(sources).query_ball_point(places, tolerance)):
        fits = [(abs(float(expected[standard] - instrumental[s])), int(s)) for s in near]
        if fits and min(fits)[0] <= magnitude_tolerance:
            difference, source = min(fits)
            if source not in pairs or difference < pairs[source][0]:
                pairs[source] = (difference, standard)
    return np.array(sorted((standard, source) for source, (_, standard) in pairs.items()), dtype=int).reshape(-1, 2)


def _as_match(
    pairs: IntArray, standards: FloatArray, magnitudes: FloatArray, sources: FloatArray, instrumental: FloatArray
) -> StandardMatch:
    shift = np.median(sources[pairs[:, 1]] - standards[pairs[:, 0]], axis=0)
    differences = magnitudes[pairs[:, 0]] - instrumental[pairs[:, 1]]
    return StandardMatch(
        standards=pairs[:, 0],
        sources=pairs[:, 1],
        dx=float(shift[0]),
        dy=float(shift[1]),
        scatter=float(np.median(np.abs(differences - np.median(differences)))),
    )


def fit_zero_point(
    magnitudes: FloatArray, instrumental: FloatArray, errors: FloatArray, *, floor: float = 0.02, clip: float = 3.0
) -> ZeroPoint:
    """Average catalogue minus instrumental magnitudes.

    Parameters
    ----------
    magnitudes, instrumental, errors
        One a star (mag).
    floor
        Added in quadrature to the errors (mag): catalogue, colour and flat field are not better.
    clip
        Stars further from the median than this many times the robust scatter (at least the floor) are left out, of
        four or more.

    Returns
    -------
    ZeroPoint
    """
    difference = np.asarray(magnitudes - instrumental, dtype=float)
    variance = np.asarray(errors, dtype=float) ** 2 + floor**2
    used = np.isfinite(difference) & np.isfinite(variance)
    if np.count_nonzero(used) >= 4:
        center = np.median(difference[used])
        spread = max(floor, 1.4826 * float(np.median(np.abs(difference[used] - center))))
        used &= np.abs(difference - center) <= clip * spread
    count = int(np.count_nonzero(used))
    if count == 0:
        nan = float("nan")
        return ZeroPoint(value=nan, error=nan, scatter=nan, residuals=difference, used=used)
    value = float(np.average(difference[used], weights=1.0 / variance[used]))
    scatter = float(np.std(difference[used] - value, ddof=1)) if count > 1 else float("nan")
    error = scatter / np.sqrt(count) if count > 1 else float(np.sqrt(variance[used][0]))
    return ZeroPoint(value=value, error=float(error), scatter=scatter, residuals=difference - value, used=used)
